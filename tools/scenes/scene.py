"""From a street to a Sample: gathers what is in view, lights it, photographs it and measures it."""

from typing import Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

from . import camera as dash
from . import light, truth, world
from .items import Item
from .mesh import Mesh, coarse
from .shade import Light, Soup
from .street import Street
from .traffic import VEHICLE
from .world import Camera, Thing

BEHIND = 8.0  # metres behind the camera that things still count
NEW_SHAPE_UNTIL = 30.0  # metres away: beyond, a thing's simpler mesh is enough
FEW_FACES = 300  # a mesh of fewer is never made coarser
SKY_UNDER = 25  # the ground under a vehicle, 255: all of the sky is open
SKY_BESIDE = 120  # the ground where a person or a bin stands


class Sample(NamedTuple):
    """One picture and its ground truth."""

    image: np.ndarray  # (height, width, 3) uint8, BGR
    boxes: np.ndarray  # (n, 4) float32: left, top, right, bottom in pixels, edges
    classes: np.ndarray  # (n,) int64
    visible: np.ndarray  # (n,) float32, 0..1
    difficult: np.ndarray  # (n,) bool
    tracks: np.ndarray  # (n,) int64


class Detail(NamedTuple):
    """How fine meshes are up to a distance; cells in metres, 0: as they were made."""

    until: float  # metres away
    vehicle_cell: float
    other_cell: float


DETAILS = (Detail(32, 0, 0), Detail(62, 0.10, 0.045), Detail(1e9, 0.20, 0.09))


class _Coarse(NamedTuple):
    """A coarser mesh, and the one it was made of: kept, so that no other can get its id."""

    original: Mesh
    mesh: Mesh


_COARSE: Dict[Tuple[int, float], _Coarse] = {}


def detail(mesh: Mesh, label: int, far: float) -> Mesh:
    """The mesh, or a coarser one where it is far away. Meshes live as long as the process."""
    level = next(level for level in DETAILS if far < level.until)
    cell = level.other_cell
    if label == VEHICLE:
        cell = level.vehicle_cell
    if cell == 0 or len(mesh.pos) < FEW_FACES:
        return mesh

    name = (id(mesh), cell)
    if name not in _COARSE:
        _COARSE[name] = _Coarse(mesh, coarse(mesh, cell))
    return _COARSE[name].mesh


def gather(street: Street, t: float, ego: float, reach: float = 150.0) -> Tuple[List[Thing], int]:
    """Ground first, then everything within reach: (things, how many are ground).

    t: seconds since the street was made. ego: metres that the camera has gone along it.
    """
    things = [Thing(mesh, (0, 0, 0), record=record) for mesh, record in street.ground]
    ground_count = len(things)

    _, here, _ = street.road.at(ego)
    for house in street.town.things:
        _, y, _ = house.at
        if -40 < y - here < reach + 30:
            things.append(house)
    for item in street.items:
        s = item.s + item.speed * t
        if ego - BEHIND < s < ego + reach:
            things.append(_thing(street, item, t, s, s - ego))
    return things, ground_count


def _thing(street: Street, item: Item, t: float, s: float, ahead: float) -> Thing:
    """An item where it is at time t, as finely as its distance needs."""
    mesh = _mesh_of(street, item, t, ahead)
    at = street.road.at(s, item.lateral + item.sideways * t, item.z)
    return Thing(
        mesh,
        tuple(at),
        street.road.heading(s) + item.turn,
        palette=item.palette,
        label=item.label,
        track=item.track,
        glow=item.glow,
        record=item.record,
        scale=item.scale,
    )


def _mesh_of(street: Street, item: Item, t: float, ahead: float) -> Mesh:
    """On a journey nothing changes its mesh on the way, which would be seen as a jump."""
    if street.journey:
        return item.shape(t)
    if item.far is None:
        return detail(item.shape(t), item.label, ahead)
    if ahead > NEW_SHAPE_UNTIL:
        return item.far
    return item.shape(t)


