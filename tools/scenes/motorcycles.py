"""Motorcycles and scooters out of tubes and ellipsoids. No rider."""

from typing import NamedTuple

import numpy as np

from . import surface as sf
from .mesh import box, ellipsoid, rod, tube
from .rides import BACK, DARK, FRAME, FRONT, SIDES, STEEL, Ride, painted_ball, wheel

SPRING_BLACK = (0.1, 0.1, 0.1)
ENGINE_GREY = (0.10, 0.10, 0.105)
HEADLIGHT = (0.8, 0.8, 0.78)
TAIL_LIGHT = (0.45, 0.02, 0.02)
NUMBER_PLATE = (0.7, 0.7, 0.65)

EXHAUST = ((0.15, 0.15, 0.32), (0.17, -0.3, 0.30), (0.18, -0.75, 0.42))
SHIELD_RADII = np.array([(0.20, 0.07), (0.22, 0.06), (0.11, 0.09)])


class _Mirror(NamedTuple):
    """A mirror and its stalk on the right side, as shifts from the handlebar's middle."""

    glass: tuple
    glass_radii: tuple
    stalk_foot: tuple
    stalk_top: tuple
    stalk_radius: float


MOTORCYCLE_MIRROR = _Mirror(
    glass=(0.33, -0.06, 0.18),
    glass_radii=(0.07, 0.02, 0.045),
    stalk_foot=(0.25, -0.06, 0.0),
    stalk_top=(0.33, -0.06, 0.17),
    stalk_radius=0.009,
)
SCOOTER_MIRROR = _Mirror(
    glass=(0.30, -0.04, 0.18),
    glass_radii=(0.06, 0.02, 0.04),
    stalk_foot=(0.22, -0.04, 0.0),
    stalk_top=(0.30, -0.04, 0.16),
    stalk_radius=0.008,
)


def _beside(point, side, shift):
    """A place by its shift from a point, mirrored to one side."""
    return point + np.array(shift) * (side, 1, 1)


def _mirror(bar, side, mirror):
    """The mesh of a glass, then of its stalk."""
    glass_at = _beside(bar, side, mirror.glass)
    glass = ellipsoid(glass_at, mirror.glass_radii, sf.GLASS, DARK, rows=4, cols=8)
    foot = _beside(bar, side, mirror.stalk_foot)
    top = _beside(bar, side, mirror.stalk_top)
    return [glass, rod(foot, top, mirror.stalk_radius, sf.METAL, DARK)]


def _handlebar(points, radius):
    return tube(points, radius, sf.METAL, DARK, side=(0, 0, 1))


def motorcycle(ride: Ride) -> list:
    """The meshes of a motorcycle; a fast one has a fairing, a cruiser none."""
    points = ride.points()
    parts = [*wheel(ride, BACK), *wheel(ride, FRONT)]
    for side in SIDES:
        parts += _suspension(points, side)
        parts += _mirror(points.bar, side, MOTORCYCLE_MIRROR)
    parts += _engine_and_seat(ride.saddle)
    parts += _front(ride, points)
    parts += [
        box((0, -0.84, ride.saddle - 0.02), (0.16, 0.04, 0.06), sf.GLOW, TAIL_LIGHT),
        box((0, -0.86, ride.saddle - 0.22), (0.2, 0.02, 0.13), sf.PLAIN, NUMBER_PLATE),
    ]
    if ride.kind == "motor":
        parts.append(painted_ball((0, 0.32, 0.62), (0.19, 0.40, 0.30), grid=(7, 12)))
    return parts


def _suspension(points, side):
    """One leg of the fork, and the spring behind it."""
    fork_foot = points.front + (side * 0.09, 0, 0)
    fork_top = points.bar + (side * 0.07, -0.03, -0.05)
    spring_foot = points.back + (side * 0.09, 0, 0)
    spring_top = points.crank + (side * 0.08, 0.1, 0.10)
    return [
        rod(fork_foot, fork_top, 0.028, sf.METAL, STEEL),
        rod(spring_foot, spring_top, 0.030, sf.METAL, SPRING_BLACK),
    ]


