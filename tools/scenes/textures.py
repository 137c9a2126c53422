"""Painted textures with mip levels in one growing store, and the noise that roughens every surface.

A texel has six bytes: red, green, blue (sRGB), paint (share of the object's own colour), gloss, glow.
"""

import cv2
import numpy as np

from .kernel import kernel
from .letters import strokes

CHANNELS = 6
LEVELS = 9


class Store:
    """All textures of this process, appended once and never changed: worker order cannot alter a picture."""

    def __init__(self):
        self.texels = np.zeros((1 << 20, CHANNELS), np.uint8)
        self.levels = np.zeros((64, LEVELS, 3), np.int64)
        self.metres = np.zeros(64)
        self.used = self.count = 0

    def add(self, image, metres_a_texel):
        """Put in an image (h, w, 6); returns its number."""
        if self.count == len(self.levels):
            self.levels = np.concatenate([self.levels, np.zeros_like(self.levels)])
            self.metres = np.concatenate([self.metres, np.zeros_like(self.metres)])
        for level in range(LEVELS):
            self._append(image, level)
            size = max(1, image.shape[1] // 2), max(1, image.shape[0] // 2)
            image = np.concatenate(
                [
                    cv2.resize(
                        np.ascontiguousarray(part), size, interpolation=cv2.INTER_AREA
                    ).reshape(size[1], size[0], 3)
                    for part in (image[..., :3], image[..., 3:])
                ],
                2,
            )
        self.metres[self.count] = metres_a_texel
        self.count += 1
        return self.count - 1

    def _append(self, image, level):
        height, width = image.shape[:2]
        while self.used + height * width > len(self.texels):
            self.texels = np.concatenate([self.texels, np.zeros_like(self.texels)])
        self.texels[self.used : self.used + height * width] = image.reshape(-1, CHANNELS)
        self.levels[self.count, level] = self.used, width, height
        self.used += height * width


STORE = Store()


class Canvas:
    """Draws in metres on two images side by side: colour, and (paint, gloss, glow)."""

    FINE = 2

    def __init__(
        self, width, height, per_metre, rgb=(255, 255, 255), paint=1.0, gloss=0.5, origin=(0.0, 0.0)
    ):
        self.per_metre = per_metre
        self.origin = np.asarray(origin, float)
        shape = (
            max(2, round(height * per_metre)) * self.FINE,
            max(2, round(width * per_metre)) * self.FINE,
            3,
        )
        self.height = height
        self.squeeze = 1.0  # words are drawn narrower by this, where a plate will be stretched
        self.colour = np.full(shape, rgb, np.uint8)
        self.kind = np.full(shape, (paint * 255, gloss * 255, 0), np.uint8)

    def _pixels(self, points):
        points = np.asarray(points, float).reshape(-1, 2) - self.origin
        points = np.stack([points[:, 0], self.height - points[:, 1]], 1)
        return np.round(points * self.per_metre * self.FINE * 16).astype(np.int32)

    def poly(self, points, rgb, paint=0.0, gloss=0.3, glow=0.0):
        points = self._pixels(points)
        cv2.fillPoly(self.colour, [points], tuple(float(c) for c in rgb), cv2.LINE_AA, 4)
        cv2.fillPoly(self.kind, [points], (paint * 255, gloss * 255, glow * 255), cv2.LINE_AA, 4)

    def rect(self, x0, y0, x1, y1, rgb, paint=0.0, gloss=0.3, glow=0.0, round_by=0.0):
        self.poly(rounded(x0, y0, x1, y1, round_by), rgb, paint, gloss, glow)

    def circle(self, x, y, radius, rgb, paint=0.0, gloss=0.3, glow=0.0):
        turn = np.linspace(0, 2 * np.pi, 32, endpoint=False)
        self.poly(
            np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], 1),
            rgb,
            paint,
            gloss,
            glow,
        )

    def line(self, points, rgb, width=0.01, paint=0.0, gloss=0.2, glow=0.0):
        thick = max(1, round(width * self.per_metre * self.FINE))
        points = self._pixels(points)
        cv2.polylines(
            self.colour, [points], False, tuple(float(c) for c in rgb), thick, cv2.LINE_AA, 4
        )
        cv2.polylines(
            self.kind,
            [points],
            False,
            (paint * 255, gloss * 255, glow * 255),
            thick,
            cv2.LINE_AA,
            4,
        )

    def text(self, words, x, y, size, rgb, paint=0.0, gloss=0.3, bold=1):
        """Words centred on (x, y), capitals `size` metres high."""
        for stroke in strokes(words, x, y, size):
            self.line(
                (stroke - (x, y)) * (self.squeeze, 1) + (x, y),
                rgb,
                size * 0.17 * bold,
                paint,
                gloss,
            )

    def image(self):
        height, width = self.colour.shape[0] // self.FINE, self.colour.shape[1] // self.FINE
        return np.concatenate(
            [
                cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
                for part in (self.colour, self.kind)
            ],
            2,
        )

    def store(self):
        return STORE.add(self.image(), 1.0 / self.per_metre)


