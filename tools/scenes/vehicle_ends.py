"""Paints a vehicle's front and rear: grilles, lamps, screens, number plates.

All is paint with its own gloss and glow; the shape is in `vehicle_body`. The side and the top:
`vehicle_art`.
"""

import numpy as np

from .livery import AMBER, BLACK, CHROME, DARK_GLASS, HEAD, SEAM, TAIL
from .textures import Canvas
from .vehicle_design import Spec
from .vehicle_kinds import HEADLAMPS, TAIL_LAMPS

SIDES = (-1, 1)

BUMPER_BLACK = (26, 26, 27)
INTAKE_BLACK = (12, 12, 13)
GRILLE_BLACK = (10, 10, 11)
SHIELD_BLACK = (35, 35, 37)
SHIELD_BAR = (90, 90, 92)
LAMP_GLASS = (95, 98, 102)
REVERSE_LIGHT = (225, 215, 210)
EXHAUST_GREY = (95, 95, 98)
SEAT_BACK = (44, 44, 47)
MIRROR_BLACK = (10, 10, 10)
BUS_LETTERS = (250, 170, 30)

PLATE_WHITE = (225, 225, 215)
PLATE_YELLOW = (225, 190, 60)
PLATE_BLUE = (25, 60, 150)
PLATE_INK = (20, 20, 22)
PLATE_LETTERS = "ABCDEFGHKLMNPRSTUVXYZ"


def _patch(canvas, x, z, half_width, half_height, rgb, **finish):
    """A rectangle by its middle."""
    left = x - half_width
    right = x + half_width
    canvas.rect(left, z - half_height, right, z + half_height, rgb, **finish)


def _across(canvas, half, low, high, rgb, **finish):
    """A rectangle as far to the left as to the right."""
    canvas.rect(-half, low, half, high, rgb, **finish)


def _canvas(spec):
    """One metre is one metre; x = 0 is the vehicle's middle."""
    measures = spec.measures
    return Canvas(
        measures.width, measures.height, spec.texels_a_metre, origin=(-measures.width / 2, 0)
    )


def front(spec: Spec) -> int:
    """The front's texture, as one sees it from before the vehicle."""
    measures = spec.measures
    half = measures.width / 2
    low = measures.clear
    canvas = _canvas(spec)

    # below the windscreen
    bumper_top = low + 0.08
    intake_top = low + 0.24
    _across(canvas, half, 0, bumper_top, BUMPER_BLACK, gloss=0.1)
    _across(canvas, half * 0.62, bumper_top, intake_top, INTAKE_BLACK, gloss=0.1, round_by=0.04)
    _grille(canvas, spec)
    _headlamps(canvas, spec)
    _number_plate(canvas, low + 0.30, spec.rng)
    bonnet_edge = measures.hood - 0.03
    seam = [(-half * 0.6, bonnet_edge), (half * 0.6, bonnet_edge)]
    canvas.line(seam, SEAM, 0.012, paint=1)

    # the windscreen; a bus has its destination above it
    foot = (half * 0.84, measures.cowl_z + 0.05)
    head_half = half * (0.93 - measures.tumble) - 0.03
    head = (head_half, measures.height - 0.13)
    if spec.is_bus:
        foot = (half * 0.90, measures.cowl_z + 0.05)
        head = (head_half, measures.height - 0.45)
    _screen(canvas, foot, head, seats=True)
    if spec.is_bus:
        _destination(canvas, spec)
    return canvas.store()


def _destination(canvas, spec):
    """A bus's lit sign with its line, and a stripe below the windscreen."""
    measures = spec.measures
    half = measures.width / 2
    sign_low = measures.height - 0.38
    sign_high = measures.height - 0.12
    _across(canvas, half * 0.7, sign_low, sign_high, BLACK, gloss=0.7, round_by=0.03)
    line = str(spec.rng.integers(1, 99))
    canvas.text(line + " CITY", 0, measures.height - 0.25, 0.15, BUS_LETTERS)
    _across(canvas, half, measures.clear + 0.4, measures.clear + 0.62, spec.second, gloss=0.4)


