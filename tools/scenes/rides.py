"""What all two-wheelers share: the measures of a design, the points its parts hang on, its wheels.

Metres, facing +y. Palette slots 1 to 6 are the rider's, as in `people`; `FRAME` is the frame's.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from . import surface as sf
from .mesh import Mesh, circle, ellipsoid, moved, plate, rod, torus, turn_z
from .textures import Canvas

FRAME = 7
BACK = -1
FRONT = 1
SIDES = (-1, 1)  # left, right

DARK = (0.02, 0.02, 0.022)
STEEL = (0.45, 0.45, 0.46)

KINDS = (
    "city",
    "race",
    "mountain",
    "motor",
    "scooter",
    "city",
    "cruiser",
    "city",
    "mountain",
    "scooter",
)
MOTOR_KINDS = ("motor", "scooter", "cruiser")

SPOKES = 14
DISC_SPOKES = 6
DISC_GREY = (70, 70, 70)
DISC_SPOKE_GREY = (160, 160, 160)
DISC_HUB_GREY = (60, 60, 62)


class Measures(NamedTuple):
    """The usual size of a kind, in metres."""

    radius: float  # of a wheel
    base: float  # between the hubs
    saddle: float  # height
    bar: float  # height of the handlebar


MEASURES = {
    "city": Measures(radius=0.34, base=1.06, saddle=0.92, bar=1.06),
    "mountain": Measures(radius=0.34, base=1.06, saddle=0.92, bar=1.06),
    "race": Measures(radius=0.34, base=1.06, saddle=0.98, bar=0.95),
    "motor": Measures(radius=0.31, base=1.42, saddle=0.80, bar=1.0),
    "scooter": Measures(radius=0.24, base=1.28, saddle=0.76, bar=1.02),
    "cruiser": Measures(radius=0.33, base=1.6, saddle=0.70, bar=1.08),
}


class Points(NamedTuple):
    """Where the parts of a two-wheeler meet; each is (3,), in its middle plane."""

    back: np.ndarray  # hub
    front: np.ndarray  # hub
    crank: np.ndarray
    seat: np.ndarray
    head: np.ndarray  # where the fork enters the frame
    bar: np.ndarray


class Ride:
    """Measures and extras of one design. Its colour and its rider belong to the scene."""

    def __init__(self, number: int) -> None:
        rng = np.random.default_rng((number, 37))
        self.kind = KINDS[number % len(KINDS)]
        self.motor = self.kind in MOTOR_KINDS

        # measures, in metres
        usual = MEASURES[self.kind]
        self.radius = usual.radius * rng.uniform(0.97, 1.03)
        self.base = usual.base * rng.uniform(0.97, 1.03)
        self.saddle = usual.saddle * rng.uniform(0.97, 1.04)
        self.bar = usual.bar * rng.uniform(0.97, 1.04)

        # extras
        self.step_through = self.kind == "city" and rng.random() < 0.5
        self.basket, self.rack, self.mudguards = rng.random(3) < 0.5

    @property
    def tyre(self) -> float:
        """Half the thickness of a tyre."""
        if self.motor:
            return 0.055
        if self.kind == "mountain":
            return 0.028
        return 0.019

    def hub(self, end: int) -> float:
        """How far forward the hub of a wheel is; `end` is BACK or FRONT."""
        return self.base / 2 * end

    def points(self) -> Points:
        """Where its parts meet."""
        back = -self.base / 2
        front = self.base / 2
        return Points(
            back=np.array([0, back, self.radius]),
            front=np.array([0, front, self.radius]),
            crank=np.array([0, back + self.base * 0.42, self.radius * 0.82]),
            seat=np.array([0, back + self.base * 0.26, self.saddle - 0.06]),
            head=np.array([0, front - self.base * 0.20, self.bar - 0.16]),
            bar=np.array([0, front - self.base * 0.23, self.bar]),
        )


def painted_ball(centre: tuple, radii: tuple, grid: tuple, low: float = -1.0) -> Mesh:
    """An ellipsoid in the frame's colour; `grid` is its rows and columns of faces."""
    rows, cols = grid
    return ellipsoid(centre, radii, sf.METAL, slot=FRAME, rows=rows, cols=cols, low=low)


@lru_cache(maxsize=None)
def _disc_picture():
    """A motorcycle's wheel from its side: a few broad spokes on a disc."""
    canvas = Canvas(1, 1, 40, DISC_GREY, paint=0, gloss=0.3, origin=(-0.5, -0.5))
    for k in range(DISC_SPOKES):
        angle = k * np.pi * 2 / DISC_SPOKES
        rim_point = (0.5 * np.cos(angle), 0.5 * np.sin(angle))
        canvas.line([(0, 0), rim_point], DISC_SPOKE_GREY, 0.05)
    canvas.circle(0, 0, 0.14, DISC_HUB_GREY)
    return canvas.store()


def wheel(ride: Ride, end: int) -> list:
    """The meshes of one wheel; `end` is BACK or FRONT."""
    hub = (0, ride.hub(end), ride.radius)
    radius = ride.radius - ride.tyre
    tyre = torus(hub, radius, ride.tyre, sf.RUBBER, DARK, rings=22, sides=6)
    if ride.motor:
        outline = circle(ride.radius - ride.tyre * 1.5, 16)
        disc = plate(outline, sf.PAINTED, tex=_disc_picture())
        return [tyre, moved(disc, hub, turn_z(np.pi / 2))]
    return [tyre, *_rim_and_spokes(ride, hub)]


def _rim_and_spokes(ride, hub):
    rim_radius = ride.radius - ride.tyre * 2.4
    parts = [torus(hub, rim_radius, 0.008, sf.METAL, STEEL, rings=22, sides=4)]

    middle = np.array(hub)
    spoke_length = ride.radius - ride.tyre * 2
    for k in range(SPOKES):
        angle = k * 2 * np.pi / SPOKES
        spoke = np.array([0, np.cos(angle), np.sin(angle)]) * spoke_length
        parts.append(rod(hub, middle + spoke, 0.0035, sf.METAL, STEEL, sides=3))

    half_axle = np.array([0.04, 0, 0])
    parts.append(rod(middle - half_axle, middle + half_axle, 0.022, sf.METAL, STEEL))
    return parts
