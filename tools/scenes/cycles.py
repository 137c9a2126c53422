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
DARK = (0.02, 0.02, 0.022)
STEEL = (0.45, 0.45, 0.46)

KINDS = (
    "city",
    "race",
    "mountain",
    "motor",
    "scooter",
    "city",
    "cruiser",
    "city",
    "mountain",
    "scooter",
)


class Ride:
    """Measures of one design."""

    def __init__(self, number):
        rng = np.random.default_rng((number, 37))
        self.kind = KINDS[number % len(KINDS)]
        self.motor = self.kind in ("motor", "scooter", "cruiser")
        self.radius = {"motor": 0.31, "scooter": 0.24, "cruiser": 0.33}.get(
            self.kind, 0.34
        ) * rng.uniform(0.97, 1.03)
        self.base = {"motor": 1.42, "scooter": 1.28, "cruiser": 1.6}.get(
            self.kind, 1.06
        ) * rng.uniform(0.97, 1.03)
        self.saddle = {"motor": 0.80, "scooter": 0.76, "cruiser": 0.70, "race": 0.98}.get(
            self.kind, 0.92
        ) * rng.uniform(0.97, 1.04)
        self.bar = {"motor": 1.0, "scooter": 1.02, "cruiser": 1.08, "race": 0.95}.get(
            self.kind, 1.06
        ) * rng.uniform(0.97, 1.04)
        self.step = self.kind == "city" and rng.random() < 0.5
        self.basket, self.rack, self.mud = rng.random(3) < 0.5
        self.screen = rng.random() < 0.5


@lru_cache(maxsize=None)
def _spokes(motor):
    """A disc seen through: spokes on nothing are too thin, so a few broad grey ones stand for them."""
    canvas = Canvas(1, 1, 40, (70, 70, 70), 0, 0.3, (-0.5, -0.5))
    for k in range(6 if motor else 14):
        a = k * np.pi * 2 / (6 if motor else 14)
        canvas.line(
            [(0, 0), (0.5 * np.cos(a), 0.5 * np.sin(a))], (160, 160, 160), 0.05 if motor else 0.02
        )
    canvas.circle(0, 0, 0.14 if motor else 0.06, (60, 60, 62))
    return canvas.store()


def _wheel(r, ride):
    thick = 0.055 if ride.motor else 0.028 if ride.kind == "mountain" else 0.019
    y = ride.base / 2 * r
    parts = [
        torus((0, y, ride.radius), ride.radius - thick, thick, sf.RUBBER, DARK, rings=22, sides=6)
    ]
    if ride.motor:
        disc = plate(circle(ride.radius - thick * 1.5, 16), sf.PAINTED, tex=_spokes(True))
        parts.append(moved(disc, (0, y, ride.radius), turn_z(np.pi / 2)))
        return parts
    parts.append(
        torus(
            (0, y, ride.radius),
            ride.radius - thick * 2.4,
            0.008,
            sf.METAL,
            STEEL,
            rings=22,
            sides=4,
        )
    )
    for k in range(14):
        a = k * 2 * np.pi / 14
        tip = np.array([0, np.cos(a), np.sin(a)]) * (ride.radius - thick * 2)
        parts.append(
            rod(
                (0, y, ride.radius),
                np.array([0, y, ride.radius]) + tip,
                0.0035,
                sf.METAL,
                STEEL,
                sides=3,
            )
        )
    parts.append(rod((-0.04, y, ride.radius), (0.04, y, ride.radius), 0.022, sf.METAL, STEEL))
    return parts


def _points(ride):
    back, front = -ride.base / 2, ride.base / 2
    return {
        "back": np.array([0, back, ride.radius]),
        "front": np.array([0, front, ride.radius]),
        "crank": np.array([0, back + ride.base * 0.42, ride.radius * 0.82]),
        "seat": np.array([0, back + ride.base * 0.26, ride.saddle - 0.06]),
        "head": np.array([0, front - ride.base * 0.20, ride.bar - 0.16]),
        "bar": np.array([0, front - ride.base * 0.23, ride.bar]),
    }


