"""What is set along the kerb: signs, trees, lamps, hedges, bins, adverts.

A part of `street.Street`. Only sign faces that look at the camera carry a label.
"""

from typing import Any, Callable, Dict, List, NamedTuple, Optional

import numpy as np

from . import furniture, signs
from .items import Item, Lamp, still
from .mesh import Mesh
from .plan import Plan

ROAD_SIGN = 0

# records by which signs are told from other things
FACE = 1000  # throws headlights back
POLE = 999

SIGN_KINDS = ("mandatory", "prohibitory", "warning", "other")
SIGN_ODDS = (0.22, 0.33, 0.25, 0.20)
POLE_HEIGHT = 3.2

EDGINGS = ("hedge", "fence", "guard", "none")
EDGING_ODDS = (0.4, 0.25, 0.15, 0.2)
EDGING_LENGTH = 4.0

FLAT_SMALL = (
    "bin",
    "hydrant",
    "bollard",
    "post_box",
    "meter",
    "dummy",
    "box",
    "wheelie",
    "bench",
    "planter",
)
AT_THE_KERB = ("bollard", "meter", "hydrant", "dummy")  # others stand anywhere on the pavement

LAMP_RGB = np.array([(9.0, 6.3, 3.0), (8.5, 8.0, 6.8), (10, 5.4, 1.8)])


class Board(NamedTuple):
    """How an advert is put up; metres."""

    high: float
    size: float


# kinds of boards, as `signs.board_stand` counts them
ON_POLE, PAVEMENT_STAND, LIT_CASE = range(3)
BOARDS = {PAVEMENT_STAND: Board(0.62, 0.6), LIT_CASE: Board(1.4, 1.2)}


