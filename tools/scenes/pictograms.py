"""What the three classes of traffic signs show: arrows, roads, words, and the figures of `figures`.

Each symbol is a function of a canvas (origin in the middle, -0.5..0.5) and a colour. No plates
here: see `plates` and `signs`.
"""

from functools import partial
from typing import Callable, Tuple

import numpy as np

from . import figures
from .figures import arc
from .placed import Drawing, Placed

LEFT = -1
RIGHT = 1

ARROW = np.array(
    [
        (-0.05, -0.28),
        (0.05, -0.28),
        (0.05, 0.06),
        (0.17, 0.06),
        (0, 0.29),
        (-0.17, 0.06),
        (-0.05, 0.06),
    ]
)
ARROW_HEAD = np.array([(-1, 0), (1, 0), (0, 1.4)])

# paths that turn to the right; mirrored, they turn to the left
BEND = np.array([(-0.12, -0.28), (-0.12, 0.0), (-0.08, 0.08), (0.0, 0.1), (0.1, 0.1)])
BEND_HEAD = np.array([(0.08, 0.25), (0.28, 0.1), (0.08, -0.05)])
CURVE = np.array([(-0.1, -0.26), (-0.1, -0.02), (-0.04, 0.06), (0.06, 0.1)])
DOUBLE_CURVE = np.array([(-0.08, -0.26), (-0.08, -0.1), (0.10, 0.04), (0.10, 0.12)])
AHEAD_OR_BRANCH = np.array([(-0.1, -0.16), (0.08, -0.16)])
NARROWING = np.array([(0.15, -0.26), (0.15, -0.1), (0.06, 0.02), (0.06, 0.2)])

EXCLAMATION = ((-0.055, 0.24), (0.055, 0.24), (0.03, -0.08), (-0.03, -0.08))
SLOPE = ((-0.24, -0.2), (0.22, -0.2), (0.22, 0.08))
LAMP_CASE = (15, 15, 15)
LAMPS = ((0.16, (210, 20, 20)), (0, (240, 180, 20)), (-0.16, (20, 150, 60)))


def _turned(points: np.ndarray, angle: float) -> np.ndarray:
    """Points turned to the left about the origin."""
    cosine = np.cos(angle)
    sine = np.sin(angle)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return points @ turn.T


def _mirrored(points: np.ndarray, side: int) -> np.ndarray:
    """Points that go to the right as they are, or to the left."""
    return points * (side, 1)


def _arrow(canvas, rgb, angle=0.0, at=(0, 0), size=1.0):
    canvas.poly(_turned(ARROW * size, angle) + at, rgb)


def _head(canvas, rgb, at, angle, size=0.12):
    """The point of an arrow, its base's middle at a place."""
    canvas.poly(_turned(ARROW_HEAD * size, angle) + at, rgb)


def _bend(canvas, rgb, side):
    canvas.line(_mirrored(BEND, side), rgb, 0.095)
    canvas.poly(_mirrored(BEND_HEAD, side), rgb)


def _curve(canvas, rgb, side):
    canvas.line(_mirrored(CURVE, side), rgb, 0.085)
    _head(canvas, rgb, (side * 0.04, 0.09), -side * 1.1)


def _double_curve(canvas, rgb, side):
    canvas.line(_mirrored(DOUBLE_CURVE, side), rgb, 0.085)
    _head(canvas, rgb, (side * 0.10, 0.1), 0)


def _ahead_or(canvas, rgb, side):
    _arrow(canvas, rgb, at=(-side * 0.1, 0.03), size=0.85)
    canvas.line(_mirrored(AHEAD_OR_BRANCH, side), rgb, 0.08)

    tip = (side * 0.08, -0.16)
    _head(canvas, rgb, tip, -side * np.pi / 2, size=0.11)


def _both_sides(canvas, rgb):
    _arrow(canvas, rgb, 2.4, at=(-0.13, -0.02), size=0.8)
    _arrow(canvas, rgb, -2.4, at=(0.13, -0.02), size=0.8)


def _two_way(canvas, rgb):
    _arrow(canvas, rgb, 0, at=(0.09, -0.03), size=0.75)
    _arrow(canvas, rgb, np.pi, at=(-0.09, -0.03), size=0.75)


def _tee(canvas, rgb):
    canvas.line([(-0.14, -0.24), (0.0, -0.24)], rgb, 0.01)
    canvas.line([(0, -0.27), (0, 0.08)], rgb, 0.1)
    canvas.line([(-0.15, 0.08), (0.15, 0.08)], rgb, 0.08)
    _head(canvas, rgb, (-0.13, 0.08), np.pi / 2, size=0.1)
    _head(canvas, rgb, (0.13, 0.08), -np.pi / 2, size=0.1)


def _u_turn(canvas, rgb):
    half_turn = np.linspace(0, np.pi, 12)
    bow = arc(0, 0.1, (0.12, 0.12), half_turn)
    canvas.line([(0.12, -0.22), *bow, (-0.12, -0.02)], rgb, 0.075)
    _head(canvas, rgb, (-0.12, -0.02), np.pi, size=0.11)


