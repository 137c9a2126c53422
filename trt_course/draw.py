"""Boxes on pictures. The only place where a box becomes integers.

BBoxVisualization keeps the name and the call of the original course.
"""

import colorsys

import cv2
import numpy as np

from .model.preprocess import as_bgr

_GOLDEN = 0.618034  # steps of the golden ratio keep neighbouring hues far apart
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def class_color(cls):
    """A bright BGR colour, always the same for a class id."""
    return tuple(
        int(part * 255)
        for part in colorsys.hsv_to_rgb((0.33 + cls * _GOLDEN) % 1.0, 0.85, 1.0)[::-1]
    )


def _ink(color):
    """Black or white, whichever reads better on the colour."""
    return (0, 0, 0) if np.dot(color, (0.114, 0.587, 0.299)) > 130 else (255, 255, 255)


class BBoxVisualization:
    """Draws labelled boxes; `cls_dict` maps class ids to names."""

    def __init__(self, cls_dict):
        self.cls_dict = cls_dict

    def draw_bboxes(self, img, boxes, confs, clss, in_place=False):
        """The picture with its boxes; a copy unless `in_place`.

        Where labels would cover each other, the surer box keeps its label and the other goes without.
        """
        canvas = as_bgr(img)
        if canvas is img and not in_place:
            canvas = img.copy()
        h, w = canvas.shape[:2]
        corners = (
            np.round(np.clip(np.reshape(boxes, (-1, 4)), 0, [w - 1, h - 1] * 2))
            .astype(int)
            .tolist()
        )
        colors = [class_color(int(cls)) for cls in clss]
        order, taken = np.argsort(confs, kind="stable"), []
        for i in order:
            x1, y1, x2, y2 = corners[i]
            cv2.rectangle(canvas, (x1, y1), (x2, y2), colors[i], max(1, round(min(w, h) / 300)))
        for i in order[::-1]:
            text = "{} {:.2f}".format(
                self.cls_dict.get(int(clss[i]), "class %d" % clss[i]), confs[i]
            )
            _put_label(canvas, text, corners[i], colors[i], taken)
        return canvas

    def annotate(self, scene, detections):
        return self.draw_bboxes(scene, *detections)


def _put_label(canvas, text, corners, color, taken):
    """A filled label above the box, else below, else inside; `taken` holds the places of the labels before it."""
    h, w = canvas.shape[:2]
    x1, top, _, bottom = corners
    scale = min(max(min(w, h) / 900, 0.4), 3.0)  # it grows with the picture
    thick = max(1, round(scale * 1.6))
    (text_w, text_h), base = cv2.getTextSize(text, _FONT, scale, thick)
    if text_w + 4 > w > 8:  # and fits into its width
        scale *= (w - 4) / text_w
        (text_w, text_h), base = cv2.getTextSize(text, _FONT, scale, thick)
    width, height = text_w + 4, text_h + base + 2
    x = max(0, min(x1, w - width))
    for y in (top - height, bottom + 1, top):
        inside = max(0, min(y, h - height))
        place = x, inside, x + width, inside + height
        if inside == max(y, 0) and not any(_overlap(place, other) for other in taken):
            break
    else:
        if taken:
            return
    taken.append(place)
    cv2.rectangle(canvas, place[:2], (place[2] - 1, place[3] - 1), color, cv2.FILLED)
    cv2.putText(
        canvas, text, (x + 2, place[1] + text_h + 1), _FONT, scale, _ink(color), thick, cv2.LINE_AA
    )


def _overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
