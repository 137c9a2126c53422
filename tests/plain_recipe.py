"""The recipe of a model's pictures in plain Python: slow, and independent of the kit's own.

Bilinear interpolation is OpenCV's INTER_LINEAR: the centres of pixels lie at halves.
"""

import math
from fractions import Fraction
from typing import NamedTuple, Tuple

import numpy as np
from hypothesis import assume

Box = Tuple[int, int, int, int]  # left, top, right, bottom


class Lies(NamedTuple):
    """What of a picture is used, and where in the network's input it goes, in whole pixels."""

    part: Box
    target: Box


def nearest(length):
    """The whole number next to a length. At half a pixel either is right: take another example."""
    assume(length % 1 != Fraction(1, 2))
    return max(1, math.floor(length + Fraction(1, 2)))


def lies(resize, network, picture):
    """Where a picture lies; `network` and `picture` are widths and heights."""
    width, height = picture
    in_width, in_height = network
    whole = (0, 0, width, height)
    everywhere = (0, 0, in_width, in_height)
    factors = [Fraction(in_width, width), Fraction(in_height, height)]

    if resize == "letterbox":
        new_width = nearest(width * min(factors))
        new_height = nearest(height * min(factors))
        return Lies(whole, middle(new_width, new_height, network))
    if resize == "crop":
        part_width = nearest(in_width / max(factors))
        part_height = nearest(in_height / max(factors))
        return Lies(middle(part_width, part_height, picture), everywhere)
    return Lies(whole, everywhere)


def middle(width, height, around):
    """A box of this size in the middle; an odd pixel is left over at the right and the bottom."""
    left = (around[0] - width) // 2
    top = (around[1] - height) // 2
    return (left, top, left + width, top + height)


def tensor(entry, picture):
    """What the recipe of an InputSpec makes of a BGR picture; nothing is rounded."""
    height, width = picture.shape[:2]
    where = lies(entry.resize, (entry.width, entry.height), (width, height))
    seen = resized(picture.tolist(), where)

    # The colours in the network's order, and the recipe for each
    out = np.zeros(entry.shape)
    for y in range(entry.height):
        for x in range(entry.width):
            for number in range(3):
                level = seen.get((x, y, in_bgr(entry, number)), border(entry, number))
                value = (level - entry.mean[number]) / entry.scale[number]
                if entry.layout == "nchw":
                    out[number, y, x] = value
                else:
                    out[y, x, number] = value
    return out


def in_bgr(entry, number):
    """Which of blue, green and red the network's colour of this number is."""
    if entry.color == "RGB":
        return 2 - number
    return number


def border(entry, number):
    """The level of a border: a byte."""
    return min(max(math.floor(entry.pad[number] + 0.5), 0), 255)


def resized(rows, where):
    """(x, y, colour) -> level, for the pixels of the target."""
    left, top, right, bottom = where.target
    across = steps(where.part[0], where.part[2], right - left)
    down = steps(where.part[1], where.part[3], bottom - top)

    seen = {}
    for y, (above, below, low) in enumerate(down, top):
        for x, (before, behind, far) in enumerate(across, left):
            for colour in range(3):
                upper = (1 - far) * rows[above][before][colour] + far * rows[above][behind][colour]
                lower = (1 - far) * rows[below][before][colour] + far * rows[below][behind][colour]
                seen[x, y, colour] = (1 - low) * upper + low * lower
    return seen


def steps(begin, end, count):
    """For each of `count` pixels, the two it lies between and its share of the second."""
    found = []
    for number in range(count):
        at = begin + (number + 0.5) * (end - begin) / count - 0.5
        first = math.floor(at)
        before = min(max(first, begin), end - 1)
        behind = min(max(first + 1, begin), end - 1)
        found.append((before, behind, at - first))
    return found


def nv12(picture):
    """A BGR picture as a GPU's video decoder gives it, by BT.601: bytes (height * 3 / 2, width, 1).

    Four pixels have one pair of colours, so their colour has to be the same.
    """
    height, width = picture.shape[:2]
    out = np.zeros((height * 3 // 2, width, 1), np.uint8)
    for y in range(height):
        for x in range(width):
            blue, green, red = picture[y, x].tolist()
            out[y, x] = round(16 + 0.2568 * red + 0.5041 * green + 0.0979 * blue)
            if y % 2 == 0 and x % 2 == 0:
                row = height + y // 2
                out[row, x] = round(128 - 0.1482 * red - 0.2910 * green + 0.4392 * blue)
                out[row, x + 1] = round(128 + 0.4392 * red - 0.3678 * green - 0.0714 * blue)
    return out
