"""What is drawn on traffic signs: white, black or red symbols as polygons, lines and words on a unit square.

Each symbol is a function of a Canvas (origin in the middle, -0.5..0.5) and a colour. No plates here: see `signs`.
"""
import numpy as np


def _arrow(c, rgb, angle=0.0, at=(0, 0), size=1.0):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shape = np.array([(-.05, -.28), (.05, -.28), (.05, .06), (.17, .06), (0, .29), (-.17, .06), (-.05, .06)]) * size
    c.poly(shape @ turn.T + at, rgb)


def _bend(c, rgb, sign):
    c.line([(-sign * .12, -.28), (-sign * .12, .0), (-sign * .08, .08), (.0, .1), (sign * .1, .1)], rgb, .095)
    c.poly([(sign * .08, .25), (sign * .28, .1), (sign * .08, -.05)], rgb)


def _head(c, rgb, x, y, angle, size=.12):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    c.poly(np.array([(-size, 0), (size, 0), (0, size * 1.4)]) @ turn.T + (x, y), rgb)


def person(c, rgb, x=0.0, y=0.0, k=1.0, walk=True):
    def line(points, width):
        c.line([(x + k * a, y + k * b) for a, b in points], rgb, width * k)
    c.circle(x + .01 * k, y + .24 * k, .055 * k, rgb)
    line([(0, .15), (0, -.03)], .11)
    line([(0, -.02), (.09, -.15), (.09, -.29)], .055)
    line([(0, -.02), (-.06, -.15), (-.15, -.27)], .055)
    line([(.0, .15), (.12, .05), (.15, -.03)], .04)
    line([(.0, .15), (-.12, .06), (-.13, -.04)], .04)


def bicycle(c, rgb, x=0.0, y=0.0, k=1.0):
    def at(points):
        return [(x + k * a, y + k * b) for a, b in points]
    turn = np.linspace(0, 2 * np.pi, 25)
    for side in (-.18, .18):
        c.line(at(np.stack([side + .115 * np.cos(turn), -.09 + .115 * np.sin(turn)], 1)), rgb, .03 * k)
    c.line(at([(-.18, -.09), (-.09, .08), (.11, .08), (.0, -.09), (-.18, -.09)]), rgb, .028 * k)
    c.line(at([(-.12, .13), (-.09, .08), (0, -.09)]), rgb, .028 * k)
    c.line(at([(.18, -.09), (.10, .14), (.16, .16)]), rgb, .028 * k)
    c.line(at([(-.17, .13), (-.07, .13)]), rgb, .04 * k)


def car_front(c, rgb, x=0.0, y=0.0, k=1.0):
    def at(points):
        return [(x + k * a, y + k * b) for a, b in points]
    c.poly(at([(-.15, -.08), (.15, -.08), (.15, .02), (.11, .05), (.08, .14), (-.08, .14), (-.11, .05), (-.15, .02)]),
           rgb)
    for side in (-.11, .11):
        c.poly(at([(side - .035, -.13), (side + .035, -.13), (side + .035, -.07), (side - .035, -.07)]), rgb)


def truck(c, rgb, x=0.0, y=0.0, k=1.0):
    def at(points):
        return [(x + k * a, y + k * b) for a, b in points]
    c.poly(at([(-.27, -.08), (.09, -.08), (.09, .17), (-.27, .17)]), rgb)
    c.poly(at([(.11, -.08), (.27, -.08), (.27, .02), (.21, .11), (.11, .11)]), rgb)
    for side in (-.18, .18):
        c.circle(x + k * side, y - .1 * k, .058 * k, rgb)


def _children(c, rgb):
    person(c, rgb, -.10, .0, .8)
    person(c, rgb, .13, -.04, .68)


def _digger(c, rgb):
    person(c, rgb, .06, .0, .85)
    c.line([(.16, .06), (-.14, -.17)], rgb, .03)
    c.poly([(-.26, -.25), (-.05, -.25), (-.15, -.12)], rgb)


def _deer(c, rgb):
    c.poly([(-.2, -.04), (-.16, .07), (.06, .06), (.13, .19), (.24, .17), (.2, .11), (.17, .1), (.1, -.06),
            (-.14, -.07)], rgb)
    for points in ([(-.16, -.04), (-.25, -.24)], [(-.10, -.05), (-.08, -.26)], [(.06, -.04), (.14, -.22)],
                   [(.02, -.05), (.22, -.12)],
                   [(.14, .18), (.07, .28), (.15, .29)], [(.14, .18), (.2, .28)]):
        c.line(points, rgb, .03)


def _curve(sign, twice=False):
    def draw(c, rgb):
        if twice:
            c.line([(-sign * .08, -.26), (-sign * .08, -.1), (sign * .10, .04), (sign * .10, .12)], rgb, .085)
            _head(c, rgb, sign * .10, .1, 0)
        else:
            c.line([(-sign * .1, -.26), (-sign * .1, -.02), (-sign * .04, .06), (sign * .06, .1)], rgb, .085)
            _head(c, rgb, sign * .04, .09, -sign * 1.1)
    return draw


def _cross_roads(c, rgb):
    c.line([(0, -.28), (0, .22)], rgb, .085)
    c.line([(-.18, -.05), (.18, -.05)], rgb, .085)


def _side_road(c, rgb):
    c.line([(-.04, -.28), (-.04, .22)], rgb, .1)
    c.line([(-.04, -.05), (.18, -.05)], rgb, .05)


def _exclaim(c, rgb):
    c.poly([(-.055, .24), (.055, .24), (.03, -.08), (-.03, -.08)], rgb)
    c.circle(0, -.18, .05, rgb)


