"""Traffic signs: plates of the three classes and others, painted once each; and boards that only look like signs.

Pictograms come from `pictograms`. A face is its own thing in a scene, so that its box is the face's, not the pole's.
"""

from functools import lru_cache

import numpy as np

from . import pictograms
from . import surface as sf
from .mesh import box, circle, merge, moved, plate, rod, turn_z
from .textures import Canvas

RED, BLUE, WHITE, BLACK, YELLOW = (
    (198, 18, 30),
    (12, 72, 168),
    (242, 242, 240),
    (18, 18, 20),
    (250, 205, 20),
)
FINE = 150
CLASSES = ("mandatory", "prohibitory", "warning")
COUNTS = {
    "mandatory": len(pictograms.MANDATORY),
    "prohibitory": len(pictograms.PROHIBITORY),
    "warning": len(pictograms.WARNING),
    "other": 10,
    "advert": 24,
}
TRIANGLE = np.array([(np.sin(a), np.cos(a)) for a in (0, 2 * np.pi / 3, 4 * np.pi / 3)]) / 1.732


def _rounded(outline, radius, steps=5):
    """A convex outline with its corners rounded."""
    out = []
    count = len(outline)
    for k in range(count):
        a, b, c = outline[k - 1], outline[k], outline[(k + 1) % count]
        p = b + (a - b) / np.linalg.norm(a - b) * radius
        q = b + (c - b) / np.linalg.norm(c - b) * radius
        t = np.linspace(0, 1, steps)[:, None]
        out.append((1 - t) ** 2 * p + 2 * t * (1 - t) * b + t**2 * q)
    return np.concatenate(out)


def _canvas(rgb):
    return Canvas(1, 1, FINE, rgb, 0, 0.10, (-0.5, -0.5))


def _mandatory(number):
    c = _canvas(BLUE)
    if number % 2 == 0:
        c.circle(0, 0, 0.5, WHITE, 0, 0.1)
        c.circle(0, 0, 0.478, BLUE, 0, 0.1)
    pictograms.MANDATORY[number](c, WHITE)
    return c


def _prohibitory(number):
    symbol = pictograms.PROHIBITORY[number]
    if symbol == "bar":
        c = _canvas(RED)
        c.rect(-0.38, -0.08, 0.38, 0.08, WHITE)
        return c
    c = _canvas(RED)
    c.circle(0, 0, 0.385, YELLOW if number % 7 == 6 else WHITE, 0, 0.1)
    if symbol is not None:
        symbol(c, BLACK)
    return c


def _warning(number):
    c = _canvas(RED)
    triangle = TRIANGLE - (0, TRIANGLE[:, 1].max() - 0.5 + 0.067)
    middle = triangle.mean(0)
    c.poly(
        _rounded((triangle - middle) * 0.70 + middle, 0.03),
        YELLOW if number % 6 == 4 else WHITE,
        0,
        0.1,
    )

    class Small:
        """The symbol at seven tenths of its size, in the middle of the triangle."""

        def __getattr__(self, name):
            return lambda *args, **more: _scaled(c, name, 0.74, middle + (0, -0.035), *args, **more)

    pictograms.WARNING[number](Small(), BLACK)
    return c


def _scaled(c, name, k, shift, *args, **more):
    """Call a Canvas method with its lengths scaled by k and its points shifted."""
    if name in ("poly", "line"):
        points = np.asarray(args[0], float) * k + shift
        rest = list(args[1:])
        if name == "line" and len(rest) > 1:
            rest[1] *= k
        return getattr(c, name)(points, *rest, **more)
    if name == "circle":
        return c.circle(
            args[0] * k + shift[0], args[1] * k + shift[1], args[2] * k, *args[3:], **more
        )
    if name == "rect":
        more["round_by"] = more.get("round_by", 0) * k
        x0, y0, x1, y1 = (a * k + s for a, s in zip(args[:4], (*shift, *shift)))
        return c.rect(x0, y0, x1, y1, *args[4:], **more)
    return c.text(
        args[0], args[1] * k + shift[0], args[2] * k + shift[1], args[3] * k, *args[4:], **more
    )


def _stop(c):
    c.poly(circle(0.51, 8, np.pi / 8) * 1.0, RED)
    c.text("STOP", 0, 0, 0.22, WHITE, bold=1.3)


def _give_way(c):
    c.rect(-0.5, -0.5, 0.5, 0.5, RED)
    triangle = -TRIANGLE
    c.poly(_rounded(triangle * 0.62, 0.03) + (0, 0.05), WHITE)


