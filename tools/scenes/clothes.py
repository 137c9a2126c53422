"""What people wear or carry beyond trousers and sleeves: skirts, coats' tails, bags.

Joints are in metres; measures are shares of the person's height.
"""

from typing import NamedTuple

import numpy as np

from . import surface as sf
from .mesh import box, ellipsoid, tube
from .wardrobe import BAG, LEGS, TOP, Build

POCKET_SHADE = (0.8, 0.8, 0.8)


class _Skirt(NamedTuple):
    """How far towards the knees a skirt reaches, how much it widens, which colour it has."""

    drop: float
    flare: float
    slot: int


SKIRTS = {
    "coat": _Skirt(drop=0.62, flare=1.35, slot=TOP),
    "dress": _Skirt(drop=0.80, flare=1.75, slot=TOP),
    "skirt": _Skirt(drop=0.75, flare=1.7, slot=LEGS),
}
SKIRT_RINGS = (0, 0.35, 0.7, 1)  # from waist to hem
STRIDE_SHARE = np.array([0, 0.15, 0.5, 0.85])  # how much of the stride each ring must hold


def skirt(build: Build, joints: dict) -> list:
    """The part of a coat, dress or skirt below the waist, wide enough for the stride."""
    if build.outfit not in SKIRTS:
        return []
    drop, flare, slot = SKIRTS[build.outfit]

    # from the waist towards the knees
    waist = joints["pelvis"] + (0, 0, 0.05 * build.height)
    left_knee = joints["left_leg"][1]
    right_knee = joints["right_leg"][1]
    middle = (left_knee + right_knee) / 2
    low = waist + (middle - waist) * drop
    fall = low - waist
    path = np.array([waist + fall * share for share in SKIRT_RINGS])

    # half widths and half depths; the depth follows the legs
    shape = [
        (0.090, 0.066),
        (0.105, 0.085),
        (0.095 * (1 + flare) / 2, 0.09),
        (0.095 * flare * 0.72, 0.095),
    ]
    radii = np.array(shape) * build.height
    apart = left_knee - right_knee
    stride = abs(apart[1]) / 2
    radii[:, 1] += STRIDE_SHARE * stride
    return [tube(path, radii, sf.CLOTH, slot=slot, sides=14)]


def bag(build: Build, joints: dict) -> list:
    """The meshes of what is carried, if anything."""
    pelvis = joints["pelvis"]
    neck = joints["neck"]
    chest = pelvis * 0.35 + neck * 0.65
    if build.bag == "backpack":
        return _backpack(chest, neck, build.height)
    if build.bag == "shoulder":
        return _shoulder_bag(chest, joints, build.height)
    if build.bag == "hand":
        return [_hand_bag(joints["right_arm"][2], build.height)]
    return []


def _scaled(height, x, y, z):
    return np.array([x, y, z]) * height


def _backpack(chest, neck, height):
    pack = ellipsoid(
        chest + _scaled(height, 0, -0.105, -0.01),
        _scaled(height, 0.088, 0.055, 0.135),
        sf.CLOTH,
        slot=BAG,
        rows=8,
        cols=12,
        square=0.5,
    )
    pocket = ellipsoid(
        chest + _scaled(height, 0, -0.155, -0.06),
        _scaled(height, 0.065, 0.025, 0.06),
        sf.CLOTH,
        POCKET_SHADE,
        slot=BAG,
        rows=6,
        cols=10,
        square=0.5,
    )
    straps = [_strap(chest, neck, height, x) for x in (-0.055 * height, 0.055 * height)]
    return [pack, pocket, *straps]


def _strap(chest, neck, height, x):
    """A backpack's strap, `x` beside the middle: over the shoulder and under the arm."""
    top = neck - (0, 0, 0.03 * height)
    low = chest - (0, 0, 0.07 * height)
    path = [
        top + (x, -0.06 * height, 0),
        top + (x, 0.035 * height, 0.01 * height),
        chest + (x * 1.2, 0.078 * height, 0.02 * height),
        low + (x * 1.5, 0.01 * height, 0),
    ]
    return tube(path, 0.012 * height, sf.CLOTH, slot=BAG, sides=5)


def _shoulder_bag(chest, joints, height):
    """A bag at the right hip, its strap over the left shoulder."""
    beside = (0.125 * height, -0.01, 0.0)
    hip = joints["pelvis"] + beside
    size = _scaled(height, 0.035, 0.10, 0.085)
    pouch = ellipsoid(hip, size, sf.CLOTH, slot=BAG, rows=6, cols=8)
    path = np.array(
        [
            hip + (0, 0, 0.05 * height),
            chest + (0.1 * height, 0.0, 0.09 * height),
            joints["neck"] + (-0.05 * height, 0, 0),
        ]
    )
    strap = tube(path, 0.010 * height, sf.CLOTH, slot=BAG, sides=5)
    return [pouch, strap]


def _hand_bag(wrist, height):
    at = wrist + np.array([0.01, 0, -0.16 * height])
    return box(at, _scaled(height, 0.07, 0.17, 0.15), sf.CLOTH, slot=BAG)