def _engine_and_seat(saddle):
    engine = ellipsoid((0, 0.06, 0.48), (0.17, 0.30, 0.22), sf.METAL, ENGINE_GREY, rows=7, cols=10)
    tank = painted_ball((0, 0.22, saddle + 0.08), (0.15, 0.30, 0.14), grid=(7, 12))
    seat_at = (0, -0.26, saddle - 0.02)
    seat = ellipsoid(seat_at, (0.14, 0.36, 0.07), sf.RUBBER, DARK, rows=5, cols=10)
    tail = painted_ball((0, -0.60, saddle - 0.04), (0.11, 0.26, 0.09), grid=(5, 10))
    exhaust = tube(EXHAUST, 0.05, sf.METAL, STEEL)
    return [engine, tank, seat, tail, exhaust]


def _front(ride, points):
    """Mudguard, handlebar and lamp."""
    bar = points.bar
    mudguard_radii = (0.075, ride.radius * 0.9, ride.radius * 0.95)
    mudguard_at = points.front + (0, 0, 0.08)
    mudguard = painted_ball(mudguard_at, mudguard_radii, grid=(6, 10), low=0.45)
    left_grip = bar + (-0.36, -0.12, 0.03)
    right_grip = bar + (0.36, -0.12, 0.03)
    grips = [left_grip, bar + (-0.15, 0, 0), bar + (0.15, 0, 0), right_grip]
    housing = painted_ball(bar + (0, 0.13, -0.10), (0.11, 0.10, 0.11), grid=(6, 10))
    lamp_at = bar + (0, 0.20, -0.10)
    lamp = ellipsoid(lamp_at, (0.085, 0.05, 0.085), sf.GLOW, HEADLIGHT, rows=5, cols=10)
    return [mudguard, _handlebar(grips, 0.016), housing, lamp]


def scooter(ride: Ride) -> list:
    """The meshes of a scooter; one with a rack carries a box."""
    points = ride.points()
    parts = [*wheel(ride, BACK), *wheel(ride, FRONT)]
    parts += _scooter_body(ride, points)
    parts += _scooter_bar(points.bar)
    parts += [
        box((0, -0.80, 0.60), (0.20, 0.04, 0.07), sf.GLOW, TAIL_LIGHT),
        box((0, -0.80, 0.40), (0.18, 0.02, 0.12), sf.PLAIN, NUMBER_PLATE),
    ]
    for side in SIDES:
        parts += _mirror(points.bar, side, SCOOTER_MIRROR)
    if ride.rack:
        box_at = (0, -0.80, ride.saddle + 0.16)
        parts.append(box(box_at, (0.38, 0.36, 0.34), sf.METAL, slot=FRAME))
    return parts


def _scooter_body(ride, points):
    """The shield before the legs, the floor, the body with its seat, the front mudguard."""
    front = points.front[1]
    shield_path = [
        (0, front - 0.14, 0.30),
        (0, front - 0.20, 0.62),
        points.bar + (0, 0.02, -0.06),
    ]
    seat_at = (0, -0.30, ride.saddle - 0.03)
    mudguard_at = points.front + (0, 0, 0.04)
    mudguard_radii = (0.10, ride.radius * 1.05, ride.radius * 1.1)
    return [
        tube(shield_path, SHIELD_RADII, sf.METAL, slot=FRAME, sides=12),
        box((0, 0.10, 0.29), (0.34, 0.52, 0.09), sf.METAL, slot=FRAME),
        painted_ball((0, -0.38, 0.52), (0.20, 0.44, 0.24), grid=(7, 12)),
        ellipsoid(seat_at, (0.15, 0.38, 0.08), sf.RUBBER, DARK, rows=5, cols=10),
        painted_ball(mudguard_at, mudguard_radii, grid=(5, 10), low=0.3),
    ]


def _scooter_bar(bar):
    """Handlebar and lamp."""
    left_grip = bar + (-0.33, -0.08, 0.02)
    right_grip = bar + (0.33, -0.08, 0.02)
    housing = painted_ball(bar + (0, 0.07, -0.04), (0.12, 0.09, 0.09), grid=(5, 10))
    lamp_at = bar + (0, 0.13, -0.05)
    lamp = ellipsoid(lamp_at, (0.07, 0.04, 0.05), sf.GLOW, HEADLIGHT, rows=5, cols=8)
    return [_handlebar([left_grip, bar, right_grip], 0.018), housing, lamp]