def _slippery(c, rgb):
    car_front(c, rgb, 0, .1, .85)
    for side in (-.1, .1):
        c.line([(side, -.03), (side - .07, -.10), (side + .07, -.18), (side, -.26)], rgb, .035)


def _bumps(c, rgb):
    turn = np.linspace(0, np.pi, 15)
    for side in (-.11, .11):
        c.poly(np.stack([side + .11 * np.cos(turn), -.16 + .14 * np.sin(turn)], 1), rgb)
    c.rect(-.24, -.2, .24, -.15, rgb)


def _narrow(c, rgb):
    for s in (-1, 1):
        c.line([(s * .15, -.26), (s * .15, -.1), (s * .06, .02), (s * .06, .2)], rgb, .05)


def _lights(c, rgb):
    c.rect(-.085, -.25, .085, .25, (15, 15, 15), round_by=.03)
    for y, colour in ((.16, (210, 20, 20)), (0, (240, 180, 20)), (-.16, (20, 150, 60))):
        c.circle(0, y, .06, colour)


def _ring_of_arrows(c, rgb):
    for k in range(3):
        turn = np.linspace(.25, 1.65, 10) + k * 2.094
        c.line(np.stack([.19 * np.cos(turn), .19 * np.sin(turn)], 1), rgb, .075)
        _head(c, rgb, .19 * np.cos(turn[0]), .19 * np.sin(turn[0]), turn[0] + np.pi, .10)


def _hill(c, rgb):
    c.poly([(-.24, -.2), (.22, -.2), (.22, .08)], rgb)
    c.text("10%", -.04, .08, .11, rgb)


def _two_way(c, rgb):
    _arrow(c, rgb, 0, (.09, -.03), .75)
    _arrow(c, rgb, np.pi, (-.09, -.03), .75)


def _u_turn(c, rgb):
    turn = np.linspace(0, np.pi, 12)
    c.line([(.12, -.22), *np.stack([.12 * np.cos(turn), .1 + .12 * np.sin(turn)], 1), (-.12, -.02)], rgb, .075)
    _head(c, rgb, -.12, -.02, np.pi, .11)


def _cars(c, rgb):
    car_front(c, (190, 15, 20), -.145, 0, .85)
    car_front(c, rgb, .145, 0, .85)


def _motorbike(c, rgb):
    bicycle(c, rgb, 0, -.1, .85)
    c.poly([(-.16, .0), (.12, .0), (.1, .06), (-.14, .06)], rgb)
    c.circle(.0, .22, .05, rgb)
    c.line([(.0, .16), (-.04, .06), (.08, -.02)], rgb, .07)


def _words(text, size=.26):
    def draw(c, rgb):
        c.text(text, 0, 0, size * (1 if len(text) < 3 else .80), rgb, bold=1.25)
    return draw


def _walk_and_ride(c, rgb):
    person(c, rgb, 0, .16, .55)
    bicycle(c, rgb, 0, -.17, .75)


def _split_walk_ride(c, rgb):
    c.line([(0, -.38), (0, .38)], rgb, .02)
    person(c, rgb, -.19, 0, .62)
    bicycle(c, rgb, .2, 0, .55)


def _both_sides(c, rgb):
    _arrow(c, rgb, 2.4, (-.13, -.02), .8)
    _arrow(c, rgb, -2.4, (.13, -.02), .8)


def _ahead_or(sign):
    def draw(c, rgb):
        _arrow(c, rgb, 0, (-sign * .1, .03), .85)
        c.line([(-sign * .1, -.16), (sign * .08, -.16)], rgb, .08)
        _head(c, rgb, sign * .08, -.16, -sign * np.pi / 2, .11)
    return draw


def _turned(angle):
    return lambda c, rgb: _arrow(c, rgb, angle)


def _tee(c, rgb):
    c.line([(-.14, -.24), (.0, -.24)], rgb, .01)
    c.line([(0, -.27), (0, .08)], rgb, .1)
    c.line([(-.15, .08), (.15, .08)], rgb, .08)
    _head(c, rgb, -.13, .08, np.pi / 2, .1)
    _head(c, rgb, .13, .08, -np.pi / 2, .1)


MANDATORY = (
    _turned(0), _turned(-np.pi / 2), _turned(np.pi / 2), _turned(-2.36), _turned(2.36), lambda c, rgb: _bend(c, rgb, 1),
    lambda c, rgb: _bend(c, rgb, -1), _ring_of_arrows, person, lambda c, rgb: bicycle(c, rgb, 0, 0, 1.15),
    _walk_and_ride,
    _split_walk_ride, _words("30", .3), _ahead_or(1), _ahead_or(-1), _both_sides, _words("50", .3), _tee, _children,
    _two_way)
PROHIBITORY = (
    _words("30", .3), _words("50", .3), _words("80", .3), _words("100", .27), None, "bar", _cars, lambda c,
    rgb: truck(c, rgb, 0, 0, 1.05),
    bicycle, person, _words("60", .3), lambda c, rgb: _bend(c, rgb, 1), lambda c, rgb: _bend(c, rgb, -1), _u_turn,
    _motorbike,
    _words("40", .3), _words("70", .3), _words("7.5t", .2), lambda c, rgb: car_front(c, rgb, 0, 0, 1.5),
    _words("120", .27), _words("3.8", .22),
    _words("20", .3))
WARNING = (
    _exclaim, _curve(1), _curve(-1), _curve(1,
                                            True), _cross_roads, person, _children, _digger, _slippery, _bumps,
                                            _narrow, _lights,
    _ring_of_arrows, _curve(-1, True), _hill, _two_way, lambda c, rgb: bicycle(c, rgb, 0, 0, .95), _deer, _side_road,
    lambda c, rgb: car_front(c, rgb, 0, 0, 1.3))
