"""Bicycles out of tubes: frame, bars, cranks, and what is strapped to them. No rider, no motor."""

import numpy as np

from . import surface as sf
from .mesh import Mesh, box, ellipsoid, lathe, moved, rod, tube
from .rides import BACK, DARK, FRAME, FRONT, SIDES, STEEL, Ride, wheel

CRANK = 0.17  # metres from the axle to a pedal
CHAINRING = ((0.09, -0.01), (0.09, 0.01), (0, 0.012))  # radius, x
CHAINRING_GREY = (0.2, 0.2, 0.2)
BASKET_BROWN = (0.16, 0.10, 0.05)
RACK_BLACK = (0.06, 0.06, 0.06)
REFLECTOR_RED = (0.4, 0.02, 0.02)
LAMP_WHITE = (0.75, 0.75, 0.7)
MUDGUARD_POINTS = 9


def bicycle(ride: Ride, crank_turn: float) -> list:
    """The meshes of a bicycle whose right crank stands at an angle, 0 forward."""
    points = ride.points()
    chainring = lathe(CHAINRING, sf.METAL, CHAINRING_GREY, cols=12)
    parts = [*wheel(ride, BACK), *wheel(ride, FRONT)]
    parts += _frame(ride, points)
    parts += _bars(ride, points.bar)
    parts.append(moved(chainring, points.crank + (0.06, 0, 0)))
    parts += _cranks(points.crank, crank_turn)
    parts += _luggage(ride, points)
    parts += _lamps(points)
    return parts


def crank_arm(turn: float) -> np.ndarray:
    """From the axle to the right pedal: (3,). The left one is opposite."""
    return CRANK * np.array([0, np.cos(turn), np.sin(turn)])


def _frame_tube(start, end, radius) -> Mesh:
    return rod(start, end, radius, sf.METAL, slot=FRAME)


def _frame(ride, points):
    """Stays and fork on both sides, then the tubes in the middle, and the saddle."""
    thick = 0.024 if ride.kind == "mountain" else 0.018
    crank = points.crank
    seat = points.seat
    head = points.head
    lug = crank * 0.25 + seat * 0.75  # where the upper stays meet the seat tube

    parts = []
    for side in SIDES:
        beside = np.array([side * 0.05, 0, 0])
        back_end = points.back + beside
        front_end = points.front + beside
        parts += [
            _frame_tube(crank + beside * 0.5, back_end, thick * 0.6),
            _frame_tube(lug, back_end, thick * 0.5),
            _frame_tube(head - (0, 0, 0.05), front_end, thick * 0.7),
        ]

    top_tube_end = lug
    if ride.step_through:
        top_tube_end = crank * 0.6 + seat * 0.4
    saddle_at = seat + (0, 0.0, 0.07)
    parts += [
        _frame_tube(crank, seat, thick),
        _frame_tube(crank, head - (0, 0, 0.09), thick * 1.1),
        _frame_tube(top_tube_end, head, thick),
        rod(head - (0, 0, 0.1), points.bar, thick, sf.METAL, STEEL),
        ellipsoid(saddle_at, (0.075, 0.14, 0.04), sf.RUBBER, DARK, rows=5, cols=8),
    ]
    return parts


def _bars(ride, bar):
    """The handlebar with a grip at each end."""
    half_width = 0.29
    sweep = -0.04  # how far forward the ends are
    if ride.kind == "race":
        half_width = 0.21
        sweep = 0.10
    elif ride.kind == "city":
        sweep = -0.12

    path = np.array(
        [
            bar + (-half_width, sweep, 0),
            bar + (-half_width * 0.4, 0, 0.01),
            bar + (half_width * 0.4, 0, 0.01),
            bar + (half_width, sweep, 0),
        ]
    )
    parts = [tube(path, 0.013, sf.METAL, STEEL, sides=5, side=(0, 0, 1))]
    for side in SIDES:
        end = bar + (side * half_width, sweep, 0)
        start = end - (side * 0.10, -0.02, 0)
        parts.append(rod(start, end, 0.018, sf.RUBBER, DARK))
    return parts


def _cranks(axle, turn):
    parts = []
    right_arm = crank_arm(turn)
    for side in SIDES:
        pedal = axle + side * right_arm + (side * 0.09, 0, 0)
        start = axle + (side * 0.07, 0, 0)
        foot_rest = pedal + (side * 0.05, 0, 0)
        parts += [
            rod(start, pedal, 0.012, sf.METAL, STEEL),
            box(foot_rest, (0.09, 0.08, 0.02), sf.RUBBER, DARK),
        ]
    return parts


def _luggage(ride, points):
    """A basket, a rack and mudguards, as far as the design has them."""
    parts = []
    if ride.basket:
        at = points.bar + (0, 0.22, -0.10)
        parts.append(box(at, (0.32, 0.24, 0.22), sf.BARK, BASKET_BROWN))
    if ride.rack:
        at = points.back + (0, -0.02, ride.radius + 0.05)
        parts.append(box(at, (0.13, 0.38, 0.025), sf.METAL, RACK_BLACK))
    if ride.mudguards:
        parts += [_mudguard(ride, end) for end in (BACK, FRONT)]
    return parts


def _mudguard(ride, end):
    """A flat bow over a wheel."""
    turn = np.linspace(0.25, 2.7, MUDGUARD_POINTS)
    radius = ride.radius + 0.035
    forward = ride.hub(end) - np.cos(turn) * radius
    up = ride.radius + np.sin(turn) * radius
    path = np.stack([np.zeros(MUDGUARD_POINTS), forward, up], 1)
    section = np.tile((0.03, 0.008), (MUDGUARD_POINTS, 1))
    return tube(path, section, sf.METAL, slot=FRAME, sides=5)


def _lamps(points):
    reflector_at = points.seat + (0, -0.10, -0.12)
    reflector = box(reflector_at, (0.05, 0.03, 0.05), sf.GLOW, REFLECTOR_RED)
    lamp_at = points.head + (0, 0.09, 0.02)
    lamp = ellipsoid(lamp_at, (0.035, 0.04, 0.035), sf.GLOW, LAMP_WHITE, rows=4, cols=7)
    return [reflector, lamp]
