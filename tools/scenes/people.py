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

SKINS = np.array([(.60, .38, .28), (.52, .31, .21), (.42, .24, .15), (.30, .16, .09), (.16, .08, .05), (.64, .43, .33)])
HAIRS = np.array([(.015, .012, .01), (.05, .03, .018), (.12, .07, .035), (.32, .22, .10), (.30, .29, .28),
                  (.20, .06, .025)])
TOPS = np.array([(.02, .02, .025), (.03, .03, .035), (.05, .06, .12), (.04, .05, .09), (.60, .58, .55),
                 (.28, .04, .04), (.08, .18, .32),
                 (.10, .15, .09), (.38, .27, .12), (.22, .22, .23), (.12, .12, .13), (.26, .20, .15), (.42, .33, .34),
                 (.55, .38, .10),
                 (.11, .06, .12), (.10, .24, .25), (.72, .71, .68), (.16, .15, .11)])
BOTTOMS = np.array([(.02, .02, .025), (.05, .08, .16), (.09, .13, .24), (.20, .17, .12), (.12, .12, .13),
                    (.35, .30, .22), (.03, .03, .05)])
SHOE = np.array([(.02, .02, .02), (.55, .54, .52), (.10, .05, .025), (.06, .06, .07)])


def palette(rng):
    """Colours for one person: clothes are mostly muted."""
    def pick(table, fade=0.0):
        rgb = table[rng.integers(len(table))] * rng.uniform(.75, 1.25)
        return tuple(np.clip(rgb + (rgb.mean() - rgb) * rng.uniform(0, fade), .008, .8))
    return (pick(TOPS, 1.0), pick(BOTTOMS, .6), pick(SHOE), pick(SKINS), pick(HAIRS), pick(TOPS * .6, 1.0))


class Build:
    """Size and outfit of one design."""

    def __init__(self, design):
        rng = np.random.default_rng((design, 23))
        child = design % 9 == 8
        self.woman = bool(design % 2)
        self.height = rng.uniform(1.15, 1.45) if child else rng.normal(1.66 if self.woman else 1.78, .06)
        self.head = self.height * (.078 if child else .067)
        self.wide = rng.uniform(.92, 1.22)
        self.outfit = str(rng.choice(OUTFITS, p=(.2, .25, .1, .09, .06, .14, .08, .08) if self.woman
                                     else (.24, .28, .1, 0, 0, .18, .1, .1)))
        self.hair = str(rng.choice(HAIRCUTS[:6], p=(.12, .42, .16, .05, 0, .25) if self.woman else (.66, .04, 0, .18,
                                                                                                    .12, 0)))
        if self.outfit == "hoodie" and rng.random() < .3:
            self.hair = "hood"
        self.bag = str(rng.choice(BAGS))


def _smooth(points, radii, times=2):
    path = chaikin(np.concatenate([np.asarray(points, float), np.asarray(radii, float).reshape(len(points), -1)], 1),
                   times)
    return path[:, :3], path[:, 3:]


def _leg(build, joints, side, slot, bare, sides=8):
    h, w = build.height, build.wide
    hip, knee, ankle = joints[side + "_leg"]
    mid = (hip + knee) / 2
    calf = knee * .65 + ankle * .35
    hem = .036 if bare else .046 if build.woman else .054
    shape = [(hip, .076), (mid, .066), (knee, .050 if bare else .054), (calf, .047 if bare else .053),
             (ankle, .028 if bare else hem)]
    path, radii = _smooth([p for p, _ in shape], [(r * h * w ** .5 * .92,) for _, r in shape], 1)
    legs = [tube(path, radii[:, 0], sf.SKIN if bare else sf.CLOTH, slot=SKIN if bare else slot, sides=sides)]
    if bare and slot == LEGS:
        legs.append(tube(np.array([hip, mid, knee * .75 + mid * .25]), np.array([.085, .08, .075]) * h * w ** .5,
                         sf.CLOTH, slot=LEGS))
    angle = joints[side + "_foot"]
    foot = ellipsoid((0, .038 * h, -.012 * h), (.026 * h, .076 * h, .028 * h), sf.CLOTH, slot=SHOES, rows=5, cols=8,
                     low=-.75)
    legs.append(moved(foot, ankle - (0, 0, .015 * h), turn_x(np.clip(angle, -.9, .3))))
    return legs


def _arm(build, joints, side, bare):
    h, w = build.height, build.wide ** .5
    shoulder, elbow, wrist = joints[side + "_arm"]
    thick = 1.25 if build.outfit in ("jacket", "coat", "hoodie", "suit") else 1.0
    radii = np.array([.026, .034, .029, .025, .020]) * h * thick * w
    points = [shoulder, shoulder * .6 + elbow * .4, elbow, elbow * .5 + wrist * .5, wrist]
    path, fat = _smooth(points, radii[:, None], 1)
    sleeve = len(path) // 2 if bare else len(path)
    parts = [tube(path[:sleeve], fat[:sleeve, 0], sf.CLOTH, slot=TOP, sides=7)]
    if bare:
        parts.append(tube(path[sleeve - 1:], fat[sleeve - 1:, 0] * .85, sf.SKIN, slot=SKIN, sides=7))
    hand = wrist + (wrist - elbow) / np.linalg.norm(wrist - elbow) * .035 * h
    parts.append(ellipsoid(hand, (.016 * h, .022 * h, .040 * h), sf.SKIN, slot=SKIN, rows=5, cols=7))
    return parts


