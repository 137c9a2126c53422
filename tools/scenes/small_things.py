"""The small things of a pavement: bins, posts, benches, fences, a shelter; and posts that one may
take for people.

Each function makes a mesh with its foot at the origin, facing -y (the traffic). `SMALL` names them.
"""

import numpy as np

from . import surface as sf
from .mesh import (
    Mesh,
    box,
    circle,
    ellipsoid,
    lathe,
    merge,
    moved,
    plate,
    rod,
    tube,
    turn_y,
    turn_z,
)
from .plants import GREENS, Crown, Foliage, leaves

# profiles of what is round: radius and height, from the top down
BIN_PROFILE = ((0, 1.0), (0.24, 1.0), (0.26, 0.9), (0.24, 0.15), (0.20, 0.1), (0, 0.1))
HYDRANT_PROFILE = (
    (0, 0.78),
    (0.05, 0.76),
    (0.10, 0.68),
    (0.12, 0.60),
    (0.09, 0.57),
    (0.09, 0.2),
    (0.13, 0.18),
    (0.13, 0),
)
DUMMY_PROFILE = (
    (0, 1.38),
    (0.07, 1.36),
    (0.16, 1.25),
    (0.17, 0.9),
    (0.12, 0.5),
    (0.14, 0.1),
    (0.22, 0),
)
COLUMN_PROFILE = (
    (0, 3.1),
    (0.35, 3.0),
    (0.72, 2.75),
    (0.75, 2.7),
    (0.62, 2.68),
    (0.62, 0.35),
    (0.70, 0.3),
    (0.70, 0),
)
COLUMN_POSTERS = ((0.63, 2.6), (0.63, 0.4))
CONE_PROFILE = ((0.02, 0.72), (0.05, 0.6), (0.085, 0.45), (0.12, 0.28), (0.155, 0.06))
CONE_STRIPE = ((0.076, 0.52), (0.112, 0.36))
LAMP_HOOD = ((0.12, 0), (0.12, 0.14))

BIN_GREEN = (0.04, 0.07, 0.05)
HYDRANT_RED = (0.50, 0.03, 0.03)
POST_YELLOW = (0.62, 0.45, 0.03)
DUMMY_STONE = (0.35, 0.33, 0.30)
COLUMN_GREEN = (0.10, 0.16, 0.12)
CONE_ORANGE = (0.75, 0.13, 0.02)
DARK_METAL = (0.10, 0.11, 0.12)
FENCE_METAL = (0.03, 0.04, 0.035)
BENCH_WOOD = (0.16, 0.09, 0.04)

SLATS = ((-0.2, 0.45), (-0.06, 0.45), (0.08, 0.45), (0.22, 0.62), (0.26, 0.78))  # y, z
SIGNAL_LAMPS = (  # z, material, colour
    (3.13, sf.GLOW, (0.9, 0.05, 0.03)),
    (2.85, sf.PLAIN, (0.10, 0.06, 0.01)),
    (2.57, sf.PLAIN, (0.01, 0.06, 0.03)),
)
PLANTER_LEAVES = Foliage(leaf_count=130, leaf_size=0.10, rgb=GREENS[1])
PLANTER_BALLS = Crown(
    centres=np.array([(-0.3, 0, 0.7), (0, 0, 0.8), (0.3, 0, 0.7)]), radii=np.full((3, 3), 0.3)
)


def upright(profile: tuple, material: int, rgb: tuple, cols: int = 12) -> Mesh:
    """A profile turned about the vertical. (A lathe's axis is x; this stands it up.)"""
    lying = lathe(profile, material, rgb, cols=cols)
    return moved(lying, turn=turn_y(-np.pi / 2))


def _bin():
    return upright(BIN_PROFILE, sf.PLAIN, BIN_GREEN)


def _hydrant():
    body = upright(HYDRANT_PROFILE, sf.METAL, HYDRANT_RED)
    outlets = rod((-0.17, 0, 0.45), (0.17, 0, 0.45), 0.05, sf.METAL, (0.5, 0.03, 0.03))
    front_outlet = rod((0, -0.16, 0.42), (0, 0, 0.42), 0.06, sf.METAL, (0.5, 0.03, 0.03))
    return merge([body, outlets, front_outlet])


def _bollard():
    post = rod((0, 0, 0), (0, 0, 0.95), 0.055, sf.METAL, (0.05, 0.05, 0.055), sides=8)
    ring = rod((0, 0, 0.78), (0, 0, 0.86), 0.058, sf.PLAIN, (0.6, 0.6, 0.6), sides=8)
    return merge([post, ring])


def _post_box():
    case = box((0, 0, 1.05), (0.46, 0.36, 0.70), sf.METAL, POST_YELLOW)
    slot = box((0, -0.19, 1.22), (0.30, 0.02, 0.05), sf.PLAIN, (0.02, 0.02, 0.02))
    post = rod((0, 0, 0), (0, 0, 0.8), 0.05, sf.METAL, (0.2, 0.2, 0.2))
    return merge([case, slot, post])


def _parking_meter():
    post = rod((0, 0, 0), (0, 0, 1.15), 0.04, sf.METAL, (0.25, 0.25, 0.26))
    head = ellipsoid(
        (0, 0, 1.32), (0.12, 0.08, 0.21), sf.METAL, (0.14, 0.15, 0.17), rows=7, cols=10
    )
    window = ellipsoid(
        (0, -0.06, 1.36), (0.08, 0.04, 0.07), sf.GLASS, (0.03, 0.03, 0.03), rows=5, cols=8
    )
    return merge([post, head, window])


