"""The pattern of a facade: bricks, windows by floors and bays, and a row of shops at the bottom.

Places are metres on the wall: u along it, v up from the ground. What a pixel covers is averaged:
its `footprint` is how wide it is on the wall.
"""

from typing import NamedTuple, Tuple

import numpy as np

from .kernel import kernel
from .noise import noise_at
from .patterns import cover, hash01, over, times
from .vectors import Vector

Lit = Tuple[float, float, float, float, float]  # red, green, blue, gloss, glow by night


class Facade(NamedTuple):
    """The record that a house's windows are painted by."""

    floor: float  # height of one, metres
    bay: float  # from one window to the next, metres
    window_width: float
    window_height: float
    shop: float  # 1: shops on the ground floor
    frame_red: float
    frame_green: float
    frame_blue: float
    seed: float
    lit: float  # share of the windows with light in them by night
    brick: float  # 1: of bricks


class _Spot(NamedTuple):
    """A place on or near a window; metres."""

    aside: float  # from its middle
    up: float  # from its sill
    half: float  # half the window's width
    high: float  # the window's height


# columns of the table of Facades
(FLOOR, BAY, WINDOW_WIDTH, WINDOW_HEIGHT, SHOP, RED, GREEN, BLUE, SEED, LIT, BRICK) = range(11)

# metres
BRICK_LENGTH = 0.24
BRICK_HEIGHT = 0.075
JOINT = (0.33, 0.31, 0.28)
FRAME = 0.07

CURTAIN = 0.32  # how bright a window is behind which one hangs
SHADE = (0.02, 0.02, 0.02)
GLAZING_BAR = (0.05, 0.05, 0.05)


@kernel
def brick(r: float, g: float, b: float, u: float, v: float, footprint: float) -> Vector:
    """Rows of bricks with pale joints, each brick its own tint."""
    colour = (r, g, b)
    fade = 1.0 - footprint / 0.10
    if fade <= 0:
        return colour

    # which brick, and where in it; every other row is shifted by half a brick
    across = v / BRICK_HEIGHT
    row = np.floor(across)
    shift = 0.5 * (int(row) & 1)
    along = u / BRICK_LENGTH + shift
    column = np.floor(along)
    from_middle_u = abs(along - column - 0.5) * BRICK_LENGTH
    from_middle_v = abs(across - row - 0.5) * BRICK_HEIGHT

    chance = hash01(row, column, 3.0) - 0.5
    tint = 1 + chance * 0.35 * fade
    upright_joint = 1 - cover(0.112 - from_middle_u, footprint)
    level_joint = 1 - cover(0.032 - from_middle_v, footprint)
    joint = max(upright_joint, level_joint) * fade
    return over(times(colour, tint), JOINT, joint * 0.6)


@kernel
def _unlit(colour):
    """A dull wall, dark by night."""
    r, g, b = colour
    return r, g, b, 0.0, 0.0


@kernel
def _board_colour(cell, seed):
    """The colour of a shop's board."""
    hue = hash01(cell, seed, 9.0) * 6.28
    bright = hash01(cell, seed, 11.0)
    tone = 0.04 + 0.28 * bright**2
    red = tone * 0.38 * np.cos(hue)
    green = tone * 0.26 * np.cos(hue + 2.1)
    blue = tone * 0.30 * np.cos(hue + 4.2)
    return tone + red, tone + green, tone + blue


@kernel
def _goods(u, v, cell, seed, footprint):
    """What stands behind a shop's pane, as extra brightness."""
    place = np.floor(u * 2.3)
    high = hash01(place, seed, cell) * 1.5
    if high <= 0.4 or v >= 0.5 + high:
        return 0.0
    bright = 0.10 * hash01(place, seed, 4.0)
    return bright / (1 + footprint * 6)


@kernel
def _shop(colour, u, v, f, row, footprint, noise):
    """Ground floor: panes between pillars, a coloured board above."""
    floor = f[row, FLOOR]
    seed = f[row, SEED]
    width = f[row, BAY] * 2
    half = width / 2
    cell = np.floor(u / width)
    aside = abs(u - (cell + 0.5) * width)

    below_top = cover(floor - 0.25 - v, footprint)
    above_pane = cover(v - floor + 0.95, footprint)
    between_pillars = cover(half - 0.2 - aside, footprint)
    board = below_top * above_pane * between_pillars
    colour = over(colour, _board_colour(cell, seed), board)

    # the pane, parted by two bars
    pane = cover(half - 0.35 - aside, footprint)
    pane *= cover(v - 0.45, footprint)
    pane *= cover(floor - 1.05 - v, footprint)
    from_bar = abs(aside - width / 6)
    bars = 1 - cover(from_bar - 0.035, footprint)
    depth = noise_at(noise, u * 0.05, v * 0.03 + seed)
    inside = max(0.055 + 0.03 * depth, 0.02)
    inside = inside + _goods(u, v, cell, seed, footprint)
    colour = over(colour, (inside * 1.1, inside, inside * 0.9), pane)
    r, g, b = over(colour, GLAZING_BAR, pane * bars * 0.8)

    lit = 1.0
    if hash01(cell, seed, 5.0) <= 0.35:
        lit = 0.15
    glass = pane * (1 - bars)
    through_glass = glass * (0.25 + inside * 9)
    glow = through_glass + board * 0.25
    return r, g, b, glass, glow * lit


