"""The people, animals and vehicles on traffic signs, drawn on a unit square.

Each figure is a function of a canvas (origin in the middle, -0.5..0.5) and a colour. Arrows, roads
and words, and which sign shows which figure: `pictograms`.
"""

import numpy as np

from .placed import Drawing, Placed

RED = (190, 15, 20)

TRUNK = ((0, 0.15), (0, -0.03))
LEGS = (
    ((0, -0.02), (0.09, -0.15), (0.09, -0.29)),
    ((0, -0.02), (-0.06, -0.15), (-0.15, -0.27)),
)
ARMS = (
    ((0.0, 0.15), (0.12, 0.05), (0.15, -0.03)),
    ((0.0, 0.15), (-0.12, 0.06), (-0.13, -0.04)),
)

CYCLE_FRAME = ((-0.18, -0.09), (-0.09, 0.08), (0.11, 0.08), (0.0, -0.09), (-0.18, -0.09))
CYCLE_SEAT_TUBE = ((-0.12, 0.13), (-0.09, 0.08), (0, -0.09))
CYCLE_FORK = ((0.18, -0.09), (0.10, 0.14), (0.16, 0.16))
CYCLE_SADDLE = ((-0.17, 0.13), (-0.07, 0.13))

CAR_FRONT = (
    (-0.15, -0.08),
    (0.15, -0.08),
    (0.15, 0.02),
    (0.11, 0.05),
    (0.08, 0.14),
    (-0.08, 0.14),
    (-0.11, 0.05),
    (-0.15, 0.02),
)
CAR_TYRE = np.array([(-0.035, -0.13), (0.035, -0.13), (0.035, -0.07), (-0.035, -0.07)])

TRUCK_BOX = ((-0.27, -0.08), (0.09, -0.08), (0.09, 0.17), (-0.27, 0.17))
TRUCK_CAB = ((0.11, -0.08), (0.27, -0.08), (0.27, 0.02), (0.21, 0.11), (0.11, 0.11))

SPADE = ((0.16, 0.06), (-0.14, -0.17))
HEAP = ((-0.26, -0.25), (-0.05, -0.25), (-0.15, -0.12))

DEER_BODY = (
    (-0.2, -0.04),
    (-0.16, 0.07),
    (0.06, 0.06),
    (0.13, 0.19),
    (0.24, 0.17),
    (0.2, 0.11),
    (0.17, 0.1),
    (0.1, -0.06),
    (-0.14, -0.07),
)
DEER_LEGS = (
    ((-0.16, -0.04), (-0.25, -0.24)),
    ((-0.10, -0.05), (-0.08, -0.26)),
    ((0.06, -0.04), (0.14, -0.22)),
    ((0.02, -0.05), (0.22, -0.12)),
)
DEER_ANTLERS = (
    ((0.14, 0.18), (0.07, 0.28), (0.15, 0.29)),
    ((0.14, 0.18), (0.2, 0.28)),
)

MOTOR = ((-0.16, 0.0), (0.12, 0.0), (0.1, 0.06), (-0.14, 0.06))
MOTOR_RIDER = ((0.0, 0.16), (-0.04, 0.06), (0.08, -0.02))
SKID = np.array([(0, -0.03), (-0.07, -0.10), (0.07, -0.18), (0, -0.26)])


def arc(x: float, y: float, radii: tuple, angles: np.ndarray) -> np.ndarray:
    """Points of an ellipse around (x, y) at some angles: (n, 2)."""
    across = x + radii[0] * np.cos(angles)
    up = y + radii[1] * np.sin(angles)
    return np.stack([across, up], 1)


def person(canvas: Drawing, rgb: tuple) -> None:
    """Somebody walking."""
    canvas.circle(0.01, 0.24, 0.055, rgb)
    canvas.line(TRUNK, rgb, 0.11)
    for leg in LEGS:
        canvas.line(leg, rgb, 0.055)
    for arm in ARMS:
        canvas.line(arm, rgb, 0.04)


def bicycle(canvas: Drawing, rgb: tuple) -> None:
    """A bicycle from its right side."""
    full_turn = np.linspace(0, 2 * np.pi, 25)
    for middle in (-0.18, 0.18):
        canvas.line(arc(middle, -0.09, (0.115, 0.115), full_turn), rgb, 0.03)
    canvas.line(CYCLE_FRAME, rgb, 0.028)
    canvas.line(CYCLE_SEAT_TUBE, rgb, 0.028)
    canvas.line(CYCLE_FORK, rgb, 0.028)
    canvas.line(CYCLE_SADDLE, rgb, 0.04)


def car_front(canvas: Drawing, rgb: tuple) -> None:
    """A car that comes towards one."""
    canvas.poly(CAR_FRONT, rgb)
    for middle in (-0.11, 0.11):
        canvas.poly(CAR_TYRE + (middle, 0), rgb)


def truck(canvas: Drawing, rgb: tuple) -> None:
    """A lorry from its right side."""
    canvas.poly(TRUCK_BOX, rgb)
    canvas.poly(TRUCK_CAB, rgb)
    for middle in (-0.18, 0.18):
        canvas.circle(middle, -0.1, 0.058, rgb)


def children(canvas: Drawing, rgb: tuple) -> None:
    """Two children, the smaller one on the right."""
    person(Placed(canvas, x=-0.10, size=0.8), rgb)
    person(Placed(canvas, x=0.13, y=-0.04, size=0.68), rgb)


def digger(canvas: Drawing, rgb: tuple) -> None:
    """Somebody at work with a spade."""
    person(Placed(canvas, x=0.06, size=0.85), rgb)
    canvas.line(SPADE, rgb, 0.03)
    canvas.poly(HEAP, rgb)


def deer(canvas: Drawing, rgb: tuple) -> None:
    """A deer that leaps to the right."""
    canvas.poly(DEER_BODY, rgb)
    for points in DEER_LEGS + DEER_ANTLERS:
        canvas.line(points, rgb, 0.03)


def two_cars(canvas: Drawing, rgb: tuple) -> None:
    """Overtaking: a red car beside another one."""
    car_front(Placed(canvas, x=-0.145, size=0.85), RED)
    car_front(Placed(canvas, x=0.145, size=0.85), rgb)


def motorbike(canvas: Drawing, rgb: tuple) -> None:
    """A motorcycle with its rider."""
    bicycle(Placed(canvas, y=-0.1, size=0.85), rgb)
    canvas.poly(MOTOR, rgb)
    canvas.circle(0.0, 0.22, 0.05, rgb)
    canvas.line(MOTOR_RIDER, rgb, 0.07)


def skidding_car(canvas: Drawing, rgb: tuple) -> None:
    """A car on a slippery road, with the tracks of its wheels."""
    car_front(Placed(canvas, y=0.1, size=0.85), rgb)
    for middle in (-0.1, 0.1):
        canvas.line(SKID + (middle, 0), rgb, 0.035)


def walker_above_cyclist(canvas: Drawing, rgb: tuple) -> None:
    """A path that people on foot and on bicycles share."""
    person(Placed(canvas, y=0.16, size=0.55), rgb)
    bicycle(Placed(canvas, y=-0.17, size=0.75), rgb)


def walker_beside_cyclist(canvas: Drawing, rgb: tuple) -> None:
    """A path of two halves, one for people on foot."""
    canvas.line([(0, -0.38), (0, 0.38)], rgb, 0.02)
    person(Placed(canvas, x=-0.19, size=0.62), rgb)
    bicycle(Placed(canvas, x=0.2, size=0.55), rgb)
