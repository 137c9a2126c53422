"""Bicycles, motorcycles and scooters out of tubes and tori, each with or without its rider.

Palette slots: 1 to 6 are the rider's, as in `people`; 7 is the frame's colour.
"""
from functools import lru_cache

import numpy as np

from . import surface as sf
from .mesh import box, circle, ellipsoid, lathe, merge, moved, plate, rod, torus, tube, turn_z
from .people import Build, body
from .poses import riding
from .textures import Canvas

DESIGNS = 60
FRAME = 7
DARK = (.02, .02, .022)
STEEL = (.45, .45, .46)

KINDS = ("city", "race", "mountain", "motor", "scooter", "city", "cruiser", "city", "mountain", "scooter")


class Ride:
    """Measures of one design."""

    def __init__(self, number):
        rng = np.random.default_rng((number, 37))
        self.kind = KINDS[number % len(KINDS)]
        self.motor = self.kind in ("motor", "scooter", "cruiser")
        self.radius = {"motor": .31, "scooter": .24, "cruiser": .33}.get(self.kind, .34) * rng.uniform(.97, 1.03)
        self.base = {"motor": 1.42, "scooter": 1.28, "cruiser": 1.6}.get(self.kind, 1.06) * rng.uniform(.97, 1.03)
        self.saddle = {"motor": .80, "scooter": .76, "cruiser": .70, "race": .98}.get(self.kind, .92) * rng.uniform(.97,
                                                                                                                    1.04)
        self.bar = {"motor": 1.0, "scooter": 1.02, "cruiser": 1.08, "race": .95}.get(self.kind, 1.06) * rng.uniform(.97,
                                                                                                                    1.04)
        self.step = self.kind == "city" and rng.random() < .5
        self.basket, self.rack, self.mud = rng.random(3) < .5
        self.screen = rng.random() < .5


@lru_cache(maxsize=None)
def _spokes(motor):
    """A disc seen through: spokes on nothing are too thin, so a few broad grey ones stand for them."""
    canvas = Canvas(1, 1, 40, (70, 70, 70), 0, .3, (-.5, -.5))
    for k in range(6 if motor else 14):
        a = k * np.pi * 2 / (6 if motor else 14)
        canvas.line([(0, 0), (.5 * np.cos(a), .5 * np.sin(a))], (160, 160, 160), .05 if motor else .02)
    canvas.circle(0, 0, .14 if motor else .06, (60, 60, 62))
    return canvas.store()


def _wheel(r, ride):
    thick = .055 if ride.motor else .028 if ride.kind == "mountain" else .019
    y = ride.base / 2 * r
    parts = [torus((0, y, ride.radius), ride.radius - thick, thick, sf.RUBBER, DARK, rings=22, sides=6)]
    if ride.motor:
        disc = plate(circle(ride.radius - thick * 1.5, 16), sf.PAINTED, tex=_spokes(True))
        parts.append(moved(disc, (0, y, ride.radius), turn_z(np.pi / 2)))
        return parts
    parts.append(torus((0, y, ride.radius), ride.radius - thick * 2.4, .008, sf.METAL, STEEL, rings=22, sides=4))
    for k in range(14):
        a = k * 2 * np.pi / 14
        tip = np.array([0, np.cos(a), np.sin(a)]) * (ride.radius - thick * 2)
        parts.append(rod((0, y, ride.radius), np.array([0, y, ride.radius]) + tip, .0035, sf.METAL, STEEL, sides=3))
    parts.append(rod((-.04, y, ride.radius), (.04, y, ride.radius), .022, sf.METAL, STEEL))
    return parts


def _points(ride):
    back, front = -ride.base / 2, ride.base / 2
    return {"back": np.array([0, back, ride.radius]), "front": np.array([0, front, ride.radius]),
            "crank": np.array([0, back + ride.base * .42, ride.radius * .82]),
            "seat": np.array([0, back + ride.base * .26, ride.saddle - .06]),
            "head": np.array([0, front - ride.base * .20, ride.bar - .16]),
            "bar": np.array([0, front - ride.base * .23, ride.bar])}


