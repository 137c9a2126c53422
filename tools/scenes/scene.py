"""From a street to a Sample: sets the camera, gathers what is in view, lights, photographs, measures."""

from typing import NamedTuple

import numpy as np

from . import camera as dash
from . import light, truth, world
from .mesh import coarse
from .world import Thing


class Sample(NamedTuple):
    """One picture and its ground truth."""

    image: np.ndarray  # (height, width, 3) uint8, BGR
    boxes: np.ndarray  # (n, 4) float32: left, top, right, bottom in pixels, edges
    classes: np.ndarray  # (n,) int64
    visible: np.ndarray  # (n,) float32, 0..1
    difficult: np.ndarray  # (n,) bool
    tracks: np.ndarray  # (n,) int64


FINE_UNTIL = (
    (32, None),
    (62, (0.10, 0.045)),
    (1e9, (0.20, 0.09)),
)  # metres away; cells of vehicles, of all else
_COARSE = {}


def detail(mesh, label, far):
    """The mesh, or a coarser one where it is far away. Meshes live as long as the process."""
    cells = next(cells for limit, cells in FINE_UNTIL if far < limit)
    if cells is None or len(mesh.pos) < 300:
        return mesh
    cell = cells[0 if label == 1 else 1]
    if (id(mesh), cell) not in _COARSE:
        _COARSE[id(mesh), cell] = mesh, coarse(mesh, cell)
    return _COARSE[id(mesh), cell][1]


def gather(street, t, ego, reach=150.0):
    """Ground first, then everything within reach: (things, how many are ground)."""
    things = [Thing(mesh, (0, 0, 0), record=record) for mesh, record in street.ground]
    count = len(things)
    here = street.road.at(ego)
    things += [thing for thing in street.town.things if -40 < thing.at[1] - here[1] < reach + 30]
    for item in street.items:
        s = item.s + item.speed * t
        if not ego - 8 < s < ego + reach:
            continue
        at = street.road.at(s, item.lateral + item.sideways * t, item.z)
        mesh = item.far if item.far and s - ego > 30 and not street.journey else item.shape(t)
        if not (street.journey or item.far):
            mesh = detail(mesh, item.label, s - ego)
        things.append(
            Thing(
                mesh,
                tuple(at),
                street.road.heading(s) + item.turn,
                item.palette,
                item.label,
                item.track,
                item.glow,
                item.record,
                item.scale,
            )
        )
    return things, count


def _outlines(street, t, ego):
    """Ground shapes that keep the sky off: houses, and everything with a size."""
    shapes = list(street.town.outlines)
    for item in street.items:
        s = item.s + item.speed * t
        if item.size[0] <= 0 or not ego - 8 < s < ego + 70:
            continue
        half = np.array(item.size) / 2
        angle = street.road.heading(s) + item.turn
        c, sn = np.cos(angle), np.sin(angle)
        corners = (
            np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half @ np.array([[c, sn], [-sn, c]])
        )
        shapes.append(
            (
                corners + street.road.at(s, item.lateral + item.sideways * t)[:2],
                25 if item.size[1] > 1 else 120,
            )
        )
    return shapes


def _lamps(street, ego, count=14):
    near = sorted(street.lamps, key=lambda lamp: abs(lamp[0] - ego - 22))[:count]
    return [(*street.road.at(s, lateral, z), *rgb) for s, lateral, z, *rgb in near]


def lights_of(street, soup, spans, bounds, t, ego):
    focus = street.road.at(ego + 30)
    return light.make(
        street.weather,
        soup,
        spans,
        bounds,
        focus,
        _lamps(street, ego),
        _outlines(street, t, ego),
        (street.town.facades(), street.marks, street.zebra),
    )


def photograph(street, camera, rng, t=0.0, ego=0.0, artefacts=True):
    """Render and measure: a Sample."""
    things, ground_count = gather(street, t, ego)
    soup, spans, bounds = world.gather(things)
    lights = lights_of(street, soup, spans[ground_count:], bounds[ground_count:], t, ego)
    linear, depth, wet, ids = world.picture(soup, spans, bounds, camera, lights)
    image = dash.develop(linear, depth, wet, camera, street.weather, rng, artefacts)
    kept = truth.keep(truth.measure(things, soup, spans, camera, ids))
    return Sample(
        image,
        np.array([k[1] for k in kept], np.float32).reshape(-1, 4),
        np.array([things[k[0]].label for k in kept], np.int64),
        np.array([k[2] for k in kept], np.float32),
        np.array([k[3] for k in kept], bool),
        np.array([things[k[0]].track for k in kept], np.int64),
    )


def dash_camera(street, rng, size, ego=0.0, steady=False):
    """A camera behind the windscreen of the own car."""
    wide, high = size
    tall = rng.uniform(1.2, 1.6)
    at = street.road.at(ego, street.own + rng.normal(0, 0.12), tall)
    yaw = street.road.heading(ego + 4) + (0 if steady else rng.normal(0, 0.03))
    focal = wide * rng.uniform(0.52, 0.74)
    horizon = rng.uniform(0.40, 0.52)
    return world.aimed(
        at, yaw, rng.normal(-0.005, 0.012), rng.normal(0, 0.006), focal, wide, high, horizon
    )
