"""People: a skeleton posed by a table of gaits, dressed in lofted clothes. Riders use the same body.

A design is a build and an outfit; poses come from the scene. Palette slots: 1 top, 2 legs, 3 shoes, 4 skin, 5 hair,
6 bag.
"""

from functools import lru_cache

import numpy as np

from . import surface as sf
from .mesh import box, chaikin, ellipsoid, merge, moved, tube, turn_x
from .poses import standing, walking

DESIGNS = 60
PHASES = 8
TOP, LEGS, SHOES, SKIN, HAIR, BAG = range(1, 7)

OUTFITS = ("shirt", "jacket", "coat", "dress", "skirt", "hoodie", "suit", "shorts")
HAIRCUTS = ("short", "long", "bun", "cap", "bald", "bob", "hood", "helmet")
BAGS = ("none", "none", "backpack", "shoulder", "hand")

SKINS = np.array(
    [
        (0.60, 0.38, 0.28),
        (0.52, 0.31, 0.21),
        (0.42, 0.24, 0.15),
        (0.30, 0.16, 0.09),
        (0.16, 0.08, 0.05),
        (0.64, 0.43, 0.33),
    ]
)
HAIRS = np.array(
    [
        (0.015, 0.012, 0.01),
        (0.05, 0.03, 0.018),
        (0.12, 0.07, 0.035),
        (0.32, 0.22, 0.10),
        (0.30, 0.29, 0.28),
        (0.20, 0.06, 0.025),
    ]
)
TOPS = np.array(
    [
        (0.02, 0.02, 0.025),
        (0.03, 0.03, 0.035),
        (0.05, 0.06, 0.12),
        (0.04, 0.05, 0.09),
        (0.60, 0.58, 0.55),
        (0.28, 0.04, 0.04),
        (0.08, 0.18, 0.32),
        (0.10, 0.15, 0.09),
        (0.38, 0.27, 0.12),
        (0.22, 0.22, 0.23),
        (0.12, 0.12, 0.13),
        (0.26, 0.20, 0.15),
        (0.42, 0.33, 0.34),
        (0.55, 0.38, 0.10),
        (0.11, 0.06, 0.12),
        (0.10, 0.24, 0.25),
        (0.72, 0.71, 0.68),
        (0.16, 0.15, 0.11),
    ]
)
BOTTOMS = np.array(
    [
        (0.02, 0.02, 0.025),
        (0.05, 0.08, 0.16),
        (0.09, 0.13, 0.24),
        (0.20, 0.17, 0.12),
        (0.12, 0.12, 0.13),
        (0.35, 0.30, 0.22),
        (0.03, 0.03, 0.05),
    ]
)
SHOE = np.array([(0.02, 0.02, 0.02), (0.55, 0.54, 0.52), (0.10, 0.05, 0.025), (0.06, 0.06, 0.07)])


def palette(rng):
    """Colours for one person: clothes are mostly muted."""

    def pick(table, fade=0.0):
        rgb = table[rng.integers(len(table))] * rng.uniform(0.75, 1.25)
        return tuple(np.clip(rgb + (rgb.mean() - rgb) * rng.uniform(0, fade), 0.008, 0.8))

    return (
        pick(TOPS, 1.0),
        pick(BOTTOMS, 0.6),
        pick(SHOE),
        pick(SKINS),
        pick(HAIRS),
        pick(TOPS * 0.6, 1.0),
    )


class Build:
    """Size and outfit of one design."""

    def __init__(self, design):
        rng = np.random.default_rng((design, 23))
        child = design % 9 == 8
        self.woman = bool(design % 2)
        self.height = (
            rng.uniform(1.15, 1.45) if child else rng.normal(1.66 if self.woman else 1.78, 0.06)
        )
        self.head = self.height * (0.078 if child else 0.067)
        self.wide = rng.uniform(0.92, 1.22)
        self.outfit = str(
            rng.choice(
                OUTFITS,
                p=(0.2, 0.25, 0.1, 0.09, 0.06, 0.14, 0.08, 0.08)
                if self.woman
                else (0.24, 0.28, 0.1, 0, 0, 0.18, 0.1, 0.1),
            )
        )
        self.hair = str(
            rng.choice(
                HAIRCUTS[:6],
                p=(0.12, 0.42, 0.16, 0.05, 0, 0.25)
                if self.woman
                else (0.66, 0.04, 0, 0.18, 0.12, 0),
            )
        )
        if self.outfit == "hoodie" and rng.random() < 0.3:
            self.hair = "hood"
        self.bag = str(rng.choice(BAGS))


def _smooth(points, radii, times=2):
    path = chaikin(
        np.concatenate(
            [np.asarray(points, float), np.asarray(radii, float).reshape(len(points), -1)], 1
        ),
        times,
    )
    return path[:, :3], path[:, 3:]