def _bicycle(ride, crank_turn):
    p = _points(ride)
    thick = .024 if ride.kind == "mountain" else .018
    lug = p["crank"] * .25 + p["seat"] * .75
    parts = [*_wheel(-1, ride), *_wheel(1, ride)]
    for sign in (-1, 1):
        off = np.array([sign * .05, 0, 0])
        parts += [rod(p["crank"] + off * .5, p["back"] + off, thick * .6, sf.METAL, slot=FRAME),
                  rod(lug, p["back"] + off, thick * .5, sf.METAL, slot=FRAME),
                  rod(p["head"] - (0, 0, .05), p["front"] + off, thick * .7, sf.METAL, slot=FRAME)]
    top = p["crank"] * .6 + p["seat"] * .4 if ride.step else lug
    parts += [rod(p["crank"], p["seat"], thick, sf.METAL, slot=FRAME),
              rod(p["crank"], p["head"] - (0, 0, .09), thick * 1.1, sf.METAL, slot=FRAME),
              rod(top, p["head"], thick, sf.METAL, slot=FRAME),
              rod(p["head"] - (0, 0, .1), p["bar"], thick, sf.METAL, STEEL),
              ellipsoid(p["seat"] + (0, .0, .07), (.075, .14, .04), sf.RUBBER, DARK, rows=5, cols=8)]
    parts += _bars(ride, p)
    parts.append(lathe([(.09, -.01), (.09, .01), (0, .012)], sf.METAL, (.2, .2, .2), cols=12)._replace())
    parts[-1] = moved(parts[-1], p["crank"] + (.06, 0, 0))
    for sign in (-1, 1):
        arm = sign * .17 * np.array([0, np.cos(crank_turn), np.sin(crank_turn)])
        pedal = p["crank"] + arm + (sign * .09, 0, 0)
        parts += [rod(p["crank"] + (sign * .07, 0, 0), pedal, .012, sf.METAL, STEEL),
                  box(pedal + (sign * .05, 0, 0), (.09, .08, .02), sf.RUBBER, DARK)]
    return parts + _trim(ride, p)


def _bars(ride, p):
    wide = .21 if ride.kind == "race" else .29
    sweep = .10 if ride.kind == "race" else -.12 if ride.kind == "city" else -.04
    bar = np.array([p["bar"] + (-wide, sweep, 0), p["bar"] + (-wide * .4, 0, .01), p["bar"] + (wide * .4, 0, .01),
                    p["bar"] + (wide, sweep, 0)])
    parts = [tube(bar, .013, sf.METAL, STEEL, sides=5, side=(0, 0, 1))]
    for sign in (-1, 1):
        grip = p["bar"] + (sign * wide, sweep, 0)
        parts.append(rod(grip - (sign * .10, -.02, 0), grip, .018, sf.RUBBER, DARK))
    return parts


def _trim(ride, p):
    parts = []
    if ride.basket:
        parts.append(box(p["bar"] + (0, .22, -.10), (.32, .24, .22), sf.BARK, (.16, .10, .05)))
    if ride.rack:
        parts.append(box(p["back"] + (0, -.02, ride.radius + .05), (.13, .38, .025), sf.METAL, (.06, .06, .06)))
    if ride.mud:
        for r in (-1, 1):
            turn = np.linspace(.25, 2.7, 9)
            y = ride.base / 2 * r
            path = np.stack([np.zeros(9), y - np.cos(turn) * (ride.radius + .035),
                             ride.radius + np.sin(turn) * (ride.radius + .035)], 1)
            parts.append(tube(path, np.stack([np.full(9, .03), np.full(9, .008)], 1), sf.METAL, slot=FRAME, sides=5))
    parts += [box(p["seat"] + (0, -.10, -.12), (.05, .03, .05), sf.GLOW, (.4, .02, .02)),
              ellipsoid(p["head"] + (0, .09, .02), (.035, .04, .035), sf.GLOW, (.75, .75, .7), rows=4, cols=7)]
    return parts


def _motorcycle(ride, _):
    p = _points(ride)
    parts = [*_wheel(-1, ride), *_wheel(1, ride)]
    seat = ride.saddle
    for sign in (-1, 1):
        parts.append(rod(p["front"] + (sign * .09, 0, 0), p["bar"] + (sign * .07, -.03, -.05), .028, sf.METAL, STEEL))
        parts.append(rod(p["back"] + (sign * .09, 0, 0), p["crank"] + (sign * .08, .1, .10), .030, sf.METAL,
                         (.1, .1, .1)))
        parts.append(ellipsoid(p["bar"] + (sign * .33, -.06, .18), (.07, .02, .045), sf.GLASS, DARK, rows=4, cols=8))
        parts.append(rod(p["bar"] + (sign * .25, -.06, .0), p["bar"] + (sign * .33, -.06, .17), .009, sf.METAL, DARK))
    parts += [ellipsoid((0, .06, .48), (.17, .30, .22), sf.METAL, (.10, .10, .105), rows=7, cols=10),
              ellipsoid((0, .22, seat + .08), (.15, .30, .14), sf.METAL, slot=FRAME, rows=7, cols=12),
              ellipsoid((0, -.26, seat - .02), (.14, .36, .07), sf.RUBBER, DARK, rows=5, cols=10),
              ellipsoid((0, -.60, seat - .04), (.11, .26, .09), sf.METAL, slot=FRAME, rows=5, cols=10),
              tube([(.15, .15, .32), (.17, -.3, .30), (.18, -.75, .42)], .05, sf.METAL, STEEL),
              ellipsoid(p["front"] + (0, 0, .08), (.075, ride.radius * .9, ride.radius * .95), sf.METAL, slot=FRAME,
                        rows=6, cols=10, low=.45),
              tube([p["bar"] + (-.36, -.12, .03), p["bar"] + (-.15, 0, 0), p["bar"] + (.15, 0, 0),
                    p["bar"] + (.36, -.12, .03)], .016,
                   sf.METAL, DARK, side=(0, 0, 1)),
              ellipsoid(p["bar"] + (0, .13, -.10), (.11, .10, .11), sf.METAL, slot=FRAME, rows=6, cols=10),
              ellipsoid(p["bar"] + (0, .20, -.10), (.085, .05, .085), sf.GLOW, (.8, .8, .78), rows=5, cols=10),
              box((0, -.84, seat - .02), (.16, .04, .06), sf.GLOW, (.45, .02, .02)),
              box((0, -.86, seat - .22), (.2, .02, .13), sf.PLAIN, (.7, .7, .65))]
    if ride.kind == "motor":
        parts.append(ellipsoid((0, .32, .62), (.19, .40, .30), sf.METAL, slot=FRAME, rows=7, cols=12))
    return parts


