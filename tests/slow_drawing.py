"""Drawing a pixel at a time: what a picture must look like with its boxes, for tests to compare.

It shares nothing with the package. It reads the rules again, slowly, for pictures so small that all
letters have the smallest size. OpenCV is only asked for the letters themselves.
"""

from typing import Dict, List, NamedTuple, Optional, Set, Tuple

import cv2
import numpy as np

GREY = (128, 128, 128)
SCALE = 0.35  # of letters in every small picture
LARGE = 20  # labels: a box that has room for so many may have one on it

Color = Tuple[int, int, int]  # blue, green, red
Pixel = Tuple[int, int]  # x, y
Corners = Tuple[int, int, int, int]  # left, top, right, bottom; the last ones belong to the box


def color_of(cls: int) -> Color:
    """A hue for each class, golden steps apart, of full brightness and 85 % saturation."""
    sextant = 6 * ((0.33 + 0.618034 * cls) % 1.0)
    channels = []
    for start in (1, 3, 5):  # blue, green, red
        place = (start + sextant) % 6
        faded = max(0.0, min(place, 4 - place, 1.0))
        channels.append(int(255 * (1 - 0.85 * faded)))
    blue, green, red = channels
    return blue, green, red


def ink_on(color: Color) -> Color:
    """Black on a bright colour, white on a dark one."""
    blue, green, red = color
    if 0.299 * red + 0.587 * green + 0.114 * blue > 130:
        return 0, 0, 0
    return 255, 255, 255


def in_pixels(box: List[float], width: int, height: int) -> Optional[Corners]:
    """The part of a box that the picture has; None where it has none."""
    left, top, right, bottom = box
    if left >= width or top >= height or right < 0 or bottom < 0:
        return None
    return (
        pixel_of(left, width),
        pixel_of(top, height),
        pixel_of(right, width),
        pixel_of(bottom, height),
    )


def pixel_of(side: float, size: int) -> int:
    """The nearest pixel of the picture; halves go to the even one."""
    return round(min(max(side, 0.0), size - 1.0))


def pixels_of(corners: Corners) -> Set[Pixel]:
    left, top, right, bottom = corners
    return {(x, y) for x in range(left, right + 1) for y in range(top, bottom + 1)}


def pixels_near(corners: Corners, reach: int) -> Set[Pixel]:
    """The pixels on the four sides of a box, and those so near to them."""
    left, top, right, bottom = corners
    sides = (
        (left, top, right, top),
        (left, bottom, right, bottom),
        (left, top, left, bottom),
        (right, top, right, bottom),
    )
    near: Set[Pixel] = set()
    for x1, y1, x2, y2 in sides:
        near |= pixels_of((x1 - reach, y1 - reach, x2 + reach, y2 + reach))
    return near


class Text(NamedTuple):
    """A label's words, the size of its plate, and where the letters stand in it."""

    words: str
    width: int
    height: int
    baseline: int

    def plate(self, color: Color) -> np.ndarray:
        """The plate with the words on it."""
        plate = np.full((self.height, self.width, 3), color, np.uint8)
        ink = ink_on(color)
        start = (2, self.baseline)
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(plate, self.words, start, font, SCALE, ink, 1, cv2.LINE_AA)
        return plate


def text_of(words: str) -> Text:
    """Two pixels are free beside the letters, one above and below them."""
    (width, above), below = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, SCALE, 1)
    return Text(words, width + 4, above + below + 2, above + 1)


class Row(NamedTuple):
    """A box to be drawn."""

    box: List[float]
    conf: float
    cls: int


