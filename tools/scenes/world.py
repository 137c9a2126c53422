"""Puts things into a world and takes its picture: instances, camera, shadow map, linear image.

What stands where is the business of `street` and `scene`; what the camera's electronics add is that
of `camera`.
"""

from typing import List, NamedTuple, Sequence, Tuple

import numpy as np
from numpy.typing import ArrayLike

from . import raster, shade
from .kernel import kernel, scratch
from .mesh import Mesh, turn_z
from .shade import Light, Soup
from .vectors import corner, dot, row

NEAR = 0.25  # metres before the camera: what is nearer is cut off
SUPERSAMPLING = 2  # samples of a pixel in each direction
PALETTE_SLOTS = 8
SOUP_SHAPES = {"pos": (3, 3), "nrm": (3, 3), "uv": (3, 2), "rgb": (4,)}
UP = (0, 0, 1.0)


class Thing(NamedTuple):
    """A mesh placed in the world."""

    mesh: Mesh
    at: Tuple[float, ...]  # x, y, z
    heading: float = 0.0  # radians, 0: along +y, positive turns left
    palette: Tuple[Sequence[float], ...] = ()  # colours for slots 1, 2, ...
    label: int = -1  # class, -1: scenery
    track: int = -1
    glow: float = 0.0  # how strongly its painted lamps shine
    record: int = 0  # row of the facade or marking record; 1000: throws headlights back
    scale: float = 1.0


class Camera(NamedTuple):
    """A pinhole camera: where it is, how it is turned, and the size of its picture."""

    eye: np.ndarray
    axes: np.ndarray  # rows right, down, forward
    focal: float
    width: int
    height: int
    horizon: float = 0.5  # share of the height above the principal point

    @property
    def centre(self) -> np.ndarray:
        """The principal point in pixels."""
        return np.array([self.width / 2, self.height * self.horizon])

    def view(self) -> np.ndarray:
        """The (3, 4) matrix from the world to the camera's own right, down and forward."""
        shift = -(self.axes @ self.eye)
        return np.concatenate([self.axes, shift[:, None]], axis=1)


class Screen(NamedTuple):
    """Where a view is drawn to: how camera coordinates become places in a buffer."""

    view: np.ndarray  # (3, 4)
    scale: float  # focal length in samples; of a parallel view, samples a metre
    centre: np.ndarray
    size: Tuple[int, int]  # width, height
    near: float  # what is nearer is cut off; 0: a parallel view, which has no near


class Gathered(NamedTuple):
    """All things of a world as one triangle soup."""

    soup: Soup
    spans: np.ndarray  # (n, 2) of each thing: its first triangle, and the one after its last
    bounds: np.ndarray  # (n, 2, 3) of each thing: its lowest and its highest x, y, z


class ShadowMap(NamedTuple):
    """What the sun sees."""

    depths: np.ndarray
    view: np.ndarray  # (3, 4)
    scale: np.ndarray  # pixels a metre, centre x, centre y


class Picture(NamedTuple):
    """What the camera sees, before its electronics."""

    linear: np.ndarray  # (height, width, 3)
    depth: np.ndarray  # (height, width)
    wet: np.ndarray  # (height, width) share of the light that wet ground mirrors
    ids: np.ndarray  # (2 * height, 2 * width) number of the triangle in each sample, -1: sky


def aimed(
    eye: ArrayLike,
    yaw: float,
    pitch: float,
    roll: float,
    focal: float,
    width: int,
    height: int,
    horizon: float = 0.5,
) -> Camera:
    """A camera looking along +y turned left by yaw, up by pitch."""
    level = np.cos(pitch)
    x = -np.sin(yaw) * level
    y = np.cos(yaw) * level
    forward = np.array([x, y, np.sin(pitch)])
    right, down = _upright(forward)

    # roll about the direction of view
    c = np.cos(roll)
    s = np.sin(roll)
    rolled_right = c * right + s * down
    rolled_down = c * down - s * right
    axes = np.array([rolled_right, rolled_down, forward])
    return Camera(np.asarray(eye, float), axes, float(focal), width, height, horizon)


