"""Paints a vehicle's four views (side, front, rear, top) from the same measures its body is lofted from.

Windows, lamps, grilles, seams and plates are paint with its own gloss and glow; the shape is in `vehicles`.
"""

import numpy as np

from .livery import AMBER, BLACK, CHROME, DARK_GLASS, HEAD, SEAM, TAIL, bus_side, livery
from .textures import Canvas


def _profile(s, y):
    return float(np.interp(y, s.top[:, 0], s.top[:, 1]))


def _window_outline(s):
    """The side glass as one outline, clockwise from the lower front corner."""
    b = s.shape
    low = b["belt"] + 0.045
    fall = np.array(
        [(y, _profile(s, y) - 0.115) for y in np.linspace(b["top_y"] + 0.12, b["roof_y"] - 0.05, 9)]
    )
    start, end = (
        b["cowl_y"] + (b["top_y"] - b["cowl_y"]) * 0.32,
        b["rear_y"] - (b["rear_y"] - b["roof_y"]) * 0.30,
    )
    front = [(start + 0.10, low), (start + 0.07, low + 0.05)]
    return np.array([*front, *fall, (end, low + 0.12), (end - 0.06, low + 0.01)])


def _cut(outline, left, right):
    """The part of a convex outline with left <= y <= right."""
    for edge, sign in ((left, 1), (right, -1)):
        kept = []
        for a, b in zip(outline, np.roll(outline, -1, axis=0)):
            inside_a, inside_b = (a[0] - edge) * sign >= 0, (b[0] - edge) * sign >= 0
            if inside_a:
                kept.append(a)
            if inside_a != inside_b:
                kept.append(a + (b - a) * (edge - a[0]) / (b[0] - a[0]))
        outline = np.array(kept)
        if len(outline) < 3:
            return None
    return outline


def _seats(canvas, left, right, low, high):
    """What one sees through the glass: a brighter strip of the far window, seat backs before it."""
    canvas.rect(
        left + 0.08, low + 0.06, right - 0.08, high - 0.10, (62, 68, 74), 0, 1.0, round_by=0.06
    )
    middle = left * 0.35 + right * 0.65
    canvas.rect(middle - 0.13, low, middle + 0.13, low + 0.22, (24, 24, 26), 0, 1.0, round_by=0.08)
    canvas.rect(
        middle - 0.09, low + 0.18, middle + 0.09, low + 0.36, (24, 24, 26), 0, 1.0, round_by=0.07
    )


def _side_windows(canvas, s):
    outline = _window_outline(s)
    trim = CHROME if s.chrome else BLACK
    framed = _cut(outline, s.panes[0][0], s.panes[-1][1])
    canvas.line(np.concatenate([framed, framed[:1]]), trim, 0.022)
    for left, right in s.panes:
        pane = _cut(outline, left, right)
        if pane is None:
            continue
        canvas.poly(pane, DARK_GLASS, 0, 1.0)
        if right - left > 0.5 and s.shape["style"] == "car":
            _seats(canvas, max(left, pane[:, 0].min()), right, pane[:, 1].min(), pane[:, 1].max())
            frame = _cut(outline, left, right)
            canvas.line(np.concatenate([frame, frame[:1]]), BLACK, 0.022)


def _doors(canvas, s):
    b = s.shape
    low = b["clear"] + 0.14
    for y in s.seams:
        canvas.line(
            [(y, b["belt"] + 0.04), (y + 0.02, low + 0.25), (y - 0.02, low)], SEAM, 0.014, 1
        )
    if s.seams:
        canvas.line([(s.seams[0], low), (s.seams[-1], low)], SEAM, 0.014, 1)
    for y in s.seams[1:]:
        canvas.rect(
            y - 0.27,
            b["belt"] - 0.11,
            y - 0.08,
            b["belt"] - 0.075,
            CHROME if s.chrome else (150, 150, 150),
            0 if s.chrome else 1,
            0.5,
        )
    crease = b["belt"] - 0.2
    canvas.line(
        [(0.7, crease - 0.04), (b["length"] - 0.3, crease + 0.03)], (205, 205, 205), 0.03, 1, 0.5
    )
    canvas.line([(0.7, crease - 0.07), (b["length"] - 0.3, crease)], (150, 150, 150), 0.02, 1, 0.5)


