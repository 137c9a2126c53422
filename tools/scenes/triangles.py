"""Triangle meshes: what one is, how it is made from corners, moved, joined and made coarser.

It knows nothing of what the triangles show, and nothing of cameras.
"""

from functools import lru_cache
from typing import NamedTuple, Optional, Sequence, Union

import numpy as np
from numpy.typing import ArrayLike

from .geometry import cross, together, unit

Colour = Sequence[float]  # red, green, blue; linear
WHITE = (1, 1, 1)


class Mesh(NamedTuple):
    """Triangles with everything a renderer needs: one row a face."""

    pos: np.ndarray  # (n, 3, 3) corners
    nrm: np.ndarray  # (n, 3, 3) smooth normals
    uv: np.ndarray  # (n, 3, 2) texture coordinates, or metres
    rgb: np.ndarray  # (n, 3) linear colour
    tag: np.ndarray  # (n, 3) material, palette slot (0: own colour), texture (-1: none)


def merge(meshes: Sequence[Mesh]) -> Mesh:
    """All faces in one mesh."""
    columns = [np.concatenate([mesh[k] for mesh in meshes]) for k in range(len(Mesh._fields))]
    return Mesh(*columns)


def moved(
    mesh: Mesh,
    offset: ArrayLike = (0, 0, 0),
    turn: Optional[ArrayLike] = None,
    scale: Union[float, Sequence[float]] = 1.0,
) -> Mesh:
    """The mesh scaled, turned by a 3 x 3 rotation, then shifted."""
    rotation = np.eye(3)
    if turn is not None:
        rotation = np.asarray(turn)
    scaled = mesh.pos * np.asarray(scale, float)
    pos = scaled @ rotation.T + np.asarray(offset, float)
    nrm = mesh.nrm @ rotation.T
    return mesh._replace(pos=pos.astype(np.float32), nrm=nrm.astype(np.float32))


def tags_of(count: int, material: int, slot: int, tex: int) -> np.ndarray:
    """The same tag for so many faces (count, 3)."""
    tag = np.empty((count, 3), np.int32)
    tag[:] = (material, slot, tex)
    return tag


def colours_of(count: int, rgb: Colour) -> np.ndarray:
    """The same colour for so many faces (count, 3)."""
    colour = np.empty((count, 3), np.float32)
    colour[:] = rgb
    return colour


@lru_cache(maxsize=256)
def _grid_faces(rows: int, cols: int) -> np.ndarray:
    """Two triangles a cell of a rows x cols grid of vertices: (n, 3) numbers of vertices."""
    number = np.arange(rows * cols).reshape(rows, cols)
    a = number[:-1, :-1].ravel()
    b = a + 1
    c = a + cols + 1
    d = a + cols
    return np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])


def faces_of(
    verts: np.ndarray,
    faces: np.ndarray,
    uv: np.ndarray,
    material: int,
    rgb: Colour = WHITE,
    slot: int = 0,
    tex: int = -1,
    weld: bool = True,
) -> Mesh:
    """A mesh from shared vertices (n, 3) and faces (m, 3) that number them.

    Normals are smooth over the whole patch unless `weld` is off.
    """
    pos = verts[faces]
    first = pos[:, 0]
    side_b = pos[:, 1] - first
    side_c = pos[:, 2] - first
    face_normal = cross(side_b, side_c)
    if weld:
        # large faces count for more
        normal = np.zeros_like(verts)
        for k in range(3):
            np.add.at(normal, faces[:, k], face_normal)
        nrm = unit(normal)[faces]
    else:
        nrm = np.repeat(unit(face_normal)[:, None], 3, axis=1)

    count = len(faces)
    return Mesh(
        pos.astype(np.float32),
        nrm.astype(np.float32),
        uv[faces].astype(np.float32),
        colours_of(count, rgb),
        tags_of(count, material, slot, tex),
    )


def surface(
    points: ArrayLike,
    material: int,
    rgb: Colour = WHITE,
    slot: int = 0,
    tex: int = -1,
    uv: Optional[np.ndarray] = None,
    wrap: bool = False,
) -> Mesh:
    """A grid of points (rows, cols, 3) as a smooth sheet.

    uv: texture coordinates (rows, cols, 2); without them, metres along the sheet. wrap: the last
    column meets the first.
    """
    points = np.asarray(points, float)
    rows, cols = points.shape[:2]
    if uv is None:
        uv = _metres(points)
    verts = points.reshape(-1, 3)
    flat_uv = np.asarray(uv).reshape(-1, 2)
    mesh = faces_of(verts, _grid_faces(rows, cols), flat_uv, material, rgb, slot, tex)
    if wrap:
        return _without_seam(mesh, rows, cols)
    return mesh


def _metres(points: np.ndarray) -> np.ndarray:
    """Texture coordinates (rows, cols, 2): mean distances along a grid's rows and columns."""
    along = np.linalg.norm(np.diff(points, axis=0), axis=2).mean(axis=1)
    across = np.linalg.norm(np.diff(points, axis=1), axis=2).mean(axis=0)
    v = np.concatenate([[0], np.cumsum(along)])
    u = np.concatenate([[0], np.cumsum(across)])
    return together(u[None, :], v[:, None])


def _without_seam(mesh: Mesh, rows: int, cols: int) -> Mesh:
    """Average the normals of the first and last column so that a closed tube shows no seam."""
    faces = _grid_faces(rows, cols)
    normal = np.zeros((rows * cols, 3))
    normal[faces] = mesh.nrm
    grid = normal.reshape(rows, cols, 3)
    both = grid[:, 0] + grid[:, -1]
    joined = unit(both)
    grid[:, 0] = joined
    grid[:, -1] = joined
    nrm = grid.reshape(-1, 3)[faces]
    return mesh._replace(nrm=nrm.astype(np.float32))


# how the three numbers of a cell are packed into one: 13 bits each
_CELL_MIDDLE = 4096
_CELL_NUMBER = np.array([1 << 26, 1 << 13, 1])


def coarse(mesh: Mesh, cell: float) -> Mesh:
    """The mesh with its corners gathered to one a `cell` metres.

    Far away it looks the same and has fewer faces.
    """
    # gather the corners by the cell they lie in
    corners = mesh.pos.reshape(-1, 3)
    cells = np.floor(corners / cell).astype(np.int64) + _CELL_MIDDLE
    _, group = np.unique(cells @ _CELL_NUMBER, return_inverse=True)
    group = group.reshape(-1)
    sums = np.stack([np.bincount(group, corners[:, k]) for k in range(3)], 1)
    middle = sums / np.bincount(group)[:, None]

    # drop the faces of which two corners have become one
    faces = group.reshape(-1, 3)
    a, b, c = faces.T
    kept = (a != b) & (b != c)
    kept &= a != c
    part = Mesh(*(column[kept] for column in mesh))
    return part._replace(pos=middle[faces[kept]].astype(np.float32))