def _scooter(ride, _):
    p = _points(ride)
    parts = [*_wheel(-1, ride), *_wheel(1, ride)]
    seat = ride.saddle
    shield = [(0, p["front"][1] - .14, .30), (0, p["front"][1] - .20, .62), p["bar"] + (0, .02, -.06)]
    parts += [tube(shield, np.array([(.20, .07), (.22, .06), (.11, .09)]), sf.METAL, slot=FRAME, sides=12),
              box((0, .10, .29), (.34, .52, .09), sf.METAL, slot=FRAME),
              ellipsoid((0, -.38, .52), (.20, .44, .24), sf.METAL, slot=FRAME, rows=7, cols=12),
              ellipsoid((0, -.30, seat - .03), (.15, .38, .08), sf.RUBBER, DARK, rows=5, cols=10),
              ellipsoid(p["front"] + (0, 0, .04), (.10, ride.radius * 1.05, ride.radius * 1.1), sf.METAL, slot=FRAME,
                        rows=5, cols=10, low=.3),
              tube([p["bar"] + (-.33, -.08, .02), p["bar"], p["bar"] + (.33, -.08, .02)], .018, sf.METAL, DARK,
                   side=(0, 0, 1)),
              ellipsoid(p["bar"] + (0, .07, -.04), (.12, .09, .09), sf.METAL, slot=FRAME, rows=5, cols=10),
              ellipsoid(p["bar"] + (0, .13, -.05), (.07, .04, .05), sf.GLOW, (.8, .8, .78), rows=5, cols=8),
              box((0, -.80, .60), (.20, .04, .07), sf.GLOW, (.45, .02, .02)),
              box((0, -.80, .40), (.18, .02, .12), sf.PLAIN, (.7, .7, .65))]
    for sign in (-1, 1):
        parts += [ellipsoid(p["bar"] + (sign * .30, -.04, .18), (.06, .02, .04), sf.GLASS, DARK, rows=4, cols=8),
                  rod(p["bar"] + (sign * .22, -.04, .0), p["bar"] + (sign * .30, -.04, .16), .008, sf.METAL, DARK)]
    if ride.rack:
        parts.append(box((0, -.80, seat + .16), (.38, .36, .34), sf.METAL, slot=FRAME))
    return parts


def _rider(ride, number, crank_turn):
    build = Build(number * 7 + 3)
    build.height = max(build.height, 1.6)
    build.outfit = {"dress": "shirt", "skirt": "shirt", "coat": "jacket"}.get(build.outfit, build.outfit)
    build.bag = "backpack" if number % 3 == 0 else "none"
    p = _points(ride)
    if ride.motor:
        build.hair = "motor"
        build.outfit = "jacket"
        saddle = np.array([0, -.22, ride.saddle + .03])
        grips = p["bar"] + (.33, -.09, .03)
        pedals = [(s * .17, .28, .36) if ride.kind == "scooter" else (s * .20, .02, .36) for s in (-1, 1)]
        lean = .35 if ride.kind == "motor" else .05
    else:
        if number % 2:
            build.hair = "helmet"
        saddle = p["seat"] + (0, -.02, .10)
        wide, sweep = (.21, .10) if ride.kind == "race" else (.29, -.08)
        grips = p["bar"] + (wide, sweep, .02)
        arm = .17 * np.array([0, np.cos(crank_turn), np.sin(crank_turn)])
        pedals = [p["crank"] - arm + (-.13, -.05, .09), p["crank"] + arm + (.13, -.05, .09)]
        lean = {"race": .85, "mountain": .50}.get(ride.kind, .28)
    joints = riding(build, saddle, grips, pedals, lean)
    mesh = body(build, joints)
    return moved(mesh, (0, 0, min(joints[s + "_leg"][2][2] for s in ("left", "right")) - .05 - 0.0))


@lru_cache(maxsize=None)
def design(number, rider, pose=0):
    """A two-wheeler's mesh; with `rider`, pose turns the cranks."""
    ride = Ride(number)
    turn = pose * np.pi / 2 + number
    make = _scooter if ride.kind == "scooter" else _motorcycle if ride.motor else _bicycle
    parts = make(ride, turn)
    if rider:
        parts = [*parts, _rider(ride, number, turn)]
    return merge(parts)
