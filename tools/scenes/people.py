"""People: a skeleton posed by a table of gaits, in lofted clothes. Riders use the same body.

A design is a build and an outfit (`wardrobe`); poses come from the scene (`poses`). Palette slots:
1 top, 2 legs, 3 shoes, 4 skin, 5 hair, 6 bag.
"""

from functools import lru_cache
from typing import NamedTuple, Tuple

import numpy as np

from . import surface as sf
from .clothes import bag, skirt
from .heads import head
from .mesh import Mesh, box, chaikin, ellipsoid, merge, moved, tube, turn_x
from .poses import standing, walking
from .wardrobe import LEGS, SHOES, SKIN, TOP, TOPS, Build, palette

__all__ = ["DESIGNS", "PHASES", "TOPS", "Build", "body", "design", "palette"]

DESIGNS = 60
PHASES = 8  # poses of a step

SHIRT_WHITE = (0.7, 0.7, 0.68)


class _LegWear(NamedTuple):
    """How a leg looks: half widths at hip, thigh, knee, calf and ankle, in units of the height."""

    radii: Tuple[float, ...]
    material: int
    slot: int


BARE = _LegWear((0.076, 0.066, 0.050, 0.047, 0.028), sf.SKIN, SKIN)
NARROW = _LegWear((0.076, 0.066, 0.054, 0.053, 0.046), sf.CLOTH, LEGS)
WIDE = _LegWear((0.076, 0.066, 0.054, 0.053, 0.054), sf.CLOTH, LEGS)

# half widths in units of the height
SHORTS = np.array([0.085, 0.08, 0.075])
ARM = np.array([0.026, 0.034, 0.029, 0.025, 0.020])  # shoulder, upper arm, elbow, forearm, wrist

# rings of the torso: share of the way from pelvis to neck; half width and half depth, in units of
# the height
TORSO_HEIGHTS = np.array([-0.20, -0.06, 0.08, 0.36, 0.62, 0.78, 0.89, 0.955, 1.0])
TORSO_RADII = np.array(
    [
        (0.062, 0.052),
        (0.094, 0.067),
        (0.096, 0.068),
        (0.080, 0.057),
        (0.096, 0.066),
        (0.108, 0.062),
        (0.098, 0.052),
        (0.066, 0.044),
        (0.036, 0.036),
    ]
)
BELLY = slice(2, 5)
WAIST = 3
CHEST = 4
SHOULDERS = slice(5, 7)
CLOTHED = slice(0, 7)  # all but the neck

# how much wider than the body an outfit's upper part is
LOOSE = {"jacket": 1.14, "coat": 1.16, "hoodie": 1.16, "suit": 1.10}
LOOSE_SHIRT = 1.03
THICK_SLEEVES = ("jacket", "coat", "hoodie", "suit")
BELTED = ("shirt", "shorts", "skirt")  # the legs' colour begins at the waist


def _smooth(points, radii):
    """A path and its radii, (n, 3) and (n, k), with rounded corners."""
    points = np.asarray(points, float)
    radii = np.asarray(radii, float).reshape(len(points), -1)
    path = chaikin(np.concatenate([points, radii], 1), 1)
    return path[:, :3], path[:, 3:]


def _leg(build, joints, side):
    """A trouser leg or a bare one, and the shoe."""
    hip, knee, ankle = joints[side + "_leg"]
    thigh = (hip + knee) / 2
    calf = knee * 0.65 + ankle * 0.35
    girth = build.wide**0.5

    # the leg itself
    wear = NARROW if build.woman else WIDE
    if build.bare_legs:
        wear = BARE
    radii = np.array(wear.radii) * build.height * girth * 0.92
    path, smooth_radii = _smooth([hip, thigh, knee, calf, ankle], radii)
    parts = [tube(path, smooth_radii[:, 0], wear.material, slot=wear.slot, sides=8)]

    if build.outfit == "shorts":
        hem = knee * 0.75 + thigh * 0.25
        shorts = SHORTS * build.height * girth
        parts.append(tube(np.array([hip, thigh, hem]), shorts, sf.CLOTH, slot=LEGS))

    parts.append(_shoe(build.height, ankle, joints[side + "_foot"]))
    return parts


