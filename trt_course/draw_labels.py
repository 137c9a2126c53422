"""Where labels go: beside their boxes, where they hide nothing that was found.

This module finds places and sizes; it draws nothing.
"""

from typing import List, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np

FONT = cv2.FONT_HERSHEY_SIMPLEX

_MARGIN_X = 2  # pixels to the left and to the right of a label's text
_MARGIN_Y = 1  # pixels above and below it

# How large letters are
_PIXELS_A_SCALE = 1500  # a picture with sides of this length has letters of OpenCV's scale 1
_SMALL_BOX = 3  # lines of text: a box whose shorter side is less has smaller letters,
_AT_A_SMALL_BOX = 0.7  # by this factor
_SMALLEST = 0.35  # smaller letters cannot be read

_LARGE_BOX = 20  # label areas: labels may lie on such a box if there is no other place for them
_CELLS_ACROSS = 640  # about as many columns has the map

# What the map says about a cell
_FREE = 0
_ON_A_LARGE_BOX = 1
_TAKEN = 2  # by a small box or a label


class Label(NamedTuple):
    """A text, how it is written, and where its plate lies, in whole pixels."""

    text: str
    scale: float
    thickness: int
    start: Tuple[int, int]  # the left end of the baseline, on which the letters stand
    left_top: Tuple[int, int]
    right_bottom: Tuple[int, int]  # the last pixel of the plate


class LabelPlaces:
    """A map of a picture: where its boxes are, and where labels have been put.

    `boxes` (n, 4) are whole pixels inside the picture. Call `place` for one label after the other:
    the earlier ones can choose among more places.
    """

    def __init__(self, boxes: np.ndarray, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._scale = max((width + height) / 2 / _PIXELS_A_SCALE, _SMALLEST)
        self._common = _write("vehicle 0.50", self._scale)

        # A coarse map keeps this cheap enough for every frame of a video.
        self._cell = max(1, round(width / _CELLS_ACROSS))
        columns = width // self._cell + 2
        rows = height // self._cell + 2
        self._map = np.full((rows, columns), _FREE, dtype=np.uint8)

        # Large boxes first, so that small boxes in front of them are not overwritten.
        large = _LARGE_BOX * self._common.width * self._common.height
        sides = boxes[:, 2:] - boxes[:, :2] + 1
        is_large = sides[:, 0] * sides[:, 1] >= large
        for chosen, kind in ((is_large, _ON_A_LARGE_BOX), (~is_large, _TAKEN)):
            for left, top, right, bottom in boxes[chosen].tolist():
                self._cells(left, top, right + 1, bottom + 1)[:] = kind

    def place(self, text: str, box: Sequence[int]) -> Optional[Label]:
        """The label of a box; None if every place would hide a small box or another label.

        Places are tried in a fixed order, so that in a video labels do not jump about.
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
                cells[:] = _TAKEN
                return written.at(left, top)
            if kind == _ON_A_LARGE_BOX and second_best is None:
                second_best = (left, top)

        if second_best is None:
            return None
        left, top = second_best
        self._cells(left, top, left + written.width, top + written.height)[:] = _TAKEN
        return written.at(left, top)

    def _cells(self, left: int, top: int, right: int, bottom: int) -> np.ndarray:
        """The part of the map under a rectangle, at least one cell; right and bottom are exclusive.

        All edges are rounded alike, so that rectangles that touch have no cell in common.
        """
        cell = self._cell
        half = cell // 2
        first_row = (top + half) // cell
        first_column = (left + half) // cell
        end_row = max((bottom + half) // cell, first_row + 1)
        end_column = max((right + half) // cell, first_column + 1)
        return self._map[first_row:end_row, first_column:end_column]

    def _size(self, text: str, box: Sequence[int]) -> "_Written":
        """A text in a size that suits the picture and the box, not wider than the picture."""
        left, top, right, bottom = box
        scale = self._scale
        if min(right - left, bottom - top) < _SMALL_BOX * self._common.height:
            scale = max(scale * _AT_A_SMALL_BOX, _SMALLEST)

        written = _write(text, scale)
        if written.width > self.width:
            return _write(text, scale * self.width / written.width)
        return written


class _Written(NamedTuple):
    """How a text is written, and its size in pixels, with its margins."""

    text: str
    scale: float
    thickness: int
    width: int
    height: int
    baseline: int  # of the letters, from the upper edge

    def at(self, left: int, top: int) -> Label:
        """The label whose upper left corner is there."""
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
    """Where a label's upper left corner may go, best first: around its box, at last inside."""
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
