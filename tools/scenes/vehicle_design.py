"""One vehicle as numbers: what its id settles of measures, windows, lamps and livery.

No mesh and no picture: `vehicle_body` lofts it, `vehicle_art` and `vehicle_ends` paint it. Its
colour belongs to the scene.
"""

from typing import List, NamedTuple, Tuple

import numpy as np

from .mesh import chaikin
from .vehicle_kinds import (
    GRILLES,
    HEADLAMPS,
    KINDS,
    LIVERIES,
    LIVERY_COLOURS,
    ORDER,
    TAIL_LAMPS,
    Measures,
)

# texels a metre, by style: the longer the vehicle, the coarser
TEXELS_A_METRE = {"bus": 36, "box": 60, "van": 62, "car": 76}
CLAD_KINDS = ("suv", "offroad", "pickup", "city_van")
UPRIGHT_LAMP_KINDS = ("van", "minibus", "city_van", "bus")

# where the post between the front and rear doors is, as a share of the roof
MIDDLE_POST = {"compact": 0.60, "sedan": 0.50, "coupe": 0.50}
USUAL_MIDDLE_POST = 0.42
WITHOUT_THIRD_WINDOW = ("sedan", "coupe", "pickup", "compact")
TWO_DOOR_KINDS = ("coupe", "compact")


class Pane(NamedTuple):
    """A side window, from y to y."""

    start: float
    end: float


class Glazing(NamedTuple):
    """The windows along a side, and the seams of the doors below them."""

    panes: List[Pane]
    seams: List[float]  # y


class Spec:
    """One design: its measures, what is painted on it, and its rounded outline from the side."""

    def __init__(self, design: int) -> None:
        self.rng = np.random.default_rng((design, 11))  # also draws what is painted and added later
        rng = self.rng

        # measures, in metres
        self.kind = ORDER[design % len(ORDER)]
        self.measures = _varied(KINDS[self.kind], rng)
        self.shape = self.measures._asdict()  # by name, for `livery`
        self.lamp_z = self.measures.hood - rng.uniform(0.08, 0.14)
        self.tail_lamp_z = self.measures.belt - rng.uniform(0.02, 0.12)
        self.texels_a_metre = TEXELS_A_METRE[self.measures.style]

        # trim
        self.chrome = rng.random() < 0.4
        self.cladding = self.kind in CLAD_KINDS and rng.random() < 0.8
        self.sunroof = rng.random() < 0.3
        self.grille = str(rng.choice(GRILLES))
        self.headlamps = str(rng.choice(list(HEADLAMPS)))
        self.tail_lamps = "upright"
        if self.kind not in UPRIGHT_LAMP_KINDS:
            self.tail_lamps = str(rng.choice(list(TAIL_LAMPS)))

        # livery
        liveries = LIVERIES.get(self.kind, ("none",))
        self.livery = str(rng.choice(liveries))
        self.second = tuple(int(c) for c in rng.choice(LIVERY_COLOURS))
        self.rims = int(rng.integers(5))

        # the side
        self.outline = _outline(self.measures)
        self.glazing = _glazing(self.kind, self.measures)

    @property
    def is_car(self) -> bool:
        """Neither van nor bus nor truck."""
        return self.measures.style == "car"

    @property
    def is_bus(self) -> bool:
        """Whether it carries many people."""
        return self.measures.style == "bus"

    def top_at(self, y: float) -> float:
        """The height of the outline at y."""
        return float(np.interp(y, self.outline[:, 0], self.outline[:, 1]))


def _varied(measures: Measures, rng) -> Measures:
    """A kind's measures with a design's own proportions."""
    length = rng.uniform(0.95, 1.05)
    height = rng.uniform(0.97, 1.04)
    width = rng.uniform(0.97, 1.03)
    return measures.stretched(length, height, width)


def _outline(measures: Measures) -> np.ndarray:
    """The top line from nose to tail with rounded corners: (n, 2) of y and z."""

    line: List[Tuple[float, float]] = [(0, measures.nose)]
    if measures.cowl_y > 0.6:
        # a bonnet, and a corner on the way up to the windscreen
        rise_z = measures.hood * 0.35 + measures.cowl_z * 0.65
        line += [
            (0.05, measures.hood - 0.07),
            (0.22, measures.hood),
            (measures.cowl_y * 0.55, rise_z),
        ]

    roof_middle = (measures.top_y + measures.roof_y) / 2
    line += [
        (measures.cowl_y, measures.cowl_z),
        (measures.top_y, measures.height - 0.05),
        (roof_middle, measures.height + 0.01),
        (measures.roof_y, measures.height - 0.06),
        (measures.rear_y, measures.rear_z),
        (measures.length - 0.07, measures.tail_z),
        (measures.length, measures.tail_z - 0.16),
    ]
    return chaikin(line, 2)


def _glazing(kind: str, measures: Measures) -> Glazing:
    """Side windows and door seams."""
    if kind in ("van", "city_van"):
        door = measures.top_y + 0.75
        panes = [Pane(measures.cowl_y, door)]
        return Glazing(panes, seams=[measures.cowl_y + 0.30, door + 0.04, door + 1.2])
    if kind == "minibus":
        return _minibus_glazing(measures)
    if kind == "truck":
        panes = [Pane(measures.cowl_y, measures.length - 0.35)]
        return Glazing(panes, seams=[measures.cowl_y + 0.4, measures.length - 0.3])
    return _car_glazing(kind, measures)


def _minibus_glazing(measures):
    """A front window and three behind it."""
    cuts = np.linspace(measures.top_y + 0.85, measures.rear_y, 4)
    panes = [Pane(measures.cowl_y, cuts[0])]
    for start, end in zip(cuts[:-1], cuts[1:]):
        panes.append(Pane(start + 0.06, end))
    door_start, door_end = cuts[:2] + 0.03
    return Glazing(panes, seams=[measures.cowl_y + 0.30, door_start, door_end])


def _car_glazing(kind, measures):
    """A front and a rear window, and for some kinds a third one."""
    roof_length = measures.roof_y - measures.top_y
    middle = measures.top_y + roof_length * MIDDLE_POST.get(kind, USUAL_MIDDLE_POST)
    third = measures.rear_y
    if kind not in WITHOUT_THIRD_WINDOW:
        third = measures.rear_y - 0.42

    panes = [Pane(measures.cowl_y, middle), Pane(middle + 0.09, third - 0.03)]
    if third < measures.rear_y:
        panes.append(Pane(third + 0.05, measures.rear_y))

    seams = [measures.cowl_y + 0.22, middle + 0.04]
    if kind not in TWO_DOOR_KINDS:
        seams.append(measures.axles[-1] - 0.28)
    return Glazing(panes, seams)
