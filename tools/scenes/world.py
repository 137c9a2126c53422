"""Puts things into a world and takes its picture: instances, camera, the sun's shadow map, the linear image.

What stands where is `layout`'s business; what the camera's electronics add is `camera`'s.
"""
from typing import NamedTuple

import numpy as np

from . import raster, shade
from .mesh import Mesh, turn_z

NEAR = 0.25


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
    return Camera(np.asarray(eye, float), np.array([c * right + s * down, c * down - s * right, forward]), float(focal),
                  width, height, horizon)


def gather(things):
    """All things as one triangle soup; returns it with each thing's (first, last) triangle."""
    counts = [len(thing.mesh.pos) for thing in things]
    ends = np.cumsum([0, *counts])
    total = int(ends[-1])
    soup = shade.Soup(np.empty((total, 3, 3), np.float32), np.empty((total, 3, 3), np.float32), np.empty((total, 3, 2), np.float32),
                      np.empty((total, 4), np.float32), np.empty((total, 4), np.int32))
    for number, thing in enumerate(things):
        span = slice(ends[number], ends[number + 1])
        mesh = thing.mesh
        turn = (turn_z(thing.heading) if thing.turn is None else thing.turn).astype(np.float32)
        shift = np.asarray(thing.at, np.float32)
        soup.pos[span] = ((mesh.pos.reshape(-1, 3) * np.float32(thing.scale)) @ turn.T + shift).reshape(-1, 3, 3)
        soup.nrm[span] = (mesh.nrm.reshape(-1, 3) @ turn.T).reshape(-1, 3, 3)
        soup.uv[span] = mesh.uv
        palette = np.ones((max(8, len(thing.palette) + 1), 3), np.float32)
        if thing.palette:
            palette[1:len(thing.palette) + 1] = thing.palette
        soup.rgb[span, :3] = mesh.rgb * palette[mesh.tag[:, 1]]
        soup.rgb[span, 3] = thing.glow
        soup.tag[span, 0] = mesh.tag[:, 0]
        soup.tag[span, 1] = mesh.tag[:, 2]
        soup.tag[span, 2] = number
        soup.tag[span, 3] = thing.record
    return soup, np.stack([ends[:-1], ends[1:]], 1)


def sun_view(sun, focus):
    """A parallel view along the sun's rays, its middle at `focus`."""
    forward = -np.asarray(sun, float)
    right = np.cross(forward, (0, 0, 1.0))
    right /= np.linalg.norm(right)
    axes = np.array([right, np.cross(forward, right), forward])
    return np.concatenate([axes, -(axes @ np.asarray(focus, float))[:, None]], axis=1)


def shadow_map(soup, first, sun, focus, span, size=1024):
    """Depths nearest to the sun around `focus`; triangles before `first` (the ground) throw no shadow."""
    key = np.full((size, size), -1e9, np.float32)
    ids = np.empty((size, size), np.int32)
    view = sun_view(sun, focus)
    scale = np.array([size / span, size / 2, size / 2])
    raster.draw(soup.pos, first, len(soup.pos), view, scale[0], scale[1:], 0.0, key, ids)
    return key, view, scale


def picture(soup, camera, light):
    """Linear image, depth, mirror share, and the 2 x 2 sampled triangle numbers."""
    shape = camera.height * 2, camera.width * 2
    key = np.zeros(shape, np.float32)
    ids = np.full(shape, -1, np.int32)
    raster.draw(soup.pos, 0, len(soup.pos), camera.view(), camera.focal * 2, camera.centre * 2, NEAR, key, ids)
    return (*shade.resolve(ids, soup, light, camera), ids)
