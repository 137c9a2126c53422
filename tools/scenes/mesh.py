"""Triangle meshes and the few shapes everything is built of: surfaces, tubes, ellipsoids, boxes, plates.

It knows nothing of cars or people, and nothing of cameras. Metres; x to the right, y forward, z up.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np


class Mesh(NamedTuple):
    """Triangles with everything a renderer needs: one row a face."""

    pos: np.ndarray  # (n, 3, 3) corners
    nrm: np.ndarray  # (n, 3, 3) smooth normals
    uv: np.ndarray  # (n, 3, 2) texture coordinates, or metres
    rgb: np.ndarray  # (n, 3) linear colour
    tag: np.ndarray  # (n, 3) material, palette slot (0: own colour), texture (-1: none)


def merge(meshes):
    return Mesh(*(np.concatenate(part) for part in zip(*meshes)))


def moved(mesh, offset=(0, 0, 0), turn=None, scale=1.0):
    """The mesh scaled, turned by a 3 x 3 rotation, then shifted."""
    turn = np.eye(3) if turn is None else np.asarray(turn)
    pos = (mesh.pos * np.asarray(scale, float)) @ turn.T + np.asarray(offset, float)
    return mesh._replace(pos=pos.astype(np.float32), nrm=(mesh.nrm @ turn.T).astype(np.float32))


def turn_z(angle):
    """Rotation about the vertical; positive turns left, seen from above."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


def turn_x(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1.0, 0, 0], [0, c, -s], [0, s, c]])


def turn_y(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1.0, 0], [-s, 0, c]])


def _unit(v):
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)


def _cross(a, b):
    """np.cross without its overhead."""
    return np.stack(
        [
            a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1],
            a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2],
            a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0],
        ],
        -1,
    )


@lru_cache(maxsize=256)
def _grid_faces(rows, cols):
    """Two triangles a cell of a rows x cols grid of vertices."""
    i, j = np.meshgrid(np.arange(rows - 1), np.arange(cols - 1), indexing="ij")
    a = (i * cols + j).ravel()
    b, c, d = a + 1, a + cols + 1, a + cols
    return np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])


def faces_of(verts, faces, uv, material, rgb=(1, 1, 1), slot=0, tex=-1, weld=True):
    """A mesh from shared vertices; normals are smooth over the whole patch unless `weld` is off."""
    pos = verts[faces]
    face_normal = _cross(pos[:, 1] - pos[:, 0], pos[:, 2] - pos[:, 0])
    if weld:
        normal = np.zeros_like(verts)
        for k in range(3):
            np.add.at(normal, faces[:, k], face_normal)
        nrm = _unit(normal)[faces]
    else:
        nrm = np.repeat(_unit(face_normal)[:, None], 3, axis=1)
    count = len(faces)
    tag = np.empty((count, 3), np.int32)
    tag[:] = (material, slot, tex)
    colour = np.empty((count, 3), np.float32)
    colour[:] = rgb
    return Mesh(
        pos.astype(np.float32), nrm.astype(np.float32), uv[faces].astype(np.float32), colour, tag
    )


def surface(points, material, rgb=(1, 1, 1), slot=0, tex=-1, uv=None, wrap=False):
    """A grid of points (rows, cols, 3) as a smooth sheet; `wrap` says that the last column meets the first."""
    points = np.asarray(points, float)
    rows, cols = points.shape[:2]
    if uv is None:
        along = np.linalg.norm(np.diff(points, axis=0), axis=2).mean(axis=1)
        across = np.linalg.norm(np.diff(points, axis=1), axis=2).mean(axis=0)
        v = np.concatenate([[0], np.cumsum(along)])
        u = np.concatenate([[0], np.cumsum(across)])
        uv = np.stack(np.broadcast_arrays(u[None, :], v[:, None]), -1)
    mesh = faces_of(
        points.reshape(-1, 3),
        _grid_faces(rows, cols),
        np.asarray(uv).reshape(-1, 2),
        material,
        rgb,
        slot,
        tex,
    )
    return _seam(mesh, rows, cols) if wrap else mesh