def _priority(c):
    c.rect(-0.5, -0.5, 0.5, 0.5, WHITE)
    c.poly(np.array([(0, 0.36), (0.36, 0), (0, -0.36), (-0.36, 0)]), YELLOW)


def _parking(c):
    c.rect(-0.5, -0.5, 0.5, 0.5, WHITE)
    c.rect(-0.48, -0.48, 0.48, 0.48, BLUE, round_by=0.05)
    c.text("P", 0, 0, 0.55, WHITE, bold=1.2)


def _crossing(c):
    c.rect(-0.5, -0.5, 0.5, 0.5, BLUE)
    c.poly([(-0.36, -0.36), (0.36, -0.36), (0, 0.38)], WHITE)
    pictograms.person(c, BLACK, 0, -0.1, 0.75)


def _one_way(c):
    c.rect(-0.5, -0.5, 0.5, 0.5, BLUE)
    c.poly(
        [
            (-0.35, -0.1),
            (0.08, -0.1),
            (0.08, -0.24),
            (0.38, 0),
            (0.08, 0.24),
            (0.08, 0.1),
            (-0.35, 0.1),
        ],
        WHITE,
    )


def _town(c):
    c.rect(-0.5, -0.5, 0.5, 0.5, (25, 25, 25))
    c.rect(-0.49, -0.47, 0.49, 0.47, YELLOW, round_by=0.04)
    c.text("LINDAU", 0, 0.14, 0.15, BLACK)
    c.text("KREIS SEE", 0, -0.2, 0.09, BLACK)


def _way(c):
    c.rect(-0.5, -0.5, 0.5, 0.5, WHITE)
    c.rect(-0.485, -0.47, 0.485, 0.47, (0, 100, 60), round_by=0.04)
    c.text("CENTRUM", 0, 0.18, 0.125, WHITE)
    c.text("PORT 4", 0, -0.17, 0.125, WHITE)


def _no_priority(c):
    c.rect(-0.5, -0.5, 0.5, 0.5, WHITE)
    c.rect(-0.48, -0.48, 0.48, 0.48, (190, 30, 30), round_by=0.04)
    for y in (-0.28, 0, 0.28):
        c.poly([(-0.45, y - 0.1), (-0.1, y - 0.1), (0.2, y + 0.1), (-0.15, y + 0.1)], WHITE)


def _bus_stop(c):
    c.rect(-0.5, -0.5, 0.5, 0.5, (0, 120, 60))
    c.circle(0, 0, 0.42, YELLOW)
    c.text("H", 0, 0, 0.42, (0, 120, 60), bold=1.3)


SQUARE = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
OTHERS = (
    (_stop, circle(0.5, 8, np.pi / 8), (0.8, 0.8)),
    (_give_way, _rounded(-TRIANGLE, 0.04) + 0.0, (0.85, 0.85)),
    (_priority, np.array([(0, 0.5), (0.5, 0), (0, -0.5), (-0.5, 0)]), (0.7, 0.7)),
    (_parking, SQUARE, (0.6, 0.6)),
    (_crossing, SQUARE, (0.6, 0.6)),
    (_one_way, SQUARE, (0.85, 0.45)),
    (_town, SQUARE, (1.4, 0.85)),
    (_way, SQUARE, (1.6, 0.7)),
    (_no_priority, SQUARE, (0.5, 0.7)),
    (_bus_stop, circle(0.5, 20), (0.5, 0.5)),
)

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


def _advert(number):
    """Shop boards: round ones, triangles and squares in colours near a sign's, and posters with faces."""
    rng = np.random.default_rng((number, 41))
    base = np.array(
        [
            (30, 60, 150),
            (200, 40, 40),
            (240, 240, 235),
            (240, 190, 40),
            (40, 110, 60),
            (90, 40, 100),
            (25, 25, 28),
            (230, 120, 40),
        ]
    )
    ground, ink = (tuple(int(v) for v in base[k]) for k in rng.choice(len(base), 2, replace=False))
    c = Canvas(1, 1, 90, ground, 0, 0.15, (-0.5, -0.5))
    kind = number % 4
    if kind == 3:
        _poster(c, rng, ink)
    elif kind == 2:
        c.poly(np.array([(-0.3, -0.22), (0.3, -0.22), (0, 0.3)]), ink)
        c.text(str(rng.choice(SLOGANS)), 0, -0.12, 0.09, ground)
    else:
        if rng.random() < 0.6:
            c.circle(0, 0, 0.40, ink)
            c.circle(0, 0, 0.36 if rng.random() < 0.5 else 0.30, ground)
        c.text(str(rng.choice(SLOGANS)), 0, 0.03, 0.17, ink)
        c.line([(-0.25, -0.14), (0.25, -0.14)], ink, 0.03)
    return c