TORSO = np.array([  # share of pelvis-to-neck, half width, half depth, in units of the height
    (-.20, .062, .052), (-.06, .094, .067), (.08, .096, .068), (.36, .080, .057), (.62, .096, .066), (.78, .108, .062),
    (.89, .098, .052),
    (.955, .066, .044), (1.0, .036, .036)])


def _torso(build, joints):
    h = build.height
    pelvis, neck = joints["pelvis"], joints["neck"]
    t = TORSO.copy()
    t[:, 1:] *= h
    if build.woman:
        t[3, 1:] *= .88
        t[5:7, 1] *= .92
        t[4, 2] *= 1.15
    loose = {"jacket": 1.14, "coat": 1.16, "hoodie": 1.16, "suit": 1.10}.get(build.outfit, 1.03)
    t[:7, 1:] *= loose
    t[2:5, 1:] *= build.wide
    path = pelvis + (neck - pelvis) * t[:, :1]
    split = 2 if build.outfit in ("shirt", "shorts", "skirt") else 0
    parts = []
    if split:
        low_path, low_fat = _smooth(path[:4], t[:4, 1:], 1)
        parts.append(tube(low_path, low_fat * .96, sf.CLOTH, slot=LEGS, sides=12))
    high_path, high_fat = _smooth(path[1:], t[1:, 1:], 1)
    parts.append(tube(high_path, high_fat, sf.CLOTH, slot=TOP, sides=12))
    if build.outfit == "suit":
        parts.append(box(pelvis + (neck - pelvis) * .72 + (0, .064 * h, 0), (.05 * h, .03 * h, .12 * h), sf.CLOTH,
                         (.7, .7, .68)))
    return parts


SKIRTS = {"coat": (.62, 1.35, TOP), "dress": (.80, 1.75, TOP), "skirt": (.75, 1.7, LEGS)}


def _skirt(build, joints):
    """The part of a coat, dress or skirt below the waist, wide enough for the stride."""
    if build.outfit not in SKIRTS:
        return []
    h = build.height
    drop, flare, slot = SKIRTS[build.outfit]
    waist = joints["pelvis"] + (0, 0, .05 * h)
    knees = [joints[s + "_leg"][1] for s in ("left", "right")]
    stride = abs(knees[0][1] - knees[1][1]) / 2
    low = waist + ((knees[0] + knees[1]) / 2 - waist) * drop
    path = np.array([waist + (low - waist) * k for k in (0, .35, .7, 1)])
    fat = np.array([(.090, .066), (.105, .085), (.095 * (1 + flare) / 2, .09), (.095 * flare * .72, .095)]) * h
    fat[:, 1] += np.array([0, .15, .5, .85]) * stride
    return [tube(path, fat, sf.CLOTH, slot=slot, sides=14)]


def _head(build, joints):
    r = build.head
    at = joints["head"]
    neck = tube(np.array([joints["neck"] - (0, 0, .02 * build.height), at - (0, .006, r * .5)]), build.height * .032,
                sf.SKIN, slot=SKIN)
    face = ellipsoid(at, (r * .74, r * .90, r * 1.06), sf.SKIN, slot=SKIN, rows=9, cols=12)
    nose = ellipsoid(at + np.array([0, r * .90, -r * .08]), (r * .11, r * .14, r * .16), sf.SKIN, slot=SKIN, rows=4,
                     cols=6)
    eyes = [ellipsoid(at + np.array([s * r * .30, r * .77, r * .16]), (r * .15, r * .07, r * .08), sf.HAIR,
                      (.05, .035, .03), rows=4, cols=6)
            for s in (-1, 1)]
    mouth = ellipsoid(at + np.array([0, r * .79, -r * .46]), (r * .24, r * .06, r * .06), sf.SKIN, (.25, .08, .07),
                      rows=4, cols=6)
    return [neck, face, nose, mouth, *eyes, *_hair(build, at, r)]