def _arches(canvas, s):
    b = s.shape
    for y in b["axles"]:
        if s.cladding:
            canvas.circle(y, b["wheel"], b["wheel"] * 1.30, (34, 34, 35), 0, 0.1)
        canvas.circle(y, b["wheel"], b["wheel"] * 1.14, (5, 5, 5), 0, 0.0)


def side(s):
    b = s.shape
    canvas = Canvas(b["length"], b["height"], s.fine)
    canvas.rect(
        0, 0, b["length"], b["clear"] + (0.20 if s.cladding else 0.09), (30, 30, 31), 0, 0.15
    )
    _doors(canvas, s)
    lamp = b["lamp"]
    canvas.poly(
        [
            (0, lamp - 0.08),
            (0.16, lamp - 0.06),
            (0.44, lamp + 0.07),
            (0.12, lamp + 0.08),
            (0, lamp + 0.07),
        ],
        HEAD,
        0,
        0.9,
        0.5,
    )
    tail, end = b["tail_lamp"], b["length"]
    canvas.poly(
        [
            (end, tail - 0.11),
            (end - 0.16, tail - 0.09),
            (end - 0.26, tail + 0.08),
            (end, tail + 0.10),
        ],
        TAIL,
        0,
        0.8,
        0.35,
    )
    canvas.line([(0, b["clear"] + 0.33), (0.35, b["clear"] + 0.33)], SEAM, 0.012, 1)
    canvas.line([(end - 0.45, b["clear"] + 0.36), (end, b["clear"] + 0.36)], SEAM, 0.012, 1)
    if b["style"] == "bus":
        bus_side(canvas, s)
    else:
        _side_windows(canvas, s)
    livery(canvas, s)
    _arches(canvas, s)
    return canvas.store()


def _plate(canvas, z, rear, rng):
    canvas.rect(-0.27, z - 0.065, 0.27, z + 0.065, BLACK)
    canvas.rect(
        -0.26,
        z - 0.055,
        0.26,
        z + 0.055,
        (225, 225, 215) if rng.random() < 0.75 else (225, 190, 60),
    )
    canvas.rect(-0.26, z - 0.055, -0.22, z + 0.055, (25, 60, 150))
    letters = "".join(rng.choice(list("ABCDEFGHKLMNPRSTUVXYZ"), 3)) + str(rng.integers(100, 999))
    canvas.text(letters, 0.02, z, 0.07, (20, 20, 22))


GRILLES = ("bars", "mesh", "slim", "shield", "none")


def _grille(canvas, s):
    b = s.shape
    z, half = b["lamp"] - 0.03, b["width"] * 0.27
    if s.grille == "none":
        return
    low, high = (z - 0.05, z + 0.05) if s.grille == "slim" else (z - 0.17, z + 0.08)
    canvas.rect(
        -half - 0.02,
        low - 0.02,
        half + 0.02,
        high + 0.02,
        CHROME if s.chrome else BLACK,
        0,
        0.5,
        round_by=0.05,
    )
    canvas.rect(-half, low, half, high, (10, 10, 11), 0, 0.1, round_by=0.04)
    if s.grille == "bars":
        for k in range(4):
            at = low + (high - low) * (k + 0.5) / 4
            canvas.line([(-half, at), (half, at)], CHROME, 0.014)
    elif s.grille == "shield":
        canvas.poly(
            [(-half * 0.6, low), (half * 0.6, low), (half * 0.8, high), (-half * 0.8, high)],
            (35, 35, 37),
            0,
            0.2,
        )
        for k in range(9):
            at = -half * 0.6 + half * 1.2 * k / 8
            canvas.line([(at, low), (at, high)], (90, 90, 92), 0.012)
    canvas.circle(0, (low + high) / 2, 0.05, CHROME, 0, 0.6)


LAMPS = {
    "swept": ((0.47, -0.05), (0.52, 0.03), (0.97, 0.13), (1.0, 0.02), (0.92, -0.07)),
    "round": None,
    "slim": ((0.50, -0.02), (0.50, 0.04), (1.0, 0.09), (1.0, 0.01)),
    "block": ((0.62, -0.08), (0.62, 0.08), (0.98, 0.09), (1.0, -0.06)),
}


