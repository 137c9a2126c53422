"""A road's line and the ground around it: lanes, kerbs, pavements, verges, a crossing street.

Places are given as (s, lateral): metres along the middle of the road, metres to its right.
"""

from typing import List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from . import surface as sf
from .mesh import Mesh, faces_of, merge
from .plan import BARE, KERB, MAIN_ROAD, SIDE_STREET, Plan, marks_of, zebra_of

__all__ = ["Plan", "Road", "ground", "joined", "marks_of", "zebra_of"]

Colour = Tuple[float, float, float]


class Ground(NamedTuple):
    """What a flat piece of ground is made of."""

    material: int
    rgb: Colour


ASPHALT = Ground(sf.ROAD, (0.115, 0.115, 0.118))
SLABS = Ground(sf.PAVING, (0.25, 0.245, 0.235))
KERB_FACE = Ground(sf.PLAIN, (0.28, 0.28, 0.27))
KERB_TOP = Ground(sf.PLAIN, (0.33, 0.33, 0.32))
SOIL = {
    "grass": Ground(sf.GRASS, (0.075, 0.105, 0.035)),
    "paving": Ground(sf.PAVING, (0.24, 0.23, 0.22)),
}

BEFORE = 40  # metres of road behind the start
SIDE_STREET_LENGTH = 120  # metres from the middle of the road
SIDE_PAVEMENT = 2.2  # metres
TWO_TRIANGLES = np.array([[0, 1, 2], [0, 2, 3]])


class Sheet(NamedTuple):
    """A piece of ground."""

    mesh: Mesh
    record: int  # row of the lane markings that are painted on it


class Road:
    """The line: straight first, then bending, sampled every metre."""

    def __init__(self, length: float, bend: float, start: float) -> None:
        s = np.arange(-BEFORE, length + 2.0)
        curve = bend * np.clip((s - start) / 25, 0, 1)
        angle = np.cumsum(curve)
        angle -= np.interp(0, s, angle)

        # the line, by what each metre of it adds; its start is the world's origin
        x = -np.cumsum(np.sin(angle))
        y = np.cumsum(np.cos(angle))
        x -= np.interp(0, s, x)
        y -= np.interp(0, s, y)

        self.s = s
        self.angle = angle
        self.x = x
        self.y = y
        self.bent = abs(bend) > 1e-4

    def heading(self, s: float) -> float:
        """Which way the road goes; 0: along +y, positive turns left."""
        return float(np.interp(s, self.s, self.angle))

    def at(self, s: Union[float, np.ndarray], lateral: float = 0.0, z: float = 0.0) -> np.ndarray:
        """World position(s): (3,), or (n, 3) for n places along the road."""
        angle = np.interp(s, self.s, self.angle)
        x = np.interp(s, self.s, self.x) + np.cos(angle) * lateral
        y = np.interp(s, self.s, self.y) + np.sin(angle) * lateral
        return np.stack(np.broadcast_arrays(x, y, z), -1)

    def axes(self, s: float) -> Tuple[np.ndarray, np.ndarray]:
        """The unit vectors along the road and across it, to its right."""
        angle = self.heading(s)
        ahead_x = -np.sin(angle)
        ahead_y = np.cos(angle)
        along = np.array([ahead_x, ahead_y, 0])
        across = np.array([ahead_y, -ahead_x, 0])
        return along, across

    def strip(
        self,
        start: float,
        end: float,
        left: float,
        right: float,
        z: float,
        material: int,
        rgb: Colour,
        lift: Optional[float] = None,
    ) -> Mesh:
        """A ribbon from lateral `left` to `right`; its texture coordinates are (lateral, s).

        lift: the right edge's height, where it is not that of the left one. The texture of such a
        ribbon goes on by a kerb's height.
        """
        right_z = z
        right_u = right
        if lift is not None:
            right_z = lift
            right_u = right + KERB

        step = 2.5 if self.bent else 12.0
        steps = int((end - start) / step)
        count = max(2, steps + 1)
        s = np.linspace(start, end, count)
        edges = [self.at(s, left, z), self.at(s, right, right_z)]
        verts = np.stack(edges, 1).reshape(-1, 3)  # (2 * count, 3)
        u, v = np.meshgrid([left, right_u], s)  # (count, 2) each
        uv = np.stack([u, v], -1)

        # two triangles for each step
        first = np.arange(count - 1)[:, None] * 2
        faces = np.concatenate([first + (0, 1, 3), first + (0, 3, 2)])
        return faces_of(verts, faces, uv.reshape(-1, 2), material, rgb)


def _pieces(plan: Plan, start: float, end: float) -> List[Tuple[float, float]]:
    """The stretches of kerb between start and end that no side street interrupts."""
    if not plan.junction:
        return [(start, end)]
    half = plan.mouth / 2
    return [(start, plan.junction - half), (plan.junction + half, end)]