def _seam(mesh, rows, cols):
    """Average the normals of the first and last column so that a closed tube shows no seam."""
    faces = _grid_faces(rows, cols)
    normal = np.zeros((rows * cols, 3))
    normal[faces] = mesh.nrm
    grid = normal.reshape(rows, cols, 3)
    joined = _unit(grid[:, 0] + grid[:, -1])
    grid[:, 0] = grid[:, -1] = joined
    return mesh._replace(nrm=grid.reshape(-1, 3)[faces].astype(np.float32))


def frames(path, side):
    """For each point of a path: the unit vectors across it, `side` made perpendicular, and the third one."""
    tangent = _unit(np.gradient(path, axis=0))
    side = np.broadcast_to(np.asarray(side, float), path.shape)
    right = _unit(side - (side * tangent).sum(1, keepdims=True) * tangent)
    return right, _cross(tangent, right)


def tube(path, radii, material, rgb=(1, 1, 1), slot=0, sides=8, side=(1, 0, 0), tex=-1):
    """A closed tube along a path. `radii`: one number, one a point, or (n, 2) for an elliptic section."""
    path = np.asarray(path, float)
    radii = np.asarray(radii, float)
    if radii.ndim < 2:
        radii = np.stack([np.broadcast_to(radii, len(path))] * 2, 1)
    path = np.concatenate([path[:1], path, path[-1:]])
    radii = np.concatenate([radii[:1] * 0, radii, radii[-1:] * 0])
    core = path.copy()
    core[0] += (path[1] - path[2]) * 1e-3
    core[-1] += (path[-2] - path[-3]) * 1e-3
    right, up = frames(core, side)
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    ring = (
        np.cos(angle)[None, :, None] * (right * radii[:, :1])[:, None]
        + np.sin(angle)[None, :, None] * (up * radii[:, 1:])[:, None]
    )
    return surface(path[:, None] + ring, material, rgb, slot, tex, wrap=True)


def rod(start, end, radius, material, rgb=(1, 1, 1), slot=0, sides=6):
    """A straight tube; any direction."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    along = np.abs(end - start)
    side = (1, 0, 0) if along[0] < max(along[1], along[2]) else (0, 1, 0)
    return tube(np.linspace(start, end, 2), radius, material, rgb, slot, sides, side)


def ellipsoid(
    centre, radii, material, rgb=(1, 1, 1), slot=0, rows=8, cols=12, low=-1.0, high=1.0, square=1.0
):
    """A ball stretched by `radii`, cut at `low` and `high` of its vertical radius; `square` < 1 swells it to a box."""
    polar = np.linspace(np.arcsin(low), np.arcsin(high), rows + 1)[:, None]
    turn = np.linspace(0, 2 * np.pi, cols + 1)[None, :]
    a, b, c, d = (
        np.sign(x) * np.abs(x) ** square
        for x in (np.cos(polar), np.sin(polar), np.cos(turn), np.sin(turn))
    )
    ball = np.stack(np.broadcast_arrays(a * c, a * d, b), -1)
    return surface(
        ball * np.asarray(radii, float) + np.asarray(centre, float), material, rgb, slot, wrap=True
    )


def _cube():
    """Corners (12, 3, 3) in -0.5..0.5, normals, and which two axes each face's texture follows."""
    pos, nrm, axes = [], [], []
    for axis in range(3):
        a, b = [k for k in range(3) if k != axis]
        for sign in (-1, 1):
            corner = np.zeros((4, 3))
            corner[:, axis] = sign * 0.5
            corner[:, a] = (-0.5, 0.5, 0.5, -0.5)
            corner[:, b] = (-0.5, -0.5, 0.5, 0.5)
            flip = sign * (1 if axis == 1 else -1) > 0
            for tri in ((0, 1, 2), (0, 2, 3)):
                pos.append(corner[list(tri[::-1] if flip else tri)])
                nrm.append(np.repeat([np.eye(3)[axis] * sign], 3, 0))
                axes.append((a, b))
    return np.array(pos), np.array(nrm, np.float32), np.array(axes)


_CUBE = _cube()