def _leg(build, joints, side, slot, bare, sides=8):
    h, w = build.height, build.wide
    hip, knee, ankle = joints[side + "_leg"]
    mid = (hip + knee) / 2
    calf = knee * 0.65 + ankle * 0.35
    hem = 0.036 if bare else 0.046 if build.woman else 0.054
    shape = [
        (hip, 0.076),
        (mid, 0.066),
        (knee, 0.050 if bare else 0.054),
        (calf, 0.047 if bare else 0.053),
        (ankle, 0.028 if bare else hem),
    ]
    path, radii = _smooth([p for p, _ in shape], [(r * h * w**0.5 * 0.92,) for _, r in shape], 1)
    legs = [
        tube(
            path,
            radii[:, 0],
            sf.SKIN if bare else sf.CLOTH,
            slot=SKIN if bare else slot,
            sides=sides,
        )
    ]
    if bare and slot == LEGS:
        legs.append(
            tube(
                np.array([hip, mid, knee * 0.75 + mid * 0.25]),
                np.array([0.085, 0.08, 0.075]) * h * w**0.5,
                sf.CLOTH,
                slot=LEGS,
            )
        )
    angle = joints[side + "_foot"]
    foot = ellipsoid(
        (0, 0.038 * h, -0.012 * h),
        (0.026 * h, 0.076 * h, 0.028 * h),
        sf.CLOTH,
        slot=SHOES,
        rows=5,
        cols=8,
        low=-0.75,
    )
    legs.append(moved(foot, ankle - (0, 0, 0.015 * h), turn_x(np.clip(angle, -0.9, 0.3))))
    return legs


def _arm(build, joints, side, bare):
    h, w = build.height, build.wide**0.5
    shoulder, elbow, wrist = joints[side + "_arm"]
    thick = 1.25 if build.outfit in ("jacket", "coat", "hoodie", "suit") else 1.0
    radii = np.array([0.026, 0.034, 0.029, 0.025, 0.020]) * h * thick * w
    points = [shoulder, shoulder * 0.6 + elbow * 0.4, elbow, elbow * 0.5 + wrist * 0.5, wrist]
    path, fat = _smooth(points, radii[:, None], 1)
    sleeve = len(path) // 2 if bare else len(path)
    parts = [tube(path[:sleeve], fat[:sleeve, 0], sf.CLOTH, slot=TOP, sides=7)]
    if bare:
        parts.append(
            tube(path[sleeve - 1 :], fat[sleeve - 1 :, 0] * 0.85, sf.SKIN, slot=SKIN, sides=7)
        )
    hand = wrist + (wrist - elbow) / np.linalg.norm(wrist - elbow) * 0.035 * h
    parts.append(
        ellipsoid(hand, (0.016 * h, 0.022 * h, 0.040 * h), sf.SKIN, slot=SKIN, rows=5, cols=7)
    )
    return parts


TORSO = np.array(
    [  # share of pelvis-to-neck, half width, half depth, in units of the height
        (-0.20, 0.062, 0.052),
        (-0.06, 0.094, 0.067),
        (0.08, 0.096, 0.068),
        (0.36, 0.080, 0.057),
        (0.62, 0.096, 0.066),
        (0.78, 0.108, 0.062),
        (0.89, 0.098, 0.052),
        (0.955, 0.066, 0.044),
        (1.0, 0.036, 0.036),
    ]
)


def _torso(build, joints):
    h = build.height
    pelvis, neck = joints["pelvis"], joints["neck"]
    t = TORSO.copy()
    t[:, 1:] *= h
    if build.woman:
        t[3, 1:] *= 0.88
        t[5:7, 1] *= 0.92
        t[4, 2] *= 1.15
    loose = {"jacket": 1.14, "coat": 1.16, "hoodie": 1.16, "suit": 1.10}.get(build.outfit, 1.03)
    t[:7, 1:] *= loose
    t[2:5, 1:] *= build.wide
    path = pelvis + (neck - pelvis) * t[:, :1]
    split = 2 if build.outfit in ("shirt", "shorts", "skirt") else 0
    parts = []
    if split:
        low_path, low_fat = _smooth(path[:4], t[:4, 1:], 1)
        parts.append(tube(low_path, low_fat * 0.96, sf.CLOTH, slot=LEGS, sides=12))
    high_path, high_fat = _smooth(path[1:], t[1:, 1:], 1)
    parts.append(tube(high_path, high_fat, sf.CLOTH, slot=TOP, sides=12))
    if build.outfit == "suit":
        parts.append(
            box(
                pelvis + (neck - pelvis) * 0.72 + (0, 0.064 * h, 0),
                (0.05 * h, 0.03 * h, 0.12 * h),
                sf.CLOTH,
                (0.7, 0.7, 0.68),
            )
        )
    return parts


