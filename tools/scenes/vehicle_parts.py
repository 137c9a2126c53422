"""What is fixed to a vehicle's hull: wheels, mirrors, roof loads, and the box behind a truck's cab.

Metres; x to the right, y forward from the hull's middle, z up.
"""

from functools import lru_cache
from typing import List, NamedTuple

import numpy as np

from . import surface as sf
from .livery import TAIL
from .mesh import Mesh, box, circle, ellipsoid, lathe, merge, moved, plate, turn_z
from .textures import Canvas
from .vehicle_design import Spec

SIDES = (-1, 1)  # left, right

TYRE_BLACK = (0.022, 0.022, 0.023)
MIRROR_BLACK = (0.03, 0.03, 0.03)
CHASSIS_BLACK = (0.02, 0.02, 0.02)
BUMPER_BLACK = (0.05, 0.05, 0.05)
TAXI_SIGN = (0.50, 0.42, 0.16)
BLUE_LIGHT = (0.03, 0.08, 0.5)
RAIL_GREY = (0.35, 0.35, 0.36)
LADDER_GREY = (0.5, 0.5, 0.5)

# a tyre's section: radius and x, as shares of its radius and its width
TYRE_PROFILE = np.array(
    [
        (0.60, 0.30),
        (0.66, 0.48),
        (0.90, 0.50),
        (1, 0.36),
        (1, -0.36),
        (0.90, -0.50),
        (0.5, -0.45),
    ]
)


class Rim(NamedTuple):
    """How many spokes a rim has, and their colour."""

    spokes: int
    shine: tuple


RIMS = (
    Rim(5, (175, 178, 182)),
    Rim(7, (150, 152, 156)),
    Rim(10, (165, 167, 170)),
    Rim(6, (60, 61, 64)),
    Rim(12, (140, 142, 146)),
)
RIM_GROUND = (16, 16, 17)
RIM_EDGE = (120, 122, 126)
RIM_INSIDE = (18, 18, 19)
RIM_NUT = (40, 40, 42)

# the picture of a truck's box
BOX_WHITE = (235, 235, 232)
BOX_SEAM = (60, 60, 60)
BOX_BAR = (120, 120, 122)
BOX_RED = (190, 30, 30)


@lru_cache(maxsize=None)
def _rim_picture(number):
    rim = RIMS[number]
    canvas = Canvas(1, 1, 48, RIM_GROUND, paint=0, gloss=0.2, origin=(-0.5, -0.5))
    canvas.circle(0, 0, 0.5, RIM_EDGE, gloss=0.5)
    canvas.circle(0, 0, 0.44, RIM_INSIDE, gloss=0.1)
    for k in range(rim.spokes):
        canvas.poly(_spoke(k, rim.spokes), rim.shine, gloss=0.5)
    canvas.circle(0, 0, 0.12, rim.shine, gloss=0.5)
    canvas.circle(0, 0, 0.05, RIM_NUT, gloss=0.5)
    return canvas.store()


def _spoke(k, count):
    """Spoke k of a rim, broad outside and narrow inside: four points."""
    angle = k * 2 * np.pi / count
    half_angle = 1.2 / count * 0.55
    outer = [_on_circle(0.46, angle + shift) for shift in (-half_angle, half_angle)]
    inner = [_on_circle(0.1, angle + shift) for shift in (0.6, -0.6)]
    return outer + inner


def _on_circle(radius, angle):
    return radius * np.cos(angle), radius * np.sin(angle)


def _wheel(radius, width, rim):
    """A tyre and its rim facing +x."""
    tyre = lathe(TYRE_PROFILE * (radius, width), sf.RUBBER, TYRE_BLACK, cols=18)
    disc = plate(circle(radius * 0.66, 16), sf.PAINTED, tex=_rim_picture(rim))
    disc = moved(disc, (width * 0.34, 0, 0), turn_z(np.pi / 2))
    return merge([tyre, disc])


def _pair(wheel, reach, y, z):
    """The two wheels of an axle, their rims outwards."""
    left = moved(wheel, (-reach, y, z), turn_z(np.pi))
    right = moved(wheel, (reach, y, z), turn_z(0))
    return [left, right]


def wheels(spec: Spec) -> List[Mesh]:
    """The wheels of all axles; a truck's box has its own."""
    measures = spec.measures
    width = 0.30 if measures.style in ("bus", "box") else 0.21
    wheel = _wheel(measures.wheel, width, spec.rims)
    reach = measures.width / 2 - width / 2 + 0.012
    parts = []
    for y in measures.axles:
        parts += _pair(wheel, reach, measures.length / 2 - y, measures.wheel)
    return parts


class _Finish(NamedTuple):
    """A mirror's material, colour and palette slot."""

    material: int
    rgb: tuple
    slot: int


PAINTED = _Finish(sf.METAL, (1, 1, 1), slot=1)
PLASTIC = _Finish(sf.PLAIN, MIRROR_BLACK, slot=0)


class _MirrorStyle(NamedTuple):
    """A mirror's radii, and how far it is from the body, the windscreen's foot and the belt."""

    radii: tuple
    beside: float
    behind: float
    above: float


TALL_MIRROR = _MirrorStyle((0.09, 0.07, 0.17), beside=0.12, behind=0.1, above=0.25)
CAR_MIRROR = _MirrorStyle((0.115, 0.065, 0.075), beside=0.06, behind=0.38, above=0.07)