def _dummy():
    """A post of a person's height with a ball on top."""
    body = upright(DUMMY_PROFILE, sf.PLAIN, DUMMY_STONE)
    ball = ellipsoid((0, 0, 1.52), (0.13, 0.13, 0.15), sf.PLAIN, DUMMY_STONE, rows=7, cols=10)
    return merge([body, ball])


def _column():
    """An advertising column."""
    body = upright(COLUMN_PROFILE, sf.PLAIN, COLUMN_GREEN, cols=20)
    posters = upright(COLUMN_POSTERS, sf.FACADE, (0.5, 0.45, 0.38), cols=20)
    return merge([body, posters])


def _switch_box():
    case = box((0, 0, 0.62), (0.75, 0.35, 1.22), sf.METAL, (0.24, 0.26, 0.25))
    gap = box((0, -0.18, 0.62), (0.02, 0.01, 1.1), sf.PLAIN, (0.1, 0.1, 0.1))
    return merge([case, gap])


def _wheelie_bin():
    widening = np.array([(0.22, 0.26), (0.29, 0.34)])
    body = tube([(0, 0, 0.08), (0, 0, 0.95)], widening, sf.PLAIN, (0.03, 0.05, 0.04), sides=4)
    lid = box((0, 0.02, 1.0), (0.48, 0.58, 0.07), sf.PLAIN, (0.03, 0.06, 0.14))
    wheels = rod((-0.25, 0.28, 0.1), (0.25, 0.28, 0.1), 0.1, sf.RUBBER, (0.02, 0.02, 0.02))
    return merge([body, lid, wheels])


def _bench():
    slats = [box((0, y, z), (1.7, 0.10, 0.04), sf.BARK, BENCH_WOOD) for y, z in SLATS]
    leg_size = (0.06, 0.4, 0.55)
    legs = [box((x, 0.05, 0.28), leg_size, sf.METAL, (0.05, 0.05, 0.05)) for x in (-0.65, 0.65)]
    return merge(slats + legs)


def _planter():
    rng = np.random.default_rng(9)
    tub = box((0, 0, 0.3), (1.1, 0.6, 0.6), sf.PLAIN, (0.34, 0.31, 0.28))
    return merge([tub, leaves(PLANTER_BALLS, PLANTER_LEAVES, rng)])


def _shelter():
    """A bus stop's roof on four posts, two panes' frames behind a bench."""
    parts = [box((0, 0.6, 2.45), (4.0, 1.6, 0.10), sf.METAL, DARK_METAL)]
    for x in (-1.9, 1.9):
        for y in (0.0, 1.3):
            parts.append(rod((x, y, 0), (x, y, 2.45), 0.045, sf.METAL, DARK_METAL))
    for x in (-0.65, 0.65):
        parts.append(box((x, 1.3, 1.3), (0.04, 0.03, 2.0), sf.METAL, DARK_METAL))
    parts.append(box((0, 1.1, 0.48), (2.4, 0.35, 0.05), sf.BARK, (0.18, 0.11, 0.05)))
    return merge(parts)


def _traffic_light():
    """Three lamps with hoods before a dark case; the red one is lit."""
    post = rod((0, 0, 0), (0, 0, 3.3), 0.06, sf.METAL, (0.10, 0.11, 0.11), sides=8)
    case = box((0, -0.10, 2.85), (0.30, 0.22, 0.92), sf.PLAIN, (0.015, 0.015, 0.016))
    parts = [post, case]
    hood = lathe(LAMP_HOOD, sf.PLAIN, (0.012, 0.012, 0.012), cols=12)
    hood = moved(hood, turn=turn_z(-np.pi / 2))
    for z, material, rgb in SIGNAL_LAMPS:
        lens = plate(circle(0.10, 14), material, rgb)
        parts.append(moved(lens, (0, -0.22, z)))
        parts.append(moved(hood, (0, -0.21, z)))
    return merge(parts)


def _fence():
    """Four metres of railing along y."""
    parts = []
    for y in np.arange(-1.95, 2, 0.16):
        parts.append(box((0, y, 0.55), (0.02, 0.025, 0.9), sf.METAL, FENCE_METAL))
    for z in (0.15, 0.98):
        parts.append(box((0, 0, z), (0.035, 4, 0.04), sf.METAL, FENCE_METAL))
    return merge(parts)


def _guard_rail():
    """Four metres of crash barrier along y."""
    section = np.array([(0.025, 0.15), (0.025, 0.15)])
    parts = [tube([(0, -2, 0.62), (0, 2, 0.62)], section, sf.METAL, (0.42, 0.43, 0.44), sides=8)]
    for y in (-1.0, 1.0):
        parts.append(box((0.06, y, 0.33), (0.06, 0.10, 0.66), sf.METAL, (0.35, 0.36, 0.36)))
    return merge(parts)


def _cone():
    body = upright(CONE_PROFILE, sf.PLAIN, CONE_ORANGE)
    stripe = upright(CONE_STRIPE, sf.PLAIN, (0.75, 0.75, 0.72))
    foot = box((0, 0, 0.03), (0.42, 0.42, 0.05), sf.RUBBER, (0.03, 0.03, 0.03))
    return merge([body, stripe, foot])


SMALL = {
    "bin": _bin,
    "hydrant": _hydrant,
    "bollard": _bollard,
    "post_box": _post_box,
    "meter": _parking_meter,
    "dummy": _dummy,
    "column": _column,
    "box": _switch_box,
    "wheelie": _wheelie_bin,
    "bench": _bench,
    "planter": _planter,
    "shelter": _shelter,
    "light": _traffic_light,
    "fence": _fence,
    "guard": _guard_rail,
    "cone": _cone,
}
