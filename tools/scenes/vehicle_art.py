"""Paints a vehicle's side and top from the same measures its body is lofted from.

Windows, seams and handles are paint with its own gloss and glow; the shape is in `vehicle_body`.
The front and the rear: `vehicle_ends`.
"""

from typing import Optional, Tuple

import numpy as np

from .livery import BLACK, CHROME, DARK_GLASS, HEAD, SEAM, TAIL, bus_side, livery
from .textures import Canvas
from .vehicle_design import Spec

SILL_BLACK = (30, 30, 31)
CLADDING_BLACK = (34, 34, 35)
ARCH_BLACK = (5, 5, 5)
FAR_WINDOW = (62, 68, 74)
SEAT_BACK = (24, 24, 26)
SEAT_FROM_ABOVE = (46, 46, 48)
WIPER_BLACK = (14, 14, 15)
BED_BLACK = (28, 28, 30)
SUNROOF_BLACK = (16, 16, 18)

# paint over the vehicle's own colour: these darken it
PAINTED_HANDLE = (150, 150, 150)
CREASE_LIGHT = (205, 205, 205)
CREASE_DARK = (150, 150, 150)
BONNET_RIDGE = (190, 190, 190)

SIDES = (-1, 1)


def side(spec: Spec) -> int:
    """The side's texture: the front is at the left."""
    measures = spec.measures
    canvas = Canvas(measures.length, measures.height, spec.texels_a_metre)
    sill = 0.20 if spec.cladding else 0.09
    canvas.rect(0, 0, measures.length, measures.clear + sill, SILL_BLACK, gloss=0.15)
    _doors(canvas, spec)
    _lamps_from_the_side(canvas, spec)

    # where the bumpers end
    front_bumper = measures.clear + 0.33
    rear_bumper = measures.clear + 0.36
    canvas.line([(0, front_bumper), (0.35, front_bumper)], SEAM, 0.012, paint=1)
    canvas.line(
        [(measures.length - 0.45, rear_bumper), (measures.length, rear_bumper)],
        SEAM,
        0.012,
        paint=1,
    )

    if spec.is_bus:
        bus_side(canvas, spec)
    else:
        _side_windows(canvas, spec)
    livery(canvas, spec)
    _arches(canvas, spec)
    return canvas.store()


def _lamps_from_the_side(canvas, spec):
    lamp = spec.lamp_z
    headlamp = [
        (0, lamp - 0.08),
        (0.16, lamp - 0.06),
        (0.44, lamp + 0.07),
        (0.12, lamp + 0.08),
        (0, lamp + 0.07),
    ]
    canvas.poly(headlamp, HEAD, gloss=0.9, glow=0.5)

    tail = spec.tail_lamp_z
    end = spec.measures.length
    tail_lamp = [
        (end, tail - 0.11),
        (end - 0.16, tail - 0.09),
        (end - 0.26, tail + 0.08),
        (end, tail + 0.10),
    ]
    canvas.poly(tail_lamp, TAIL, gloss=0.8, glow=0.35)


def _doors(canvas, spec):
    """Door seams, handles, and a crease from lamp to lamp."""
    measures = spec.measures
    low = measures.clear + 0.14
    for y in spec.glazing.seams:
        seam = [(y, measures.belt + 0.04), (y + 0.02, low + 0.25), (y - 0.02, low)]
        canvas.line(seam, SEAM, 0.014, paint=1)
    first = spec.glazing.seams[0]
    last = spec.glazing.seams[-1]
    canvas.line([(first, low), (last, low)], SEAM, 0.014, paint=1)

    for y in spec.glazing.seams[1:]:
        place = (y - 0.27, measures.belt - 0.11, y - 0.08, measures.belt - 0.075)
        if spec.chrome:
            canvas.rect(*place, CHROME, paint=0, gloss=0.5)
        else:
            canvas.rect(*place, PAINTED_HANDLE, paint=1, gloss=0.5)

    crease = measures.belt - 0.2
    end = measures.length - 0.3
    light = [(0.7, crease - 0.04), (end, crease + 0.03)]
    canvas.line(light, CREASE_LIGHT, 0.03, paint=1, gloss=0.5)
    dark = [(0.7, crease - 0.07), (end, crease)]
    canvas.line(dark, CREASE_DARK, 0.02, paint=1, gloss=0.5)


def _window_outline(spec):
    """The side glass as one outline, clockwise from the lower front corner: (n, 2)."""
    measures = spec.measures
    low = measures.belt + 0.045
    roof = []
    for y in np.linspace(measures.top_y + 0.12, measures.roof_y - 0.05, 9):
        roof.append((y, spec.top_at(y) - 0.115))
    start = measures.cowl_y + (measures.top_y - measures.cowl_y) * 0.32
    end = measures.rear_y - (measures.rear_y - measures.roof_y) * 0.30
    front = [(start + 0.10, low), (start + 0.07, low + 0.05)]
    rear = [(end, low + 0.12), (end - 0.06, low + 0.01)]
    return np.array(front + roof + rear)


def _cut(outline: np.ndarray, left: float, right: float) -> Optional[np.ndarray]:
    """The part of a convex outline (n, 2) with left <= y <= right, if any."""
    for edge, sign in ((left, 1), (right, -1)):
        kept = []
        for start, end in zip(outline, np.roll(outline, -1, axis=0)):
            start_inside = (start[0] - edge) * sign >= 0
            end_inside = (end[0] - edge) * sign >= 0
            if start_inside:
                kept.append(start)
            if start_inside != end_inside:
                span = end - start
                to_edge = edge - start[0]
                kept.append(start + span * to_edge / span[0])
        outline = np.array(kept)
        if len(outline) < 3:
            return None
    return outline