def box(centre, size, material, rgb=(1, 1, 1), slot=0, tex=-1):
    """A box with flat faces; texture coordinates are metres, or 0..1 where it has a texture."""
    pos, nrm, axes = _CUBE
    size = np.asarray(size, float)
    uv = np.take_along_axis(pos + 0.5, axes[:, None, :].repeat(3, 1), 2)
    uv = np.stack([uv[..., 0], 1 - uv[..., 1]], -1) if tex >= 0 else uv * size[axes][:, None]
    tag = np.empty((12, 3), np.int32)
    tag[:] = (material, slot, tex)
    colour = np.empty((12, 3), np.float32)
    colour[:] = rgb
    return Mesh(
        (pos * size + np.asarray(centre, float)).astype(np.float32),
        nrm,
        uv.astype(np.float32),
        colour,
        tag,
    )


def plate(outline, material, rgb=(1, 1, 1), slot=0, tex=-1, y=0.0):
    """A flat convex outline (n, 2) in the x-z plane; its texture spans the outline's bounding square."""
    outline = np.asarray(outline, float)
    verts = np.stack([outline[:, 0], np.full(len(outline), y), outline[:, 1]], 1)
    low, high = outline.min(0), outline.max(0)
    uv = (outline - low) / (high - low)
    uv[:, 1] = 1 - uv[:, 1]
    fan = np.array([[0, k, k + 1] for k in range(1, len(outline) - 1)])
    return faces_of(verts, fan, uv, material, rgb, slot, tex)


def circle(radius, count=24, turn=0.0):
    angle = np.arange(count) * 2 * np.pi / count + turn
    return np.stack([radius * np.sin(angle), radius * np.cos(angle)], 1)


def torus(centre, radius, thick, material, rgb=(1, 1, 1), slot=0, rings=20, sides=6, width=None):
    """A ring standing in the y-z plane, as a wheel does."""
    turn = np.linspace(0, 2 * np.pi, rings + 1)[:, None]
    angle = np.linspace(0, 2 * np.pi, sides + 1)[None, :]
    width = thick if width is None else width
    reach = radius + thick * np.cos(angle)
    points = np.stack(
        np.broadcast_arrays(width * np.sin(angle), reach * np.cos(turn), reach * np.sin(turn)), -1
    )
    return surface(points + np.asarray(centre, float), material, rgb, slot, wrap=True)


def lathe(profile, material, rgb=(1, 1, 1), slot=0, cols=16, uv=None):
    """A profile (n, 2) of radius and x turned about the x axis, as a car wheel is."""
    profile = np.asarray(profile, float)
    turn = np.linspace(0, 2 * np.pi, cols + 1)[None, :]
    radius = profile[:, :1]
    points = np.stack(
        np.broadcast_arrays(profile[:, 1:], radius * np.cos(turn), radius * np.sin(turn)), -1
    )
    return surface(points, material, rgb, slot, uv=uv, wrap=True)


def chaikin(points, times=2):
    """Round a polyline's corners by cutting them; its ends stay."""
    points = np.asarray(points, float)
    for _ in range(times):
        a, b = points[:-1], points[1:]
        cut = np.stack([0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b], 1).reshape(-1, points.shape[1])
        points = np.concatenate([points[:1], cut, points[-1:]])
    return points


def coarse(mesh, cell):
    """The mesh with its corners gathered to one a `cell` metres: far away it looks the same and has fewer faces."""
    corners = mesh.pos.reshape(-1, 3)
    cells = np.floor(corners / cell).astype(np.int64) + 4096
    _, group = np.unique(cells @ np.array([1 << 26, 1 << 13, 1]), return_inverse=True)
    group = group.reshape(-1)
    middle = (
        np.stack([np.bincount(group, corners[:, k]) for k in range(3)], 1)
        / np.bincount(group)[:, None]
    )
    faces = group.reshape(-1, 3)
    kept = (
        (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 0] != faces[:, 2])
    )
    part = Mesh(*(column[kept] for column in mesh))
    return part._replace(pos=middle[faces[kept]].astype(np.float32))