def _number_plate(canvas, z, rng):
    """Three letters and three digits on white or yellow."""
    low = z - 0.055
    high = z + 0.055
    ground = PLATE_WHITE if rng.random() < 0.75 else PLATE_YELLOW
    _across(canvas, 0.27, z - 0.065, z + 0.065, BLACK)
    _across(canvas, 0.26, low, high, ground)
    canvas.rect(-0.26, low, -0.22, high, PLATE_BLUE)
    letters = "".join(rng.choice(list(PLATE_LETTERS), 3))
    digits = str(rng.integers(100, 999))
    canvas.text(letters + digits, 0.02, z, 0.07, PLATE_INK)


def _grille(canvas, spec):
    """The opening between the headlamps, with bars or as a shield, and the maker's badge."""
    if spec.grille == "none":
        return
    middle = spec.lamp_z - 0.03
    half = spec.measures.width * 0.27
    low = middle - 0.17
    high = middle + 0.08
    if spec.grille == "slim":
        low = middle - 0.05
        high = middle + 0.05

    edge = CHROME if spec.chrome else BLACK
    _across(canvas, half + 0.02, low - 0.02, high + 0.02, edge, gloss=0.5, round_by=0.05)
    _across(canvas, half, low, high, GRILLE_BLACK, gloss=0.1, round_by=0.04)
    if spec.grille == "bars":
        _bars(canvas, half, low, high)
    elif spec.grille == "shield":
        _shield(canvas, half, low, high)
    canvas.circle(0, (low + high) / 2, 0.05, CHROME, gloss=0.6)


def _bars(canvas, half, low, high):
    for k in range(4):
        from_low = (high - low) * (k + 0.5) / 4
        z = low + from_low
        canvas.line([(-half, z), (half, z)], CHROME, 0.014)


def _shield(canvas, half, low, high):
    low_half = half * 0.6
    high_half = half * 0.8
    outline = [(-low_half, low), (low_half, low), (high_half, high), (-high_half, high)]
    canvas.poly(outline, SHIELD_BLACK, gloss=0.2)
    for k in range(9):
        from_left = half * 1.2 * k / 8
        x = -low_half + from_left
        canvas.line([(x, low), (x, high)], SHIELD_BAR, 0.012)


def _headlamps(canvas, spec):
    """Both headlamps, each with a fog lamp below it."""
    half = spec.measures.width / 2 * 0.93
    fog_z = spec.measures.clear + 0.20
    for side in SIDES:
        _headlamp(canvas, spec, side * half)
        fog_x = side * half * 0.78
        _patch(canvas, fog_x, fog_z, 0.09, 0.06, BLACK, gloss=0.2, round_by=0.04)
        canvas.circle(fog_x, fog_z, 0.035, HEAD, gloss=0.8, glow=0.2)


def _headlamp(canvas, spec, half):
    """A round lamp, or two behind a shaped glass; `half` has the side's sign."""
    z = spec.lamp_z
    shape = HEADLAMPS[spec.headlamps]
    if shape is None:
        canvas.circle(half * 0.74, z, 0.125, CHROME, gloss=0.7)
        canvas.circle(half * 0.74, z, 0.105, HEAD, gloss=0.9, glow=1.0)
        return
    outline = [(half * x, z + up) for x, up in shape]
    canvas.poly(outline, LAMP_GLASS, gloss=0.9, glow=0.3)
    canvas.line(np.array([*outline, outline[0]]), BLACK, 0.016)
    for x in (0.68, 0.86):
        canvas.circle(half * x, z + 0.02, 0.048, HEAD, gloss=0.9, glow=1.0)


