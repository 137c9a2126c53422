"""Painted textures with mip levels in one growing store, and the canvas they are drawn on.

A texel has six bytes: red, green, blue (sRGB), paint (share of the object's own colour), gloss,
glow.
"""

from typing import Sequence, Tuple

import cv2
import numpy as np
from numpy.typing import ArrayLike

from .kernel import kernel
from .letters import strokes
from .noise import noise_at
from .vectors import bilinear

__all__ = ["STORE", "Canvas", "Store", "noise_at", "rounded", "texel_at"]

CHANNELS = 6
LEVELS = 9

Colour = Sequence[float]  # red, green, blue; 0..255
Points = ArrayLike  # (n, 2)


class Store:
    """All textures of this process, appended once and never changed.

    So the order in which workers draw cannot alter a picture.
    """

    def __init__(self) -> None:
        self.texels = np.zeros((1 << 20, CHANNELS), np.uint8)
        self.levels = np.zeros((64, LEVELS, 3), np.int64)  # first texel, width, height
        self.metres = np.zeros(64)  # of one texel

        # how much of those is in use
        self.used = 0
        self.count = 0

    def add(self, image: np.ndarray, metres_a_texel: float) -> int:
        """Put in an image (h, w, 6); returns its number."""
        number = self.count
        if number == len(self.levels):
            self.levels = _doubled(self.levels)
            self.metres = _doubled(self.metres)
        for level in range(LEVELS):
            self._append(image, level)
            image = _halved(image)
        self.metres[number] = metres_a_texel
        self.count += 1
        return number

    def _append(self, image: np.ndarray, level: int) -> None:
        """One level of the next texture."""
        height, width = image.shape[:2]
        end = self.used + height * width
        while end > len(self.texels):
            self.texels = _doubled(self.texels)
        self.texels[self.used : end] = image.reshape(-1, CHANNELS)
        self.levels[self.count, level] = (self.used, width, height)
        self.used = end


def _doubled(array: np.ndarray) -> np.ndarray:
    """The array with as many zeros behind it."""
    return np.concatenate([array, np.zeros_like(array)])