def _headlamps(canvas, s):
    b = s.shape
    half, z = b["width"] / 2 * 0.93, b["lamp"]
    for sign in (-1, 1):
        if LAMPS[s.lamps] is None:
            canvas.circle(sign * half * 0.74, z, 0.125, CHROME, 0, 0.7)
            canvas.circle(sign * half * 0.74, z, 0.105, HEAD, 0, 0.9, 1.0)
        else:
            outline = [(sign * half * x, z + dz) for x, dz in LAMPS[s.lamps]]
            canvas.poly(outline, (95, 98, 102), 0, 0.9, 0.3)
            canvas.line(np.array([*outline, outline[0]]), BLACK, 0.016)
            for x in (0.68, 0.86):
                canvas.circle(sign * half * x, z + 0.02, 0.048, HEAD, 0, 0.9, 1.0)
        low = b["clear"] + 0.20
        canvas.rect(
            sign * half * 0.78 - 0.09,
            low - 0.06,
            sign * half * 0.78 + 0.09,
            low + 0.06,
            BLACK,
            0,
            0.2,
            round_by=0.04,
        )
        canvas.circle(sign * half * 0.78, low, 0.035, HEAD, 0, 0.8, 0.2)


def _screen(canvas, s, low, high, half_low, half_high, inside=True):
    canvas.poly(
        [(-half_low, low), (half_low, low), (half_high, high), (-half_high, high)],
        DARK_GLASS,
        0,
        1.0,
    )
    if not inside:
        return
    for sign in (-1, 1):
        canvas.rect(
            sign * half_low * 0.48 - 0.13,
            low + 0.02,
            sign * half_low * 0.48 + 0.13,
            low + (high - low) * 0.55,
            (44, 44, 47),
            0,
            1.0,
            round_by=0.1,
        )
    canvas.rect(-0.1, high - 0.1, 0.1, high - 0.05, (10, 10, 10), 0, 1.0, round_by=0.02)


def front(s):
    b = s.shape
    half = b["width"] / 2
    canvas = Canvas(b["width"], b["height"], s.fine, origin=(-half, 0))
    low = b["clear"]
    canvas.rect(-half, 0, half, low + 0.08, (26, 26, 27), 0, 0.1)
    canvas.rect(
        -half * 0.62, low + 0.08, half * 0.62, low + 0.24, (12, 12, 13), 0, 0.1, round_by=0.04
    )
    _grille(canvas, s)
    _headlamps(canvas, s)
    _plate(canvas, low + 0.30, False, s.rng)
    canvas.line([(-half * 0.6, b["hood"] - 0.03), (half * 0.6, b["hood"] - 0.03)], SEAM, 0.012, 1)
    screen_half = half * (0.90 if b["style"] == "bus" else 0.84)
    _screen(
        canvas,
        s,
        b["cowl_z"] + 0.05,
        b["height"] - (0.45 if b["style"] == "bus" else 0.13),
        screen_half,
        half * (0.93 - b["tumble"]) - 0.03,
    )
    if b["style"] == "bus":
        canvas.rect(
            -half * 0.7,
            b["height"] - 0.38,
            half * 0.7,
            b["height"] - 0.12,
            BLACK,
            0,
            0.7,
            round_by=0.03,
        )
        canvas.text(
            str(s.rng.integers(1, 99)) + " CITY", 0, b["height"] - 0.25, 0.15, (250, 170, 30)
        )
        canvas.rect(-half, low + 0.4, half, low + 0.62, s.second, 0, 0.4)
    return canvas.store()


TAILS = ("upright", "wide", "round", "bar")


def _taillamps(canvas, s):
    b = s.shape
    half, z = b["width"] / 2 * 0.92, b["tail_lamp"]
    if s.tails == "bar":
        canvas.rect(-half, z - 0.035, half, z + 0.045, TAIL, 0, 0.8, 0.3, round_by=0.03)
    for sign in (-1, 1):
        x0, x1 = sorted(
            (sign * half * (0.82 if s.tails == "upright" else 0.58), sign * half * 1.02)
        )
        tall = {"upright": 0.24, "wide": 0.095, "round": 0.1, "bar": 0.07}[s.tails]
        canvas.rect(x0, z - tall, x1, z + tall, TAIL, 0, 0.8, 0.35, round_by=0.05)
        canvas.rect(
            x0 + 0.03, z - tall * 0.30, x1 - 0.03, z + tall * 0.05, (225, 215, 210), 0, 0.8, 0.05
        )
        canvas.rect(x0 + 0.03, z - tall * 0.75, x1 - 0.03, z - tall * 0.40, AMBER, 0, 0.8, 0.05)