def _bicycle(ride, crank_turn):
    p = _points(ride)
    thick = 0.024 if ride.kind == "mountain" else 0.018
    lug = p["crank"] * 0.25 + p["seat"] * 0.75
    parts = [*_wheel(-1, ride), *_wheel(1, ride)]
    for sign in (-1, 1):
        off = np.array([sign * 0.05, 0, 0])
        parts += [
            rod(p["crank"] + off * 0.5, p["back"] + off, thick * 0.6, sf.METAL, slot=FRAME),
            rod(lug, p["back"] + off, thick * 0.5, sf.METAL, slot=FRAME),
            rod(p["head"] - (0, 0, 0.05), p["front"] + off, thick * 0.7, sf.METAL, slot=FRAME),
        ]
    top = p["crank"] * 0.6 + p["seat"] * 0.4 if ride.step else lug
    parts += [
        rod(p["crank"], p["seat"], thick, sf.METAL, slot=FRAME),
        rod(p["crank"], p["head"] - (0, 0, 0.09), thick * 1.1, sf.METAL, slot=FRAME),
        rod(top, p["head"], thick, sf.METAL, slot=FRAME),
        rod(p["head"] - (0, 0, 0.1), p["bar"], thick, sf.METAL, STEEL),
        ellipsoid(p["seat"] + (0, 0.0, 0.07), (0.075, 0.14, 0.04), sf.RUBBER, DARK, rows=5, cols=8),
    ]
    parts += _bars(ride, p)
    parts.append(
        lathe(
            [(0.09, -0.01), (0.09, 0.01), (0, 0.012)], sf.METAL, (0.2, 0.2, 0.2), cols=12
        )._replace()
    )
    parts[-1] = moved(parts[-1], p["crank"] + (0.06, 0, 0))
    for sign in (-1, 1):
        arm = sign * 0.17 * np.array([0, np.cos(crank_turn), np.sin(crank_turn)])
        pedal = p["crank"] + arm + (sign * 0.09, 0, 0)
        parts += [
            rod(p["crank"] + (sign * 0.07, 0, 0), pedal, 0.012, sf.METAL, STEEL),
            box(pedal + (sign * 0.05, 0, 0), (0.09, 0.08, 0.02), sf.RUBBER, DARK),
        ]
    return parts + _trim(ride, p)


def _bars(ride, p):
    wide = 0.21 if ride.kind == "race" else 0.29
    sweep = 0.10 if ride.kind == "race" else -0.12 if ride.kind == "city" else -0.04
    bar = np.array(
        [
            p["bar"] + (-wide, sweep, 0),
            p["bar"] + (-wide * 0.4, 0, 0.01),
            p["bar"] + (wide * 0.4, 0, 0.01),
            p["bar"] + (wide, sweep, 0),
        ]
    )
    parts = [tube(bar, 0.013, sf.METAL, STEEL, sides=5, side=(0, 0, 1))]
    for sign in (-1, 1):
        grip = p["bar"] + (sign * wide, sweep, 0)
        parts.append(rod(grip - (sign * 0.10, -0.02, 0), grip, 0.018, sf.RUBBER, DARK))
    return parts


def _trim(ride, p):
    parts = []
    if ride.basket:
        parts.append(
            box(p["bar"] + (0, 0.22, -0.10), (0.32, 0.24, 0.22), sf.BARK, (0.16, 0.10, 0.05))
        )
    if ride.rack:
        parts.append(
            box(
                p["back"] + (0, -0.02, ride.radius + 0.05),
                (0.13, 0.38, 0.025),
                sf.METAL,
                (0.06, 0.06, 0.06),
            )
        )
    if ride.mud:
        for r in (-1, 1):
            turn = np.linspace(0.25, 2.7, 9)
            y = ride.base / 2 * r
            path = np.stack(
                [
                    np.zeros(9),
                    y - np.cos(turn) * (ride.radius + 0.035),
                    ride.radius + np.sin(turn) * (ride.radius + 0.035),
                ],
                1,
            )
            parts.append(
                tube(
                    path,
                    np.stack([np.full(9, 0.03), np.full(9, 0.008)], 1),
                    sf.METAL,
                    slot=FRAME,
                    sides=5,
                )
            )
    parts += [
        box(p["seat"] + (0, -0.10, -0.12), (0.05, 0.03, 0.05), sf.GLOW, (0.4, 0.02, 0.02)),
        ellipsoid(
            p["head"] + (0, 0.09, 0.02),
            (0.035, 0.04, 0.035),
            sf.GLOW,
            (0.75, 0.75, 0.7),
            rows=4,
            cols=7,
        ),
    ]
    return parts


