"""A street's cross-section, and what is painted on it: lane markings and a zebra.

Places are given as (s, lateral): metres along the middle of the road, metres to its right.
"""

from typing import NamedTuple, Tuple

import numpy as np

KERB = 0.12  # metres high
LINE = 0.12  # metres wide

# the table of lane markings: which road each of its rows is for, and how many it holds for each
MAIN_ROAD, BARE, SIDE_STREET = range(3)
MOST_MARKINGS = 8


class Plan(NamedTuple):
    """A street's cross-section and what is along it."""

    lanes: int  # each way
    lane: float  # metres
    parking: Tuple[float, ...]  # metres left and right, 0: none
    pavement: float
    garden: float  # metres between pavement and houses
    soil: str  # grass or paving beyond the pavement
    kerbs: bool
    junction: float  # where a street crosses, 0: nowhere
    mouth: float  # how wide that street is
    zebra: Tuple[float, ...]  # (from, to) along the road, or ()
    yellow: bool

    @property
    def half(self) -> float:
        """Half the width of all lanes."""
        return self.lanes * self.lane

    def edge(self, side: int) -> float:
        """Lateral place of the kerb; side -1 left, 1 right."""
        left, right = self.parking
        if side < 0:
            return side * (self.half + left)
        return side * (self.half + right)

    def front(self, side: int) -> float:
        """Lateral place of the houses' fronts."""
        return self.edge(side) + side * (self.pavement + self.garden)

    def height(self, lateral: float) -> float:
        """Of the ground, above the road."""
        inside = self.edge(-1) <= lateral <= self.edge(1)
        if inside or not self.kerbs:
            return 0.0
        return KERB

    def in_mouth(self, s: float, margin: float = 0.0) -> bool:
        """Whether a place along the road is where the other street crosses, or near that."""
        if self.junction <= 0:
            return False
        reach = self.mouth / 2 + margin
        return abs(s - self.junction) < reach


class Marking(NamedTuple):
    """A painted line along the road."""

    lateral: float
    width: float
    dash: float  # metres painted
    gap: float  # metres not painted, 0: the line is solid
    yellow: float


def marks_of(plan: Plan) -> np.ndarray:
    """Lane markings (3, 8, 5): of the main road, of bare asphalt, of the side street."""
    markings = [Marking(0, LINE, 3, 4.5, plan.yellow)]
    if plan.lanes > 1:
        markings = [Marking(side * LINE, LINE, 0, 0, plan.yellow) for side in (-1, 1)]
    for lane in range(1, plan.lanes):
        markings += [Marking(side * lane * plan.lane, LINE, 3, 6, 0) for side in (-1, 1)]
    markings += [Marking(side * (plan.half - LINE), LINE, 0, 0, 0) for side in (-1, 1)]

    table = np.zeros((3, MOST_MARKINGS, len(Marking._fields)))
    table[MAIN_ROAD, : len(markings)] = markings
    table[SIDE_STREET, 0] = Marking(0, LINE, 2, 2, 0)
    return table


class PaintedArea(NamedTuple):
    """A rectangle painted on the road, solid or in stripes."""

    start: float
    end: float
    left: float
    right: float
    period: float  # from stripe to stripe, 0: solid


def zebra_of(plan: Plan) -> np.ndarray:
    """The zebra and its two stop lines (n, 5), or one row of zeros."""
    if not plan.zebra:
        return np.zeros((1, len(PaintedArea._fields)))
    start, end = plan.zebra
    left = plan.edge(-1) + 0.3
    right = plan.edge(1) - 0.3
    half = plan.half
    areas = [
        PaintedArea(start, end, left, right, 1.0),
        PaintedArea(start - 1.6, start - 1.2, 0.1, half, 0),
        PaintedArea(end + 1.2, end + 1.6, -half, -0.1, 0),
    ]
    return np.array(areas, float)
