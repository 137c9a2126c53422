"""Colours that vehicles share, a bus's side, and the stripes and emblems of firms.

All of it is drawn on a `Canvas` in metres: y along the vehicle from its nose, z up from the ground.
"""

from typing import Dict, Protocol, Tuple

from .textures import Canvas

DARK_GLASS = (26, 28, 32)
BLACK = (14, 14, 15)
SEAM = (92, 92, 94)
CHROME = (185, 188, 192)
HEAD = (225, 230, 235)
TAIL = (170, 12, 14)
AMBER = (205, 110, 20)

_PILLAR = (12, 12, 12)
_FAR_PANE = (58, 62, 66)  # the window of the other side, seen through this one
_PASSENGER = (30, 30, 42)
_RESCUE_RED = (200, 30, 25)
_RESCUE_YELLOW = (235, 220, 40)

_CHECK = 0.12  # metres from one check to the next
_RESCUE_STEP = 0.5  # metres from one yellow block to the next

# how firms' colours are laid on: their own paint, with a dull gloss
_FILM = {"paint": 0, "gloss": 0.4}
_TAPE = {"paint": 0, "gloss": 0.5}
_GLASS = {"paint": 0, "gloss": 1.0}


class Livery(Protocol):
    """What is asked here of a vehicle's design."""

    shape: Dict[str, float]  # its measures in metres
    second: Tuple[int, int, int]  # the firm's colour
    livery: str


def bus_side(canvas: Canvas, s: Livery) -> None:
    """A row of windows with people behind them, two doors, and bands in the second colour."""
    b = s.shape
    length = b["length"]
    low = b["belt"]
    high = b["height"] - 0.42
    canvas.rect(0.25, low, length - 0.2, high, DARK_GLASS, **_GLASS, round_by=0.1)

    # pillars, and between two of them a pane with a passenger
    count = round(length / 1.5)
    for k in range(count + 1):
        y = 0.3 + (length - 0.6) * k / count
        canvas.line([(y, low), (y, high)], _PILLAR, 0.07)
        if k < count:
            _bus_window(canvas, y, low, high)

    for y in (0.45, length * 0.5):
        _bus_door(canvas, y, high)

    canvas.rect(0, 0.25, length, 0.5, s.second, **_FILM)
    name_start = length * 0.62
    name_end = length * 0.9
    canvas.rect(name_start, 0.6, name_end, low - 0.1, s.second, **_FILM, round_by=0.05)


def _bus_window(canvas: Canvas, y: float, low: float, high: float) -> None:
    sill = low + 0.25
    canvas.rect(y + 0.25, sill, y + 1.0, high - 0.3, _FAR_PANE, **_GLASS, round_by=0.1)
    shoulders = low + 0.35
    canvas.rect(y + 0.35, low, y + 0.75, shoulders, _PASSENGER, **_GLASS, round_by=0.1)


def _bus_door(canvas: Canvas, y: float, high: float) -> None:
    canvas.rect(y, 0.35, y + 1.15, high, DARK_GLASS, **_GLASS, round_by=0.05)
    middle = y + 0.57
    canvas.line([(middle, 0.35), (middle, high)], _PILLAR, 0.06)


def livery(canvas: Canvas, s: Livery) -> None:
    """Stripes and emblems of firms; nothing that reads differently mirrored."""
    paint = _LIVERIES.get(s.livery)
    if paint is not None:
        stripe_z = s.shape["belt"] - 0.32
        paint(canvas, s, stripe_z)


def _stripe(canvas: Canvas, s: Livery, z: float) -> None:
    end = s.shape["length"] - 0.3
    canvas.rect(0.5, z - 0.06, end, z + 0.08, s.second, **_TAPE)


def _check(canvas: Canvas, s: Livery, z: float) -> None:
    """Two rows of black squares, as on a chessboard."""
    end = s.shape["length"] - 1.0
    for k in range(int(end / _CHECK)):
        left = 0.6 + k * _CHECK
        right = 0.66 + k * _CHECK
        rise = 0.06 * (k % 2)
        canvas.rect(left, z + rise, right, z + 0.06 + rise, BLACK)


def _firm(canvas: Canvas, s: Livery, z: float) -> None:
    """A disc and a bar for a name, and a wedge in the firm's colour below them."""
    end = s.shape["length"]
    name_z = s.shape["height"] * 0.62
    name_y = end * 0.62
    canvas.circle(name_y, name_z, 0.28, s.second, **_FILM)
    name_end = end * 0.92
    canvas.rect(name_y + 0.4, name_z - 0.1, name_end, name_z + 0.1, s.second, **_FILM)
    canvas.poly([(end * 0.4, 0.3), (end, 0.3), (end, 0.75)], s.second, **_FILM)


def _rescue(canvas: Canvas, s: Livery, z: float) -> None:
    """A broad red band, with yellow blocks above it."""
    end = s.shape["length"]
    canvas.rect(0.1, z - 0.12, end, z + 0.14, _RESCUE_RED, **_TAPE)
    for k in range(int(end / _RESCUE_STEP)):
        left = k * _RESCUE_STEP
        canvas.rect(left, z + 0.14, left + 0.25, z + 0.30, _RESCUE_YELLOW, **_TAPE)


_LIVERIES = {"stripe": _stripe, "check": _check, "firm": _firm, "rescue": _rescue}
