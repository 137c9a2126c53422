"""The few shapes everything is built of: surfaces, tubes, ellipsoids, boxes, plates, wheels.

No car and no person is known here, and no camera. Metres; x to the right, y forward, z up. All
shapes are given a material, a colour, a palette slot (0: the colour itself), a texture (-1: none).
"""

from typing import NamedTuple, Optional, Sequence

import numpy as np
from numpy.typing import ArrayLike

from .geometry import chaikin, circle, frames, together, turn_x, turn_y, turn_z
from .triangles import (
    WHITE,
    Colour,
    Mesh,
    coarse,
    colours_of,
    faces_of,
    merge,
    moved,
    surface,
    tags_of,
)

__all__ = [
    "Mesh",
    "box",
    "chaikin",
    "circle",
    "coarse",
    "ellipsoid",
    "faces_of",
    "frames",
    "lathe",
    "merge",
    "moved",
    "plate",
    "rod",
    "surface",
    "torus",
    "tube",
    "turn_x",
    "turn_y",
    "turn_z",
]


def tube(
    path: ArrayLike,
    radii: ArrayLike,
    material: int,
    rgb: Colour = WHITE,
    slot: int = 0,
    sides: int = 8,
    side: Sequence[float] = (1, 0, 0),
    tex: int = -1,
) -> Mesh:
    """A closed tube along a path.

    radii: one number, one a point, or (n, 2) for an elliptic section whose first radius is that
    towards `side`.
    """
    path = np.asarray(path, float)
    radii = np.asarray(radii, float)
    if radii.ndim < 2:
        radius = np.broadcast_to(radii, len(path))
        radii = np.stack([radius, radius], 1)

    # it closes at its ends; these need a direction of their own
    closed = np.zeros((1, 2))
    path = np.concatenate([path[:1], path, path[-1:]])
    radii = np.concatenate([closed, radii, closed])
    core = path.copy()
    out_of_start = path[1] - path[2]
    out_of_end = path[-2] - path[-3]
    core[0] += out_of_start * 1e-3
    core[-1] += out_of_end * 1e-3
    right, up = frames(core, side)

    angle = np.linspace(0, 2 * np.pi, sides + 1)[None, :, None]
    wide = (right * radii[:, :1])[:, None]
    high = (up * radii[:, 1:])[:, None]
    ring = np.cos(angle) * wide  # (n, sides + 1, 3)
    ring = ring + np.sin(angle) * high
    return surface(path[:, None] + ring, material, rgb, slot, tex, wrap=True)


def rod(
    start: ArrayLike,
    end: ArrayLike,
    radius: float,
    material: int,
    rgb: Colour = WHITE,
    slot: int = 0,
    sides: int = 6,
) -> Mesh:
    """A straight tube; any direction."""
    first = np.asarray(start, float)
    last = np.asarray(end, float)
    along_x, along_y, along_z = np.abs(last - first)
    side = (0, 1, 0)
    if along_x < max(along_y, along_z):
        side = (1, 0, 0)
    path = np.linspace(first, last, 2)
    return tube(path, radius, material, rgb, slot, sides, side)


def ellipsoid(
    centre: ArrayLike,
    radii: ArrayLike,
    material: int,
    rgb: Colour = WHITE,
    slot: int = 0,
    rows: int = 8,
    cols: int = 12,
    low: float = -1.0,
    high: float = 1.0,
    square: float = 1.0,
) -> Mesh:
    """A ball stretched by `radii`, cut at `low` and `high` of its vertical radius.

    square: 1 is round, less swells it to a box.
    """
    lowest = np.arcsin(low)
    highest = np.arcsin(high)
    polar = np.linspace(lowest, highest, rows + 1)[:, None]
    turn = np.linspace(0, 2 * np.pi, cols + 1)[None, :]
    level = _swollen(np.cos(polar), square)
    x = level * _swollen(np.cos(turn), square)
    y = level * _swollen(np.sin(turn), square)
    z = _swollen(np.sin(polar), square)
    ball = together(x, y, z)
    points = ball * np.asarray(radii, float) + np.asarray(centre, float)
    return surface(points, material, rgb, slot, wrap=True)


def _swollen(values: np.ndarray, square: float) -> np.ndarray:
    """Values of -1..1 drawn towards the ends by a power below 1."""
    return np.sign(values) * np.abs(values) ** square