class Kerbside:
    """The still things of a street. It places them; `Street` makes what they are placed by."""

    # the street: its length, cross-section, habits and weather, and what is on it so far
    rng: np.random.Generator
    length: float
    plan: Plan
    habit: Dict[str, Any]
    weather: Dict[str, Any]
    repeat: float  # how many times the usual number of things
    items: List[Item]
    lamps: List[Lamp]

    # what a street does
    add: Callable[..., None]
    pick: Callable[[str], int]
    somewhere: Callable[[float, float, float], float]

    def sign(
        self,
        s: float,
        lateral: float,
        kind: Optional[str] = None,
        high: Optional[float] = None,
        size: Optional[float] = None,
        facing: bool = True,
        label: int = ROAD_SIGN,
        turn: Optional[float] = None,
        post: bool = True,
    ) -> None:
        """A face on a pole. Faces that look away are scenery."""
        # whatever is not given is left to chance
        rng = self.rng
        if kind is None:
            kind = str(rng.choice(SIGN_KINDS, p=SIGN_ODDS))
        mesh, extent = signs.face(kind, self.pick(kind))
        if size is None:
            size = rng.uniform(0.7, 0.95)
        if high is None:
            high = rng.uniform(2.1, 2.7)
        if turn is None:
            turn = rng.normal(0, 0.09)
        if not facing:
            turn += np.pi
            label = -1

        z = self.plan.height(lateral)
        self.add(
            still(mesh), s, lateral, z=z + high, turn=turn, label=label, record=FACE, scale=size
        )
        if post:
            # a pole ends behind its face: the rest of it is under the ground
            _, face_height = extent
            above_middle = 0.55 * size * face_height
            sunk = max(0.0, POLE_HEIGHT - high - above_middle)
            pole = still(signs.pole(POLE_HEIGHT))
            self.add(pole, s + 0.04, lateral, z=z - sunk, turn=0.0, record=POLE)

    def advert(self, s: float, lateral: float, turn: float) -> None:
        """A shop's board: on a pole, as a pavement stand, or in a lit case."""
        rng = self.rng
        number = self.pick("advert")
        mesh, _ = signs.face("advert", number)
        kind = ON_POLE
        if number % 4 in (1, 3):
            kind = int(rng.integers(3))

        # one draw for every kind, so that what follows does not depend on the kind
        on_pole = Board(2.5, rng.uniform(0.6, 1.0))
        board = BOARDS.get(kind, on_pole)
        glow = 0.0
        if kind == LIT_CASE and self.weather["night"]:
            glow = 0.6

        z = self.plan.height(lateral) + board.high
        self.add(still(mesh), s, lateral, z=z, turn=turn, scale=board.size, glow=glow)
        self.add(still(signs.board_stand(kind)), s, lateral, turn=turn)

    def _pick_side(self, right: float) -> int:
        """A side of the road: 1, the right one, with this chance, else -1."""
        if self.rng.random() < right:
            return 1
        return -1

    def _signs(self) -> None:
        """Road signs, most of them on the right, some with a second face above."""
        plan = self.plan
        rng = self.rng
        for _ in range(rng.poisson(self.habit["signs"] * self.repeat)):
            side = self._pick_side(0.7)
            s = self.somewhere(8, 64, 1.5)
            lateral = plan.edge(side) + side * rng.uniform(0.35, 0.9)
            if plan.in_mouth(s, 0.5):
                continue

            # on the left, most are for those who come the other way
            facing = side > 0
            if not facing:
                facing = rng.random() < 0.4
            self.sign(s, lateral, facing=facing)
            if rng.random() < 0.25:
                self.sign(s, lateral, high=3.2, facing=facing, post=False)

    def _trees(self) -> None:
        """Trees on both sides, in gardens or on a broad pavement, and the gardens' edges."""
        for side in (-1, 1):
            s = self.rng.uniform(2, 20)
            while s < self.length:
                self._tree(s, side)
                s += self.rng.uniform(*self.habit["trees"])
        self._edges()

    def _tree(self, s: float, side: int) -> None:
        plan = self.plan
        rng = self.rng
        beyond_kerb = 0.9
        if plan.garden >= 2 or plan.pavement <= 2.2:
            beyond_kerb = plan.pavement + rng.uniform(0.5, max(plan.garden, 0.6))
        if plan.in_mouth(s, 3):
            return

        number = int(rng.integers(furniture.TREES))
        lateral = plan.edge(side) + side * beyond_kerb
        turn = rng.uniform(0, 6)
        scale = rng.uniform(0.75, 1.15)
        far = furniture.tree(number, True)
        self.add(still(furniture.tree(number)), s, lateral, turn=turn, scale=scale, far=far)

    def _edges(self) -> None:
        """Hedges, fences or guard rails along the gardens, with a gap here and there."""
        plan = self.plan
        for side in (-1, 1):
            if plan.garden < 2:
                continue
            kind = str(self.rng.choice(EDGINGS, p=EDGING_ODDS))
            if kind == "none":
                continue
            lateral = plan.edge(side) + side * (plan.pavement + 0.35)
            for s in np.arange(0, 100 * self.repeat, EDGING_LENGTH):
                if plan.in_mouth(s, 4) or self.rng.random() < 0.12:
                    continue
                self.add(still(_edging(kind, s)), s, lateral, turn=0.0)

    def _lamps(self) -> None:
        """A row of street lamps on each side, all of one kind."""
        rng = self.rng
        number = int(rng.integers(3))
        tint = LAMP_RGB[rng.integers(3)]
        rgb = tint * rng.uniform(3.5, 6)
        for side in (-1, 1):
            first = rng.uniform(0, 24)
            gap = rng.uniform(22, 32)
            for s in np.arange(first, self.length, gap):
                if not self.plan.in_mouth(s, 1):
                    self._lamp(s, side, number, rgb)

    def _lamp(self, s: float, side: int, number: int, rgb: np.ndarray) -> None:
        lateral = self.plan.edge(side) + side * 0.45
        turn = 0.0
        if side < 0:
            turn = np.pi
        glow = 0.0
        if self.weather["night"] > 0:
            glow = 9.0
        self.add(still(furniture.lamp(number)), s, lateral, turn=turn, glow=glow)

        out, _, z = furniture.lamp_light(number)
        self.lamps.append(Lamp(s, lateral + side * out, z, rgb))

    def _small(self) -> None:
        """Small things on the pavements, adverts, a bus shelter, and traffic lights."""
        rng = self.rng
        for _ in range(rng.poisson(self.habit["small"] * self.repeat)):
            self._small_thing()

        adverts = 0.6
        if self.habit["town"] == "blocks":
            adverts = 2.0
        for _ in range(rng.poisson(adverts * self.repeat)):
            side = rng.choice((-1, 1))
            s = self.somewhere(8, 60, 1.0)
            beyond_kerb = max(1.0, self.plan.pavement - 0.9)
            lateral = self.plan.edge(side) + side * beyond_kerb
            self.advert(s, lateral, rng.normal(0, 0.3))

        if self.plan.pavement > 2.5 and rng.random() < 0.4:
            self._shelter()
        if self.plan.junction and rng.random() < 0.5:
            self._traffic_lights()

    def _small_thing(self) -> None:
        plan = self.plan
        rng = self.rng
        side = rng.choice((-1, 1))
        s = self.somewhere(4, 75, 1.5)
        if plan.in_mouth(s, 0.5):
            return

        name = str(rng.choice(FLAT_SMALL))
        beyond_kerb = 0.45
        if name not in AT_THE_KERB:
            beyond_kerb = rng.uniform(0.5, plan.pavement - 0.2)
        lateral = plan.edge(side) + side * beyond_kerb
        turn = -side * np.pi / 2
        if name == "bench":
            turn += np.pi
        self.add(still(furniture.small(name)), s, lateral, turn=turn, size=(0.5, 0.5))

    def _shelter(self) -> None:
        side = self.rng.choice((-1, 1))
        s = self.rng.uniform(14, 50)
        lateral = self.plan.edge(side) + side * 1.2
        turn = -side * np.pi / 2
        self.add(still(furniture.small("shelter")), s, lateral, turn=turn)

    def _traffic_lights(self) -> None:
        plan = self.plan
        s = plan.junction - plan.mouth / 2 - 1.5
        for side in (-1, 1):
            lateral = plan.edge(side) + side * 0.5
            self.add(still(furniture.small("light")), s, lateral)


def _edging(kind: str, s: float) -> Mesh:
    """One piece of a garden's edge; hedges come in three forms."""
    if kind == "hedge":
        return furniture.hedge(int(s) % 3)
    return furniture.small(kind)
