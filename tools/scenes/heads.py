"""A person's head: neck, face, hair, caps and helmets. Sizes are in units of the head's radius."""

from typing import NamedTuple

import numpy as np

from . import surface as sf
from .mesh import ellipsoid, moved, tube, turn_x
from .wardrobe import BAG, HAIR, SKIN, TOP, Build

EYE_BROWN = (0.05, 0.035, 0.03)
LIP_RED = (0.25, 0.08, 0.07)
VISOR_BLACK = (0.01, 0.01, 0.012)

# the fall of long hair: where it hangs, and how wide and deep it is there
LONG_HAIR_RADII = np.array([(0.72, 0.55), (0.84, 0.58), (0.62, 0.30)])


class _Head(NamedTuple):
    """Where a head is and how large."""

    centre: np.ndarray
    radius: float

    def at(self, x, y, z):
        """A place by its shift from the middle."""
        return self.centre + np.array([x, y, z]) * self.radius

    def ball(self, shift, radii, material, slot=0, rgb=(1, 1, 1), grid=(4, 6)):
        """An ellipsoid on the head; `grid` is its rows and columns of faces."""
        rows, cols = grid
        size = np.array(radii) * self.radius
        return ellipsoid(self.at(*shift), size, material, rgb, slot, rows=rows, cols=cols)

    def cap(self, shift, radii, low, material=sf.HAIR, slot=HAIR, tilt=0.45):
        """A dome cut off at `low` of its height and tilted backwards."""
        size = np.array(radii) * self.radius
        dome = ellipsoid((0, 0, 0), size, material, slot=slot, rows=7, cols=12, low=low)
        return moved(dome, self.at(*shift), turn_x(tilt))


def head(build: Build, joints: dict) -> list:
    """The meshes of a neck, a face and what is on the head."""
    shape = _Head(joints["head"], build.head)
    face = shape.ball((0, 0, 0), (0.74, 0.90, 1.06), sf.SKIN, SKIN, grid=(9, 12))
    nose = shape.ball((0, 0.90, -0.08), (0.11, 0.14, 0.16), sf.SKIN, SKIN)
    mouth = shape.ball((0, 0.79, -0.46), (0.24, 0.06, 0.06), sf.SKIN, rgb=LIP_RED)
    eyes = []
    for side in (-1, 1):
        at = (side * 0.30, 0.77, 0.16)
        eyes.append(shape.ball(at, (0.15, 0.07, 0.08), sf.HAIR, rgb=EYE_BROWN))
    hair = HAIR_MAKERS[build.hair](shape)
    return [_neck(build, joints), face, nose, mouth, *eyes, *hair]


def _neck(build, joints):
    start = joints["neck"] - (0, 0, 0.02 * build.height)
    end = joints["head"] - (0, 0.006, build.head * 0.5)
    radius = build.height * 0.032
    return tube(np.array([start, end]), radius, sf.SKIN, slot=SKIN)


def _bald(_):
    return []


def _flat_cap(shape):
    """A cap of cloth with a brim, hair below it."""
    crown = shape.cap((0, -0.02, 0.14), (0.82, 0.98, 1.0), 0.12, sf.CLOTH, BAG, tilt=0.05)
    hair = shape.cap((0, -0.06, 0.03), (0.80, 0.94, 1.06), -0.1)
    brim = shape.ball((0, 0.95, 0.38), (0.6, 0.55, 0.06), sf.CLOTH, BAG, grid=(4, 10))
    return [crown, hair, brim]


def _hood(shape):
    return [shape.cap((0, -0.12, -0.02), (0.98, 1.08, 1.22), -0.45, sf.CLOTH, TOP, tilt=0.75)]


def _cycle_helmet(shape):
    shell = shape.cap((0, -0.02, 0.22), (0.92, 1.12, 1.02), 0.0, sf.METAL, BAG, tilt=0.08)
    hair = shape.cap((0, -0.06, 0.03), (0.80, 0.94, 1.06), -0.3)
    return [shell, hair]


def _motor_helmet(shape):
    shell = shape.ball((0, 0, 0.05), (1.12, 1.25, 1.28), sf.METAL, BAG, grid=(9, 14))
    visor_radii = (0.98, 1.08, 0.50)
    visor = shape.ball((0, 0.25, 0.12), visor_radii, sf.GLASS, rgb=VISOR_BLACK, grid=(6, 14))
    return [shell, visor]


def _dome(shape, low):
    """The hair on top, which every cut has."""
    return shape.cap((0, -0.05, 0.06), (0.82, 0.98, 1.12), low)


def _short_hair(shape):
    back = shape.ball((0, -0.28, -0.05), (0.76, 0.72, 0.85), sf.HAIR, HAIR, grid=(6, 12))
    return [_dome(shape, 0.02), back]


def _falling_hair(shape, drop):
    """Hair that hangs down behind, to `drop` below the head's middle."""
    path = np.array(
        [
            shape.at(0, -0.30, 0.5),
            shape.at(0, -0.48, -0.3),
            shape.at(0, -0.55, -drop),
        ]
    )
    radii = LONG_HAIR_RADII * shape.radius
    return [_dome(shape, -0.05), tube(path, radii, sf.HAIR, slot=HAIR, sides=12)]


def _long_hair(shape):
    return _falling_hair(shape, 1.5)


def _bob(shape):
    return _falling_hair(shape, 0.75)


def _bun(shape):
    knot = shape.ball((0, -0.85, 0.55), (0.40, 0.40, 0.38), sf.HAIR, HAIR, grid=(5, 8))
    back = shape.ball((0, -0.25, 0), (0.78, 0.76, 0.85), sf.HAIR, HAIR, grid=(6, 12))
    return [_dome(shape, -0.05), knot, back]


HAIR_MAKERS = {
    "short": _short_hair,
    "long": _long_hair,
    "bun": _bun,
    "cap": _flat_cap,
    "bald": _bald,
    "bob": _bob,
    "hood": _hood,
    "helmet": _cycle_helmet,
    "motor": _motor_helmet,
}
