"""Puts things into a world and takes its picture: instances, camera, the sun's shadow map, the linear image.

What stands where is `layout`'s business; what the camera's electronics add is `camera`'s.
"""

from typing import NamedTuple

import numpy as np

from . import raster, shade
from .kernel import kernel, scratch
from .mesh import Mesh, turn_z

NEAR = 0.25
SOUP_SHAPES = {"pos": (3, 3), "nrm": (3, 3), "uv": (3, 2), "rgb": (4,)}


class Thing(NamedTuple):
    """A mesh placed in the world."""

    mesh: Mesh
    at: tuple  # x, y, z
    heading: float = 0.0  # radians, 0: along +y, positive turns left
    palette: tuple = ()  # colours for slots 1, 2, ...
    label: int = -1  # class, -1: scenery
    track: int = -1
    glow: float = 0.0  # how strongly its painted lamps shine
    record: int = 0  # row of the facade or marking record; 1000: throws headlights back
    scale: float = 1.0
    turn: object = None  # 3 x 3 rotation instead of the heading


class Camera(NamedTuple):
    eye: np.ndarray
    axes: np.ndarray  # rows right, down, forward
    focal: float
    width: int
    height: int
    horizon: float = 0.5  # share of the height above the principal point

    @property
    def centre(self):
        return np.array([self.width / 2, self.height * self.horizon])

    def view(self):
        return np.concatenate([self.axes, -(self.axes @ self.eye)[:, None]], axis=1)


def aimed(eye, yaw, pitch, roll, focal, width, height, horizon=0.5):
    """A camera looking along +y turned left by yaw, up by pitch."""
    forward = np.array([-np.sin(yaw) * np.cos(pitch), np.cos(yaw) * np.cos(pitch), np.sin(pitch)])
    right = np.cross(forward, (0, 0, 1.0))
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    c, s = np.cos(roll), np.sin(roll)
    return Camera(
        np.asarray(eye, float),
        np.array([c * right + s * down, c * down - s * right, forward]),
        float(focal),
        width,
        height,
        horizon,
    )


@kernel
def _place(
    pos,
    nrm,
    uv,
    rgb,
    tag,
    stretch,
    turn,
    shift,
    palette,
    glow,
    number,
    record,
    first,
    bounds,
    to_pos,
    to_nrm,
    to_uv,
    to_rgb,
    to_tag,
):
    """Copy one thing's triangles into the soup, moved and coloured; bounds: its lowest and highest x, y, z."""
    for f in range(pos.shape[0]):
        t = first + f
        for c in range(3):
            x, y, z = pos[f, c, 0], pos[f, c, 1], pos[f, c, 2]
            for k in range(3):
                value = stretch[k, 0] * x + stretch[k, 1] * y + stretch[k, 2] * z + shift[k]
                bounds[0, k], bounds[1, k] = min(bounds[0, k], value), max(bounds[1, k], value)
                to_pos[t, c, k] = value
                to_nrm[t, c, k] = (
                    turn[k, 0] * nrm[f, c, 0]
                    + turn[k, 1] * nrm[f, c, 1]
                    + turn[k, 2] * nrm[f, c, 2]
                )
            to_uv[t, c, 0], to_uv[t, c, 1] = uv[f, c, 0], uv[f, c, 1]
        for k in range(3):
            to_rgb[t, k] = rgb[f, k] * palette[tag[f, 1], k]
        to_rgb[t, 3] = glow
        to_tag[t, 0], to_tag[t, 1], to_tag[t, 2], to_tag[t, 3] = (
            tag[f, 0],
            tag[f, 2],
            number,
            record,
        )


def gather(things):
    """All things as one triangle soup; returns it with each thing's (first, last) triangle and bounds."""
    counts = [len(thing.mesh.pos) for thing in things]
    ends = np.cumsum([0, *counts])
    total = int(ends[-1])
    floats = [scratch(name, (total, *shape)) for name, shape in SOUP_SHAPES.items()]
    soup = shade.Soup(*floats, scratch("tag", (total, 4), np.int32))
    bounds = np.empty((len(things), 2, 3))
    bounds[:, 0], bounds[:, 1] = 1e9, -1e9
    for number, thing in enumerate(things):
        mesh = thing.mesh
        turn = turn_z(thing.heading) if thing.turn is None else thing.turn
        palette = np.ones((8, 3), np.float32)
        if thing.palette:
            palette[1 : len(thing.palette) + 1] = thing.palette
        _place(
            mesh.pos,
            mesh.nrm,
            mesh.uv,
            mesh.rgb,
            mesh.tag,
            turn * thing.scale,
            turn,
            np.asarray(thing.at, float),
            palette,
            thing.glow,
            number,
            thing.record,
            ends[number],
            bounds[number],
            *soup,
        )
    return soup, np.stack([ends[:-1], ends[1:]], 1), bounds


_CORNERS = np.array([[(k >> j) & 1 for j in range(3)] for k in range(8)])


def in_view(spans, bounds, view, scale, centre, size, near):
    """Runs of triangles (first, last) of the things whose bounds touch a view of size (width, height)."""
    corners = np.take_along_axis(bounds, _CORNERS[None], 1)  # (n, 8, 3)
    x, y, z = np.moveaxis(corners @ view[:, :3].T + view[:, 3], -1, 0)
    if near > 0:
        ahead = z > near
        deep = np.where(ahead, z, near)
        x, y = x / deep, y / deep
        cut = ahead.any(1) & ~ahead.all(1)
    else:
        ahead, cut = np.ones_like(z, bool), np.zeros(len(z), bool)
    x, y = x * scale + centre[0], y * scale + centre[1]
    inside = (x.max(1) > 0) & (x.min(1) < size[0]) & (y.max(1) > 0) & (y.min(1) < size[1])
    seen = ahead.any(1) & (inside | cut)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], seen.astype(np.int8), [0]])))
    return [(int(spans[a, 0]), int(spans[b - 1, 1])) for a, b in zip(edges[::2], edges[1::2])]


def sun_view(sun, focus):
    """A parallel view along the sun's rays, its middle at `focus`."""
    forward = -np.asarray(sun, float)
    right = np.cross(forward, (0, 0, 1.0))
    right /= np.linalg.norm(right)
    axes = np.array([right, np.cross(forward, right), forward])
    return np.concatenate([axes, -(axes @ np.asarray(focus, float))[:, None]], axis=1)


def shadow_map(soup, spans, bounds, sun, focus, across, size=1024):
    """Depths nearest to the sun in a square `across` metres wide around `focus`."""
    key = scratch("sun key", (size, size), fill=-1e9)
    ids = scratch("sun ids", (size, size), np.int32)
    view = sun_view(sun, focus)
    scale = np.array([size / across, size / 2, size / 2])
    for first, last in in_view(spans, bounds, view, scale[0], scale[1:], (size, size), 0.0):
        raster.draw(soup.pos, first, last, view, scale[0], scale[1:], 0.0, key, ids)
    return key, view, scale


def picture(soup, spans, bounds, camera, light):
    """Linear image, depth, mirror share, and the 2 x 2 sampled triangle numbers."""
    shape = camera.height * 2, camera.width * 2
    key = scratch("key", shape, fill=0)
    ids = scratch("ids", shape, np.int32, -1)
    for first, last in in_view(
        spans, bounds, camera.view(), camera.focal * 2, camera.centre * 2, shape[::-1], NEAR
    ):
        raster.draw(
            soup.pos,
            first,
            last,
            camera.view(),
            camera.focal * 2,
            camera.centre * 2,
            NEAR,
            key,
            ids,
        )
    return (*shade.resolve(ids, soup, light, camera), ids)
