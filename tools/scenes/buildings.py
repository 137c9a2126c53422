"""Houses, and what hangs on them: awnings and balconies. Street fronts lie on the x axis, facing
-y.

Windows and shops are patterns of the facade's material, not meshes. What stands where: `town`.
"""

from functools import lru_cache

import numpy as np

from . import surface as sf
from .mesh import Mesh, box, faces_of, merge

QUAD = np.array([[0, 1, 2], [0, 2, 3]])
TRIANGLE = np.array([[0, 1, 2]])
EAVES = 0.35  # metres that a pitched roof reaches over the walls
CHIMNEY_RED = (0.25, 0.10, 0.07)
BALCONY_GREY = (0.5, 0.48, 0.45)

AWNING_DEPTH = 1.2
AWNING_RISE = 0.6
AWNING_HEM = 0.22
AWNING_FACES = np.array([[0, 1, 2], [0, 2, 3], [3, 2, 4], [3, 4, 5]])


def _wall(start, end, height, rgb):
    """A standing rectangle from ground point to ground point; its texture is in metres."""
    start = np.asarray(start, float)
    end = np.asarray(end, float)
    verts = np.array([[*start, 0], [*end, 0], [*end, height], [*start, height]])
    width = np.linalg.norm(end - start)
    uv = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    return faces_of(verts, QUAD, uv, sf.FACADE, rgb)


def house(
    width: float, depth: float, height: float, roof: float, rgb: tuple, roof_rgb: tuple
) -> Mesh:
    """A building from -width/2 to width/2, its body behind the front (+y).

    `roof` is the height of a pitched roof, 0 for a flat one. No doors, no balconies.
    """
    half = width / 2
    corners = [(-half, 0), (half, 0), (half, depth), (-half, depth)]
    parts = []
    for k in range(4):
        next_corner = corners[(k + 1) % 4]
        parts.append(_wall(corners[k], next_corner, height, rgb))

    if roof <= 0:
        size = (width + 0.3, depth + 0.3, 0.35)
        parts.append(box((0, depth / 2, height + 0.15), size, sf.PLAIN, roof_rgb))
    else:
        parts += _pitched_roof(width, depth, height, height + roof, roof_rgb)
        parts += _gables(half, depth, height, height + roof, rgb)
        chimney_at = (half * 0.5, depth * 0.4, height + roof + 0.1)
        parts.append(box(chimney_at, (0.6, 0.6, 1.4), sf.BRICK, CHIMNEY_RED))
    return merge(parts)


def _pitched_roof(width, depth, height, ridge, rgb):
    """Two slopes that meet above the middle."""
    left = -width / 2 - EAVES
    right = width / 2 + EAVES
    low = height - 0.1
    middle = depth / 2
    uv = np.array([(0, 0), (width, 0), (width, middle), (0, middle)], float)
    slopes = []
    for edge in (-EAVES, depth + EAVES):
        corners = [(left, edge, low), (right, edge, low), (right, middle, ridge)]
        verts = np.array([*corners, (left, middle, ridge)])
        slopes.append(faces_of(verts, QUAD, uv, sf.TILES, rgb))
    return slopes


def _gables(half, depth, height, ridge, rgb):
    """The triangles of wall below a pitched roof's ends."""
    gables = []
    for x in (-half, half):
        verts = np.array([(x, 0, height), (x, depth, height), (x, depth / 2, ridge)])
        gables.append(faces_of(verts, TRIANGLE, verts[:, [1, 2]], sf.PLAIN, rgb))
    return gables


def awning(width: float, rgb: tuple) -> Mesh:
    """A shop's awning: a sloping cloth with a hem, its lower edge at the origin's height."""
    left = -width / 2
    right = width / 2
    front = -AWNING_DEPTH
    verts = np.array(
        [
            (left, 0, AWNING_RISE),
            (right, 0, AWNING_RISE),
            (right, front, 0),
            (left, front, 0),
            (right, front, -AWNING_HEM),
            (left, front, -AWNING_HEM),
        ]
    )
    return faces_of(verts, AWNING_FACES, verts[:, [0, 2]], sf.CLOTH, rgb, weld=False)


@lru_cache(maxsize=None)
def balcony(rgb: tuple) -> Mesh:
    """A slab with a railing."""
    slab = box((0, -0.5, 0), (2.5, 1.0, 0.14), sf.PLAIN, BALCONY_GREY)
    handrail = box((0, -0.95, 1.0), (2.5, 0.05, 0.06), sf.METAL, rgb)
    bar_size = (0.03, 0.03, 1.0)
    bars = [box((x, -0.95, 0.5), bar_size, sf.METAL, rgb) for x in np.linspace(-1.2, 1.2, 9)]
    return merge([slab, handrail, *bars])