@kernel
def _casing(spot, footprint):
    """Share of a pixel that is the sill or the casing around a window."""
    from_sill = abs(spot.up + 0.08)
    sill = cover(spot.half + 0.12 - spot.aside, footprint)
    sill *= cover(0.1 - from_sill, footprint)
    case = cover(spot.half + 0.10 - spot.aside, footprint)
    case *= cover(spot.up + 0.02, footprint)
    case *= cover(spot.high + 0.12 - spot.up, footprint)
    return max(sill, case * 0.75)


@kernel
def _hole(spot, footprint):
    """Share of a pixel that is the window itself."""
    hole = cover(spot.half - spot.aside, footprint)
    hole *= cover(spot.up, footprint)
    hole *= cover(spot.high - spot.up, footprint)
    return hole


@kernel
def _frame(spot, footprint):
    """Share of a window that is its frame: the sides, the middle, the bottom and the top."""
    sides = 1 - cover(spot.half - FRAME - spot.aside, footprint)
    middle = 1 - cover(spot.aside - 0.03, footprint)
    bottom = 1 - cover(spot.up - FRAME, footprint)
    top = 1 - cover(spot.high - FRAME - spot.up, footprint)
    return max(sides, middle, bottom, top)


@kernel
def _is_curtain(pick, spot):
    """Whether a curtain hangs here: on both sides of some windows, from the top of others."""
    if pick > 0.55:
        return spot.aside > spot.half * (0.35 + 0.5 * pick)
    if pick < 0.12:
        return spot.up > spot.high * (0.3 + 4 * pick)
    return False


@kernel
def _window(colour, frame_rgb, spot, hole, bay, floor, seed, lit_share, footprint):
    """The share `hole` of a pixel: what is seen through the pane, and the pane's frame."""
    pick = hash01(bay, floor, seed)
    inside = 0.030 + 0.03 * hash01(bay, floor, seed + 2)
    if _is_curtain(pick, spot):
        inside = CURTAIN
    colour = over(colour, (inside, inside * 1.02, inside * 1.05), hole)

    # the wall above throws a shade
    frame = _frame(spot, footprint)
    colour = over(colour, frame_rgb, hole * frame)
    shade = cover(0.16 - (spot.high - spot.up), footprint) * hole
    r, g, b = over(colour, SHADE, shade * 0.7)

    lit = 0.02
    if hash01(bay, floor, seed + 7) < lit_share:
        lit = 1.0
    glass = hole * (1 - frame)
    glow = glass * lit * (0.35 + 2.0 * inside)
    return r, g, b, glass * (1 - 0.6 * shade), glow


@kernel
def facade(
    r: float,
    g: float,
    b: float,
    u: float,
    v: float,
    f: np.ndarray,
    row: int,
    footprint: float,
    noise: np.ndarray,
) -> Lit:
    """A wall with windows by row `row` of a table of Facades."""
    colour = (r, g, b)
    if f[row, BRICK] > 0:
        colour = brick(r, g, b, u, v, footprint)
    floor_height = f[row, FLOOR]
    floor = np.floor(v / floor_height)
    if floor == 0 and f[row, SHOP] > 0:
        return _shop(colour, u, v, f, row, footprint, noise)

    # a ledge between floors
    y = v - floor * floor_height
    frame_rgb = (f[row, RED], f[row, GREEN], f[row, BLUE])
    ledge = cover(0.09 - abs(y - 0.05), footprint)
    colour = over(colour, times(frame_rgb, 0.8), ledge * 0.5)

    # the window of this bay
    width = f[row, BAY]
    half = f[row, WINDOW_WIDTH] / 2
    high = f[row, WINDOW_HEIGHT]
    bay = np.floor(u / width)
    aside = abs(u - (bay + 0.5) * width)
    up = y - (floor_height - high) * 0.42
    if aside > half + 0.3 + footprint:
        return _unlit(colour)
    spot = _Spot(aside, up, half, high)
    colour = over(colour, frame_rgb, _casing(spot, footprint))
    hole = _hole(spot, footprint)
    if hole <= 0:
        return _unlit(colour)
    return _window(colour, frame_rgb, spot, hole, bay, floor, f[row, SEED], f[row, LIT], footprint)