SKIRTS = {"coat": (0.62, 1.35, TOP), "dress": (0.80, 1.75, TOP), "skirt": (0.75, 1.7, LEGS)}


def _skirt(build, joints):
    """The part of a coat, dress or skirt below the waist, wide enough for the stride."""
    if build.outfit not in SKIRTS:
        return []
    h = build.height
    drop, flare, slot = SKIRTS[build.outfit]
    waist = joints["pelvis"] + (0, 0, 0.05 * h)
    knees = [joints[s + "_leg"][1] for s in ("left", "right")]
    stride = abs(knees[0][1] - knees[1][1]) / 2
    low = waist + ((knees[0] + knees[1]) / 2 - waist) * drop
    path = np.array([waist + (low - waist) * k for k in (0, 0.35, 0.7, 1)])
    fat = (
        np.array(
            [
                (0.090, 0.066),
                (0.105, 0.085),
                (0.095 * (1 + flare) / 2, 0.09),
                (0.095 * flare * 0.72, 0.095),
            ]
        )
        * h
    )
    fat[:, 1] += np.array([0, 0.15, 0.5, 0.85]) * stride
    return [tube(path, fat, sf.CLOTH, slot=slot, sides=14)]


def _head(build, joints):
    r = build.head
    at = joints["head"]
    neck = tube(
        np.array([joints["neck"] - (0, 0, 0.02 * build.height), at - (0, 0.006, r * 0.5)]),
        build.height * 0.032,
        sf.SKIN,
        slot=SKIN,
    )
    face = ellipsoid(at, (r * 0.74, r * 0.90, r * 1.06), sf.SKIN, slot=SKIN, rows=9, cols=12)
    nose = ellipsoid(
        at + np.array([0, r * 0.90, -r * 0.08]),
        (r * 0.11, r * 0.14, r * 0.16),
        sf.SKIN,
        slot=SKIN,
        rows=4,
        cols=6,
    )
    eyes = [
        ellipsoid(
            at + np.array([s * r * 0.30, r * 0.77, r * 0.16]),
            (r * 0.15, r * 0.07, r * 0.08),
            sf.HAIR,
            (0.05, 0.035, 0.03),
            rows=4,
            cols=6,
        )
        for s in (-1, 1)
    ]
    mouth = ellipsoid(
        at + np.array([0, r * 0.79, -r * 0.46]),
        (r * 0.24, r * 0.06, r * 0.06),
        sf.SKIN,
        (0.25, 0.08, 0.07),
        rows=4,
        cols=6,
    )
    return [neck, face, nose, mouth, *eyes, *_hair(build, at, r)]


def _hair(build, at, r):
    def cap(radii, shift, low, slot=HAIR, mat=sf.HAIR, tilt=0.45, rgb=(1, 1, 1)):
        dome = ellipsoid((0, 0, 0), np.asarray(radii) * r, mat, rgb, slot, 7, 12, low=low)
        return moved(dome, at + np.asarray(shift) * r, turn_x(tilt))

    style = build.hair
    if style == "bald":
        return []
    if style == "cap":
        brim = ellipsoid(
            at + np.array([0, r * 0.95, r * 0.38]),
            (r * 0.6, r * 0.55, r * 0.06),
            sf.CLOTH,
            slot=BAG,
            rows=4,
            cols=10,
        )
        return [
            cap((0.82, 0.98, 1.0), (0, -0.02, 0.14), 0.12, BAG, sf.CLOTH, 0.05),
            cap((0.80, 0.94, 1.06), (0, -0.06, 0.03), -0.1),
            brim,
        ]
    if style == "hood":
        return [cap((0.98, 1.08, 1.22), (0, -0.12, -0.02), -0.45, TOP, sf.CLOTH, 0.75)]
    if style == "helmet":
        return [
            cap((0.92, 1.12, 1.02), (0, -0.02, 0.22), 0.0, BAG, sf.METAL, 0.08),
            cap((0.80, 0.94, 1.06), (0, -0.06, 0.03), -0.3),
        ]
    if style == "motor":
        shell = ellipsoid(
            at + np.array([0, 0, r * 0.05]),
            (r * 1.12, r * 1.25, r * 1.28),
            sf.METAL,
            slot=BAG,
            rows=9,
            cols=14,
        )
        visor = ellipsoid(
            at + np.array([0, r * 0.25, r * 0.12]),
            (r * 0.98, r * 1.08, r * 0.50),
            sf.GLASS,
            (0.01, 0.01, 0.012),
            rows=6,
            cols=14,
        )
        return [shell, visor]
    parts = [cap((0.82, 0.98, 1.12), (0, -0.05, 0.06), 0.02 if style == "short" else -0.05)]
    if style == "short":
        parts.append(
            ellipsoid(
                at + np.array([0, -r * 0.28, -r * 0.05]),
                (r * 0.76, r * 0.72, r * 0.85),
                sf.HAIR,
                slot=HAIR,
                rows=6,
                cols=12,
            )
        )
    elif style in ("long", "bob"):
        drop = 1.5 if style == "long" else 0.75
        back = np.array(
            [
                at + np.array([0, -r * 0.30, r * 0.5]),
                at + np.array([0, -r * 0.48, -r * 0.3]),
                at + np.array([0, -r * 0.55, -r * drop]),
            ]
        )
        parts.append(
            tube(
                back,
                np.array([(0.72, 0.55), (0.84, 0.58), (0.62, 0.30)]) * r,
                sf.HAIR,
                slot=HAIR,
                sides=12,
            )
        )
    else:
        parts.append(
            ellipsoid(
                at + np.array([0, -r * 0.85, r * 0.55]),
                (r * 0.40, r * 0.40, r * 0.38),
                sf.HAIR,
                slot=HAIR,
                rows=5,
                cols=8,
            )
        )
        parts.append(
            ellipsoid(
                at + np.array([0, -r * 0.25, 0]),
                (r * 0.78, r * 0.76, r * 0.85),
                sf.HAIR,
                slot=HAIR,
                rows=6,
                cols=12,
            )
        )
    return parts


