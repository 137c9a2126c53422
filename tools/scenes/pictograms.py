"""What is drawn on traffic signs: white, black or red symbols as polygons, lines and words on a unit square.

Each symbol is a function of a Canvas (origin in the middle, -0.5..0.5) and a colour. No plates here: see `signs`.
"""

import numpy as np


def _arrow(c, rgb, angle=0.0, at=(0, 0), size=1.0):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shape = (
        np.array(
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
        * size
    )
    c.poly(shape @ turn.T + at, rgb)


def _bend(c, rgb, sign):
    c.line(
        [
            (-sign * 0.12, -0.28),
            (-sign * 0.12, 0.0),
            (-sign * 0.08, 0.08),
            (0.0, 0.1),
            (sign * 0.1, 0.1),
        ],
        rgb,
        0.095,
    )
    c.poly([(sign * 0.08, 0.25), (sign * 0.28, 0.1), (sign * 0.08, -0.05)], rgb)


def _head(c, rgb, x, y, angle, size=0.12):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    c.poly(np.array([(-size, 0), (size, 0), (0, size * 1.4)]) @ turn.T + (x, y), rgb)


def person(c, rgb, x=0.0, y=0.0, k=1.0, walk=True):
    def line(points, width):
        c.line([(x + k * a, y + k * b) for a, b in points], rgb, width * k)

    c.circle(x + 0.01 * k, y + 0.24 * k, 0.055 * k, rgb)
    line([(0, 0.15), (0, -0.03)], 0.11)
    line([(0, -0.02), (0.09, -0.15), (0.09, -0.29)], 0.055)
    line([(0, -0.02), (-0.06, -0.15), (-0.15, -0.27)], 0.055)
    line([(0.0, 0.15), (0.12, 0.05), (0.15, -0.03)], 0.04)
    line([(0.0, 0.15), (-0.12, 0.06), (-0.13, -0.04)], 0.04)


def bicycle(c, rgb, x=0.0, y=0.0, k=1.0):
    def at(points):
        return [(x + k * a, y + k * b) for a, b in points]

    turn = np.linspace(0, 2 * np.pi, 25)
    for side in (-0.18, 0.18):
        c.line(
            at(np.stack([side + 0.115 * np.cos(turn), -0.09 + 0.115 * np.sin(turn)], 1)),
            rgb,
            0.03 * k,
        )
    c.line(
        at([(-0.18, -0.09), (-0.09, 0.08), (0.11, 0.08), (0.0, -0.09), (-0.18, -0.09)]),
        rgb,
        0.028 * k,
    )
    c.line(at([(-0.12, 0.13), (-0.09, 0.08), (0, -0.09)]), rgb, 0.028 * k)
    c.line(at([(0.18, -0.09), (0.10, 0.14), (0.16, 0.16)]), rgb, 0.028 * k)
    c.line(at([(-0.17, 0.13), (-0.07, 0.13)]), rgb, 0.04 * k)


def car_front(c, rgb, x=0.0, y=0.0, k=1.0):
    def at(points):
        return [(x + k * a, y + k * b) for a, b in points]

    c.poly(
        at(
            [
                (-0.15, -0.08),
                (0.15, -0.08),
                (0.15, 0.02),
                (0.11, 0.05),
                (0.08, 0.14),
                (-0.08, 0.14),
                (-0.11, 0.05),
                (-0.15, 0.02),
            ]
        ),
        rgb,
    )
    for side in (-0.11, 0.11):
        c.poly(
            at(
                [
                    (side - 0.035, -0.13),
                    (side + 0.035, -0.13),
                    (side + 0.035, -0.07),
                    (side - 0.035, -0.07),
                ]
            ),
            rgb,
        )


def truck(c, rgb, x=0.0, y=0.0, k=1.0):
    def at(points):
        return [(x + k * a, y + k * b) for a, b in points]

    c.poly(at([(-0.27, -0.08), (0.09, -0.08), (0.09, 0.17), (-0.27, 0.17)]), rgb)
    c.poly(at([(0.11, -0.08), (0.27, -0.08), (0.27, 0.02), (0.21, 0.11), (0.11, 0.11)]), rgb)
    for side in (-0.18, 0.18):
        c.circle(x + k * side, y - 0.1 * k, 0.058 * k, rgb)


def _children(c, rgb):
    person(c, rgb, -0.10, 0.0, 0.8)
    person(c, rgb, 0.13, -0.04, 0.68)


def _digger(c, rgb):
    person(c, rgb, 0.06, 0.0, 0.85)
    c.line([(0.16, 0.06), (-0.14, -0.17)], rgb, 0.03)
    c.poly([(-0.26, -0.25), (-0.05, -0.25), (-0.15, -0.12)], rgb)


def _deer(c, rgb):
    c.poly(
        [
            (-0.2, -0.04),
            (-0.16, 0.07),
            (0.06, 0.06),
            (0.13, 0.19),
            (0.24, 0.17),
            (0.2, 0.11),
            (0.17, 0.1),
            (0.1, -0.06),
            (-0.14, -0.07),
        ],
        rgb,
    )
    for points in (
        [(-0.16, -0.04), (-0.25, -0.24)],
        [(-0.10, -0.05), (-0.08, -0.26)],
        [(0.06, -0.04), (0.14, -0.22)],
        [(0.02, -0.05), (0.22, -0.12)],
        [(0.14, 0.18), (0.07, 0.28), (0.15, 0.29)],
        [(0.14, 0.18), (0.2, 0.28)],
    ):
        c.line(points, rgb, 0.03)


def _curve(sign, twice=False):
    def draw(c, rgb):
        if twice:
            c.line(
                [
                    (-sign * 0.08, -0.26),
                    (-sign * 0.08, -0.1),
                    (sign * 0.10, 0.04),
                    (sign * 0.10, 0.12),
                ],
                rgb,
                0.085,
            )
            _head(c, rgb, sign * 0.10, 0.1, 0)
        else:
            c.line(
                [
                    (-sign * 0.1, -0.26),
                    (-sign * 0.1, -0.02),
                    (-sign * 0.04, 0.06),
                    (sign * 0.06, 0.1),
                ],
                rgb,
                0.085,
            )
            _head(c, rgb, sign * 0.04, 0.09, -sign * 1.1)

    return draw


def _cross_roads(c, rgb):
    c.line([(0, -0.28), (0, 0.22)], rgb, 0.085)
    c.line([(-0.18, -0.05), (0.18, -0.05)], rgb, 0.085)


def _side_road(c, rgb):
    c.line([(-0.04, -0.28), (-0.04, 0.22)], rgb, 0.1)
    c.line([(-0.04, -0.05), (0.18, -0.05)], rgb, 0.05)


def _exclaim(c, rgb):
    c.poly([(-0.055, 0.24), (0.055, 0.24), (0.03, -0.08), (-0.03, -0.08)], rgb)
    c.circle(0, -0.18, 0.05, rgb)


def _slippery(c, rgb):
    car_front(c, rgb, 0, 0.1, 0.85)
    for side in (-0.1, 0.1):
        c.line(
            [(side, -0.03), (side - 0.07, -0.10), (side + 0.07, -0.18), (side, -0.26)], rgb, 0.035
        )


def _bumps(c, rgb):
    turn = np.linspace(0, np.pi, 15)
    for side in (-0.11, 0.11):
        c.poly(np.stack([side + 0.11 * np.cos(turn), -0.16 + 0.14 * np.sin(turn)], 1), rgb)
    c.rect(-0.24, -0.2, 0.24, -0.15, rgb)


def _narrow(c, rgb):
    for s in (-1, 1):
        c.line([(s * 0.15, -0.26), (s * 0.15, -0.1), (s * 0.06, 0.02), (s * 0.06, 0.2)], rgb, 0.05)


def _lights(c, rgb):
    c.rect(-0.085, -0.25, 0.085, 0.25, (15, 15, 15), round_by=0.03)
    for y, colour in ((0.16, (210, 20, 20)), (0, (240, 180, 20)), (-0.16, (20, 150, 60))):
        c.circle(0, y, 0.06, colour)


def _ring_of_arrows(c, rgb):
    for k in range(3):
        turn = np.linspace(0.25, 1.65, 10) + k * 2.094
        c.line(np.stack([0.19 * np.cos(turn), 0.19 * np.sin(turn)], 1), rgb, 0.075)
        _head(c, rgb, 0.19 * np.cos(turn[0]), 0.19 * np.sin(turn[0]), turn[0] + np.pi, 0.10)


def _hill(c, rgb):
    c.poly([(-0.24, -0.2), (0.22, -0.2), (0.22, 0.08)], rgb)
    c.text("10%", -0.04, 0.08, 0.11, rgb)


def _two_way(c, rgb):
    _arrow(c, rgb, 0, (0.09, -0.03), 0.75)
    _arrow(c, rgb, np.pi, (-0.09, -0.03), 0.75)


def _u_turn(c, rgb):
    turn = np.linspace(0, np.pi, 12)
    c.line(
        [
            (0.12, -0.22),
            *np.stack([0.12 * np.cos(turn), 0.1 + 0.12 * np.sin(turn)], 1),
            (-0.12, -0.02),
        ],
        rgb,
        0.075,
    )
    _head(c, rgb, -0.12, -0.02, np.pi, 0.11)


def _cars(c, rgb):
    car_front(c, (190, 15, 20), -0.145, 0, 0.85)
    car_front(c, rgb, 0.145, 0, 0.85)


def _motorbike(c, rgb):
    bicycle(c, rgb, 0, -0.1, 0.85)
    c.poly([(-0.16, 0.0), (0.12, 0.0), (0.1, 0.06), (-0.14, 0.06)], rgb)
    c.circle(0.0, 0.22, 0.05, rgb)
    c.line([(0.0, 0.16), (-0.04, 0.06), (0.08, -0.02)], rgb, 0.07)


def _words(text, size=0.26):
    def draw(c, rgb):
        c.text(text, 0, 0, size * (1 if len(text) < 3 else 0.80), rgb, bold=1.25)

    return draw


def _walk_and_ride(c, rgb):
    person(c, rgb, 0, 0.16, 0.55)
    bicycle(c, rgb, 0, -0.17, 0.75)


def _split_walk_ride(c, rgb):
    c.line([(0, -0.38), (0, 0.38)], rgb, 0.02)
    person(c, rgb, -0.19, 0, 0.62)
    bicycle(c, rgb, 0.2, 0, 0.55)


def _both_sides(c, rgb):
    _arrow(c, rgb, 2.4, (-0.13, -0.02), 0.8)
    _arrow(c, rgb, -2.4, (0.13, -0.02), 0.8)


def _ahead_or(sign):
    def draw(c, rgb):
        _arrow(c, rgb, 0, (-sign * 0.1, 0.03), 0.85)
        c.line([(-sign * 0.1, -0.16), (sign * 0.08, -0.16)], rgb, 0.08)
        _head(c, rgb, sign * 0.08, -0.16, -sign * np.pi / 2, 0.11)

    return draw


def _turned(angle):
    return lambda c, rgb: _arrow(c, rgb, angle)


def _tee(c, rgb):
    c.line([(-0.14, -0.24), (0.0, -0.24)], rgb, 0.01)
    c.line([(0, -0.27), (0, 0.08)], rgb, 0.1)
    c.line([(-0.15, 0.08), (0.15, 0.08)], rgb, 0.08)
    _head(c, rgb, -0.13, 0.08, np.pi / 2, 0.1)
    _head(c, rgb, 0.13, 0.08, -np.pi / 2, 0.1)


MANDATORY = (
    _turned(0),
    _turned(-np.pi / 2),
    _turned(np.pi / 2),
    _turned(-2.36),
    _turned(2.36),
    lambda c, rgb: _bend(c, rgb, 1),
    lambda c, rgb: _bend(c, rgb, -1),
    _ring_of_arrows,
    person,
    lambda c, rgb: bicycle(c, rgb, 0, 0, 1.15),
    _walk_and_ride,
    _split_walk_ride,
    _words("30", 0.3),
    _ahead_or(1),
    _ahead_or(-1),
    _both_sides,
    _words("50", 0.3),
    _tee,
    _children,
    _two_way,
)
PROHIBITORY = (
    _words("30", 0.3),
    _words("50", 0.3),
    _words("80", 0.3),
    _words("100", 0.27),
    None,
    "bar",
    _cars,
    lambda c, rgb: truck(c, rgb, 0, 0, 1.05),
    bicycle,
    person,
    _words("60", 0.3),
    lambda c, rgb: _bend(c, rgb, 1),
    lambda c, rgb: _bend(c, rgb, -1),
    _u_turn,
    _motorbike,
    _words("40", 0.3),
    _words("70", 0.3),
    _words("7.5t", 0.2),
    lambda c, rgb: car_front(c, rgb, 0, 0, 1.5),
    _words("120", 0.27),
    _words("3.8", 0.22),
    _words("20", 0.3),
)
WARNING = (
    _exclaim,
    _curve(1),
    _curve(-1),
    _curve(1, True),
    _cross_roads,
    person,
    _children,
    _digger,
    _slippery,
    _bumps,
    _narrow,
    _lights,
    _ring_of_arrows,
    _curve(-1, True),
    _hill,
    _two_way,
    lambda c, rgb: bicycle(c, rgb, 0, 0, 0.95),
    _deer,
    _side_road,
    lambda c, rgb: car_front(c, rgb, 0, 0, 1.3),
)