def rounded(x0, y0, x1, y1, radius):
    """The outline of a rectangle with round corners."""
    radius = min(radius, (x1 - x0) / 2, (y1 - y0) / 2)
    if radius <= 0:
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    turn = np.linspace(0, np.pi / 2, 5)
    corners = (
        (x1 - radius, y1 - radius, 0),
        (x0 + radius, y1 - radius, 1),
        (x0 + radius, y0 + radius, 2),
        (x1 - radius, y0 + radius, 3),
    )
    return np.concatenate(
        [
            np.stack(
                [
                    cx + radius * np.cos(turn + q * np.pi / 2),
                    cy + radius * np.sin(turn + q * np.pi / 2),
                ],
                1,
            )
            for cx, cy, q in corners
        ]
    )


def make_noise(size=256, seed=7):
    """Tileable noise around 0, standard deviation about 1, all octaves from 2 to `size` cells."""
    rng = np.random.default_rng(seed)
    total = np.zeros((size, size), np.float32)
    cells = 4
    while cells <= size:
        grid = rng.standard_normal((cells, cells)).astype(np.float32)
        grid = np.pad(grid, ((0, 1), (0, 1)), mode="wrap")
        at = np.arange(size) * cells / size
        i = at.astype(int)
        f = (at - i).astype(np.float32)
        f = f * f * (3 - 2 * f)
        rows = grid[i] * (1 - f)[:, None] + grid[i + 1] * f[:, None]
        total += (rows[:, i] * (1 - f) + rows[:, i + 1] * f) * (4.0 / cells) ** 0.45
        cells *= 2
    return (total - total.mean()) / total.std()


NOISE = make_noise()


@kernel
def noise_at(noise, x, y):
    """Noise at (x, y), one tile of 256 x 256 points a unit, smooth between them."""
    x, y = x * 256.0, y * 256.0
    fx, fy = np.floor(x), np.floor(y)
    i, j = int(fx) & 255, int(fy) & 255
    p, q = (i + 1) & 255, (j + 1) & 255
    fx, fy = x - fx, y - fy
    return (noise[j, i] * (1 - fx) + noise[j, p] * fx) * (1 - fy) + (
        noise[q, i] * (1 - fx) + noise[q, p] * fx
    ) * fy


@kernel
def texel_at(texels, levels, tex, u, v, level):
    """All six channels of a texture, bilinear, at the mip level, in 0..1."""
    low = min(max(int(level), 0), 8)
    start, width, height = levels[tex, low, 0], levels[tex, low, 1], levels[tex, low, 2]
    x = min(max(u * width - 0.5, 0.0), width - 1.0)
    y = min(max(v * height - 0.5, 0.0), height - 1.0)
    i, j = int(x), int(y)
    fx, fy = x - i, (y - j)
    p, q = min(i + 1, width - 1), min(j + 1, height - 1)
    a, b = start + j * width + i, start + j * width + p
    c, d = start + q * width + i, start + q * width + p
    wa, wb, wc, wd = (
        (1 - fx) * (1 - fy) / 255,
        fx * (1 - fy) / 255,
        (1 - fx) * fy / 255,
        fx * fy / 255,
    )
    return (
        texels[a, 0] * wa + texels[b, 0] * wb + texels[c, 0] * wc + texels[d, 0] * wd,
        texels[a, 1] * wa + texels[b, 1] * wb + texels[c, 1] * wc + texels[d, 1] * wd,
        texels[a, 2] * wa + texels[b, 2] * wb + texels[c, 2] * wc + texels[d, 2] * wd,
        texels[a, 3] * wa + texels[b, 3] * wb + texels[c, 3] * wc + texels[d, 3] * wd,
        texels[a, 4] * wa + texels[b, 4] * wb + texels[c, 4] * wc + texels[d, 4] * wd,
        texels[a, 5] * wa + texels[b, 5] * wb + texels[c, 5] * wc + texels[d, 5] * wd,
    )
