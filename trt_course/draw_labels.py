"""Where labels go: beside their boxes, and where they hide nothing that was found.

It finds places and sizes; it draws nothing.
"""

from typing import List, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np

FONT = cv2.FONT_HERSHEY_SIMPLEX

_MARGIN_X = 2  # pixels on both sides of a label's text
_MARGIN_Y = 1  # and above and below it

# Letters of scale 1 are for a picture with sides of so many pixels; it writes smaller at small
# boxes, whose shorter side is less than so many lines of text, but never what cannot be read.
_PIXELS_A_SCALE = 1500
_SMALL_BOX = 3
_AT_A_SMALL_BOX = 0.7
_SMALLEST = 0.35

_LARGE_BOX = 20  # times a label's area: it may have labels on it, if they have no other place
_CELLS_ACROSS = 640  # the map of what is where has about so many columns

# What the map says of a cell.
_FREE = 0
_ON_A_LARGE_BOX = 1
_NO_PLACE = 2  # a small box, or a label


class Label(NamedTuple):
    """A text, how it is written, and the place of its plate in whole pixels."""

    text: str
    scale: float
    thickness: int
    start: Tuple[int, int]  # of the first letter, on the line that the letters stand on
    left_top: Tuple[int, int]
    right_bottom: Tuple[int, int]  # the last pixel of the plate


class LabelPlaces:
    """The map of a picture: where boxes are, and where labels have been put.

    `boxes` (n, 4) are whole pixels inside the picture. `place` is asked for one label after the
    other: the first has the choice.
    """

    def __init__(self, boxes: np.ndarray, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._scale = max((width + height) / 2 / _PIXELS_A_SCALE, _SMALLEST)
        self._common = _write("vehicle 0.50", self._scale)

        # A map in small keeps this cheap enough for every frame of a video.
        self._cell = max(1, round(width / _CELLS_ACROSS))
        columns = width // self._cell + 2
        rows = height // self._cell + 2
        self._map = np.full((rows, columns), _FREE, dtype=np.uint8)

        # Large boxes first: what is small and lies in front of them counts.
        large = _LARGE_BOX * self._common.width * self._common.height
        sides = boxes[:, 2:] - boxes[:, :2] + 1
        is_large = sides[:, 0] * sides[:, 1] >= large
        for chosen, kind in ((is_large, _ON_A_LARGE_BOX), (~is_large, _NO_PLACE)):
            for left, top, right, bottom in boxes[chosen].tolist():
                self._cells(left, top, right + 1, bottom + 1)[:] = kind

    def place(self, text: str, box: Sequence[int]) -> Optional[Label]:
        """The label of a box; None where it would hide a small box or another label.

        Places are tried in one fixed order, so that in a video a label stays where it is while its
        surroundings change little.
        """
        written = self._size(text, box)
        if written.scale < _SMALLEST:
            return None

        second_best = None
        for left, top in _corners(written, box, self.width):
            right = left + written.width
            bottom = top + written.height
            if left < 0 or top < 0 or right > self.width or bottom > self.height:
                continue

            cells = self._cells(left, top, right, bottom)
            kind = cells.max()
            if kind == _FREE:
                cells[:] = _NO_PLACE
                return written.at(left, top)
            if kind == _ON_A_LARGE_BOX and second_best is None:
                second_best = (left, top)

        if second_best is None:
            return None
        left, top = second_best
        self._cells(left, top, left + written.width, top + written.height)[:] = _NO_PLACE
        return written.at(left, top)

    def _cells(self, left: int, top: int, right: int, bottom: int) -> np.ndarray:
        """The part of the map under a rectangle, at least one cell; the last two are outside.

        All edges are rounded alike: rectangles that touch have no cell in common.
        """
        cell = self._cell
        half = cell // 2
        first_row = (top + half) // cell
        first_column = (left + half) // cell
        end_row = max((bottom + half) // cell, first_row + 1)
        end_column = max((right + half) // cell, first_column + 1)
        return self._map[first_row:end_row, first_column:end_column]

    def _size(self, text: str, box: Sequence[int]) -> "_Written":
        """A text as large as picture and box want it, and not wider than the picture."""
        left, top, right, bottom = box
        scale = self._scale
        if min(right - left, bottom - top) < _SMALL_BOX * self._common.height:
            scale = max(scale * _AT_A_SMALL_BOX, _SMALLEST)

        written = _write(text, scale)
        if written.width > self.width:
            return _write(text, scale * self.width / written.width)
        return written


class _Written(NamedTuple):
    """How a text is written, and the room that it takes in pixels, with its margins."""

    text: str
    scale: float
    thickness: int
    width: int
    height: int
    baseline: int  # of the letters, from the upper edge

    def at(self, left: int, top: int) -> Label:
        """The label with its left upper corner there."""
        return Label(
            text=self.text,
            scale=self.scale,
            thickness=self.thickness,
            start=(left + _MARGIN_X, top + self.baseline),
            left_top=(left, top),
            right_bottom=(left + self.width - 1, top + self.height - 1),
        )


def _write(text: str, scale: float) -> _Written:
    thickness = max(1, round(scale * 1.6))
    (width, above), below = cv2.getTextSize(text, FONT, scale, thickness)
    return _Written(
        text=text,
        scale=scale,
        thickness=thickness,
        width=width + 2 * _MARGIN_X,
        height=above + below + 2 * _MARGIN_Y,
        baseline=above + _MARGIN_Y,
    )


def _corners(written: _Written, box: Sequence[int], width: int) -> List[Tuple[int, int]]:
    """Left upper corners of a label: around its box, and last inside, the best first."""
    left, top, right, bottom = box
    above = top - written.height
    below = bottom + 1
    at_foot = below - written.height
    before = left - written.width
    behind = right + 1
    at_left = max(0, min(left, width - written.width))
    at_right = max(0, behind - written.width)
    return [
        (at_left, above),
        (at_left, below),
        (at_right, above),
        (at_right, below),
        (behind, top),
        (before, top),
        (behind, at_foot),
        (before, at_foot),
        (at_left, top),
    ]