def _halved(image: np.ndarray) -> np.ndarray:
    """An image (h, w, 6) at half its size; OpenCV shrinks three channels at once."""
    height = max(1, image.shape[0] // 2)
    width = max(1, image.shape[1] // 2)
    halves = []
    for part in (image[..., :3], image[..., 3:]):
        part = np.ascontiguousarray(part)
        small = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
        halves.append(small.reshape(height, width, 3))
    return np.concatenate(halves, 2)


STORE = Store()


class Canvas:
    """Draws in metres on two images at once: colour, and (paint, gloss, glow).

    x goes to the right and y up from the canvas's lower left corner, which is `origin`. In every
    method, paint, gloss and glow are in 0..1.
    """

    FINE = 2  # drawn at this many times the size, then shrunk
    SUBPIXEL_BITS = 4

    def __init__(
        self,
        width: float,
        height: float,
        per_metre: float,
        rgb: Colour = (255, 255, 255),
        paint: float = 1.0,
        gloss: float = 0.5,
        origin: Sequence[float] = (0.0, 0.0),
    ) -> None:
        # where it is, and how fine
        self.per_metre = per_metre
        self.origin = np.asarray(origin, float)
        self.height = height
        self.squeeze = 1.0  # words are drawn narrower by this, where a plate will be stretched

        # the two images
        rows = max(2, round(height * per_metre)) * self.FINE
        columns = max(2, round(width * per_metre)) * self.FINE
        self.colour = np.full((rows, columns, 3), rgb, np.uint8)
        self.kind = np.full((rows, columns, 3), _bytes(paint, gloss, 0), np.uint8)

    def poly(
        self,
        points: Points,
        rgb: Colour,
        paint: float = 0.0,
        gloss: float = 0.3,
        glow: float = 0.0,
    ) -> None:
        """A filled outline."""
        outline = [self._pixels(points)]
        bits = self.SUBPIXEL_BITS
        cv2.fillPoly(self.colour, outline, _floats(rgb), cv2.LINE_AA, bits)
        cv2.fillPoly(self.kind, outline, _bytes(paint, gloss, glow), cv2.LINE_AA, bits)

    def rect(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        rgb: Colour,
        paint: float = 0.0,
        gloss: float = 0.3,
        glow: float = 0.0,
        round_by: float = 0.0,
    ) -> None:
        """A filled rectangle, its corners rounded by a radius."""
        self.poly(rounded(x0, y0, x1, y1, round_by), rgb, paint, gloss, glow)

    def circle(
        self,
        x: float,
        y: float,
        radius: float,
        rgb: Colour,
        paint: float = 0.0,
        gloss: float = 0.3,
        glow: float = 0.0,
    ) -> None:
        """A filled circle."""
        turn = np.linspace(0, 2 * np.pi, 32, endpoint=False)
        self.poly(_arc(x, y, radius, turn), rgb, paint, gloss, glow)

    def line(
        self,
        points: Points,
        rgb: Colour,
        width: float = 0.01,
        paint: float = 0.0,
        gloss: float = 0.2,
        glow: float = 0.0,
    ) -> None:
        """An open line of many points."""
        thick = max(1, round(width * self.per_metre * self.FINE))
        path = [self._pixels(points)]
        kind = _bytes(paint, gloss, glow)
        bits = self.SUBPIXEL_BITS
        cv2.polylines(self.colour, path, False, _floats(rgb), thick, cv2.LINE_AA, bits)
        cv2.polylines(self.kind, path, False, kind, thick, cv2.LINE_AA, bits)

    def text(
        self,
        words: str,
        x: float,
        y: float,
        size: float,
        rgb: Colour,
        paint: float = 0.0,
        gloss: float = 0.3,
        bold: float = 1,
    ) -> None:
        """Words centred on (x, y), capitals `size` metres high."""
        middle = (x, y)
        width = size * 0.17 * bold
        for stroke in strokes(words, x, y, size):
            squeezed = (stroke - middle) * (self.squeeze, 1) + middle
            self.line(squeezed, rgb, width, paint, gloss)

    def image(self) -> np.ndarray:
        """What was drawn, as a texture (h, w, 6)."""
        rows, columns = self.colour.shape[:2]
        size = (columns // self.FINE, rows // self.FINE)
        colour = cv2.resize(self.colour, size, interpolation=cv2.INTER_AREA)
        kind = cv2.resize(self.kind, size, interpolation=cv2.INTER_AREA)
        return np.concatenate([colour, kind], 2)

    def store(self) -> int:
        """Put the picture into the store; returns the texture's number."""
        return STORE.add(self.image(), 1.0 / self.per_metre)

    def _pixels(self, points: Points) -> np.ndarray:
        """Points in metres as OpenCV takes them, in fractions of a pixel from the upper left."""
        x, y = (np.asarray(points, float).reshape(-1, 2) - self.origin).T
        places = np.stack([x, self.height - y], 1)
        fractions = 1 << self.SUBPIXEL_BITS
        places = places * self.per_metre * self.FINE * fractions
        return np.round(places).astype(np.int32)


def _bytes(paint: float, gloss: float, glow: float) -> Tuple[float, float, float]:
    return paint * 255, gloss * 255, glow * 255


def _floats(rgb: Colour) -> Tuple[float, ...]:
    """A colour as OpenCV takes it: no integers of numpy's."""
    return tuple(float(value) for value in rgb)


def _arc(x: float, y: float, radius: float, turn: np.ndarray) -> np.ndarray:
    """The points (n, 2) of a circle at some angles from its rightmost point, leftwards."""
    aside = radius * np.cos(turn)
    up = radius * np.sin(turn)
    return np.stack([x + aside, y + up], 1)


def rounded(x0: float, y0: float, x1: float, y1: float, radius: float) -> np.ndarray:
    """The outline (n, 2) of a rectangle with round corners."""
    half_width = (x1 - x0) / 2
    half_height = (y1 - y0) / 2
    radius = min(radius, half_width, half_height)
    if radius <= 0:
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])

    # a quarter of a circle around each of four points, from the upper right one leftwards
    left = x0 + radius
    right = x1 - radius
    low = y0 + radius
    high = y1 - radius
    middles = ((right, high), (left, high), (left, low), (right, low))
    quarter = np.linspace(0, np.pi / 2, 5)
    arcs = []
    for number, (x, y) in enumerate(middles):
        turn = quarter + number * np.pi / 2
        arcs.append(_arc(x, y, radius, turn))
    return np.concatenate(arcs)


@kernel
def texel_at(
    texels: np.ndarray, levels: np.ndarray, tex: int, u: float, v: float, level: float
) -> Tuple[float, float, float, float, float, float]:
    """All six channels of a texture, bilinear, at the mip level, in 0..1."""
    low = min(max(int(level), 0), LEVELS - 1)
    start = levels[tex, low, 0]
    width = levels[tex, low, 1]
    height = levels[tex, low, 2]
    x = max(u * width - 0.5, 0.0)
    y = max(v * height - 0.5, 0.0)
    x = min(x, width - 1.0)
    y = min(y, height - 1.0)

    # the four texels around, the two of the row above first
    i = int(x)
    j = int(y)
    right = min(i + 1, width - 1)
    below = min(j + 1, height - 1)
    row = start + j * width
    next_row = start + below * width
    around = (row + i, row + right, next_row + i, next_row + right)
    weights = bilinear(x - i, y - j)
    return (
        _weighed(texels, around, weights, 0),
        _weighed(texels, around, weights, 1),
        _weighed(texels, around, weights, 2),
        _weighed(texels, around, weights, 3),
        _weighed(texels, around, weights, 4),
        _weighed(texels, around, weights, 5),
    )


@kernel
def _weighed(texels, around, weights, channel):
    """One channel of four texels, each by its weight."""
    a, b, c, d = around
    weight_a, weight_b, weight_c, weight_d = weights
    total = texels[a, channel] * (weight_a / 255)
    total += texels[b, channel] * (weight_b / 255)
    total += texels[c, channel] * (weight_c / 255)
    total += texels[d, channel] * (weight_d / 255)
    return total