def ground(road: Road, plan: Plan, start: float, end: float) -> List[Sheet]:
    """Everything flat."""
    sheets = [_meadow()]
    for number, (a, b) in enumerate(_pieces(plan, start, end)):
        lanes = road.strip(a, b, plan.edge(-1), plan.edge(1), 0, *ASPHALT)
        sheets.append(Sheet(lanes, MAIN_ROAD))
        for side in (-1, 1):
            sheets += [Sheet(mesh, MAIN_ROAD) for mesh in _beside(road, plan, a, b, side)]
        if number == 0 and plan.junction:
            sheets += _junction(road, plan)
    return sheets


def _meadow() -> Sheet:
    """Grass all around, just below everything else."""
    corners = [(-400, -200), (400, -200), (400, 700), (-400, 700)]
    verts = np.array([(x, y, -0.03) for x, y in corners], float)
    uv = np.array(corners, float)
    return Sheet(faces_of(verts, TWO_TRIANGLES, uv, *SOIL["grass"]), MAIN_ROAD)


def _beside(road: Road, plan: Plan, a: float, b: float, side: int) -> List[Mesh]:
    """From the lanes' edge outwards, between a and b along the road: kerb, pavement, soil."""
    edge = plan.edge(side)
    pavement_end = edge + side * plan.pavement
    far = plan.front(side) + side * 26
    soil = SOIL[plan.soil]
    if not plan.kerbs:
        verge = road.strip(a, b, edge, pavement_end, -0.005, *SOIL["grass"])
        return [verge, road.strip(a, b, pavement_end, far, 0.0, *soil)]

    kerb_end = edge + side * 0.15
    return [
        road.strip(a, b, edge, edge + side * 0.01, 0, *KERB_FACE, lift=KERB),
        road.strip(a, b, edge, kerb_end, KERB, *KERB_TOP),
        road.strip(a, b, kerb_end, pavement_end, KERB, *SLABS),
        road.strip(a, b, pavement_end, far, KERB, *soil),
    ]


class _Crossroads:
    """Lays flat rectangles where a street crosses."""

    def __init__(self, road: Road, s: float) -> None:
        self.middle = road.at(s)
        self.along, self.across = road.axes(s)

    def slab(
        self,
        across: Tuple[float, float],
        along: Tuple[float, float],
        z: float,
        ground: Ground,
        record: int,
    ) -> Sheet:
        """A rectangle, in metres to the right of the middle and along; its texture lies across."""
        left, right = across
        low, high = along
        corners = [(left, low), (right, low), (right, high), (left, high)]
        verts = np.array([self._at(x, y, z) for x, y in corners])
        uv = np.array([(y, x) for x, y in corners])
        return Sheet(faces_of(verts, TWO_TRIANGLES, uv, *ground), record)

    def _at(self, x: float, y: float, z: float) -> np.ndarray:
        aside = self.across * x
        ahead = self.along * y
        return self.middle + aside + ahead + (0, 0, z)


def _junction(road: Road, plan: Plan) -> List[Sheet]:
    """The crossing street: asphalt with a dashed middle, and the ends of its pavements."""
    crossing = _Crossroads(road, plan.junction)
    half = plan.mouth / 2
    lanes_half = half - SIDE_PAVEMENT
    lanes = (plan.edge(-1), plan.edge(1))
    sheets = [crossing.slab(lanes, (-half - 0.02, half + 0.02), 0, ASPHALT, BARE)]

    pavement_z = KERB if plan.kerbs else 0.01
    for side in (-1, 1):
        near = plan.edge(side)
        front = plan.front(side)
        far = side * SIDE_STREET_LENGTH
        side_lanes = (-half + SIDE_PAVEMENT, lanes_half)
        sheets.append(crossing.slab((near, far), side_lanes, 0.002, ASPHALT, SIDE_STREET))

        # on both sides of those lanes: a pavement before the houses, asphalt up to them
        for way in (-1, 1):
            strip = (way * half, way * lanes_half)
            sheets.append(crossing.slab((front, far), strip, pavement_z, SLABS, MAIN_ROAD))
            sheets.append(crossing.slab((near, front), strip, 0.001, ASPHALT, BARE))
    return sheets


def joined(sheets: Sequence[Sheet]) -> List[Sheet]:
    """Ground meshes merged by record."""
    records = sorted({sheet.record for sheet in sheets})
    return [_merged(sheets, record) for record in records]


def _merged(sheets: Sequence[Sheet], record: int) -> Sheet:
    return Sheet(merge([sheet.mesh for sheet in sheets if sheet.record == record]), record)