def _ring_of_arrows(canvas, rgb):
    radius = 0.19
    for k in range(3):
        angles = np.linspace(0.25, 1.65, 10) + k * 2.094
        canvas.line(arc(0, 0, (radius, radius), angles), rgb, 0.075)

        start = angles[0]
        tip = (radius * np.cos(start), radius * np.sin(start))
        _head(canvas, rgb, tip, start + np.pi, size=0.10)


def _cross_roads(canvas, rgb):
    canvas.line([(0, -0.28), (0, 0.22)], rgb, 0.085)
    canvas.line([(-0.18, -0.05), (0.18, -0.05)], rgb, 0.085)


def _side_road(canvas, rgb):
    canvas.line([(-0.04, -0.28), (-0.04, 0.22)], rgb, 0.1)
    canvas.line([(-0.04, -0.05), (0.18, -0.05)], rgb, 0.05)


def _narrow_road(canvas, rgb):
    for side in (LEFT, RIGHT):
        canvas.line(_mirrored(NARROWING, side), rgb, 0.05)


def _bumps(canvas, rgb):
    half_turn = np.linspace(0, np.pi, 15)
    for middle in (-0.11, 0.11):
        canvas.poly(arc(middle, -0.16, (0.11, 0.14), half_turn), rgb)
    canvas.rect(-0.24, -0.2, 0.24, -0.15, rgb)


def _hill(canvas, rgb):
    canvas.poly(SLOPE, rgb)
    canvas.text("10%", -0.04, 0.08, 0.11, rgb)


def _traffic_lights(canvas, rgb):
    canvas.rect(-0.085, -0.25, 0.085, 0.25, LAMP_CASE, round_by=0.03)
    for y, lamp in LAMPS:
        canvas.circle(0, y, 0.06, lamp)


def _exclamation(canvas, rgb):
    canvas.poly(EXCLAMATION, rgb)
    canvas.circle(0, -0.18, 0.05, rgb)


def _words(canvas, rgb, text, size=0.3):
    """A number or a few letters; more than two are drawn smaller."""
    if len(text) > 2:
        size = size * 0.80
    canvas.text(text, 0, 0, size, rgb, bold=1.25)


def _sized(canvas, rgb, symbol, size):
    """A symbol at another size."""
    symbol(Placed(canvas, size=size), rgb)


def empty_ring(canvas: Drawing, rgb: tuple) -> None:
    """No vehicles at all: a prohibitory ring with nothing in it."""


def no_entry(canvas: Drawing, rgb: tuple) -> None:
    """The broad bar of a one-way street's end. It stands on red, without a ring."""
    canvas.rect(-0.38, -0.08, 0.38, 0.08, rgb)


Symbol = Callable[..., None]

MANDATORY: Tuple[Symbol, ...] = (
    partial(_arrow, angle=0),
    partial(_arrow, angle=-np.pi / 2),
    partial(_arrow, angle=np.pi / 2),
    partial(_arrow, angle=-2.36),
    partial(_arrow, angle=2.36),
    partial(_bend, side=RIGHT),
    partial(_bend, side=LEFT),
    _ring_of_arrows,
    figures.person,
    partial(_sized, symbol=figures.bicycle, size=1.15),
    figures.walker_above_cyclist,
    figures.walker_beside_cyclist,
    partial(_words, text="30"),
    partial(_ahead_or, side=RIGHT),
    partial(_ahead_or, side=LEFT),
    _both_sides,
    partial(_words, text="50"),
    _tee,
    figures.children,
    _two_way,
)
PROHIBITORY: Tuple[Symbol, ...] = (
    partial(_words, text="30"),
    partial(_words, text="50"),
    partial(_words, text="80"),
    partial(_words, text="100", size=0.27),
    empty_ring,
    no_entry,
    figures.two_cars,
    partial(_sized, symbol=figures.truck, size=1.05),
    figures.bicycle,
    figures.person,
    partial(_words, text="60"),
    partial(_bend, side=RIGHT),
    partial(_bend, side=LEFT),
    _u_turn,
    figures.motorbike,
    partial(_words, text="40"),
    partial(_words, text="70"),
    partial(_words, text="7.5t", size=0.2),
    partial(_sized, symbol=figures.car_front, size=1.5),
    partial(_words, text="120", size=0.27),
    partial(_words, text="3.8", size=0.22),
    partial(_words, text="20"),
)
WARNING: Tuple[Symbol, ...] = (
    _exclamation,
    partial(_curve, side=RIGHT),
    partial(_curve, side=LEFT),
    partial(_double_curve, side=RIGHT),
    _cross_roads,
    figures.person,
    figures.children,
    figures.digger,
    figures.skidding_car,
    _bumps,
    _narrow_road,
    _traffic_lights,
    _ring_of_arrows,
    partial(_double_curve, side=LEFT),
    _hill,
    _two_way,
    partial(_sized, symbol=figures.bicycle, size=0.95),
    figures.deer,
    _side_road,
    partial(_sized, symbol=figures.car_front, size=1.3),
)
