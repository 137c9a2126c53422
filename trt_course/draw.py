"""Boxes on pictures. The only place where a box becomes integers.

BBoxVisualization keeps the name and the call of the original course.
"""
import colorsys

import cv2
import numpy as np

from .preprocess import as_bgr

_GOLDEN = 0.618034  # steps of the golden ratio keep neighbouring hues far apart
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def class_color(cls):
    """A bright BGR colour, always the same for a class id."""
    red, green, blue = colorsys.hsv_to_rgb((0.33 + cls * _GOLDEN) % 1.0, 0.85, 1.0)
    return int(blue * 255), int(green * 255), int(red * 255)


def _ink(color):
    """Black or white, whichever reads better on the colour."""
    blue, green, red = color
    return (0, 0, 0) if 0.114 * blue + 0.587 * green + 0.299 * red > 130 else (255, 255, 255)


class BBoxVisualization:
    """Draws labelled boxes; `cls_dict` maps class ids to names."""

    def __init__(self, cls_dict):
        self.cls_dict = cls_dict

    def draw_bboxes(self, img, boxes, confs, clss, in_place=False):
        """The picture with its boxes; a copy unless `in_place`. The most confident box is drawn last, on top."""
        canvas = as_bgr(img)
        if canvas is img and not in_place:
            canvas = img.copy()
        for i in np.argsort(confs, kind="stable"):
            self._draw(canvas, boxes[i], float(confs[i]), int(clss[i]))
        return canvas

    def annotate(self, scene, detections):
        return self.draw_bboxes(scene, *detections)

    def _draw(self, canvas, box, conf, cls):
        h, w = canvas.shape[:2]
        x1, y1, x2, y2 = np.round(np.clip(box, 0, [w - 1, h - 1, w - 1, h - 1])).astype(int).tolist()
        color = class_color(cls)
        line = max(1, round(min(w, h) / 300))
        cv2.rectangle(canvas, (x1, y1), (x2, y2), color, line)
        text = "{} {:.2f}".format(self.cls_dict.get(cls, "class %d" % cls), conf)
        _put_label(canvas, text, x1, y1, y2, color)


def _put_label(canvas, text, x, top, bottom, color):
    """A filled label above the box, else below it, else inside; always wholly in the picture if it fits at all."""
    h, w = canvas.shape[:2]
    scale = min(max(min(w, h) / 900, 0.4), 3.0)
    thick = max(1, round(scale * 1.6))
    (text_w, text_h), base = cv2.getTextSize(text, _FONT, scale, thick)
    if text_w + 4 > w:
        scale *= (w - 4) / text_w if w > 8 else 1
        (text_w, text_h), base = cv2.getTextSize(text, _FONT, scale, thick)
    height = text_h + base + 2
    y = top - height if top >= height else bottom + 1 if bottom + 1 + height <= h else top
    x, y = max(0, min(x, w - text_w - 4)), max(0, min(y, h - height))
    cv2.rectangle(canvas, (x, y), (x + text_w + 3, y + height - 1), color, cv2.FILLED)
    cv2.putText(canvas, text, (x + 2, y + text_h + 1), _FONT, scale, _ink(color), thick, cv2.LINE_AA)
