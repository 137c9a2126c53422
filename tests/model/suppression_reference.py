"""Non-maximum suppression as the textbook has it: box by box, in plain Python."""

from typing import Tuple

Box = Tuple[float, float, float, float]  # x1 y1 x2 y2


def surest(rows, most):
    """The rows of the highest confidences, at most so many; equal ones in their order."""
    return sorted(rows, key=lambda row: -row.conf)[:most]


def suppressed(rows, iou_threshold):
    """The rows that remain, of rows that have a `box` and come surest first."""
    boxes = [row.box for row in rows]
    return [rows[place] for place in textbook(boxes, iou_threshold)]


def textbook(boxes, iou_threshold):
    """The positions that greedy suppression keeps, box by box."""
    keep = []
    alive = list(range(len(boxes)))
    while alive:
        first = alive.pop(0)
        keep.append(first)
        alive = [i for i in alive if iou(boxes[first], boxes[i]) <= iou_threshold]
    return keep


def iou(box, other):
    """Intersection over union of two boxes."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    shared = max(width, 0) * max(height, 0)
    union = area(box) + area(other) - shared
    if union == 0:
        return 0
    return shared / union


def area(box):
    """Of a box, in its unit squared."""
    x1, y1, x2, y2 = box
    return (x2 - x1) * (y2 - y1)