class _Cube(NamedTuple):
    """The faces of a cube of one metre around the origin."""

    pos: np.ndarray  # (12, 3, 3)
    nrm: np.ndarray  # (12, 3, 3)
    axes: np.ndarray  # (12, 2) which two axes each face's texture follows


def _make_cube() -> _Cube:
    pos = []
    nrm = []
    axes = []
    for axis, direction in enumerate(np.eye(3)):
        a, b = [k for k in range(3) if k != axis]
        for sign in (-1, 1):
            corner = np.zeros((4, 3))
            corner[:, axis] = sign * 0.5
            corner[:, a] = (-0.5, 0.5, 0.5, -0.5)
            corner[:, b] = (-0.5, -0.5, 0.5, 0.5)
            outwards = sign > 0
            if axis == 1:
                outwards = not outwards
            for triangle in ([0, 1, 2], [0, 2, 3]):
                if not outwards:
                    triangle = triangle[::-1]
                pos.append(corner[triangle])
                nrm.append(np.repeat([direction * sign], 3, 0))
                axes.append((a, b))
    return _Cube(np.array(pos), np.array(nrm, np.float32), np.array(axes))


_CUBE = _make_cube()


def box(
    centre: ArrayLike,
    size: ArrayLike,
    material: int,
    rgb: Colour = WHITE,
    slot: int = 0,
    tex: int = -1,
) -> Mesh:
    """A box with flat faces; texture coordinates are metres, or 0..1 where it has a texture."""
    pos, nrm, axes = _CUBE
    size = np.asarray(size, float)
    uv = np.take_along_axis(pos + 0.5, axes[:, None, :].repeat(3, 1), 2)  # (12, 3, 2)
    if tex < 0:
        uv = uv * size[axes][:, None]
    else:
        uv[..., 1] = 1 - uv[..., 1]
    corners = pos * size + np.asarray(centre, float)
    return Mesh(
        corners.astype(np.float32),
        nrm,
        uv.astype(np.float32),
        colours_of(len(pos), rgb),
        tags_of(len(pos), material, slot, tex),
    )


def plate(
    outline: ArrayLike,
    material: int,
    rgb: Colour = WHITE,
    slot: int = 0,
    tex: int = -1,
    y: float = 0.0,
) -> Mesh:
    """A flat convex outline (n, 2) in the x-z plane.

    Its texture spans the outline's bounding square.
    """
    outline = np.asarray(outline, float)
    x, z = outline.T
    verts = together(x, y, z)
    low = outline.min(0)
    high = outline.max(0)
    uv = (outline - low) / (high - low)
    uv[:, 1] = 1 - uv[:, 1]
    last = len(outline) - 1
    fan = np.array([[0, k, k + 1] for k in range(1, last)])
    return faces_of(verts, fan, uv, material, rgb, slot, tex)


def torus(
    centre: ArrayLike,
    radius: float,
    thick: float,
    material: int,
    rgb: Colour = WHITE,
    slot: int = 0,
    rings: int = 20,
    sides: int = 6,
    width: Optional[float] = None,
) -> Mesh:
    """A ring standing in the y-z plane, as a wheel does; `width` where it is not round."""
    turn = np.linspace(0, 2 * np.pi, rings + 1)[:, None]
    angle = np.linspace(0, 2 * np.pi, sides + 1)[None, :]
    if width is None:
        width = thick
    reach = radius + thick * np.cos(angle)
    x = width * np.sin(angle)
    y = reach * np.cos(turn)
    z = reach * np.sin(turn)
    points = together(x, y, z)
    return surface(points + np.asarray(centre, float), material, rgb, slot, wrap=True)


def lathe(
    profile: ArrayLike,
    material: int,
    rgb: Colour = WHITE,
    slot: int = 0,
    cols: int = 16,
    uv: Optional[np.ndarray] = None,
) -> Mesh:
    """A profile (n, 2) of radius and x turned about the x axis, as a car wheel is."""
    profile = np.asarray(profile, float)
    turn = np.linspace(0, 2 * np.pi, cols + 1)[None, :]
    radius = profile[:, :1]
    y = radius * np.cos(turn)
    z = radius * np.sin(turn)
    points = together(profile[:, 1:], y, z)
    return surface(points, material, rgb, slot, uv=uv, wrap=True)
