"""A drawing put somewhere on a larger one: a canvas that scales and shifts whatever is drawn on it.

It holds no picture of its own; every call goes on to the canvas behind it.
"""

from typing import Sequence, Tuple, Union

import numpy as np

from .textures import Canvas

Points = Union[np.ndarray, Sequence]  # (n, 2)
Colour = Tuple[int, int, int]


class Placed:
    """The drawing methods of `Canvas` that symbols use, every length scaled and every point moved.

    It can stand on another `Placed`. Paint, gloss and glow are left at the canvas's defaults.
    """

    def __init__(
        self, canvas: Union[Canvas, "Placed"], x: float = 0.0, y: float = 0.0, size: float = 1.0
    ) -> None:
        self.canvas = canvas
        self.x = x
        self.y = y
        self.size = size

    def poly(self, points: Points, rgb: Colour) -> None:
        """A filled polygon."""
        self.canvas.poly(self._points(points), rgb)

    def line(self, points: Points, rgb: Colour, width: float) -> None:
        """An open line through the points."""
        self.canvas.line(self._points(points), rgb, width * self.size)

    def circle(self, x: float, y: float, radius: float, rgb: Colour) -> None:
        """A filled circle."""
        self.canvas.circle(*self._point(x, y), radius * self.size, rgb)

    def rect(
        self, x0: float, y0: float, x1: float, y1: float, rgb: Colour, round_by: float = 0.0
    ) -> None:
        """A filled rectangle, its corners rounded by a radius."""
        corners = (*self._point(x0, y0), *self._point(x1, y1))
        self.canvas.rect(*corners, rgb, round_by=round_by * self.size)

    def text(
        self, words: str, x: float, y: float, size: float, rgb: Colour, bold: float = 1
    ) -> None:
        """Words centred on a point, their capitals `size` high."""
        self.canvas.text(words, *self._point(x, y), size * self.size, rgb, bold=bold)

    def _point(self, x: float, y: float) -> Tuple[float, float]:
        return x * self.size + self.x, y * self.size + self.y

    def _points(self, points: Points) -> np.ndarray:
        return np.asarray(points, float) * self.size + (self.x, self.y)


Drawing = Union[Canvas, Placed]
