"""The houses along a street: blocks, family houses, farms, sheds.

Each is a mesh without windows, and a record of the windows that are painted on it.
"""

from typing import List, NamedTuple, Tuple

import numpy as np

from . import furniture
from .facade import Facade
from .mesh import Mesh, merge, moved, turn_z
from .plan import Plan
from .road import Road
from .world import Thing

Range = Tuple[float, float]


class Style(NamedTuple):
    """What the houses of a street are like; ranges in metres."""

    width: Range
    depth: Range
    floors: Tuple[int, int]
    pitched: float  # chance of a pitched roof
    gap: Range
    shop: float  # chance of a shop on the ground floor
    floor: Range  # height of one


STYLES = {
    "blocks": Style((9, 22), (10, 16), (3, 6), 0.25, (0, 0.1), 0.75, (2.9, 3.6)),
    "houses": Style((8, 13), (8, 11), (1, 3), 0.9, (3, 10), 0.05, (2.6, 3.0)),
    "farms": Style((10, 18), (8, 12), (1, 2), 0.95, (25, 90), 0, (2.7, 3.2)),
    "sheds": Style((16, 40), (14, 20), (1, 4), 0.1, (6, 30), 0.3, (3.2, 4.2)),
}
WALLS = np.array(
    [
        (0.48, 0.42, 0.34),
        (0.55, 0.52, 0.46),
        (0.40, 0.32, 0.24),
        (0.30, 0.12, 0.08),
        (0.36, 0.17, 0.11),
        (0.52, 0.45, 0.30),
        (0.33, 0.33, 0.33),
        (0.58, 0.57, 0.54),
        (0.42, 0.38, 0.36),
        (0.24, 0.10, 0.07),
        (0.50, 0.36, 0.24),
        (0.36, 0.40, 0.42),
    ]
)
BRICKS = (3, 4, 9)
ROOFS = np.array(
    [(0.22, 0.075, 0.045), (0.13, 0.06, 0.05), (0.075, 0.075, 0.08), (0.16, 0.10, 0.07)]
)
FRAMES = np.array([(0.70, 0.70, 0.68), (0.62, 0.60, 0.55), (0.10, 0.10, 0.11), (0.30, 0.22, 0.15)])
AWNINGS = np.array(
    [
        (0.35, 0.04, 0.03),
        (0.04, 0.14, 0.07),
        (0.05, 0.08, 0.25),
        (0.45, 0.38, 0.25),
        (0.05, 0.05, 0.05),
    ]
)
FLAT_ROOF = (0.25, 0.24, 0.23)
RAIL = (0.05, 0.05, 0.055)

SKY_BESIDE_A_HOUSE = 90  # of 255