def _hair(build, at, r):
    def cap(radii, shift, low, slot=HAIR, mat=sf.HAIR, tilt=.45, rgb=(1, 1, 1)):
        dome = ellipsoid((0, 0, 0), np.asarray(radii) * r, mat, rgb, slot, 7, 12, low=low)
        return moved(dome, at + np.asarray(shift) * r, turn_x(tilt))
    style = build.hair
    if style == "bald":
        return []
    if style == "cap":
        brim = ellipsoid(at + np.array([0, r * .95, r * .38]), (r * .6, r * .55, r * .06), sf.CLOTH, slot=BAG, rows=4,
                         cols=10)
        return [cap((.82, .98, 1.0), (0, -.02, .14), .12, BAG, sf.CLOTH, .05),
                cap((.80, .94, 1.06), (0, -.06, .03), -.1), brim]
    if style == "hood":
        return [cap((.98, 1.08, 1.22), (0, -.12, -.02), -.45, TOP, sf.CLOTH, .75)]
    if style == "helmet":
        return [cap((.92, 1.12, 1.02), (0, -.02, .22), .0, BAG, sf.METAL, .08),
                cap((.80, .94, 1.06), (0, -.06, .03), -.3)]
    if style == "motor":
        shell = ellipsoid(at + np.array([0, 0, r * .05]), (r * 1.12, r * 1.25, r * 1.28), sf.METAL, slot=BAG, rows=9,
                          cols=14)
        visor = ellipsoid(at + np.array([0, r * .25, r * .12]), (r * .98, r * 1.08, r * .50), sf.GLASS,
                          (.01, .01, .012), rows=6, cols=14)
        return [shell, visor]
    parts = [cap((.82, .98, 1.12), (0, -.05, .06), .02 if style == "short" else -.05)]
    if style == "short":
        parts.append(ellipsoid(at + np.array([0, -r * .28, -r * .05]), (r * .76, r * .72, r * .85), sf.HAIR, slot=HAIR,
                               rows=6, cols=12))
    elif style in ("long", "bob"):
        drop = 1.5 if style == "long" else .75
        back = np.array([at + np.array([0, -r * .30, r * .5]), at + np.array([0, -r * .48, -r * .3]),
                         at + np.array([0, -r * .55, -r * drop])])
        parts.append(tube(back, np.array([(.72, .55), (.84, .58), (.62, .30)]) * r, sf.HAIR, slot=HAIR, sides=12))
    else:
        parts.append(ellipsoid(at + np.array([0, -r * .85, r * .55]), (r * .40, r * .40, r * .38), sf.HAIR, slot=HAIR,
                               rows=5, cols=8))
        parts.append(ellipsoid(at + np.array([0, -r * .25, 0]), (r * .78, r * .76, r * .85), sf.HAIR, slot=HAIR,
                               rows=6, cols=12))
    return parts


def _bag(build, joints):
    h = build.height
    chest = joints["pelvis"] * .35 + joints["neck"] * .65
    if build.bag == "backpack":
        pack = ellipsoid(chest + (0, -.105 * h, -.01 * h), (.088 * h, .055 * h, .135 * h), sf.CLOTH, slot=BAG, rows=8,
                         cols=12, square=.5)
        pocket = ellipsoid(chest + (0, -.155 * h, -.06 * h), (.065 * h, .025 * h, .06 * h), sf.CLOTH, (.8, .8, .8), BAG,
                           6, 10, square=.5)
        top, low = joints["neck"] - (0, 0, .03 * h), chest - (0, 0, .07 * h)
        straps = [tube([top + (x, -.06 * h, 0), top + (x, .035 * h, .01 * h), chest + (x * 1.2, .078 * h, .02 * h),
                        low + (x * 1.5, .01 * h, 0)], .012 * h, sf.CLOTH, slot=BAG, sides=5)
                  for x in (-.055 * h, .055 * h)]
        return [pack, pocket, *straps]
    if build.bag == "shoulder":
        hip = joints["pelvis"] + np.array([.125 * h, -.01, .0])
        return [ellipsoid(hip, (.035 * h, .10 * h, .085 * h), sf.CLOTH, slot=BAG, rows=6, cols=8),
                tube(np.array([hip + (0, 0, .05 * h), chest + (.1 * h, .0, .09 * h),
                               joints["neck"] + (-.05 * h, 0, 0)]), .010 * h,
                     sf.CLOTH, slot=BAG, sides=5)]
    if build.bag == "hand":
        wrist = joints["right_arm"][2]
        return [box(wrist + np.array([.01, 0, -.16 * h]), (.07 * h, .17 * h, .15 * h), sf.CLOTH, slot=BAG)]
    return []


def body(build, joints):
    """The mesh of a person in the pose of `joints`."""
    bare_legs = build.outfit in ("dress", "skirt", "shorts")
    bare_arms = build.outfit in ("dress", "shorts") or (build.outfit == "shirt" and build.height * 1000 % 2 < 1)
    parts = [*_torso(build, joints), *_skirt(build, joints), *_head(build, joints), *_bag(build, joints)]
    for side in ("left", "right"):
        parts += _leg(build, joints, side, LEGS if build.outfit == "shorts" or not bare_legs else SKIN, bare_legs)
        parts += _arm(build, joints, side, bare_arms)
    whole = merge(parts)
    return moved(whole, (0, 0, -float(whole.pos[..., 2].min())))


@lru_cache(maxsize=None)
def design(number, pose):
    """A person mesh: poses 0..PHASES-1 walk, later ones stand."""
    build = Build(number)
    joints = walking(build, pose / PHASES) if pose < PHASES else standing(build, pose - PHASES)
    return body(build, joints)
