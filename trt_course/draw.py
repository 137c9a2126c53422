"""Boxes on pictures. The only place where a box becomes integers.

BBoxVisualization keeps the name and the call of the original course.
"""

import colorsys
import functools
from typing import List, Mapping, Sequence, Tuple, Union

import cv2
import numpy as np

from .detections import Detections
from .draw_labels import FONT, Label, LabelPlaces
from .model.preprocess import as_bgr
from .support.errors import CourseError
from .support.words import printable

Color = Tuple[int, int, int]  # blue, green, red

_GOLDEN = 0.618034  # steps of the golden ratio keep neighbouring hues far apart
_PIXELS_A_LINE = 350  # a picture with sides of so many pixels has lines of 1 pixel, but:
_THINNEST = 2  # only small boxes have thinner lines
_SIDE_A_LINE = 16  # a box whose shorter side is less has a line of 1 pixel; up to twice that, of 2
_LONGEST_NAME = 30  # characters of a class name that are shown


def class_color(cls: int) -> Color:
    """A bright BGR colour, always the same for a class id."""
    hue = (0.33 + cls * _GOLDEN) % 1.0
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.85, 1.0)
    return (int(blue * 255), int(green * 255), int(red * 255))


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

        Labels go where they hide no other box and no other label; surer boxes choose first. A box
        without such a place gets no label and is known by its colour alone.
        """
        canvas = as_bgr(img)
        if canvas is img and not in_place:
            canvas = img.copy()
        if not len(boxes):
            return canvas

        height, width = canvas.shape[:2]
        _require_fit(boxes, confs, clss)
        corners, order = _in_pixels(boxes, confs, width, height)
        numbers = np.asarray(clss)[order].tolist()
        sure = np.asarray(confs)[order].tolist()
        colors = [class_color(int(cls)) for cls in numbers]

        # The surest box is drawn last, so that it lies on top.
        _draw_boxes(canvas, corners.tolist()[::-1], colors[::-1])

        # Its label is placed first, so that it can choose.
        places = LabelPlaces(corners, width, height)
        for box, cls, conf, color in zip(corners.tolist(), numbers, sure, colors):
            label = places.place(f"{self._name(cls)} {conf:.2f}", box)
            if label is not None:
                _draw_label(canvas, label, color)
        return canvas

    def annotate(self, scene: np.ndarray, detections: Detections) -> np.ndarray:
        """A copy of the picture with these Detections, called as supervision's annotators are."""
        boxes, confs, clss = detections
        return self.draw_bboxes(scene, boxes, confs, clss)

    def _name(self, cls: int) -> str:
        number = f"class {cls}"
        return _shown_name(str(self.cls_dict.get(cls, number)), number)


@functools.lru_cache(maxsize=1000)
def _shown_name(name: str, number: str) -> str:
    """A class name on one line, shortened if long; its number if OpenCV lacks letters for it."""
    name = printable(name)
    if not _can_write(name):
        name = number
    if len(name) > _LONGEST_NAME:
        name = name[: _LONGEST_NAME - 3] + "..."
    return name


def _can_write(name: str) -> bool:
    """Whether OpenCV has the letters: OpenCV 4 knows only ASCII and writes ? for all others."""
    if hasattr(cv2, "FontFace"):
        return True
    return all(character < "\x7f" for character in name)


def _require_fit(
    boxes: Union[np.ndarray, Sequence],
    confs: Union[np.ndarray, Sequence],
    clss: Union[np.ndarray, Sequence],
) -> None:
    """Refuse boxes that are not four numbers each, with a confidence and a class."""
    shape = np.shape(boxes)
    number = np.size(boxes) // 4
    if shape[-1] != 4 or not number == len(confs) == len(clss):
        raise CourseError(
            f"draw_bboxes: boxes of shape {shape}, confidences of {np.shape(confs)} and classes "
            f"of {np.shape(clss)}; wanted: (n, 4), (n,) and (n,)."
        )


def _in_pixels(
    boxes: Union[np.ndarray, Sequence],
    confs: Union[np.ndarray, Sequence],
    width: int,
    height: int,
) -> Tuple[np.ndarray, np.ndarray]:
    """Boxes clipped to the picture and rounded to its pixels, and their indices in `boxes`.

    The surest come first; those that lie outside the picture are left out.
    """
    corners = np.reshape(np.asarray(boxes, dtype=float), (-1, 4))  # (n, 4)
    if not np.isfinite(corners).all():
        raise CourseError("draw_bboxes: a box is not finite; wanted: x1, y1, x2, y2 in pixels.")

    left, top, right, bottom = corners.T
    inside = (left < width) & (top < height) & (right >= 0) & (bottom >= 0)
    order = np.argsort(-np.asarray(confs, dtype=float), kind="stable")
    order = order[inside[order]]

    last_pixel = [width - 1, height - 1, width - 1, height - 1]
    whole = np.round(np.clip(corners[order], 0, last_pixel)).astype(int)
    return whole, order


def _draw_boxes(canvas: np.ndarray, boxes: List[List[int]], colors: Sequence[Color]) -> None:
    """Draw outlines whose lines grow with the picture but do not fill small boxes."""
    height, width = canvas.shape[:2]
    wanted = max(round((width + height) / 2 / _PIXELS_A_LINE), _THINNEST)
    for (left, top, right, bottom), color in zip(boxes, colors):
        shorter = min(right - left, bottom - top)
        line = min(wanted, 1 + max(shorter, 0) // _SIDE_A_LINE)
        cv2.rectangle(canvas, (left, top), (right, bottom), color, line)


def _draw_label(canvas: np.ndarray, label: Label, color: Color) -> None:
    """Draw a filled plate with the text on it."""
    cv2.rectangle(canvas, label.left_top, label.right_bottom, color, cv2.FILLED)
    cv2.putText(
        canvas,
        label.text,
        label.start,
        FONT,
        label.scale,
        _ink(color),
        label.thickness,
        cv2.LINE_AA,
    )


def _ink(color: Color) -> Color:
    """Black or white, whichever reads better on the colour."""
    brightness = np.dot(color, (0.114, 0.587, 0.299))
    if brightness > 130:
        return (0, 0, 0)
    return (255, 255, 255)
