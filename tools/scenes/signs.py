"""Traffic signs as meshes: plates of the three classes and others, and boards that only look like
signs.

Each is painted once. A face is its own thing in a scene, so that its box is the face's, not the
pole's.
"""

from functools import lru_cache
from typing import NamedTuple, Tuple

import numpy as np

from . import adverts, pictograms, plates
from . import surface as sf
from .mesh import Mesh, box, circle, merge, moved, plate, rod, turn_z
from .placed import Placed
from .plates import BLACK, BLUE, RED, TRIANGLE, TRIANGLE_SHIFT, WHITE, YELLOW
from .textures import Canvas

COUNTS = {
    "mandatory": len(pictograms.MANDATORY),
    "prohibitory": len(pictograms.PROHIBITORY),
    "warning": len(pictograms.WARNING),
    "other": len(plates.OTHERS),
    "advert": adverts.COUNT,
}

BACK_GREY = (0.35, 0.36, 0.37)
POLE_GREY = (0.38, 0.39, 0.40)
BOARD_POLE_GREY = (0.2, 0.2, 0.21)
STAND_WOOD = (0.12, 0.08, 0.05)
CASE_BLACK = (0.06, 0.065, 0.07)


class _Painting(NamedTuple):
    """A plate before it is a mesh: what is on it, its outline within a unit square, its size."""

    canvas: Canvas
    outline: np.ndarray  # (n, 2)
    width: float = 1  # metres
    height: float = 1


def _mandatory(number):
    """A white symbol on blue; every other sign has a white edge."""
    canvas = plates.blank(BLUE)
    if number % 2 == 0:
        canvas.circle(0, 0, 0.5, WHITE, paint=0, gloss=0.1)
        canvas.circle(0, 0, 0.478, BLUE, paint=0, gloss=0.1)
    pictograms.MANDATORY[number](canvas, WHITE)
    return _Painting(canvas, circle(0.5, 28))


def _prohibitory(number):
    """A black symbol within a red ring, some on yellow."""
    symbol = pictograms.PROHIBITORY[number]
    canvas = plates.blank(RED)
    outline = circle(0.5, 28)
    if symbol is pictograms.no_entry:
        symbol(canvas, WHITE)
        return _Painting(canvas, outline)

    ground = YELLOW if number % 7 == 6 else WHITE
    canvas.circle(0, 0, 0.385, ground, paint=0, gloss=0.1)
    symbol(canvas, BLACK)
    return _Painting(canvas, outline)


def _warning(number):
    """A black symbol within a red triangle, some on yellow."""
    canvas = plates.blank(RED)
    triangle = TRIANGLE - (0, TRIANGLE_SHIFT)
    middle = triangle.mean(0)
    inner = (triangle - middle) * 0.70 + middle
    ground = YELLOW if number % 6 == 4 else WHITE
    canvas.poly(plates.rounded(inner, 0.03), ground, paint=0, gloss=0.1)

    x, y = middle + (0, -0.035)
    pictograms.WARNING[number](Placed(canvas, x, y, size=0.74), BLACK)
    return _Painting(canvas, plates.rounded(TRIANGLE, 0.05))


def _other(number):
    sign = plates.OTHERS[number]
    canvas = plates.blank(WHITE)
    if sign.width > sign.height:
        canvas.squeeze = sign.height / sign.width
    sign.paint(canvas)
    return _Painting(canvas, sign.outline, sign.width, sign.height)


def _advert(number):
    return _Painting(adverts.painted(number), adverts.outline(number))


_PAINTERS = {
    "mandatory": _mandatory,
    "prohibitory": _prohibitory,
    "warning": _warning,
    "other": _other,
    "advert": _advert,
}


@lru_cache(maxsize=None)
def face(kind: str, number: int) -> Tuple[Mesh, Tuple[float, float]]:
    """A sign's plate facing -y, and its size (width, height) in metres.

    Signs of a class and adverts are one metre high, other signs have their own size.
    """
    painting = _PAINTERS[kind](number)
    outline = painting.outline
    front = plate(outline, sf.PAINTED, tex=painting.canvas.store())

    # the canvas is a unit square about the origin, whatever the outline is
    right = front.pos[..., 0]
    up = front.pos[..., 2]
    if kind == "warning":
        up = up - TRIANGLE_SHIFT
    uv = np.stack([0.5 + right, 0.5 - up], -1)
    front = front._replace(uv=uv.astype(np.float32))

    back = plate(outline, sf.METAL, BACK_GREY, y=0.02)
    mesh = moved(merge([front, back]), scale=(painting.width, 1, painting.height))
    wide, high = outline.max(0) - outline.min(0)
    return mesh, (wide * painting.width, high * painting.height)


@lru_cache(maxsize=None)
def pole(height: float) -> Mesh:
    """A sign's post, just behind the plates at the origin."""
    return rod((0, 0.05, 0), (0, 0.05, height), 0.03, sf.METAL, POLE_GREY, sides=8)


@lru_cache(maxsize=None)
def board_stand(kind: int) -> Mesh:
    """What an advert stands in: 0 a pole, 1 a pavement stand, 2 a lit case."""
    if kind == 0:
        return rod((0, 0.06, 0), (0, 0.06, 3.0), 0.04, sf.METAL, BOARD_POLE_GREY)
    if kind == 1:
        front_leg = moved(box((0, 0.08, 0.5), (0.66, 0.05, 1.02), sf.BARK, STAND_WOOD), (0, 0, 0))
        back_leg = box((0, 0.3, 0.4), (0.6, 0.04, 0.8), sf.BARK, STAND_WOOD)
        return merge([front_leg, back_leg])

    case = box((0, 0.14, 1.35), (1.28, 0.22, 1.9), sf.METAL, CASE_BLACK)
    foot = box((0, 0.14, 0.2), (0.7, 0.16, 0.4), sf.METAL, CASE_BLACK)
    speck = moved(box((0, 0, 0), (0.01, 0.01, 0.01), sf.METAL), (0, 0.1, 0.3), turn_z(0))
    return merge([case, foot, speck])
