"""What stands beside a road: street lamps, and by name all that `plants`, `buildings` and
`small_things` make.

Nothing here carries a label. Every design is a mesh with its foot at the origin, facing -y (the
traffic).
"""

from functools import lru_cache
from typing import Tuple

from . import surface as sf
from .buildings import awning, balcony, house
from .mesh import Mesh, box, ellipsoid, merge, rod, tube
from .plants import TREES, hedge, tree
from .small_things import SMALL

__all__ = [
    "SMALL",
    "TREES",
    "awning",
    "balcony",
    "hedge",
    "house",
    "lamp",
    "lamp_light",
    "small",
    "tree",
]

# street lamps are of three kinds; the last one is a lantern on a post, the others have an arm
LAMP_KINDS = 3
LANTERN = 2
LAMP_COLOURS = ((0.10, 0.11, 0.11), (0.30, 0.31, 0.32), (0.05, 0.08, 0.07))
LAMP_HEIGHT = 7.5
WARM_WHITE = (0.95, 0.85, 0.6)
LANTERN_WHITE = (0.9, 0.8, 0.55)


@lru_cache(maxsize=None)
def small(name: str) -> Mesh:
    """One of the small things, by its name in `SMALL`."""
    return SMALL[name]()


@lru_cache(maxsize=None)
def lamp(number: int) -> Mesh:
    """A street lamp; its arm reaches towards -x, so that it hangs over a road on its left."""
    kind = number % LAMP_KINDS
    if kind == LANTERN:
        return _lantern(LAMP_COLOURS[kind])
    return _arm_lamp(LAMP_COLOURS[kind])


def _lantern(rgb):
    post = rod((0, 0, 0), (0, 0, 4.1), 0.055, sf.METAL, rgb, sides=8)
    globe = ellipsoid((0, 0, 4.35), (0.2, 0.2, 0.26), sf.GLOW, LANTERN_WHITE, rows=6, cols=8)
    lid = ellipsoid((0, 0, 4.62), (0.24, 0.24, 0.08), sf.METAL, rgb, rows=4, cols=8)
    return merge([post, globe, lid])


def _arm_lamp(rgb):
    top = LAMP_HEIGHT
    post = rod((0, 0, 0), (0, 0, top), 0.075, sf.METAL, rgb, sides=8)
    foot = rod((0, 0, 0.0), (0, 0, 1.0), 0.11, sf.METAL, rgb, sides=8)
    arm_path = [
        (0, 0, top - 0.1),
        (-0.5, 0, top + 0.25),
        (-1.5, 0, top + 0.35),
    ]
    arm = tube(arm_path, 0.045, sf.METAL, rgb, sides=6, side=(0, 1, 0))
    head = box((-1.7, 0, top + 0.34), (0.62, 0.22, 0.09), sf.METAL, rgb)
    lens = box((-1.7, 0, top + 0.285), (0.5, 0.16, 0.03), sf.GLOW, WARM_WHITE)
    return merge([post, foot, arm, head, lens])


def lamp_light(number: int) -> Tuple[float, float, float]:
    """Where a lamp's light comes from."""
    if number % LAMP_KINDS == LANTERN:
        return (0, 0, 4.3)
    return (-1.7, 0, 7.6)