def _shoe(height, ankle, angle):
    shoe = ellipsoid(
        (0, 0.038 * height, -0.012 * height),
        (0.026 * height, 0.076 * height, 0.028 * height),
        sf.CLOTH,
        slot=SHOES,
        rows=5,
        cols=8,
        low=-0.75,
    )
    at = ankle - (0, 0, 0.015 * height)
    return moved(shoe, at, turn_x(np.clip(angle, -0.9, 0.3)))


def _arm(build, joints, side):
    """A sleeve, the bare forearm below a short one, and the hand."""
    shoulder, elbow, wrist = joints[side + "_arm"]
    thick = 1.25 if build.outfit in THICK_SLEEVES else 1.0
    upper_arm = shoulder * 0.6 + elbow * 0.4
    forearm = elbow * 0.5 + wrist * 0.5
    shape = ARM * build.height * thick * build.wide**0.5
    path, radii = _smooth([shoulder, upper_arm, elbow, forearm, wrist], shape)
    radii = radii[:, 0]

    # the sleeve's end: half way down the path, or at the wrist
    if build.bare_arms:
        end = len(path) // 2
        bare_path = path[end - 1 :]
        bare_radii = radii[end - 1 :] * 0.85
        bare = [tube(bare_path, bare_radii, sf.SKIN, slot=SKIN, sides=7)]
    else:
        end = len(path)
        bare = []
    sleeve = tube(path[:end], radii[:end], sf.CLOTH, slot=TOP, sides=7)
    return [sleeve, *bare, _hand(build.height, elbow, wrist)]


def _hand(height, elbow, wrist):
    forearm = wrist - elbow
    along = forearm / np.linalg.norm(forearm)
    middle = wrist + along * 0.035 * height
    size = (0.016 * height, 0.022 * height, 0.040 * height)
    return ellipsoid(middle, size, sf.SKIN, slot=SKIN, rows=5, cols=7)


def _torso(build, joints):
    """The upper part in the top's colour; the hips in the legs' colour where the outfit has two."""
    pelvis = joints["pelvis"]
    spine = joints["neck"] - pelvis
    path = pelvis + spine * TORSO_HEIGHTS[:, None]
    radii = _torso_radii(build)

    parts = []
    if build.outfit in BELTED:
        low_path, low_radii = _smooth(path[:4], radii[:4])
        parts.append(tube(low_path, low_radii * 0.96, sf.CLOTH, slot=LEGS, sides=12))
    high_path, high_radii = _smooth(path[1:], radii[1:])
    parts.append(tube(high_path, high_radii, sf.CLOTH, slot=TOP, sides=12))

    if build.outfit == "suit":
        shirt_at = pelvis + spine * 0.72 + (0, 0.064 * build.height, 0)
        size = np.array([0.05, 0.03, 0.12]) * build.height
        parts.append(box(shirt_at, size, sf.CLOTH, SHIRT_WHITE))
    return parts


def _torso_radii(build):
    radii = TORSO_RADII * build.height
    if build.woman:
        radii[WAIST] *= 0.88
        radii[SHOULDERS, 0] *= 0.92
        radii[CHEST, 1] *= 1.15
    radii[CLOTHED] *= LOOSE.get(build.outfit, LOOSE_SHIRT)
    radii[BELLY] *= build.wide
    return radii


def body(build: Build, joints: dict) -> Mesh:
    """The mesh of a person in the pose of `joints`, standing on the ground."""
    parts = [
        *_torso(build, joints),
        *skirt(build, joints),
        *head(build, joints),
        *bag(build, joints),
    ]
    for side in ("left", "right"):
        parts += _leg(build, joints, side)
        parts += _arm(build, joints, side)
    whole = merge(parts)
    lowest = float(whole.pos[..., 2].min())
    return moved(whole, (0, 0, -lowest))


@lru_cache(maxsize=None)
def design(number: int, pose: int) -> Mesh:
    """A person's mesh: poses 0..PHASES-1 walk, later ones stand."""
    build = Build(number)
    if pose < PHASES:
        return body(build, walking(build, pose / PHASES))
    return body(build, standing(build, pose - PHASES))