class Slow:
    """A grey picture; for each pixel that drawing touches, the colours that it may have then."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.allowed: Dict[Pixel, Set[Color]] = {}

    def draw(self, rows: List[Row], names: Dict[int, str]) -> None:
        """Frames first, then labels."""
        inside = []
        for row in sorted(rows, key=lambda row: -row.conf):  # equal ones keep their order
            corners = in_pixels(row.box, self.width, self.height)
            if corners is not None:
                inside.append((corners, row))

        # The surest lies on top.
        for corners, row in reversed(inside):
            self._draw_frame(corners, color_of(row.cls))

        # And has the first choice.
        places = SlowPlaces(self.width, self.height, [corners for corners, _ in inside])
        for corners, row in inside:
            name = names.get(row.cls, f"class {row.cls}")
            text = text_of(f"{name} {row.conf:.2f}")
            where = places.take(text, corners)
            if where is not None:
                self._draw_plate(where, text.plate(color_of(row.cls)))

    def wrong_pixels(self, drawn: np.ndarray) -> List[Pixel]:
        """Where a picture has a colour that it must not have."""
        assert drawn.shape == (self.height, self.width, 3)
        changed = (drawn != GREY).any(axis=2)
        wrong = []
        for y, x in np.argwhere(changed).tolist():
            if (x, y) not in self.allowed:
                wrong.append((x, y))
        for (x, y), colors in self.allowed.items():
            if tuple(drawn[y, x].tolist()) not in colors:
                wrong.append((x, y))
        return wrong

    def _draw_frame(self, corners: Corners, color: Color) -> None:
        """A line of 1 pixel around a small box, of 3 around others, whose corners may be round."""
        left, top, right, bottom = corners
        reach = 0
        if min(right - left, bottom - top) >= 16:
            reach = 1

        for x, y in pixels_near(corners, reach):
            if not (0 <= x < self.width and 0 <= y < self.height):
                continue
            if left <= x <= right or top <= y <= bottom:
                self.allowed[x, y] = {color}
            else:
                self.allowed[x, y] = self.allowed.get((x, y), {GREY}) | {color}

    def _draw_plate(self, where: Pixel, plate: np.ndarray) -> None:
        left, top = where
        for y, row in enumerate(plate.tolist()):
            for x, color in enumerate(row):
                self.allowed[left + x, top + y] = {tuple(color)}


class SlowPlaces:
    """Which pixels labels must not hide, and which they hide only where nothing else is left."""

    def __init__(self, width: int, height: int, boxes: List[Corners]) -> None:
        self.width = width
        self.height = height
        self.taken: Set[Pixel] = set()
        self.large: Set[Pixel] = set()
        usual = text_of("vehicle 0.50")
        for corners in boxes:
            pixels = pixels_of(corners)
            if len(pixels) >= LARGE * usual.width * usual.height:
                self.large |= pixels
            else:
                self.taken |= pixels

    def take(self, text: Text, box: Corners) -> Optional[Pixel]:
        """The upper left corner of a label, whose pixels are then taken; None without a place."""
        if text.width > self.width:
            return None

        on_large = []
        for where in corners_of(text.width, text.height, box, self.width):
            plate = self._plate(text, where)
            if not self._is_inside(plate) or plate & self.taken:
                continue
            if not plate & self.large:
                self.taken |= plate
                return where
            on_large.append(where)

        if not on_large:
            return None
        self.taken |= self._plate(text, on_large[0])
        return on_large[0]

    def _plate(self, text: Text, where: Pixel) -> Set[Pixel]:
        left, top = where
        return pixels_of((left, top, left + text.width - 1, top + text.height - 1))

    def _is_inside(self, plate: Set[Pixel]) -> bool:
        return all(0 <= x < self.width and 0 <= y < self.height for x, y in plate)


def corners_of(width: int, height: int, box: Corners, picture_width: int) -> List[Pixel]:
    """Where a label's upper left corner may go: above and below the box, beside it, in it."""
    left, top, right, bottom = box
    flush_left = left
    if left + width > picture_width:
        flush_left = picture_width - width
    if flush_left < 0:
        flush_left = 0
    flush_right = right + 1 - width
    if flush_right < 0:
        flush_right = 0

    above = top - height
    below = bottom + 1
    foot = bottom + 1 - height
    return [
        (flush_left, above),
        (flush_left, below),
        (flush_right, above),
        (flush_right, below),
        (right + 1, top),
        (left - width, top),
        (right + 1, foot),
        (left - width, foot),
        (flush_left, top),
    ]