def _outlines(street: Street, t: float, ego: float) -> List[Tuple[np.ndarray, int]]:
    """Ground shapes that keep the sky off: houses, and everything with a size.

    Each is a polygon (n, 2) in the world, and how much sky is left under it, 0..255.
    """
    shapes = list(street.town.outlines)
    for item in street.items:
        s = item.s + item.speed * t
        width, length = item.size
        near = ego - BEHIND < s < ego + 70
        if width <= 0 or not near:
            continue
        angle = street.road.heading(s) + item.turn
        middle = street.road.at(s, item.lateral + item.sideways * t)[:2]
        sky_left = SKY_BESIDE
        if length > 1:
            sky_left = SKY_UNDER
        shapes.append((_rectangle(item.size, angle) + middle, sky_left))
    return shapes


_CORNERS = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])


def _rectangle(size: Tuple[float, float], angle: float) -> np.ndarray:
    """The corners (4, 2) of a rectangle around the origin, turned left by an angle."""
    c = np.cos(angle)
    s = np.sin(angle)
    half = np.array(size) / 2
    return _CORNERS * half @ np.array([[c, s], [-s, c]])


def _lamps(street: Street, ego: float, count: int = 14) -> List[Tuple[float, ...]]:
    """Position and colour of the street lamps nearest to what the camera sees best."""
    best = ego + 22
    near = sorted(street.lamps, key=lambda lamp: abs(lamp.s - best))[:count]
    return [(*street.road.at(lamp.s, lamp.lateral, lamp.z), *lamp.rgb) for lamp in near]


def lights_of(
    street: Street, soup: Soup, spans: np.ndarray, bounds: np.ndarray, t: float, ego: float
) -> Light:
    """What shines on the street; spans and bounds are of the things that throw shadows."""
    surroundings = light.Surroundings(
        focus=street.road.at(ego + 30),
        lamps=_lamps(street, ego),
        outlines=_outlines(street, t, ego),
        facades=street.town.facades(),
        marks=street.marks,
        zebra=street.zebra,
    )
    return light.make(street.weather, soup, spans, bounds, surroundings)


def photograph(
    street: Street,
    camera: Camera,
    rng: np.random.Generator,
    t: float = 0.0,
    ego: float = 0.0,
    artefacts: bool = True,
) -> Sample:
    """Render and measure: a Sample. artefacts: whether the picture has been a JPEG file once."""
    things, ground_count = gather(street, t, ego)
    soup, spans, bounds = world.gather(things)

    # flat ground throws no shadow
    lights = lights_of(street, soup, spans[ground_count:], bounds[ground_count:], t, ego)
    linear, depth, wet, ids = world.picture(soup, spans, bounds, camera, lights)
    image = dash.develop(linear, depth, wet, camera, street.weather, rng, artefacts)

    kept = truth.keep(truth.measure(things, soup, spans, camera, ids))
    return _sample(image, things, kept)


def _sample(image: np.ndarray, things: Sequence[Thing], kept: Sequence[truth.Kept]) -> Sample:
    boxes = np.array([one.box for one in kept], np.float32)
    return Sample(
        image,
        boxes.reshape(-1, 4),
        classes=np.array([things[one.number].label for one in kept], np.int64),
        visible=np.array([one.visible for one in kept], np.float32),
        difficult=np.array([one.difficult for one in kept], bool),
        tracks=np.array([things[one.number].track for one in kept], np.int64),
    )


def dash_camera(
    street: Street,
    rng: np.random.Generator,
    size: Tuple[int, int],
    ego: float = 0.0,
    steady: bool = False,
) -> Camera:
    """A camera behind the windscreen of the own car; a steady one looks straight along the road."""
    width, height = size
    tall = rng.uniform(1.2, 1.6)
    at = street.road.at(ego, street.own + rng.normal(0, 0.12), tall)
    yaw = street.road.heading(ego + 4)
    if not steady:
        yaw += rng.normal(0, 0.03)

    focal = width * rng.uniform(0.52, 0.74)
    horizon = rng.uniform(0.40, 0.52)
    pitch = rng.normal(-0.005, 0.012)
    roll = rng.normal(0, 0.006)
    return world.aimed(at, yaw, pitch, roll, focal, width, height, horizon)