def _motorcycle(ride, _):
    p = _points(ride)
    parts = [*_wheel(-1, ride), *_wheel(1, ride)]
    seat = ride.saddle
    for sign in (-1, 1):
        parts.append(
            rod(
                p["front"] + (sign * 0.09, 0, 0),
                p["bar"] + (sign * 0.07, -0.03, -0.05),
                0.028,
                sf.METAL,
                STEEL,
            )
        )
        parts.append(
            rod(
                p["back"] + (sign * 0.09, 0, 0),
                p["crank"] + (sign * 0.08, 0.1, 0.10),
                0.030,
                sf.METAL,
                (0.1, 0.1, 0.1),
            )
        )
        parts.append(
            ellipsoid(
                p["bar"] + (sign * 0.33, -0.06, 0.18),
                (0.07, 0.02, 0.045),
                sf.GLASS,
                DARK,
                rows=4,
                cols=8,
            )
        )
        parts.append(
            rod(
                p["bar"] + (sign * 0.25, -0.06, 0.0),
                p["bar"] + (sign * 0.33, -0.06, 0.17),
                0.009,
                sf.METAL,
                DARK,
            )
        )
    parts += [
        ellipsoid(
            (0, 0.06, 0.48), (0.17, 0.30, 0.22), sf.METAL, (0.10, 0.10, 0.105), rows=7, cols=10
        ),
        ellipsoid(
            (0, 0.22, seat + 0.08), (0.15, 0.30, 0.14), sf.METAL, slot=FRAME, rows=7, cols=12
        ),
        ellipsoid((0, -0.26, seat - 0.02), (0.14, 0.36, 0.07), sf.RUBBER, DARK, rows=5, cols=10),
        ellipsoid(
            (0, -0.60, seat - 0.04), (0.11, 0.26, 0.09), sf.METAL, slot=FRAME, rows=5, cols=10
        ),
        tube([(0.15, 0.15, 0.32), (0.17, -0.3, 0.30), (0.18, -0.75, 0.42)], 0.05, sf.METAL, STEEL),
        ellipsoid(
            p["front"] + (0, 0, 0.08),
            (0.075, ride.radius * 0.9, ride.radius * 0.95),
            sf.METAL,
            slot=FRAME,
            rows=6,
            cols=10,
            low=0.45,
        ),
        tube(
            [
                p["bar"] + (-0.36, -0.12, 0.03),
                p["bar"] + (-0.15, 0, 0),
                p["bar"] + (0.15, 0, 0),
                p["bar"] + (0.36, -0.12, 0.03),
            ],
            0.016,
            sf.METAL,
            DARK,
            side=(0, 0, 1),
        ),
        ellipsoid(
            p["bar"] + (0, 0.13, -0.10), (0.11, 0.10, 0.11), sf.METAL, slot=FRAME, rows=6, cols=10
        ),
        ellipsoid(
            p["bar"] + (0, 0.20, -0.10),
            (0.085, 0.05, 0.085),
            sf.GLOW,
            (0.8, 0.8, 0.78),
            rows=5,
            cols=10,
        ),
        box((0, -0.84, seat - 0.02), (0.16, 0.04, 0.06), sf.GLOW, (0.45, 0.02, 0.02)),
        box((0, -0.86, seat - 0.22), (0.2, 0.02, 0.13), sf.PLAIN, (0.7, 0.7, 0.65)),
    ]
    if ride.kind == "motor":
        parts.append(
            ellipsoid((0, 0.32, 0.62), (0.19, 0.40, 0.30), sf.METAL, slot=FRAME, rows=7, cols=12)
        )
    return parts


