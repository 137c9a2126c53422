"""The houses along a street: blocks, family houses, farms, sheds; and the record of windows each is painted with."""

import numpy as np

from . import furniture
from .mesh import merge, moved, turn_z
from .world import Thing

# width, depth, floors, chance of a pitched roof, gap, chance of a shop, floor height
STYLES = {
    "blocks": ((9, 22), (10, 16), (3, 6), 0.25, (0, 0.1), 0.75, (2.9, 3.6)),
    "houses": ((8, 13), (8, 11), (1, 3), 0.9, (3, 10), 0.05, (2.6, 3.0)),
    "farms": ((10, 18), (8, 12), (1, 2), 0.95, (25, 90), 0, (2.7, 3.2)),
    "sheds": ((16, 40), (14, 20), (1, 4), 0.1, (6, 30), 0.3, (3.2, 4.2)),
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


class Town:
    """All houses of a street as one thing, with the facades' records."""

    def __init__(self, rng, road, plan, style, length, night):
        self.rng, self.road, self.plan = rng, road, plan
        self.records, self.things, self.outlines = [], [], []
        self.style = STYLES[style]
        for side in (-1, 1):
            self._row(side, length)
        if plan.junction:
            self._side_street()
        if not self.records:
            self._record(0)

    def _record(self, wall):
        rng = self.rng
        floor = rng.uniform(*self.style[6])
        bay = rng.uniform(1.9, 3.4)
        shop = float(rng.random() < self.style[5])
        win_w, win_h = bay * rng.uniform(0.38, 0.62), floor * rng.uniform(0.45, 0.62)
        frame = FRAMES[rng.integers(len(FRAMES))]
        self.records.append(
            (
                floor,
                bay,
                win_w,
                win_h,
                shop,
                *frame,
                rng.uniform(0, 100),
                rng.uniform(0.15, 0.5),
                float(wall in BRICKS),
                0,
                0,
                0,
            )
        )
        return len(self.records) - 1, floor, bay, shop

    def _row(self, side, length):
        rng = self.rng
        s = rng.uniform(-8, 0)
        while s < length + 25:
            width = rng.uniform(*self.style[0])
            middle = s + width / 2
            if not self.plan.in_mouth(middle, width / 2 + 0.5):
                self._house(middle, side, width)
            s += width + rng.uniform(*self.style[4])

    def _house(self, s, side, width, extra=0.0):
        lateral = self.plan.front(side) + side * (extra + self.rng.uniform(0, 0.3))
        at = self.road.at(s, lateral)
        heading = self.road.heading(s) + (-np.pi / 2 if side > 0 else np.pi / 2)
        self._build(at, heading, width)

    def _build(self, at, heading, width):
        rng = self.rng
        wall = int(rng.integers(len(WALLS)))
        record, floor, bay, shop = self._record(wall)
        width = max(2, round(width / (2 * bay))) * 2 * bay if shop else width
        floors = int(rng.integers(self.style[2][0], self.style[2][1] + 1))
        depth = rng.uniform(*self.style[1])
        pitched = rng.random() < self.style[3]
        rgb = tuple(np.clip(WALLS[wall] * rng.uniform(0.8, 1.15), 0.05, 0.75))
        roof_rgb = tuple(ROOFS[rng.integers(len(ROOFS))]) if pitched else (0.25, 0.24, 0.23)
        parts = [
            furniture.house(
                width,
                depth,
                floors * floor,
                depth * rng.uniform(0.25, 0.45) if pitched else 0,
                rgb,
                roof_rgb,
            )
        ]
        parts += self._balconies(width, floor, floors, bay) + self._awnings(width, floor, shop)
        mesh = merge(parts)
        self.things.append(Thing(mesh, (at[0], at[1], 0.0), heading, record=record))
        turn = turn_z(heading)[:2, :2]
        half = width / 2
        outline = np.array([(-half, 0), (half, 0), (half, depth), (-half, depth)]) @ turn.T + at[:2]
        self.outlines.append((outline, 90))

    def _balconies(self, width, floor, floors, bay):
        rng = self.rng
        if floors < 3 or rng.random() > 0.4:
            return []
        spots = np.arange(-width / 2 + bay * 1.5, width / 2 - bay, bay * 2)
        one = furniture.balcony((0.05, 0.05, 0.055))
        return [
            moved(one, (x, 0, floor * k + 0.05))
            for x in spots
            for k in range(1, floors)
            if k > 1 or rng.random() < 0.5
        ]

    def _awnings(self, width, floor, shop):
        rng = self.rng
        if not shop or rng.random() > 0.5:
            return []
        rgb = tuple(
            np.array(
                [
                    (0.35, 0.04, 0.03),
                    (0.04, 0.14, 0.07),
                    (0.05, 0.08, 0.25),
                    (0.45, 0.38, 0.25),
                    (0.05, 0.05, 0.05),
                ]
            )[rng.integers(5)]
        )
        spots = [x for x in np.arange(-width / 2 + 2.6, width / 2 - 2, 5.2) if rng.random() < 0.6]
        return [moved(furniture.awning(4.0, rgb), (x, 0, floor - 0.95)) for x in spots]

    def _side_street(self):
        """Houses along the crossing street, seen through the gap."""
        plan, road = self.plan, self.road
        angle = road.heading(plan.junction)
        along, across = (
            np.array([-np.sin(angle), np.cos(angle)]),
            np.array([np.cos(angle), np.sin(angle)]),
        )
        middle = road.at(plan.junction)[:2]
        for side in (-1, 1):
            lateral = abs(plan.front(side)) + 20
            while lateral < 110:
                width = self.rng.uniform(*self.style[0])
                for k in (-1, 1):
                    at = (
                        middle
                        + across * side * (lateral + width / 2)
                        + along * k * (plan.mouth / 2 + 1.0)
                    )
                    self._build(at, angle + (0 if k > 0 else np.pi), width)
                lateral += width + self.rng.uniform(*self.style[4])

    def facades(self):
        return np.array(self.records, float)
