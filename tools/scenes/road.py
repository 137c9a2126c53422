"""The road's line and the ground around it: lanes, kerbs, pavements, verges, a crossing street.

Places are given as (s, lateral): metres along the middle of the road, metres to its right.
"""

from typing import NamedTuple

import numpy as np

from . import surface as sf
from .mesh import Mesh, faces_of, merge

KERB = 0.12
ASPHALT = (0.115, 0.115, 0.118)


class Plan(NamedTuple):
    """A street's cross-section and what is along it."""

    lanes: int  # each way
    lane: float  # metres
    parking: tuple  # metres left and right, 0: none
    pavement: float
    garden: float  # metres between pavement and houses
    soil: str  # grass or paving beyond the pavement
    kerbs: bool
    junction: float  # where a street crosses, 0: nowhere
    mouth: float  # how wide that street is
    zebra: tuple  # (from, to) along the road, or ()
    yellow: bool

    @property
    def half(self):
        return self.lanes * self.lane

    def edge(self, side):
        """Lateral place of the kerb; side -1 left, 1 right."""
        return side * (self.half + self.parking[0 if side < 0 else 1])

    def front(self, side):
        """Lateral place of the houses' fronts."""
        return self.edge(side) + side * (self.pavement + self.garden)

    def height(self, lateral):
        inside = self.edge(-1) <= lateral <= self.edge(1)
        return 0.0 if inside or not self.kerbs else KERB

    def in_mouth(self, s, margin=0.0):
        return self.junction > 0 and abs(s - self.junction) < self.mouth / 2 + margin


class Road:
    """The line: straight first, then bending, sampled every metre."""

    def __init__(self, length, bend, start):
        s = np.arange(-40, length + 2.0)
        curve = bend * np.clip((s - start) / 25, 0, 1)
        self.s = s
        self.angle = np.cumsum(curve)
        self.angle -= np.interp(0, s, self.angle)
        self.x, self.y = -np.cumsum(np.sin(self.angle)), np.cumsum(np.cos(self.angle))
        self.x -= np.interp(0, s, self.x)
        self.y -= np.interp(0, s, self.y)
        self.bent = abs(bend) > 1e-4

    def heading(self, s):
        return float(np.interp(s, self.s, self.angle))

    def at(self, s, lateral=0.0, z=0.0):
        """World position(s)."""
        angle = np.interp(s, self.s, self.angle)
        x = np.interp(s, self.s, self.x) + np.cos(angle) * lateral
        y = np.interp(s, self.s, self.y) + np.sin(angle) * lateral
        return np.stack(np.broadcast_arrays(x, y, z), -1)

    def strip(self, start, end, left, right, z, material, rgb, lift=None):
        """A ribbon from lateral `left` to `right`; uv is (lateral, s). `lift`: the right edge's height, if another."""
        step = 2.5 if self.bent else 12.0
        s = np.linspace(start, end, max(2, int((end - start) / step) + 1))
        rows = np.stack([self.at(s, left, z), self.at(s, right, z if lift is None else lift)], 1)
        u = np.array([left, right + (0 if lift is None else 0.12)])
        uv = np.stack(np.broadcast_arrays(u[None, :], s[:, None]), -1)
        cols = 2
        i = np.arange(len(s) - 1)[:, None] * cols
        faces = np.concatenate([i + (0, 1, 3), i + (0, 3, 2)])
        return faces_of(rows.reshape(-1, 3), faces, uv.reshape(-1, 2), material, rgb)


SOIL = {"grass": (sf.GRASS, (0.075, 0.105, 0.035)), "paving": (sf.PAVING, (0.24, 0.23, 0.22))}


def marks_of(plan):
    """Lane markings: rows of lateral, width, dash, gap, yellow. Rows for: main road, bare asphalt, side street."""
    rows = (
        [(0, 0.12, 3, 4.5, plan.yellow)]
        if plan.lanes == 1
        else [(-0.12, 0.12, 0, 0, plan.yellow), (0.12, 0.12, 0, 0, plan.yellow)]
    )
    for lane in range(1, plan.lanes):
        rows += [(side * lane * plan.lane, 0.12, 3, 6, 0) for side in (-1, 1)]
    rows += [(side * (plan.half - 0.12), 0.12, 0, 0, 0) for side in (-1, 1)]
    table = np.zeros((3, 8, 5))
    table[0, : len(rows)] = rows
    table[2, 0] = (0, 0.12, 2, 2, 0)
    return table


