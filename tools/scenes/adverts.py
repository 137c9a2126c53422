"""Shop boards and posters that one may take for signs: round ones, triangles and squares in colours
near a sign's, and posters with faces.

No board is a sign. What they stand in: `signs.board_stand`.
"""

import numpy as np

from .figures import arc
from .mesh import circle
from .plates import SQUARE, TRIANGLE, rounded
from .textures import Canvas

COUNT = 24
TEXELS_A_METRE = 90

SLOGANS = (
    "CAFE",
    "SALE",
    "PIZZA",
    "BAR",
    "OPEN",
    "JAZZ",
    "TAXI",
    "2+1",
    "BIO",
    "GYM",
    "TEA",
    "-50%",
)
COLOURS = (
    (30, 60, 150),
    (200, 40, 40),
    (240, 240, 235),
    (240, 190, 40),
    (40, 110, 60),
    (90, 40, 100),
    (25, 25, 28),
    (230, 120, 40),
)
SKINS = ((225, 180, 150), (190, 140, 105), (120, 80, 60))
HAIR = (40, 28, 22)
EYES = (30, 25, 25)
LIPS = (150, 50, 50)
POSTER_WHITE = (250, 250, 250)

SHOULDERS = ((-0.4, -0.5), (-0.3, -0.2), (0, -0.1), (0.3, -0.2), (0.4, -0.5))
MOUTH = ((-0.06, -0.05), (0, -0.07), (0.06, -0.05))
SMALL_TRIANGLE = ((-0.3, -0.22), (0.3, -0.22), (0, 0.3))

# what a board's number says of it, by its remainder
KINDS = 4
TRIANGULAR = 2
POSTER = 3


def painted(number: int) -> Canvas:
    """The picture on board `number`."""
    rng = np.random.default_rng((number, 41))
    ground_colour, ink_colour = rng.choice(len(COLOURS), 2, replace=False)
    ground = COLOURS[ground_colour]
    ink = COLOURS[ink_colour]
    canvas = Canvas(1, 1, TEXELS_A_METRE, ground, paint=0, gloss=0.15, origin=(-0.5, -0.5))

    kind = number % KINDS
    if kind == POSTER:
        _poster(canvas, rng, ink)
    elif kind == TRIANGULAR:
        canvas.poly(SMALL_TRIANGLE, ink)
        canvas.text(_slogan(rng), 0, -0.12, 0.09, ground)
    else:
        _shop_board(canvas, rng, ground, ink)
    return canvas


def outline(number: int) -> np.ndarray:
    """The shape of board `number`: (n, 2) within a unit square."""
    if number % KINDS == 0:
        return circle(0.5, 24)
    if number % (2 * KINDS) == TRIANGULAR:
        return rounded(TRIANGLE, 0.03)
    return SQUARE


def _slogan(rng):
    return str(rng.choice(SLOGANS))


def _shop_board(canvas, rng, ground, ink):
    """A slogan, underlined, with or without a ring around it."""
    if rng.random() < 0.6:
        inner_radius = 0.30
        canvas.circle(0, 0, 0.40, ink)
        if rng.random() < 0.5:
            inner_radius = 0.36
        canvas.circle(0, 0, inner_radius, ground)
    canvas.text(_slogan(rng), 0, 0.03, 0.17, ink)
    canvas.line([(-0.25, -0.14), (0.25, -0.14)], ink, 0.03)


def _poster(canvas, rng, ink):
    """Somebody's head and shoulders, and a slogan below."""
    skin = SKINS[rng.integers(3)]
    canvas.poly(SHOULDERS, ink)
    canvas.circle(0, 0.1, 0.24, HAIR)
    canvas.poly(arc(0, 0.05, (0.17, 0.22), np.linspace(0, 6.28, 24)), skin)
    for x in (-0.07, 0.07):
        canvas.circle(x, 0.1, 0.02, EYES)
    canvas.line(MOUTH, LIPS, 0.02)
    canvas.text(_slogan(rng), 0, -0.38, 0.12, POSTER_WHITE)
