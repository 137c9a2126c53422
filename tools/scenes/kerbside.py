"""What is set along the kerb: signs on poles, trees, lamps, hedges, bins, adverts. A part of `street.Street`.

Only sign faces that look at the camera carry a label.
"""

from typing import NamedTuple

import numpy as np

from . import furniture, signs

ROAD_SIGN = 0
FACE, POLE = (
    1000,
    999,
)  # records by which signs are told from other things; faces throw headlights back
SIGN_KINDS = ("mandatory", "prohibitory", "warning", "other")
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
LAMP_RGB = np.array([(9.0, 6.3, 3.0), (8.5, 8.0, 6.8), (10, 5.4, 1.8)])


class Item(NamedTuple):
    """Something on the street; `shape(t)` gives its mesh at time t."""

    shape: object
    s: float
    lateral: float
    z: float = 0.0
    turn: float = 0.0  # heading relative to the road's
    palette: tuple = ()
    label: int = -1
    speed: float = 0.0
    sideways: float = 0.0
    glow: float = 0.0
    record: int = 0
    scale: float = 1.0
    size: tuple = (0, 0)  # width and length of what it shades on the ground
    track: int = -1
    far: object = None  # a simpler mesh for far away


def still(mesh):
    return lambda t: mesh


class Kerbside:
    """The still things of a street; `Street` gives road, plan, habit, weather and the generator."""

    def sign(
        self,
        s,
        lateral,
        kind=None,
        high=None,
        size=None,
        facing=True,
        label=ROAD_SIGN,
        turn=None,
        post=True,
    ):
        """A face on a pole. Faces that look away are scenery."""
        rng = self.rng
        kind = kind or str(rng.choice(SIGN_KINDS, p=(0.22, 0.33, 0.25, 0.20)))
        mesh, extent = signs.face(kind, self.pick(kind))
        size = rng.uniform(0.7, 0.95) if size is None else size
        high = rng.uniform(2.1, 2.7) if high is None else high
        turn = (rng.normal(0, 0.09) if turn is None else turn) + (0 if facing else np.pi)
        z = self.plan.height(lateral)
        self.add(
            still(mesh),
            s,
            lateral,
            z=z + high,
            turn=turn,
            label=label if facing else -1,
            record=FACE,
            scale=size,
        )
        if post:
            sunk = max(0.0, 3.2 - high - 0.55 * size * extent[1])
            self.add(still(signs.pole(3.2)), s + 0.04, lateral, z=z - sunk, turn=0.0, record=POLE)

    def _signs(self):
        plan, rng = self.plan, self.rng
        for _ in range(rng.poisson(self.habit["signs"] * self.repeat)):
            side = 1 if rng.random() < 0.7 else -1
            s = self.somewhere(8, 64, 1.5)
            lateral = plan.edge(side) + side * rng.uniform(0.35, 0.9)
            if plan.in_mouth(s, 0.5):
                continue
            facing = side > 0 or rng.random() < 0.4
            self.sign(s, lateral, facing=facing)
            if rng.random() < 0.25:
                self.sign(s, lateral, high=3.2, facing=facing, post=False)

    def _trees(self):
        plan, rng = self.plan, self.rng
        for side in (-1, 1):
            s = rng.uniform(2, 20)
            while s < self.length:
                out = (
                    0.9
                    if plan.garden < 2 and plan.pavement > 2.2
                    else plan.pavement + rng.uniform(0.5, max(plan.garden, 0.6))
                )
                if not plan.in_mouth(s, 3):
                    number = int(rng.integers(furniture.TREES))
                    self.add(
                        still(furniture.tree(number)),
                        s,
                        plan.edge(side) + side * out,
                        turn=rng.uniform(0, 6),
                        scale=rng.uniform(0.75, 1.15),
                        far=furniture.tree(number, True),
                    )
                s += rng.uniform(*self.habit["trees"])
        self._edges()

    def _edges(self):
        """Hedges, fences or guard rails along the gardens."""
        plan, rng = self.plan, self.rng
        for side in (-1, 1):
            if plan.garden < 2:
                continue
            kind = str(rng.choice(("hedge", "fence", "guard", "none"), p=(0.4, 0.25, 0.15, 0.2)))
            for s in np.arange(0, 100 * self.repeat, 4.0):
                if kind == "none" or plan.in_mouth(s, 4) or rng.random() < 0.12:
                    continue
                mesh = furniture.hedge(int(s) % 3) if kind == "hedge" else furniture.small(kind)
                self.add(still(mesh), s, plan.edge(side) + side * (plan.pavement + 0.35), turn=0.0)

    def _lamps(self):
        plan, rng = self.plan, self.rng
        number = int(rng.integers(3))
        colour = LAMP_RGB[rng.integers(3)] * rng.uniform(3.5, 6)
        on = self.weather["night"] > 0
        for side in (-1, 1):
            for s in np.arange(rng.uniform(0, 24), self.length, rng.uniform(22, 32)):
                if plan.in_mouth(s, 1):
                    continue
                lateral = plan.edge(side) + side * 0.45
                turn = 0 if side > 0 else np.pi
                self.add(
                    still(furniture.lamp(number)), s, lateral, turn=turn, glow=9.0 if on else 0.0
                )
                x, _, z = furniture.lamp_light(number)
                self.lamps.append((s, lateral + side * x, z, *colour))

    def _small(self):
        plan, rng = self.plan, self.rng
        for _ in range(rng.poisson(self.habit["small"] * self.repeat)):
            side = rng.choice((-1, 1))
            s = self.somewhere(4, 75, 1.5)
            if plan.in_mouth(s, 0.5):
                continue
            name = str(rng.choice(FLAT_SMALL))
            lateral = plan.edge(side) + side * (
                0.45
                if name in ("bollard", "meter", "hydrant", "dummy")
                else rng.uniform(0.5, plan.pavement - 0.2)
            )
            self.add(
                still(furniture.small(name)),
                s,
                lateral,
                turn=-side * np.pi / 2 + np.pi * (name == "bench"),
                size=(0.5, 0.5),
            )
        for _ in range(rng.poisson((2.0 if self.habit["town"] == "blocks" else 0.6) * self.repeat)):
            side = rng.choice((-1, 1))
            s = self.somewhere(8, 60, 1.0)
            lateral = plan.edge(side) + side * max(1.0, plan.pavement - 0.9)
            self.advert(s, lateral, rng.normal(0, 0.3))
        if plan.pavement > 2.5 and rng.random() < 0.4:
            side = rng.choice((-1, 1))
            self.add(
                still(furniture.small("shelter")),
                rng.uniform(14, 50),
                plan.edge(side) + side * 1.2,
                turn=-side * np.pi / 2,
            )
        if plan.junction and rng.random() < 0.5:
            for side in (-1, 1):
                self.add(
                    still(furniture.small("light")),
                    plan.junction - plan.mouth / 2 - 1.5,
                    plan.edge(side) + side * 0.5,
                )

    def advert(self, s, lateral, turn):
        """A shop's board: on a pole, as a pavement stand, or in a lit case."""
        rng = self.rng
        number = self.pick("advert")
        mesh, _ = signs.face("advert", number)
        kind = int(rng.integers(3)) if number % 4 in (1, 3) else 0
        high, size = ((2.5, rng.uniform(0.6, 1.0)), (0.62, 0.6), (1.4, 1.2))[kind]
        z = self.plan.height(lateral)
        glow = 0.6 if kind == 2 and self.weather["night"] else 0.0
        self.add(still(mesh), s, lateral, z=z + high, turn=turn, scale=size, glow=glow)
        self.add(still(signs.board_stand(kind)), s, lateral, turn=turn)
