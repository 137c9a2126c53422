"""The plates of road signs: their outlines, and the paint of the ten signs that belong to no class.

The symbols of the three classes are in `pictograms`; the meshes are made in `signs`.
"""

from typing import Callable, NamedTuple

import numpy as np

from . import figures
from .mesh import circle
from .placed import Placed
from .textures import Canvas

RED = (198, 18, 30)
BLUE = (12, 72, 168)
WHITE = (242, 242, 240)
BLACK = (18, 18, 20)
YELLOW = (250, 205, 20)
TOWN_EDGE = (25, 25, 25)
MOTORWAY_GREEN = (0, 100, 60)
BUS_GREEN = (0, 120, 60)
ARROW_RED = (190, 30, 30)

TEXELS_A_METRE = 150

_CORNER_ANGLES = (0, 2 * np.pi / 3, 4 * np.pi / 3)
TRIANGLE = np.array([(np.sin(angle), np.cos(angle)) for angle in _CORNER_ANGLES]) / 1.732
TRIANGLE_SHIFT = TRIANGLE[:, 1].max() - 0.5 + 0.067  # how far above its square's middle it stands
SQUARE = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
DIAMOND = np.array([(0, 0.5), (0.5, 0), (0, -0.5), (-0.5, 0)])
OCTAGON = circle(0.5, 8, np.pi / 8)

STOP_GROUND = circle(0.51, 8, np.pi / 8)
INNER_DIAMOND = np.array([(0, 0.36), (0.36, 0), (0, -0.36), (-0.36, 0)])
CROSSING_TRIANGLE = ((-0.36, -0.36), (0.36, -0.36), (0, 0.38))
ONE_WAY_ARROW = (
    (-0.35, -0.1),
    (0.08, -0.1),
    (0.08, -0.24),
    (0.38, 0),
    (0.08, 0.24),
    (0.08, 0.1),
    (-0.35, 0.1),
)


def rounded(outline: np.ndarray, radius: float, steps: int = 5) -> np.ndarray:
    """A convex outline with its corners rounded: (n * steps, 2)."""
    corners = []
    count = len(outline)
    share = np.linspace(0, 1, steps)[:, None]
    for k in range(count):
        before = outline[k - 1]
        corner = outline[k]
        after = outline[(k + 1) % count]

        # the bow begins and ends one radius from the corner, which pulls it
        begin = corner + _unit(before - corner) * radius
        end = corner + _unit(after - corner) * radius
        from_begin = (1 - share) ** 2 * begin
        from_corner = 2 * share * (1 - share) * corner
        from_end = share**2 * end
        corners.append(from_begin + from_corner + from_end)
    return np.concatenate(corners)


def _unit(vector):
    return vector / np.linalg.norm(vector)


def blank(rgb: tuple) -> Canvas:
    """A canvas for one plate, a unit square about the origin."""
    return Canvas(1, 1, TEXELS_A_METRE, rgb, paint=0, gloss=0.10, origin=(-0.5, -0.5))


def _fill(canvas, rgb):
    canvas.rect(-0.5, -0.5, 0.5, 0.5, rgb)


def _stop(canvas):
    canvas.poly(STOP_GROUND, RED)
    canvas.text("STOP", 0, 0, 0.22, WHITE, bold=1.3)


def _give_way(canvas):
    _fill(canvas, RED)
    inner = rounded(-TRIANGLE * 0.62, 0.03)
    canvas.poly(inner + (0, 0.05), WHITE)


def _priority(canvas):
    _fill(canvas, WHITE)
    canvas.poly(INNER_DIAMOND, YELLOW)


def _parking(canvas):
    _fill(canvas, WHITE)
    canvas.rect(-0.48, -0.48, 0.48, 0.48, BLUE, round_by=0.05)
    canvas.text("P", 0, 0, 0.55, WHITE, bold=1.2)


def _crossing(canvas):
    _fill(canvas, BLUE)
    canvas.poly(CROSSING_TRIANGLE, WHITE)
    figures.person(Placed(canvas, y=-0.1, size=0.75), BLACK)


def _one_way(canvas):
    _fill(canvas, BLUE)
    canvas.poly(ONE_WAY_ARROW, WHITE)


def _town(canvas):
    _fill(canvas, TOWN_EDGE)
    canvas.rect(-0.49, -0.47, 0.49, 0.47, YELLOW, round_by=0.04)
    canvas.text("LINDAU", 0, 0.14, 0.15, BLACK)
    canvas.text("KREIS SEE", 0, -0.2, 0.09, BLACK)


def _directions(canvas):
    _fill(canvas, WHITE)
    canvas.rect(-0.485, -0.47, 0.485, 0.47, MOTORWAY_GREEN, round_by=0.04)
    canvas.text("CENTRUM", 0, 0.18, 0.125, WHITE)
    canvas.text("PORT 4", 0, -0.17, 0.125, WHITE)


def _no_priority(canvas):
    _fill(canvas, WHITE)
    canvas.rect(-0.48, -0.48, 0.48, 0.48, ARROW_RED, round_by=0.04)
    for y in (-0.28, 0, 0.28):
        below = y - 0.1
        above = y + 0.1
        canvas.poly([(-0.45, below), (-0.1, below), (0.2, above), (-0.15, above)], WHITE)


def _bus_stop(canvas):
    _fill(canvas, BUS_GREEN)
    canvas.circle(0, 0, 0.42, YELLOW)
    canvas.text("H", 0, 0, 0.42, BUS_GREEN, bold=1.3)


class OtherSign(NamedTuple):
    """A sign of no class: what is painted on it, its outline within a unit square, its size."""

    paint: Callable[[Canvas], None]
    outline: np.ndarray  # (n, 2)
    width: float  # metres
    height: float


OTHERS = (
    OtherSign(_stop, OCTAGON, width=0.8, height=0.8),
    OtherSign(_give_way, rounded(-TRIANGLE, 0.04), width=0.85, height=0.85),
    OtherSign(_priority, DIAMOND, width=0.7, height=0.7),
    OtherSign(_parking, SQUARE, width=0.6, height=0.6),
    OtherSign(_crossing, SQUARE, width=0.6, height=0.6),
    OtherSign(_one_way, SQUARE, width=0.85, height=0.45),
    OtherSign(_town, SQUARE, width=1.4, height=0.85),
    OtherSign(_directions, SQUARE, width=1.6, height=0.7),
    OtherSign(_no_priority, SQUARE, width=0.5, height=0.7),
    OtherSign(_bus_stop, circle(0.5, 20), width=0.5, height=0.5),
)
