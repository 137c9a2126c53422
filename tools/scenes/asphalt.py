"""The patterns of the ground: asphalt with what is painted on it, and slabs.

Places are metres: u to the right of the road's middle, v along it. What a pixel covers is averaged:
`across` and `along` are how wide and how long it is on the ground.
"""

from typing import Tuple

import numpy as np

from .kernel import kernel
from .noise import noise_at
from .patterns import clamped, cover, hash01, mix

# columns of the lane markings (plan.Marking) and of the zebra (plan.PaintedArea)
LATERAL, WIDTH, DASH, GAP, YELLOW = range(5)
START, END, LEFT, RIGHT, PERIOD = range(5)

SLAB = 0.5  # metres
LANE_TRACKS = 1.7  # metres from one wheel track to the next
PATCH_WIDTH = 2.6
PATCH_LENGTH = 5.5
DARKEST = 0.3


@kernel
def _dashes(v, dash, gap, along):
    """Share of paint in a dashed line; far away it is even grey."""
    period = dash + gap
    at = v - np.floor(v / period) * period
    fade = clamped(1.5 - along / period)
    from_middle = abs(at - period / 2)
    near = cover(dash / 2 - from_middle, along)
    grey = (1 - fade) * dash / period
    return near * fade + grey


@kernel
def _stripes(u, period, across):
    """Share of paint in a zebra's stripes."""
    ratio = u / period
    at = ratio - np.floor(ratio)
    from_middle = abs(at - 0.5) * period
    return cover(0.25 * period - from_middle, across)


@kernel
def _area(u, v, zebra, k, across, along):
    """Share of paint in area k of a zebra."""
    ahead = cover(v - zebra[k, START], along)
    inside = ahead * cover(zebra[k, END] - v, along)
    if inside <= 0:
        return 0.0
    aside = cover(u - zebra[k, LEFT], across)
    inside *= aside * cover(zebra[k, RIGHT] - u, across)
    period = zebra[k, PERIOD]
    if period > 0:
        inside *= _stripes(u, period, across)
    return inside


@kernel
def _marking(u, v, marks, row, zebra, across, along):
    """Share of paint at (u, v), and whether it is yellow."""
    # the line that covers most
    paint = 0.0
    yellow = 0.0
    for k in range(marks.shape[1]):
        half = marks[row, k, WIDTH] / 2
        off = abs(u - marks[row, k, LATERAL])
        if half <= 0 or off > half + across:
            continue
        share = cover(half - off, across)
        gap = marks[row, k, GAP]
        if gap > 0:
            share *= _dashes(v, marks[row, k, DASH], gap, along)
        if share > paint:
            paint = share
            yellow = marks[row, k, YELLOW]

    # the zebra, on the main road only
    if row != 0:
        return paint, yellow
    for k in range(zebra.shape[0]):
        paint = max(paint, _area(u, v, zebra, k, across, along))
    return paint, yellow


@kernel
def _patch(u, v, look, along):
    """How much darker asphalt is that has been mended, 0..1."""
    at_u = u / PATCH_WIDTH + look
    at_v = v / PATCH_LENGTH
    cell_u = np.floor(at_u)
    cell_v = np.floor(at_v)
    if hash01(cell_u, cell_v, look) <= 0.93:
        return 0.0
    aside = abs(at_u - cell_u - 0.5) * 1.3
    ahead = abs(at_v - cell_v - 0.5) * 1.2
    inner = 0.5 - max(aside, ahead)
    return cover(inner * 2.6, along)


@kernel
def road(
    r: float,
    g: float,
    b: float,
    u: float,
    v: float,
    marks: np.ndarray,
    row: int,
    zebra: np.ndarray,
    noise: np.ndarray,
    across: float,
    along: float,
    look: float,
) -> Tuple[float, float, float, float]:
    """Asphalt with grain, patches, wheel tracks and painted lines: colour, and share of paint.

    marks, row: the table of lane markings, and which row of it holds for this ground.
    """
    big = noise_at(noise, u * 0.021 + look, v * 0.021)
    mid = noise_at(noise, u * 0.13, v * 0.045 + look)
    tint = 1 + 0.07 * big + 0.035 * mid
    fine = max(0.0, 1 - along / 0.05)
    if fine > 0:
        grain = noise_at(noise, u * 2.1, v * 2.1)
        tint += 0.10 * grain * fine

    # wheels polish it, patches and cracks darken it
    tracks = u / LANE_TRACKS
    lane = tracks - np.floor(tracks) - 0.5
    tint += (lane * lane - 0.08) * 0.25
    tint *= 1 - 0.22 * _patch(u, v, look, along)
    near = max(0.0, 1 - along / 0.3)
    if near > 0:
        wandering = noise_at(noise, u * 0.07 + 3.1, v * 0.03 + look)
        from_crack = abs(wandering - 0.1)
        crack = max(0.0, 1 - from_crack / 0.03)
        tint *= 1 - 0.20 * crack * near
    tint = max(tint, DARKEST)

    # paint wears off in places
    paint, yellow = _marking(u, v, marks, row, zebra, across, along)
    if paint > 0:
        worn = 0.92 + 0.25 * mid
        if along < 0.15:
            grain = 0.25 * noise_at(noise, u * 0.9, v * 0.9)
            worn += grain * (1 - along / 0.15)
        paint *= min(max(worn, 0.25), 1.0)

    paint_g = 0.55 - 0.13 * yellow
    paint_b = 0.52 - 0.42 * yellow
    r, g, b = mix(r * tint, g * tint, b * tint, 0.56, paint_g, paint_b, paint)
    return r, g, b, paint


@kernel
def paving(u: float, v: float, noise: np.ndarray, footprint: float) -> float:
    """Slabs with joints, each its own tint, and stains: the tint."""
    stain = noise_at(noise, u * 0.06, v * 0.06)
    tint = 1 + 0.07 * stain
    fade = clamped(1 - footprint / 0.35)
    if fade <= 0:
        return tint

    column = np.floor(u / SLAB)
    row = np.floor(v / SLAB)
    tint += (hash01(column, row, 1.0) - 0.5) * 0.16 * fade
    from_middle_u = abs(u - (column + 0.5) * SLAB)
    from_middle_v = abs(v - (row + 0.5) * SLAB)
    edge = min(0.25 - from_middle_u, 0.25 - from_middle_v)
    joint = 1 - cover(edge - 0.012, footprint)
    return tint * (1 - 0.4 * joint * fade)