def _screen(canvas, foot, head, seats):
    """A windscreen or rear window; `foot` and `head` are the half width and the z of its edges."""
    low_half, low = foot
    high_half, high = head
    outline = [(-low_half, low), (low_half, low), (high_half, high), (-high_half, high)]
    canvas.poly(outline, DARK_GLASS, gloss=1.0)
    if not seats:
        return

    # two seats, and the mirror
    seat_top = low + (high - low) * 0.55
    for side in SIDES:
        x = side * low_half * 0.48
        canvas.rect(x - 0.13, low + 0.02, x + 0.13, seat_top, SEAT_BACK, gloss=1.0, round_by=0.1)
    canvas.rect(-0.1, high - 0.1, 0.1, high - 0.05, MIRROR_BLACK, gloss=1.0, round_by=0.02)


def _tail_lamps(canvas, spec):
    """A lamp on each side: red, with a white and an amber field; some have a bar between them."""
    half = spec.measures.width / 2 * 0.92
    z = spec.tail_lamp_z
    if spec.tail_lamps == "bar":
        bar_low = z - 0.035
        bar_high = z + 0.045
        _across(canvas, half, bar_low, bar_high, TAIL, gloss=0.8, glow=0.3, round_by=0.03)

    half_height = TAIL_LAMPS[spec.tail_lamps]
    inner = half * 0.58
    if spec.tail_lamps == "upright":
        inner = half * 0.82
    for side in SIDES:
        left, right = _on_side(side, inner, half * 1.02)
        red = (left, z - half_height, right, z + half_height)
        canvas.rect(*red, TAIL, gloss=0.8, glow=0.35, round_by=0.05)

        left += 0.03
        right -= 0.03
        white = (left, z - half_height * 0.30, right, z + half_height * 0.05)
        canvas.rect(*white, REVERSE_LIGHT, gloss=0.8, glow=0.05)
        amber = (left, z - half_height * 0.75, right, z - half_height * 0.40)
        canvas.rect(*amber, AMBER, gloss=0.8, glow=0.05)


def _on_side(side, inner, outer):
    """The left and the right edge of what reaches from `inner` to `outer` on one side."""
    return sorted((side * inner, side * outer))


def rear(spec: Spec) -> int:
    """The rear's texture, as one sees it from behind the vehicle."""
    measures = spec.measures
    half = measures.width / 2
    low = measures.clear
    canvas = _canvas(spec)

    # below the window
    _across(canvas, half, 0, low + 0.16, BUMPER_BLACK, gloss=0.1)
    boot_edge = low + 0.40
    canvas.line([(-half, boot_edge), (half, boot_edge)], SEAM, 0.014, paint=1)
    for side in SIDES:
        seam = [(side * half * 0.86, boot_edge), (side * half * 0.84, measures.belt)]
        canvas.line(seam, SEAM, 0.012, paint=1)
        exhaust = side * half * 0.6
        canvas.rect(exhaust - 0.07, low, exhaust + 0.07, low + 0.06, EXHAUST_GREY, gloss=0.5)
    _tail_lamps(canvas, spec)
    plate_z = low + (0.52 if spec.is_car else 0.25)
    _number_plate(canvas, plate_z, spec.rng)
    canvas.circle(0, spec.tail_lamp_z + 0.06, 0.045, CHROME, gloss=0.6)

    # the window, or two in the doors
    if measures.style in ("van", "box"):
        _rear_doors(canvas, measures)
    else:
        foot = (half * 0.82, measures.rear_z + 0.04)
        head_z = measures.height - (0.6 if spec.is_bus else 0.14)
        head_half = half * (0.92 - measures.tumble) - 0.04
        _screen(canvas, foot, (head_half, head_z), seats=spec.is_car)
        _across(
            canvas, 0.16, measures.height - 0.10, measures.height - 0.075, TAIL, gloss=0.6, glow=0.3
        )
    return canvas.store()


def _rear_doors(canvas, measures):
    """A seam in the middle and a window on each side."""
    canvas.line([(0, measures.clear + 0.2), (0, measures.height - 0.1)], SEAM, 0.016, paint=1)
    half = measures.width / 2
    for side in SIDES:
        left, right = _on_side(side, 0.08, half * 0.80)
        window = (left, measures.belt + 0.1, right, measures.height - 0.30)
        canvas.rect(*window, DARK_GLASS, gloss=1.0, round_by=0.05)