class Town:
    """All houses of a street as things, with the facades' records."""

    def __init__(
        self,
        rng: np.random.Generator,
        road: Road,
        plan: Plan,
        style: str,
        length: float,
        night: float,
    ) -> None:
        # the street
        self.rng = rng
        self.road = road
        self.plan = plan
        self.style = STYLES[style]

        # the houses, each with its facade and its outline on the ground
        self.records: List[Facade] = []
        self.things: List[Thing] = []
        self.outlines: List[Tuple[np.ndarray, int]] = []

        for side in (-1, 1):
            self._row(side, length)
        if plan.junction:
            self._side_street()
        if not self.records:
            self._record(0)

    def facades(self) -> np.ndarray:
        """The table of all facades' records; a house's things name its row."""
        return np.array(self.records, float)

    def _record(self, wall: int) -> Facade:
        """The facade of a new house, put down as the last of the records."""
        rng = self.rng
        floor = rng.uniform(*self.style.floor)
        bay = rng.uniform(1.9, 3.4)
        shop = float(rng.random() < self.style.shop)
        window_width = bay * rng.uniform(0.38, 0.62)
        window_height = floor * rng.uniform(0.45, 0.62)
        red, green, blue = FRAMES[rng.integers(len(FRAMES))]
        facade = Facade(
            floor=floor,
            bay=bay,
            window_width=window_width,
            window_height=window_height,
            shop=shop,
            frame_red=red,
            frame_green=green,
            frame_blue=blue,
            seed=rng.uniform(0, 100),
            lit=rng.uniform(0.15, 0.5),
            brick=float(wall in BRICKS),
        )
        self.records.append(facade)
        return facade

    def _row(self, side: int, length: float) -> None:
        """Houses along the street itself, with a gap where another street crosses."""
        s = self.rng.uniform(-8, 0)
        while s < length + 25:
            width = self.rng.uniform(*self.style.width)
            middle = s + width / 2
            if not self.plan.in_mouth(middle, width / 2 + 0.5):
                self._house(middle, side, width)
            s += width + self.rng.uniform(*self.style.gap)

    def _house(self, s: float, side: int, width: float) -> None:
        set_back = self.rng.uniform(0, 0.3)
        at = self.road.at(s, self.plan.front(side) + side * set_back)
        towards_road = -side * np.pi / 2
        self._build(at, self.road.heading(s) + towards_road, width)

    def _build(self, at: np.ndarray, heading: float, width: float) -> None:
        """Put down one house whose front's middle is `at`."""
        rng = self.rng
        wall = int(rng.integers(len(WALLS)))
        facade = self._record(wall)
        if facade.shop:
            # a whole number of shop windows, each two bays wide
            count = max(2, round(width / (2 * facade.bay)))
            width = count * 2 * facade.bay

        least, most = self.style.floors
        floors = int(rng.integers(least, most + 1))
        depth = rng.uniform(*self.style.depth)
        pitched = rng.random() < self.style.pitched
        tinted = WALLS[wall] * rng.uniform(0.8, 1.15)
        rgb = tuple(np.clip(tinted, 0.05, 0.75))
        roof_rgb = FLAT_ROOF
        roof = 0.0
        if pitched:
            roof_rgb = tuple(ROOFS[rng.integers(len(ROOFS))])
            roof = depth * rng.uniform(0.25, 0.45)

        body = furniture.house(width, depth, floors * facade.floor, roof, rgb, roof_rgb)
        parts = [body, *self._balconies(width, floors, facade), *self._awnings(width, facade)]
        x, y, _ = at
        record = len(self.records) - 1
        self.things.append(Thing(merge(parts), (x, y, 0.0), heading, record=record))
        turn = turn_z(heading)[:2, :2]
        outline = _footprint(width, depth) @ turn.T + at[:2]
        self.outlines.append((outline, SKY_BESIDE_A_HOUSE))

    def _balconies(self, width: float, floors: int, facade: Facade) -> List[Mesh]:
        """Some high houses have them: on the first floor here and there, above it everywhere."""
        if floors < 3 or self.rng.random() > 0.4:
            return []
        balcony = furniture.balcony(RAIL)
        half = width / 2
        first = -half + facade.bay * 1.5
        end = half - facade.bay
        found = []
        for x in np.arange(first, end, facade.bay * 2):
            for floor in range(1, floors):
                if floor > 1 or self.rng.random() < 0.5:
                    found.append(moved(balcony, (x, 0, facade.floor * floor + 0.05)))
        return found

    def _awnings(self, width: float, facade: Facade) -> List[Mesh]:
        """Half of the shops have them, not over every window."""
        rng = self.rng
        if not facade.shop or rng.random() > 0.5:
            return []
        rgb = tuple(AWNINGS[rng.integers(5)])
        half = width / 2
        places = np.arange(-half + 2.6, half - 2, 5.2)
        spots = [x for x in places if rng.random() < 0.6]
        awning = furniture.awning(4.0, rgb)
        return [moved(awning, (x, 0, facade.floor - 0.95)) for x in spots]

    def _side_street(self) -> None:
        """Houses along the crossing street, seen through the gap."""
        for side in (-1, 1):
            lateral = abs(self.plan.front(side)) + 20
            while lateral < 110:
                width = self.rng.uniform(*self.style.width)
                self._facing_pair(side, lateral + width / 2, width)
                lateral += width + self.rng.uniform(*self.style.gap)

    def _facing_pair(self, side: int, lateral: float, width: float) -> None:
        """Two houses that face each other across the side street."""
        junction = self.plan.junction
        along, across = self.road.axes(junction)
        heading = self.road.heading(junction)
        middle = self.road.at(junction) + across * side * lateral
        setback = along * (self.plan.mouth / 2 + 1.0)
        self._build(middle - setback, heading + np.pi, width)
        self._build(middle + setback, heading, width)


def _footprint(width: float, depth: float) -> np.ndarray:
    """The corners (4, 2) of a house whose front's middle is the origin."""
    half = width / 2
    return np.array([(-half, 0), (half, 0), (half, depth), (-half, depth)])