def _bag(build, joints):
    h = build.height
    chest = joints["pelvis"] * 0.35 + joints["neck"] * 0.65
    if build.bag == "backpack":
        pack = ellipsoid(
            chest + (0, -0.105 * h, -0.01 * h),
            (0.088 * h, 0.055 * h, 0.135 * h),
            sf.CLOTH,
            slot=BAG,
            rows=8,
            cols=12,
            square=0.5,
        )
        pocket = ellipsoid(
            chest + (0, -0.155 * h, -0.06 * h),
            (0.065 * h, 0.025 * h, 0.06 * h),
            sf.CLOTH,
            (0.8, 0.8, 0.8),
            BAG,
            6,
            10,
            square=0.5,
        )
        top, low = joints["neck"] - (0, 0, 0.03 * h), chest - (0, 0, 0.07 * h)
        straps = [
            tube(
                [
                    top + (x, -0.06 * h, 0),
                    top + (x, 0.035 * h, 0.01 * h),
                    chest + (x * 1.2, 0.078 * h, 0.02 * h),
                    low + (x * 1.5, 0.01 * h, 0),
                ],
                0.012 * h,
                sf.CLOTH,
                slot=BAG,
                sides=5,
            )
            for x in (-0.055 * h, 0.055 * h)
        ]
        return [pack, pocket, *straps]
    if build.bag == "shoulder":
        hip = joints["pelvis"] + np.array([0.125 * h, -0.01, 0.0])
        return [
            ellipsoid(hip, (0.035 * h, 0.10 * h, 0.085 * h), sf.CLOTH, slot=BAG, rows=6, cols=8),
            tube(
                np.array(
                    [
                        hip + (0, 0, 0.05 * h),
                        chest + (0.1 * h, 0.0, 0.09 * h),
                        joints["neck"] + (-0.05 * h, 0, 0),
                    ]
                ),
                0.010 * h,
                sf.CLOTH,
                slot=BAG,
                sides=5,
            ),
        ]
    if build.bag == "hand":
        wrist = joints["right_arm"][2]
        return [
            box(
                wrist + np.array([0.01, 0, -0.16 * h]),
                (0.07 * h, 0.17 * h, 0.15 * h),
                sf.CLOTH,
                slot=BAG,
            )
        ]
    return []


def body(build, joints):
    """The mesh of a person in the pose of `joints`."""
    bare_legs = build.outfit in ("dress", "skirt", "shorts")
    bare_arms = build.outfit in ("dress", "shorts") or (
        build.outfit == "shirt" and build.height * 1000 % 2 < 1
    )
    parts = [
        *_torso(build, joints),
        *_skirt(build, joints),
        *_head(build, joints),
        *_bag(build, joints),
    ]
    for side in ("left", "right"):
        parts += _leg(
            build,
            joints,
            side,
            LEGS if build.outfit == "shorts" or not bare_legs else SKIN,
            bare_legs,
        )
        parts += _arm(build, joints, side, bare_arms)
    whole = merge(parts)
    return moved(whole, (0, 0, -float(whole.pos[..., 2].min())))


@lru_cache(maxsize=None)
def design(number, pose):
    """A person mesh: poses 0..PHASES-1 walk, later ones stand."""
    build = Build(number)
    joints = walking(build, pose / PHASES) if pose < PHASES else standing(build, pose - PHASES)
    return body(build, joints)