def mirrors(spec: Spec) -> List[Mesh]:
    """The two wing mirrors; some cars' are painted, all others are black."""
    measures = spec.measures
    black = spec.rng.random() < 0.5 or not spec.is_car
    finish = PLASTIC if black else PAINTED
    style = CAR_MIRROR if spec.is_car else TALL_MIRROR
    x = measures.width / 2 + style.beside
    y = measures.length / 2 - measures.cowl_y - style.behind
    z = measures.belt + style.above
    parts = []
    for side in SIDES:
        at = (side * x, y, z)
        parts.append(ellipsoid(at, style.radii, *finish, rows=5, cols=8))
    return parts


def _box_side_picture(spec, length, tall):
    """The firm's emblem on a truck's box."""
    canvas = Canvas(length, tall, 36, BOX_WHITE, paint=0, gloss=0.15)
    canvas.rect(0, 0, length, tall * 0.22, spec.second)
    canvas.circle(length * 0.3, tall * 0.6, tall * 0.2, spec.second)
    bar_start = length * 0.45
    bar_end = length * 0.85
    canvas.rect(bar_start, tall * 0.52, bar_end, tall * 0.68, spec.second)
    return canvas.store()


def _box_end_picture(wide, tall):
    """The doors of a truck's box, with bars to lock them, above the rear lights."""
    canvas = Canvas(wide, tall, 36, BOX_WHITE, paint=0, gloss=0.15)
    canvas.line([(wide / 2, 0), (wide / 2, tall)], BOX_SEAM, 0.03)
    for x in (0.35, wide - 0.35):
        canvas.line([(x, 0.05), (x, tall - 0.05)], BOX_BAR, 0.04)
    canvas.rect(0, 0, wide, 0.18, BOX_RED)
    for x in (0.12, wide - 0.4):
        canvas.rect(x, 0.03, x + 0.28, 0.16, TAIL, gloss=0.6, glow=0.4)
    return canvas.store()


def _cargo(spec):
    """A truck's box behind its cab, with its own axles."""
    measures = spec.measures
    rng = np.random.default_rng((int(measures.length * 1e6), 3))
    length = rng.uniform(4.5, 7.5)
    tall = rng.uniform(2.3, 2.7)
    wide = measures.width + 0.16
    front = -measures.length / 2 - 0.12
    middle = front - length / 2

    # the box: the same picture on all faces, but the doors' on those across the road
    side_picture = _box_side_picture(spec, length, tall)
    end_picture = _box_end_picture(wide, tall)
    at = (0, middle, 1.0 + tall / 2)
    shell = box(at, (wide, length, tall), sf.PAINTED, slot=1, tex=side_picture)
    tag = shell.tag.copy()
    tag[4:8, 2] = end_picture
    chassis_at = (0, middle + 0.3, 0.82)
    chassis = box(chassis_at, (0.9, length + 0.6, 0.3), sf.RUBBER, CHASSIS_BLACK)
    parts = [shell._replace(tag=tag), chassis]

    # two axles and a bumper
    wheel = _wheel(0.46, 0.34, spec.rims)
    first_axle = front - length * 0.72
    for y in (first_axle, first_axle - 1.1):
        parts += _pair(wheel, wide / 2 - 0.2, y, 0.46)
    bumper_at = (0, front - length + 0.1, 0.52)
    parts.append(box(bumper_at, (wide * 0.9, 0.08, 0.12), sf.PLAIN, BUMPER_BLACK))
    return parts


def extras(spec: Spec) -> List[Mesh]:
    """What some kinds or designs have: a load, lights on the roof, rails, a roof box, a ladder."""
    measures = spec.measures
    roof_y = measures.length / 2 - (measures.top_y + measures.roof_y) / 2
    parts = []
    if spec.kind == "truck":
        parts += _cargo(spec)

    # what the livery brings
    if spec.livery == "check":
        at = (0, roof_y + 0.3, measures.height + 0.07)
        parts.append(box(at, (0.40, 0.14, 0.13), sf.GLOW, TAXI_SIGN))
    if spec.livery == "rescue":
        at = (0, measures.length / 2 - measures.top_y - 0.25, measures.height + 0.07)
        parts.append(box(at, (1.3, 0.28, 0.14), sf.GLASS, BLUE_LIGHT))

    # what some owners fit
    if spec.kind in ("estate", "suv", "offroad") and spec.rng.random() < 0.6:
        parts += _roof_rails(measures, roof_y)
    if spec.kind in ("estate", "people", "suv") and spec.rng.random() < 0.15:
        at = (0, roof_y - 0.1, measures.height + 0.13)
        roof_box = ellipsoid(at, (0.36, 0.90, 0.16), sf.PLAIN, MIRROR_BLACK, rows=8, cols=14)
        parts.append(roof_box)
    if spec.kind == "van" and spec.rng.random() < 0.3:
        z = measures.height + 0.10
        for x in (-0.25, 0.25):
            parts.append(box((x, roof_y, z), (0.05, 2.6, 0.05), sf.METAL, LADDER_GREY))
    return parts


def _roof_rails(measures, roof_y):
    size = (0.035, (measures.roof_y - measures.top_y) * 0.85, 0.04)
    parts = []
    for side in SIDES:
        x = side * measures.width / 2 * (0.90 - measures.tumble)
        parts.append(box((x, roof_y, measures.height + 0.02), size, sf.METAL, RAIL_GREY))
    return parts