def rear(s):
    b = s.shape
    half = b["width"] / 2
    canvas = Canvas(b["width"], b["height"], s.fine, origin=(-half, 0))
    low = b["clear"]
    canvas.rect(-half, 0, half, low + 0.16, (26, 26, 27), 0, 0.1)
    canvas.line([(-half, low + 0.40), (half, low + 0.40)], SEAM, 0.014, 1)
    for sign in (-1, 1):
        canvas.line(
            [(sign * half * 0.86, low + 0.40), (sign * half * 0.84, b["belt"])], SEAM, 0.012, 1
        )
        canvas.rect(
            sign * half * 0.6 - 0.07,
            low,
            sign * half * 0.6 + 0.07,
            low + 0.06,
            (95, 95, 98),
            0,
            0.5,
        )
    _taillamps(canvas, s)
    _plate(canvas, low + (0.52 if b["style"] == "car" else 0.25), True, s.rng)
    canvas.circle(0, b["tail_lamp"] + 0.06, 0.045, CHROME, 0, 0.6)
    if b["style"] in ("van", "box"):
        canvas.line([(0, low + 0.2), (0, b["height"] - 0.1)], SEAM, 0.016, 1)
        for sign in (-1, 1):
            x0, x1 = sorted((sign * 0.08, sign * half * 0.80))
            canvas.rect(
                x0, b["belt"] + 0.1, x1, b["height"] - 0.30, DARK_GLASS, 0, 1.0, round_by=0.05
            )
    else:
        _screen(
            canvas,
            s,
            b["rear_z"] + 0.04,
            b["height"] - (0.6 if b["style"] == "bus" else 0.14),
            half * 0.82,
            half * (0.92 - b["tumble"]) - 0.04,
            b["style"] == "car",
        )
        canvas.rect(-0.16, b["height"] - 0.10, 0.16, b["height"] - 0.075, TAIL, 0, 0.6, 0.3)
    return canvas.store()


def top(s):
    """Seen from above: the front is at the left, the right side of the vehicle is up."""
    b = s.shape
    half = b["width"] / 2
    canvas = Canvas(b["length"], b["width"], s.fine, origin=(0, -half))
    roof = half * (0.95 - b["tumble"])
    if b["style"] != "box":
        canvas.poly(
            [
                (b["cowl_y"] + 0.02, -half * 0.88),
                (b["cowl_y"] + 0.02, half * 0.88),
                (b["top_y"] - 0.02, roof - 0.05),
                (b["top_y"] - 0.02, -roof + 0.05),
            ],
            DARK_GLASS,
            0,
            1.0,
        )
        canvas.rect(
            b["cowl_y"] - 0.05, -half * 0.8, b["cowl_y"] + 0.05, half * 0.8, (14, 14, 15), 0, 0.3
        )
        for sign in (-1, 1):
            canvas.rect(
                b["cowl_y"] + 0.35,
                sign * half * 0.42 - 0.2,
                b["cowl_y"] + 0.62,
                sign * half * 0.42 + 0.2,
                (46, 46, 48),
                0,
                1.0,
                round_by=0.1,
            )
    if b["style"] == "car" and not b["bed"]:
        canvas.poly(
            [
                (b["rear_y"] - 0.04, -half * 0.82),
                (b["rear_y"] - 0.04, half * 0.82),
                (b["roof_y"] + 0.05, roof - 0.06),
                (b["roof_y"] + 0.05, -roof + 0.06),
            ],
            DARK_GLASS,
            0,
            1.0,
        )
    if b["bed"]:
        canvas.rect(
            b["rear_y"] + 0.1, -half * 0.82, b["length"] - 0.1, half * 0.82, (28, 28, 30), 0, 0.1
        )
    elif s.sunroof:
        canvas.rect(
            b["top_y"] + 0.25,
            -roof * 0.65,
            b["top_y"] + 1.1,
            roof * 0.65,
            (16, 16, 18),
            0,
            1.0,
            round_by=0.06,
        )
    for sign in (-1, 1):
        canvas.line(
            [(0.25, sign * half * 0.78), (b["cowl_y"] - 0.05, sign * half * 0.86)], SEAM, 0.012, 1
        )
        if b["cowl_y"] > 0.8:
            canvas.line(
                [(0.3, sign * half * 0.3), (b["cowl_y"] - 0.1, sign * half * 0.5)],
                (190, 190, 190),
                0.03,
                1,
                0.5,
            )
    return canvas.store()