def _scooter(ride, _):
    p = _points(ride)
    parts = [*_wheel(-1, ride), *_wheel(1, ride)]
    seat = ride.saddle
    shield = [
        (0, p["front"][1] - 0.14, 0.30),
        (0, p["front"][1] - 0.20, 0.62),
        p["bar"] + (0, 0.02, -0.06),
    ]
    parts += [
        tube(
            shield,
            np.array([(0.20, 0.07), (0.22, 0.06), (0.11, 0.09)]),
            sf.METAL,
            slot=FRAME,
            sides=12,
        ),
        box((0, 0.10, 0.29), (0.34, 0.52, 0.09), sf.METAL, slot=FRAME),
        ellipsoid((0, -0.38, 0.52), (0.20, 0.44, 0.24), sf.METAL, slot=FRAME, rows=7, cols=12),
        ellipsoid((0, -0.30, seat - 0.03), (0.15, 0.38, 0.08), sf.RUBBER, DARK, rows=5, cols=10),
        ellipsoid(
            p["front"] + (0, 0, 0.04),
            (0.10, ride.radius * 1.05, ride.radius * 1.1),
            sf.METAL,
            slot=FRAME,
            rows=5,
            cols=10,
            low=0.3,
        ),
        tube(
            [p["bar"] + (-0.33, -0.08, 0.02), p["bar"], p["bar"] + (0.33, -0.08, 0.02)],
            0.018,
            sf.METAL,
            DARK,
            side=(0, 0, 1),
        ),
        ellipsoid(
            p["bar"] + (0, 0.07, -0.04), (0.12, 0.09, 0.09), sf.METAL, slot=FRAME, rows=5, cols=10
        ),
        ellipsoid(
            p["bar"] + (0, 0.13, -0.05),
            (0.07, 0.04, 0.05),
            sf.GLOW,
            (0.8, 0.8, 0.78),
            rows=5,
            cols=8,
        ),
        box((0, -0.80, 0.60), (0.20, 0.04, 0.07), sf.GLOW, (0.45, 0.02, 0.02)),
        box((0, -0.80, 0.40), (0.18, 0.02, 0.12), sf.PLAIN, (0.7, 0.7, 0.65)),
    ]
    for sign in (-1, 1):
        parts += [
            ellipsoid(
                p["bar"] + (sign * 0.30, -0.04, 0.18),
                (0.06, 0.02, 0.04),
                sf.GLASS,
                DARK,
                rows=4,
                cols=8,
            ),
            rod(
                p["bar"] + (sign * 0.22, -0.04, 0.0),
                p["bar"] + (sign * 0.30, -0.04, 0.16),
                0.008,
                sf.METAL,
                DARK,
            ),
        ]
    if ride.rack:
        parts.append(box((0, -0.80, seat + 0.16), (0.38, 0.36, 0.34), sf.METAL, slot=FRAME))
    return parts


def _rider(ride, number, crank_turn):
    build = Build(number * 7 + 3)
    build.height = max(build.height, 1.6)
    build.outfit = {"dress": "shirt", "skirt": "shirt", "coat": "jacket"}.get(
        build.outfit, build.outfit
    )
    build.bag = "backpack" if number % 3 == 0 else "none"
    p = _points(ride)
    if ride.motor:
        build.hair = "motor"
        build.outfit = "jacket"
        saddle = np.array([0, -0.22, ride.saddle + 0.03])
        grips = p["bar"] + (0.33, -0.09, 0.03)
        pedals = [
            (s * 0.17, 0.28, 0.36) if ride.kind == "scooter" else (s * 0.20, 0.02, 0.36)
            for s in (-1, 1)
        ]
        lean = 0.35 if ride.kind == "motor" else 0.05
    else:
        if number % 2:
            build.hair = "helmet"
        saddle = p["seat"] + (0, -0.02, 0.10)
        wide, sweep = (0.21, 0.10) if ride.kind == "race" else (0.29, -0.08)
        grips = p["bar"] + (wide, sweep, 0.02)
        arm = 0.17 * np.array([0, np.cos(crank_turn), np.sin(crank_turn)])
        pedals = [p["crank"] - arm + (-0.13, -0.05, 0.09), p["crank"] + arm + (0.13, -0.05, 0.09)]
        lean = {"race": 0.85, "mountain": 0.50}.get(ride.kind, 0.28)
    joints = riding(build, saddle, grips, pedals, lean)
    mesh = body(build, joints)
    return moved(
        mesh, (0, 0, min(joints[s + "_leg"][2][2] for s in ("left", "right")) - 0.05 - 0.0)
    )


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
