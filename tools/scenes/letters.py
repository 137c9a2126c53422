"""A stroke font of our own: painted words look the same whatever version of OpenCV draws them."""

from functools import lru_cache
from typing import List, Tuple

import numpy as np

from .mesh import chaikin

# strokes on a grid 4 wide and 6 high: points as two digits, strokes parted by commas
GLYPHS = {
    "A": "00 26 40,12 32",
    "B": "00 06 26 35 34 23 03,23 32 31 20 00",
    "C": "41 30 10 01 05 16 36 45",
    "D": "00 06 26 44 42 20 00",
    "E": "40 00 06 46,03 33",
    "F": "00 06 46,03 33",
    "G": "45 36 16 05 01 10 30 41 43 23",
    "H": "00 06,40 46,03 43",
    "I": "20 26",
    "J": "46 41 30 10 01",
    "K": "00 06,46 03 40",
    "L": "06 00 40",
    "M": "00 06 23 46 40",
    "N": "00 06 40 46",
    "O": "10 01 05 16 36 45 41 30 10",
    "P": "00 06 36 45 44 33 03",
    "Q": "10 01 05 16 36 45 41 30 10,22 40",
    "R": "00 06 36 45 44 33 03,23 40",
    "S": "01 10 30 41 42 33 13 04 05 16 36 45",
    "T": "20 26,06 46",
    "U": "06 01 10 30 41 46",
    "V": "06 20 46",
    "W": "06 10 23 30 46",
    "X": "00 46,06 40",
    "Y": "06 23 46,23 20",
    "Z": "06 46 00 40",
    "0": "10 01 05 16 36 45 41 30 10",
    "1": "05 26 20",
    "2": "05 16 36 45 44 00 40",
    "3": "05 16 36 45 44 33 13,33 42 41 30 10 01",
    "4": "30 36 02 42",
    "5": "46 06 04 34 43 41 30 10 01",
    "6": "45 36 16 05 01 10 30 41 42 33 13 02",
    "7": "06 46 10",
    "8": "13 04 05 16 36 45 44 33 13 02 01 10 30 41 42 33",
    "9": "01 10 30 41 45 36 16 05 04 13 33 44",
    ".": "20 21",
    "%": "00 46,05 16,30 41",
    "-": "13 33",
    "+": "03 43,21 25",
    " ": "",
}
ROUND = set("BCDGJOPQRSU0235689")
NARROW = {"I": 1.2, "1": 3.0, ".": 1.2, " ": 2.5}

WIDE = 4.0  # of a capital, in cells of the grid
TALL = 6
GAP = 1.7  # between two letters
CENTRE = (2, 3)  # of the grid


def strokes(words: str, x: float, y: float, size: float) -> List[np.ndarray]:
    """The polylines of `words` centred on (x, y), capitals `size` high."""
    unit = size / TALL
    letters = words.upper()
    widths = [NARROW.get(letter, WIDE) for letter in letters]

    gaps = len(letters) - 1
    line_width = sum(widths) + GAP * gaps
    pen = x - unit * line_width / 2
    lines = []
    for letter, width in zip(letters, widths):
        lines += [stroke * unit + (pen, y) for stroke in _glyph(letter)]
        pen += unit * (width + GAP)
    return lines


@lru_cache(maxsize=None)
def _glyph(letter: str) -> Tuple[np.ndarray, ...]:
    """A letter's strokes in cells of the grid: x from the letter's left edge, y from its middle."""
    left = 0.0
    if letter in NARROW:
        left = CENTRE[0] - NARROW[letter] / 2

    found = []
    for stroke in GLYPHS[letter].split(","):
        points = [[int(digit) for digit in point] for point in stroke.split()]
        if not points:
            continue
        line = np.array(points, float)
        if letter in ROUND:
            line = chaikin(line, 1)
        found.append(line - (left, CENTRE[1]))
    return tuple(found)