def _edge(canvas, outline, rgb):
    """A closed line along an outline."""
    canvas.line(np.concatenate([outline, outline[:1]]), rgb, 0.022)


def _side_windows(canvas, spec):
    """One frame around all panes, then pane by pane."""
    outline = _window_outline(spec)
    panes = spec.glazing.panes
    framed = _cut(outline, panes[0].start, panes[-1].end)
    _edge(canvas, framed, CHROME if spec.chrome else BLACK)
    for pane in panes:
        glass = _cut(outline, pane.start, pane.end)
        if glass is None:
            continue
        canvas.poly(glass, DARK_GLASS, gloss=1.0)
        if spec.is_car and pane.end - pane.start > 0.5:
            low = glass.min(0)
            high = glass.max(0)
            left = max(pane.start, low[0])
            _seats(canvas, left, pane.end, low[1], high[1])
            _edge(canvas, glass, BLACK)


def _seats(canvas, left, right, low, high):
    """What one sees through the glass: a brighter strip of the far window, a seat before it."""
    far_window = (left + 0.08, low + 0.06, right - 0.08, high - 0.10)
    canvas.rect(*far_window, FAR_WINDOW, gloss=1.0, round_by=0.06)
    middle = left * 0.35 + right * 0.65
    back = (middle - 0.13, low, middle + 0.13, low + 0.22)
    canvas.rect(*back, SEAT_BACK, gloss=1.0, round_by=0.08)
    head_rest = (middle - 0.09, low + 0.18, middle + 0.09, low + 0.36)
    canvas.rect(*head_rest, SEAT_BACK, gloss=1.0, round_by=0.07)


def _arches(canvas, spec):
    """The dark openings that the wheels stand in."""
    radius = spec.measures.wheel
    for y in spec.measures.axles:
        if spec.cladding:
            canvas.circle(y, radius, radius * 1.30, CLADDING_BLACK, gloss=0.1)
        canvas.circle(y, radius, radius * 1.14, ARCH_BLACK, gloss=0.0)


def top(spec: Spec) -> int:
    """The top's texture: the front is at the left, the right side of the vehicle is up."""
    measures = spec.measures
    half = measures.width / 2
    roof = half * (0.95 - measures.tumble)
    canvas = Canvas(measures.length, measures.width, spec.texels_a_metre, origin=(0, -half))
    if measures.style != "box":
        _windscreen_from_above(canvas, measures, half, roof)
    if spec.is_car and not measures.bed:
        foot = (measures.rear_y - 0.04, half * 0.82)
        head = (measures.roof_y + 0.05, roof - 0.06)
        _screen_from_above(canvas, foot, head)

    if measures.bed:
        _band(
            canvas, measures.rear_y + 0.1, measures.length - 0.1, half * 0.82, BED_BLACK, gloss=0.1
        )
    elif spec.sunroof:
        start = measures.top_y + 0.25
        end = measures.top_y + 1.1
        _band(canvas, start, end, roof * 0.65, SUNROOF_BLACK, gloss=1.0, round_by=0.06)

    for sign in SIDES:
        _bonnet_lines(canvas, measures, sign * half)
    return canvas.store()


def _band(canvas, start, end, half, rgb, **finish):
    """A rectangle from y to y, as far to the left as to the right."""
    canvas.rect(start, -half, end, half, rgb, **finish)


def _screen_from_above(canvas, foot: Tuple[float, float], head: Tuple[float, float]):
    """A sloping window; `foot` and `head` are the y and the half width of its edges."""
    foot_y, foot_half = foot
    head_y, head_half = head
    corners = [(foot_y, -foot_half), (foot_y, foot_half), (head_y, head_half), (head_y, -head_half)]
    canvas.poly(corners, DARK_GLASS, gloss=1.0)


def _windscreen_from_above(canvas, measures, half, roof):
    """The windscreen, its wiper, and two seats behind it."""
    foot = (measures.cowl_y + 0.02, half * 0.88)
    head = (measures.top_y - 0.02, roof - 0.05)
    _screen_from_above(canvas, foot, head)
    _band(
        canvas, measures.cowl_y - 0.05, measures.cowl_y + 0.05, half * 0.8, WIPER_BLACK, gloss=0.3
    )
    for sign in SIDES:
        middle = sign * half * 0.42
        seat = (measures.cowl_y + 0.35, middle - 0.2, measures.cowl_y + 0.62, middle + 0.2)
        canvas.rect(*seat, SEAT_FROM_ABOVE, gloss=1.0, round_by=0.1)


def _bonnet_lines(canvas, measures, half):
    """The bonnet's seam on one side, and a ridge if it is long; `half` has the side's sign."""
    seam = [(0.25, half * 0.78), (measures.cowl_y - 0.05, half * 0.86)]
    canvas.line(seam, SEAM, 0.012, paint=1)
    if measures.cowl_y > 0.8:
        ridge = [(0.3, half * 0.3), (measures.cowl_y - 0.1, half * 0.5)]
        canvas.line(ridge, BONNET_RIDGE, 0.03, paint=1, gloss=0.5)
