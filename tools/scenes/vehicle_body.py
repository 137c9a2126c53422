"""A vehicle's painted hull: cross-sections lofted from nose to tail, each face with its picture.

Only the hull; wheels, mirrors and loads are `vehicle_parts`.
"""

from typing import NamedTuple

import numpy as np

from . import surface as sf
from .mesh import Mesh, faces_of, merge, surface
from .vehicle_design import Spec

PAINT = 1  # palette slot
BELLY_BLACK = 0.015


class Pictures(NamedTuple):
    """The textures of the four views, in the order of their numbers below."""

    side: int
    front: int
    rear: int
    top: int


SIDE, FRONT, REAR, TOP = range(4)

# half the width along the vehicle: shares of the full width at these places
NOSE_PLACES = (0, 0.10, 0.45, 1.1)
TAIL_PLACES = (1.0, 0.35, 0.05, 0)  # from the tail


def _half_width(measures, y):
    """Half the width of the hull at y: narrower towards both ends."""
    nose_shares = (measures.taper, measures.taper * 0.55 + 0.42, 0.965, 1)
    tail_shares = (1, 0.96, measures.taper * 0.4 + 0.50, measures.taper * 0.5 + 0.38)
    tail_places = [measures.length - place for place in TAIL_PLACES]
    share = np.interp(y, [*NOSE_PLACES, *tail_places], [*nose_shares, *tail_shares])
    return share * measures.width / 2


def _floor(measures, y):
    """The height of the hull's lower edge at y: higher at both ends."""
    places = (0, 0.35, 0.6, measures.length - 0.7, measures.length)
    return np.interp(y, places, (0.10, 0.02, 0, 0, 0.10)) + measures.clear


def _section(spec, y):
    """Half a cross-section at y: (n, 2) of x and z, from the bottom's middle to the roof's."""
    measures = spec.measures
    half = _half_width(measures, y)
    floor = _floor(measures, y)
    top = np.interp(y, spec.outline[:, 0], spec.outline[:, 1])
    rising_belt = measures.belt + 0.04 * y / measures.length
    belt = min(rising_belt, top - 0.03)

    # from the hood (0) to the full height of the cabin (1)
    cabin = np.clip((top - belt) / (measures.height - measures.belt), 0, 1)
    roof_half = half * (0.955 - measures.tumble * cabin)

    # the door, a little inwards below the belt where it is tall enough
    door = belt - floor
    dent = 0.06 if door > 0.2 else 0.0

    # the window, which leans inwards
    window_x = 0.5 * roof_half + 0.4775 * half
    window_z = belt + (top - belt) * 0.5
    return np.array(
        [
            (0, floor),
            (0.80 * half, floor),
            (0.94 * half, floor + 0.05),
            (0.99 * half, floor + 0.28 * door),
            (half, floor + 0.60 * door),
            (0.992 * half, belt - dent),
            (0.955 * half, belt),
            (window_x, window_z - 0.02 * cabin),
            (roof_half, top - 0.10 * cabin - 0.008),
            (roof_half * 0.965, top - 0.04 * cabin),
            (roof_half * 0.86, top - 0.005),
            (0.5 * roof_half, top + 0.012),
            (0, top + 0.02),
        ]
    )


def _stations(spec):
    """The places along the vehicle at which it is cut: (n,) of y, closer where it bends."""
    length = spec.measures.length
    ends = [0.03, 0.1, 0.2, length - 0.12, length - 0.03]
    even = np.linspace(0, length, max(8, round(length / 0.35)))
    places = np.concatenate([spec.outline[:, 0], ends, even])
    places = np.unique(np.round(places, 2))
    apart = np.diff(places) > 0.025
    return places[np.concatenate([[True], apart])]


def hull(spec: Spec, pictures: Pictures) -> Mesh:
    """One smooth sheet from nose to tail; each face shows the view that sees it best."""
    stations = _stations(spec)
    right = np.array([_section(spec, y) for y in stations])
    back_down = right[:, -2::-1]
    left = back_down * (-1, 1)
    sections = np.concatenate([right, left], axis=1)  # (stations, points, 2)
    y = np.repeat(stations[:, None], sections.shape[1], 1)
    grid = np.stack([sections[..., 0], y, sections[..., 1]], -1)

    tube = surface(grid, sf.PAINTED, slot=PAINT)
    front_end = _cap(grid[0])
    rear_end = _cap(grid[-1])
    sheet = merge([tube, front_end, rear_end])
    sheet = _with_pictures(spec, sheet, pictures)
    return _turned_round(sheet, spec.measures.length)


def _cap(ring):
    """The flat end of the hull within a cross-section."""
    centre = ring.mean(0, keepdims=True)
    verts = np.concatenate([centre, ring])
    fan = np.array([[0, k, k + 1] for k in range(1, len(ring))])
    uv = np.zeros((len(verts), 2))
    return faces_of(verts, fan, uv, sf.PAINTED, slot=PAINT, weld=False)


def _turned_round(sheet, length):
    """From y counted from the nose to y forward from the middle; faces keep their outside."""
    pos = sheet.pos.copy()
    normals = sheet.nrm.copy()
    pos[..., 1] = length / 2 - pos[..., 1]
    normals[..., 1] *= -1
    return sheet._replace(
        pos=pos[:, ::-1],
        nrm=normals[:, ::-1],
        uv=sheet.uv[:, ::-1],
    )


def _with_pictures(spec, sheet, pictures):
    """The sheet with texture coordinates and textures; its underside is plain black."""
    view, belly = _views(spec, sheet)
    uv = _texture_places(spec.measures, sheet, view)
    tag = sheet.tag.copy()
    tag[:, 2] = np.asarray(pictures)[view]
    tag[belly] = (sf.RUBBER, 0, -1)
    rgb = sheet.rgb.copy()
    rgb[belly] = BELLY_BLACK
    return sheet._replace(uv=uv.astype(np.float32), tag=tag, rgb=rgb)


def _views(spec, sheet):
    """Which view sees each face best, (n,), and whether it belongs to the underside, (n,)."""
    measures = spec.measures
    first_edge = sheet.pos[:, 1] - sheet.pos[:, 0]
    second_edge = sheet.pos[:, 2] - sheet.pos[:, 0]
    normal = np.cross(first_edge, second_edge)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    sideways, lengthways, upwards = np.abs(normal).T

    view = np.where(sideways > 0.42, SIDE, TOP)
    is_end = lengthways > 0.62
    middle = sheet.pos[..., 1].mean(1)
    in_front = middle < measures.length / 2
    view[is_end & in_front] = FRONT
    view[is_end & ~in_front] = REAR

    highest = sheet.pos[..., 2].max(1)
    belly = (highest < measures.clear + 0.12) & (upwards > 0.7)
    return view, belly


def _texture_places(measures, sheet, view):
    """Where each corner lies on the picture of its view: (n, 3, 2)."""
    x, y, z = np.moveaxis(sheet.pos, -1, 0)
    along = y / measures.length
    down = 1 - z / measures.height
    left = 0.5 - x / measures.width
    right = 0.5 + x / measures.width
    places = {
        SIDE: np.stack([along, down], -1),
        FRONT: np.stack([left, down], -1),
        REAR: np.stack([right, down], -1),
        TOP: np.stack([along, left], -1),
    }
    chosen = [(view == number)[:, None, None] for number in places]
    return np.select(chosen, list(places.values()))