def _upright(forward: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """The level right and the down that belong to a direction of view."""
    right = np.cross(forward, UP)
    right /= np.linalg.norm(right)
    return right, np.cross(forward, right)


@kernel
def _place(mesh, soup, first, number, record, glow, stretch, turn, shift, palette, bounds):
    """Copy one thing's triangles into the soup, moved and coloured; note its bounds.

    mesh, soup: plain tuples of their arrays.
    """
    pos, nrm, uv, rgb, tag = mesh
    to_pos, to_nrm, to_uv, to_rgb, to_tag = soup
    for f in range(pos.shape[0]):
        t = first + f
        for c in range(3):
            point = corner(pos, f, c)
            normal = corner(nrm, f, c)
            for k in range(3):
                value = dot(row(stretch, k), point) + shift[k]
                bounds[0, k] = min(bounds[0, k], value)
                bounds[1, k] = max(bounds[1, k], value)
                to_pos[t, c, k] = value
                to_nrm[t, c, k] = dot(row(turn, k), normal)
            to_uv[t, c, 0] = uv[f, c, 0]
            to_uv[t, c, 1] = uv[f, c, 1]

        material, slot, texture = row(tag, f)
        for k in range(3):
            to_rgb[t, k] = rgb[f, k] * palette[slot, k]
        to_rgb[t, 3] = glow
        to_tag[t, 0] = material
        to_tag[t, 1] = texture
        to_tag[t, 2] = number
        to_tag[t, 3] = record


def gather(things: Sequence[Thing]) -> Gathered:
    """All things as one triangle soup. Its arrays are those of the last call, filled anew."""
    counts = [len(thing.mesh.pos) for thing in things]
    ends = np.cumsum([0, *counts])
    total = int(ends[-1])
    floats = {name: scratch(name, (total, *shape)) for name, shape in SOUP_SHAPES.items()}
    soup = Soup(tag=scratch("tag", (total, 4), np.int32), **floats)

    bounds = np.empty((len(things), 2, 3))
    bounds[:, 0] = 1e9
    bounds[:, 1] = -1e9
    for number, thing in enumerate(things):
        turn = turn_z(thing.heading)
        palette = np.ones((PALETTE_SLOTS, 3), np.float32)
        if thing.palette:
            palette[1 : len(thing.palette) + 1] = thing.palette
        _place(
            tuple(thing.mesh),
            tuple(soup),
            ends[number],
            number,
            thing.record,
            thing.glow,
            turn * thing.scale,
            turn,
            np.asarray(thing.at, float),
            palette,
            bounds[number],
        )
    spans = np.stack([ends[:-1], ends[1:]], 1)
    return Gathered(soup, spans, bounds)


# which of a thing's two bounds, low or high, each of its box's corners has of x, y and z
_CORNERS = np.array([[(k >> j) & 1 for j in range(3)] for k in range(8)])


def in_view(spans: np.ndarray, bounds: np.ndarray, screen: Screen) -> List[Tuple[int, int]]:
    """Runs of triangles (first, last) of the things whose bounds touch a screen."""
    seen = _are_seen(bounds, screen)

    # where a run begins and where it ends
    padded = np.concatenate([[0], seen.astype(np.int8), [0]])
    edges = np.flatnonzero(np.diff(padded))
    runs = []
    for begin, end in zip(edges[::2], edges[1::2]):
        first, _ = spans[begin]
        _, last = spans[end - 1]
        runs.append((int(first), int(last)))
    return runs


def _are_seen(bounds: np.ndarray, screen: Screen) -> np.ndarray:
    """Of each thing, whether the box around it touches the screen."""
    corners = np.take_along_axis(bounds, _CORNERS[None], 1)  # (n, 8, 3)
    turned = corners @ screen.view[:, :3].T
    x, y, z = np.moveaxis(turned + screen.view[:, 3], -1, 0)  # (n, 8) each

    ahead = np.ones_like(z, bool)
    if screen.near > 0:
        ahead = z > screen.near
        depth = np.where(ahead, z, screen.near)
        x = x / depth
        y = y / depth
    x = x * screen.scale + screen.centre[0]
    y = y * screen.scale + screen.centre[1]

    # what is partly behind the camera may be anywhere on the screen
    some_ahead = ahead.any(1)
    cut = some_ahead & ~ahead.all(1)
    width, height = screen.size
    touches = _touches(x, width) & _touches(y, height)
    return some_ahead & (touches | cut)


def _touches(places: np.ndarray, size: int) -> np.ndarray:
    """Of each row (n, 8), whether some of its span lies in 0..size."""
    begins = places.min(1) < size
    ends = places.max(1) > 0
    return begins & ends


def _draw(
    soup: Soup,
    runs: Sequence[Tuple[int, int]],
    screen: Screen,
    key: np.ndarray,
    ids: np.ndarray,
) -> None:
    """Rasterise runs of triangles."""
    view, scale, centre, _, near = screen
    for first, last in runs:
        raster.draw(soup.pos, first, last, view, scale, centre, near, key, ids)


def sun_view(sun: ArrayLike, focus: ArrayLike) -> np.ndarray:
    """A parallel view along the sun's rays, its middle at `focus`."""
    forward = -np.asarray(sun, float)
    right, down = _upright(forward)
    axes = np.array([right, down, forward])
    shift = -(axes @ np.asarray(focus, float))
    return np.concatenate([axes, shift[:, None]], axis=1)


def shadow_map(
    soup: Soup,
    spans: np.ndarray,
    bounds: np.ndarray,
    sun: ArrayLike,
    focus: ArrayLike,
    across: float,
    size: int = 1024,
) -> ShadowMap:
    """Depths nearest to the sun in a square `across` metres wide around `focus`."""
    key = scratch("sun key", (size, size), fill=-1e9)
    ids = scratch("sun ids", (size, size), np.int32)
    scale = np.array([size / across, size / 2, size / 2])
    screen = Screen(sun_view(sun, focus), scale[0], scale[1:], (size, size), near=0.0)
    _draw(soup, in_view(spans, bounds, screen), screen, key, ids)
    return ShadowMap(key, screen.view, scale)


def picture(
    soup: Soup, spans: np.ndarray, bounds: np.ndarray, camera: Camera, light: Light
) -> Picture:
    """What the camera sees under this light. The arrays are those of the last call, filled anew."""
    width = camera.width * SUPERSAMPLING
    height = camera.height * SUPERSAMPLING
    key = scratch("key", (height, width), fill=0)
    ids = scratch("ids", (height, width), np.int32, fill=-1)
    scale = camera.focal * SUPERSAMPLING
    centre = camera.centre * SUPERSAMPLING
    screen = Screen(camera.view(), scale, centre, (width, height), NEAR)
    _draw(soup, in_view(spans, bounds, screen), screen, key, ids)

    linear, depth, wet = shade.resolve(ids, soup, light, camera)
    return Picture(linear, depth, wet, ids)