def zebra_of(plan):
    """Rows: from, to, left, right, stripe period (0: solid)."""
    rows = []
    if plan.zebra:
        a, b = plan.zebra
        rows.append((a, b, plan.edge(-1) + 0.3, plan.edge(1) - 0.3, 1.0))
        rows.append((a - 1.6, a - 1.2, 0.1, plan.half, 0))
        rows.append((b + 1.2, b + 1.6, -plan.half, -0.1, 0))
    return np.array(rows or [(0, 0, 0, 0, 0)], float)


def _pieces(plan, start, end):
    """The stretches of kerb between start and end that no side street interrupts."""
    if not plan.junction:
        return [(start, end)]
    return [(start, plan.junction - plan.mouth / 2), (plan.junction + plan.mouth / 2, end)]


def ground(road, plan, start, end):
    """Meshes with their marking record: everything flat."""
    base = faces_of(
        np.array(
            [(-400, -200, -0.03), (400, -200, -0.03), (400, 700, -0.03), (-400, 700, -0.03)], float
        ),
        np.array([[0, 1, 2], [0, 2, 3]]),
        np.array([(-400, -200), (400, -200), (400, 700), (-400, 700)], float),
        *SOIL["grass"],
    )
    parts: list[tuple[Mesh, int]] = [(base, 0)]
    for k, (a, b) in enumerate(_pieces(plan, start, end)):
        parts.append((road.strip(a, b, plan.edge(-1), plan.edge(1), 0, sf.ROAD, ASPHALT), 0))
        for side in (-1, 1):
            parts += [(mesh, 0) for mesh in _side(road, plan, a, b, side)]
        if k == 0 and plan.junction:
            parts += _junction(road, plan)
    return parts


def _side(road, plan, a, b, side):
    edge = plan.edge(side)
    z = KERB if plan.kerbs else 0.0
    outer = edge + side * plan.pavement
    far = plan.front(side) + side * 26
    sheets = []
    if plan.kerbs:
        inner = edge + side * 0.15
        sheets += [
            road.strip(a, b, edge, edge + side * 0.01, 0, sf.PLAIN, (0.28, 0.28, 0.27), z),
            road.strip(a, b, edge, inner, z, sf.PLAIN, (0.33, 0.33, 0.32)),
        ]
        sheets.append(road.strip(a, b, inner, outer, z, sf.PAVING, (0.25, 0.245, 0.235)))
    else:
        sheets.append(road.strip(a, b, edge, outer, -0.005, *SOIL["grass"]))
    sheets.append(road.strip(a, b, outer, far, z, *SOIL[plan.soil]))
    return sheets


def _junction(road, plan):
    """The crossing street: a straight slab of asphalt with a dashed middle, and its pavements' ends."""
    s, half = plan.junction, plan.mouth / 2
    angle = road.heading(s)
    along, across = (
        np.array([-np.sin(angle), np.cos(angle), 0]),
        np.array([np.cos(angle), np.sin(angle), 0]),
    )
    middle = road.at(s)

    def slab(left, right, low, high, z, material, rgb, record):
        corners = [(left, low), (right, low), (right, high), (left, high)]
        verts = np.array([middle + across * x + along * y + (0, 0, z) for x, y in corners])
        uv = np.array([(y, x) for x, y in corners])
        return faces_of(verts, np.array([[0, 1, 2], [0, 2, 3]]), uv, material, rgb), record

    parts = [slab(plan.edge(-1), plan.edge(1), -half - 0.02, half + 0.02, 0, sf.ROAD, ASPHALT, 1)]
    for side in (-1, 1):
        near, far = plan.edge(side), side * 120
        parts.append(slab(near, far, -half + 2.2, half - 2.2, 0.002, sf.ROAD, ASPHALT, 2))
        for k in (-1, 1):
            parts.append(
                slab(
                    plan.front(side),
                    far,
                    k * half,
                    k * (half - 2.2),
                    KERB if plan.kerbs else 0.01,
                    sf.PAVING,
                    (0.25, 0.245, 0.235),
                    0,
                )
            )
            parts.append(
                slab(near, plan.front(side), k * half, k * (half - 2.2), 0.001, sf.ROAD, ASPHALT, 1)
            )
    return parts


def joined(parts):
    """Ground meshes merged by record."""
    records = sorted({record for _, record in parts})
    return [(merge([mesh for mesh, r in parts if r == record]), record) for record in records]
