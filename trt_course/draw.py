"""Boxes on pictures. The only place where a box becomes integers.

BBoxVisualization keeps the name and the call of the original course.
"""

import colorsys
from typing import List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import cv2
import numpy as np

from .detections import Detections
from .model.preprocess import as_bgr

Color = Tuple[int, int, int]  # blue, green, red

_GOLDEN = 0.618034  # steps of the golden ratio keep neighbouring hues far apart
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_MARGIN_X = 2  # pixels on both sides of a label's text
_MARGIN_Y = 1  # and above and below it


def class_color(cls: int) -> Color:
    """A bright BGR colour, always the same for a class id."""
    hue = (0.33 + cls * _GOLDEN) % 1.0
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.85, 1.0)
    return (int(blue * 255), int(green * 255), int(red * 255))


class _Rectangle(NamedTuple):
    """Part of a picture in whole pixels."""

    left: int
    top: int
    right: int
    bottom: int

    def meets(self, other: "_Rectangle") -> bool:
        """Whether the two have a pixel in common, right and bottom not being part of them."""
        across = self.left < other.right and other.left < self.right
        down = self.top < other.bottom and other.top < self.bottom
        return across and down


class BBoxVisualization:
    """Draws labelled boxes; `cls_dict` maps class ids to names.

    >>> vis = BBoxVisualization({1: "car", 2: "person"})
    >>> picture = np.zeros((240, 320, 3), np.uint8)
    >>> drawn = vis.draw_bboxes(picture, boxes=[[40, 60, 140, 160]], confs=[0.9], clss=[1])
    >>> drawn.shape, bool(picture.any())  # a copy: the picture itself stays black
    ((240, 320, 3), False)
    >>> tuple(drawn[160, 90].tolist()) == class_color(1)  # the lower edge of the box
    True
    """

    def __init__(self, cls_dict: Mapping[int, str]) -> None:
        self.cls_dict = cls_dict

    def draw_bboxes(
        self,
        img: np.ndarray,
        boxes: Union[np.ndarray, Sequence],
        confs: Union[np.ndarray, Sequence],
        clss: Union[np.ndarray, Sequence],
        in_place: bool = False,
    ) -> np.ndarray:
        """The picture with its boxes; a copy unless `in_place`.

        Where labels would cover each other, the surer box keeps its label and the other has none.
        """
        canvas = as_bgr(img)
        if canvas is img and not in_place:
            canvas = img.copy()
        height, width = canvas.shape[:2]

        rectangles = _in_pixels(boxes, width, height)
        colors = [class_color(int(cls)) for cls in clss]
        surest_last = np.argsort(confs, kind="stable")

        # The surest box is drawn last: it lies on top.
        thickness = max(1, round(min(width, height) / 300))
        for i in surest_last:
            box = rectangles[i]
            cv2.rectangle(
                canvas, (box.left, box.top), (box.right, box.bottom), colors[i], thickness
            )

        # Its label is placed first: it has the choice.
        taken: List[_Rectangle] = []
        for i in surest_last[::-1]:
            text = f"{self._name(int(clss[i]))} {confs[i]:.2f}"
            _put_label(canvas, text, rectangles[i], colors[i], taken)
        return canvas

    def annotate(self, scene: np.ndarray, detections: Detections) -> np.ndarray:
        """A copy of the picture with these Detections, called as supervision's annotators are."""
        boxes, confs, clss = detections
        return self.draw_bboxes(scene, boxes, confs, clss)

    def _name(self, cls: int) -> str:
        return self.cls_dict.get(cls, f"class {cls}")


def _in_pixels(boxes: Union[np.ndarray, Sequence], width: int, height: int) -> List[_Rectangle]:
    """Boxes clipped to the picture and rounded to its pixels."""
    last_pixel = [width - 1, height - 1, width - 1, height - 1]
    clipped = np.clip(np.reshape(boxes, (-1, 4)), 0, last_pixel)  # (n, 4)
    whole = np.round(clipped).astype(int)
    return [_Rectangle(*corners) for corners in whole.tolist()]


def _put_label(
    canvas: np.ndarray, text: str, box: _Rectangle, color: Color, taken: List[_Rectangle]
) -> None:
    """Draw a filled label at a box, and add its place to those that are taken."""
    written = _fit_text(canvas, text)
    place = _find_place(canvas, written, box, taken)
    if place is None:
        return
    taken.append(place)

    cv2.rectangle(
        canvas,
        (place.left, place.top),
        (place.right - 1, place.bottom - 1),
        color,
        cv2.FILLED,
    )
    cv2.putText(
        canvas,
        text,
        (place.left + _MARGIN_X, place.top + _MARGIN_Y + written.above),
        _FONT,
        written.scale,
        _ink(color),
        written.thickness,
        cv2.LINE_AA,
    )


class _Text(NamedTuple):
    """How a text is written, and the room that it takes in pixels."""

    scale: float
    thickness: int
    width: int
    above: int  # of the line that its letters stand on
    below: int


def _fit_text(canvas: np.ndarray, text: str) -> _Text:
    """A text that grows with the picture, and is never wider."""
    height, width = canvas.shape[:2]
    scale = min(max(min(width, height) / 900, 0.4), 3.0)
    thickness = max(1, round(scale * 1.6))
    written = _measure(text, scale, thickness)

    room = width - 2 * _MARGIN_X
    if written.width > room > 2 * _MARGIN_X:
        shrink = room / written.width
        return _measure(text, scale * shrink, thickness)
    return written


def _measure(text: str, scale: float, thickness: int) -> _Text:
    (width, above), below = cv2.getTextSize(text, _FONT, scale, thickness)
    return _Text(scale, thickness, width, above, below)


def _find_place(
    canvas: np.ndarray, written: _Text, box: _Rectangle, taken: List[_Rectangle]
) -> Optional[_Rectangle]:
    """Above the box, else below it, else inside; None where other labels leave no room."""
    canvas_height, canvas_width = canvas.shape[:2]
    width = written.width + 2 * _MARGIN_X
    height = written.above + written.below + 2 * _MARGIN_Y
    left = max(0, min(box.left, canvas_width - width))

    for wanted_top in (box.top - height, box.bottom + 1, box.top):
        top = max(0, min(wanted_top, canvas_height - height))
        place = _Rectangle(left, top, left + width, top + height)

        # At the picture's upper edge a label may be moved down, over its box; at the lower not up.
        fits = top == max(wanted_top, 0)
        if fits and not any(place.meets(other) for other in taken):
            return place

    # The surest box has a label in any case.
    if taken:
        return None
    return place


def _ink(color: Color) -> Color:
    """Black or white, whichever reads better on the colour."""
    brightness = np.dot(color, (0.114, 0.587, 0.299))
    if brightness > 130:
        return (0, 0, 0)
    return (255, 255, 255)
