"""Trees, hedges and leaves, a design a number. Each stands with its foot at the origin."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from . import surface as sf
from .mesh import Mesh, box, faces_of, merge, tube

TREES = 10
GREENS = (
    (0.045, 0.085, 0.022),
    (0.060, 0.100, 0.026),
    (0.035, 0.070, 0.028),
    (0.085, 0.105, 0.030),
    (0.055, 0.085, 0.040),
)
AUTUMN = (0.150, 0.090, 0.022)
AUTUMN_TREE = 7  # the design whose leaves have turned
TRUNK_BROWN = (0.10, 0.075, 0.05)
BRANCH_BROWN = (0.09, 0.07, 0.05)
HEDGE_GREEN = (0.02, 0.035, 0.012)

SKYWARD = (0, 0, 0.35)  # leaves lean towards the light


class Crown(NamedTuple):
    """The balls that a crown or a bush is made of."""

    centres: np.ndarray  # (n, 3)
    radii: np.ndarray  # (n, 3)


class Foliage(NamedTuple):
    """How many leaves there are, how large they are, and of which colour."""

    leaf_count: int
    leaf_size: float  # metres
    rgb: tuple


def _unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def leaves(crown: Crown, foliage: Foliage, rng: np.random.Generator) -> Mesh:
    """Small quads near the surface of the crown's balls, facing away from each ball's middle."""
    count = foliage.leaf_count
    ball = rng.integers(len(crown.centres), size=count)
    centres = crown.centres[ball]
    radii = crown.radii[ball]

    # where each leaf is: a direction from its ball's middle, and how far out
    away = _unit(rng.normal(size=(count, 3)))
    reach = rng.uniform(0.62, 1.05, (count, 1))
    middle = centres + away * radii * reach

    # the leaf's two axes, about at right angles to that direction
    long_axis = _unit(rng.normal(size=(count, 3)))
    stirred = away + rng.normal(size=(count, 3)) * 0.4
    short_axis = _unit(np.cross(long_axis, stirred))
    half_long = long_axis * foliage.leaf_size * rng.uniform(0.6, 1.3, (count, 1))
    half_short = short_axis * foliage.leaf_size * rng.uniform(0.4, 0.9, (count, 1))

    mesh = _quads(middle, half_long, half_short, foliage.rgb)

    # lit as the crown is, not as each quad lies; darker inside and below
    normal = _unit(away + SKYWARD)
    normals = np.repeat(np.concatenate([normal, normal])[:, None], 3, axis=1)
    depth = np.linalg.norm(middle - centres, axis=1) / radii.max(1)
    inner_shade = np.clip(0.45 + 0.6 * depth, 0.4, 1.1)
    lower_shade = 0.8 + 0.2 * np.clip(away[:, 2], -1, 1)
    shade = inner_shade * lower_shade * rng.uniform(0.75, 1.25, count)
    rgb = mesh.rgb * np.tile(shade, 2)[:, None]
    return mesh._replace(nrm=normals.astype(np.float32), rgb=rgb.astype(np.float32))


def _quads(middle, half_long, half_short, rgb):
    """One pointed quad a leaf, widest a little behind its middle."""
    corners = np.stack(
        [
            middle - half_long,
            middle - 0.3 * half_long + half_short,
            middle + half_long,
            middle + 0.3 * half_long - half_short,
        ],
        1,
    )
    verts = corners.reshape(-1, 3)
    first = np.arange(len(middle))[:, None] * 4
    faces = np.concatenate([first + (0, 1, 2), first + (0, 2, 3)])
    return faces_of(verts, faces, verts[:, [0, 2]] * 0.5, sf.LEAF, rgb)


class _Growth(NamedTuple):
    """How a kind of tree grows: balls of its crown, leaves nearby and far away."""

    balls: int
    leaves: int
    leaves_far: int


SLIM = _Growth(balls=12, leaves=2000, leaves_far=400)
BROAD = _Growth(balls=9, leaves=3200, leaves_far=600)


class _TreeShape:
    """Measures of one tree: how tall and wide it is, where its crown begins, how it grows."""

    def __init__(self, number, rng):
        self.tall = rng.uniform(5.5, 10.0)
        self.base = rng.uniform(1.9, 2.6)
        if number % 5 == 4:
            self.growth = SLIM
            self.wide = self.tall * 0.15
        else:
            self.growth = BROAD
            self.wide = self.tall * rng.uniform(0.22, 0.30)

    def crown(self, rng):
        """Balls from low to high, smaller towards both ends."""
        count = self.growth.balls
        height_share = np.linspace(0.1, 0.85, count)
        spread = self.wide * 0.42
        narrowing = 1 - height_share * 0.5
        x = rng.normal(0, spread, count) * narrowing
        y = rng.normal(0, spread, count) * narrowing
        z = self.base + height_share * (self.tall - self.base)

        bulge_angle = np.pi * (height_share * 0.8 + 0.15)
        bulge = self.wide * np.sin(bulge_angle)
        radius = bulge * rng.uniform(0.55, 0.8, count)
        radii = np.repeat(radius[:, None], 3, 1) * (1, 1, 0.85)
        centres = np.stack([x, y, z], 1)
        return Crown(centres, radii)

    def foliage(self, number, far):
        """Far away, fewer and larger leaves look the same."""
        rgb = GREENS[number % 5]
        if number == AUTUMN_TREE:
            rgb = AUTUMN
        if far:
            return Foliage(self.growth.leaves_far, 0.34, rgb)
        return Foliage(self.growth.leaves, 0.15, rgb)


def _trunk(shape):
    path = [
        (0, 0, 0),
        (0.05, 0.03, shape.base * 0.6),
        (0, 0.1, shape.base * 1.1),
        (0.05, 0, shape.tall * 0.7),
    ]
    radii = np.array([0.20, 0.15, 0.12, 0.05]) * shape.tall / 8
    return tube(path, radii, sf.BARK, TRUNK_BROWN, sides=8)


def _branch(shape, tip):
    start = (0, 0, shape.base * 0.9)
    elbow = tip * (0.6, 0.6, 1) - (0, 0, 0.3)
    radii = [0.07, 0.05, 0.02]
    return tube([start, elbow, tip], radii, sf.BARK, BRANCH_BROWN, sides=5, side=(0, 1, 0))


@lru_cache(maxsize=None)
def tree(number: int, far: bool = False) -> Mesh:
    """One of the `TREES` trees. `far`: with fewer, larger leaves."""
    rng = np.random.default_rng((number, 5))
    shape = _TreeShape(number, rng)
    crown = shape.crown(rng)
    branches = [_branch(shape, tip) for tip in crown.centres[1::2]]
    foliage = leaves(crown, shape.foliage(number, far), rng)
    return merge([_trunk(shape), *branches, foliage])


@lru_cache(maxsize=None)
def hedge(number: int) -> Mesh:
    """Four metres of clipped hedge along y."""
    rng = np.random.default_rng((number, 8))
    balls = 9
    along = np.linspace(-1.8, 1.8, balls)
    centres = np.stack([np.zeros(balls), along, np.full(balls, 0.65)], 1)
    crown = Crown(centres, np.tile((0.45, 0.5, 0.72), (balls, 1)))
    core = box((0, 0, 0.6), (0.45, 3.9, 1.1), sf.LEAF, HEDGE_GREEN)
    foliage = Foliage(leaf_count=900, leaf_size=0.075, rgb=GREENS[number % 3])
    return merge([core, leaves(crown, foliage, rng)])