def _poster(c, rng, ink):
    skin = [(225, 180, 150), (190, 140, 105), (120, 80, 60)][rng.integers(3)]
    c.poly([(-0.4, -0.5), (-0.3, -0.2), (0, -0.1), (0.3, -0.2), (0.4, -0.5)], ink)
    c.circle(0, 0.1, 0.24, (40, 28, 22))
    c.poly(
        np.stack(
            [
                0.17 * np.cos(np.linspace(0, 6.28, 24)),
                0.05 + 0.22 * np.sin(np.linspace(0, 6.28, 24)),
            ],
            1,
        ),
        skin,
    )
    for x in (-0.07, 0.07):
        c.circle(x, 0.1, 0.02, (30, 25, 25))
    c.line([(-0.06, -0.05), (0, -0.07), (0.06, -0.05)], (150, 50, 50), 0.02)
    c.text(str(rng.choice(SLOGANS)), 0, -0.38, 0.12, (250, 250, 250))


@lru_cache(maxsize=None)
def face(kind, number):
    """A sign's plate facing -y, one metre high (other kinds: their own size), and its size (width, height)."""
    if kind == "other":
        art, outline, size = OTHERS[number]
        canvas = _canvas(WHITE)
        canvas.squeeze = size[1] / size[0] if size[0] > size[1] else 1.0
        art(canvas)
    elif kind == "advert":
        canvas, size = _advert(number), (1, 1)
        outline = (
            circle(0.5, 24),
            SQUARE,
            _rounded(TRIANGLE, 0.03) if number % 8 == 2 else SQUARE,
            SQUARE,
        )[number % 4]
    else:
        canvas = {"mandatory": _mandatory, "prohibitory": _prohibitory, "warning": _warning}[kind](
            number
        )
        outline = _rounded(TRIANGLE, 0.05) if kind == "warning" else circle(0.5, 28)
        size = (1, 1)
    tex = canvas.store()
    span = outline.max(0) - outline.min(0)
    front = plate(outline, sf.PAINTED, tex=tex)
    uv = np.stack([0.5 + front.pos[..., 0], 0.5 - front.pos[..., 2]], -1)
    if kind == "warning":
        uv[..., 1] = 0.5 - (front.pos[..., 2] - (TRIANGLE[:, 1].max() - 0.5 + 0.067))
    front = front._replace(uv=uv.astype(np.float32))
    back = plate(outline, sf.METAL, (0.35, 0.36, 0.37), y=0.02)
    mesh = moved(merge([front, back]), scale=(size[0], 1, size[1]))
    return mesh, (span[0] * size[0], span[1] * size[1])


@lru_cache(maxsize=None)
def pole(height):
    return rod((0, 0.05, 0), (0, 0.05, height), 0.03, sf.METAL, (0.38, 0.39, 0.40), sides=8)


@lru_cache(maxsize=None)
def board_stand(kind):
    """What an advert stands in: 0 a pole, 1 a pavement stand, 2 a lit case."""
    if kind == 0:
        return rod((0, 0.06, 0), (0, 0.06, 3.0), 0.04, sf.METAL, (0.2, 0.2, 0.21))
    if kind == 1:
        return merge(
            [
                moved(
                    box((0, 0.08, 0.5), (0.66, 0.05, 1.02), sf.BARK, (0.12, 0.08, 0.05)), (0, 0, 0)
                ),
                box((0, 0.3, 0.4), (0.6, 0.04, 0.8), sf.BARK, (0.12, 0.08, 0.05), 0),
            ]
        )
    return merge(
        [
            box((0, 0.14, 1.35), (1.28, 0.22, 1.9), sf.METAL, (0.06, 0.065, 0.07)),
            box((0, 0.14, 0.2), (0.7, 0.16, 0.4), sf.METAL, (0.06, 0.065, 0.07)),
            moved(box((0, 0, 0), (0.01, 0.01, 0.01), sf.METAL), (0, 0.1, 0.3), turn_z(0)),
        ]
    )
