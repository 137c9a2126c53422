"""How good detections are: VOC average precision by class and by the size of the objects.

The rule is that of trt_course.measure.voc: widths count one pixel more, the IoU must reach 0.5,
difficult boxes count neither way, and the area is taken under the monotone curve over all points.
This copy works on arrays and tells sizes apart; it is not a general mAP tool.
"""

from typing import Dict, List, NamedTuple, Sequence

import numpy as np

from .detect import Detected


class Found(NamedTuple):
    """The detections of one class over all images, most confident first."""

    image: np.ndarray  # (n,) index of the image
    score: np.ndarray  # (n,)
    boxes: np.ndarray  # (n, 4)


class Judged(NamedTuple):
    """How the detections of one class compare with the truth."""

    marks: np.ndarray  # (n,) 1 true, 0 false, nan neither
    total: int  # objects to find


class Heights(NamedTuple):
    """A range of object heights in pixels of the scene."""

    name: str
    least: float
    below: float

    def hold(self, height: np.ndarray) -> np.ndarray:
        """Whether each height lies in the range."""
        return (self.least <= height) & (height < self.below)


ALL_HEIGHTS = Heights("all", 0, 1e9)
SIZES = (
    Heights("under 24 px", 0, 24),
    Heights("24 to 48 px", 24, 48),
    Heights("48 to 96 px", 48, 96),
    Heights("96 px and over", 96, 1e9),
)


def average_precision(
    detections: Sequence[Detected],
    truths: Sequence[np.ndarray],
    classes: int,
    iou: float = 0.5,
    heights: Heights = ALL_HEIGHTS,
) -> List[float]:
    """The AP of each class, nan where there is no object; `truths` are rows (m, 6) of each image.

    With `heights`, objects of another height count as difficult, and unmatched detections of
    another height count neither way.
    """
    return [_class_ap(detections, truths, wanted, iou, heights) for wanted in range(classes)]


def _class_ap(
    detections: Sequence[Detected],
    truths: Sequence[np.ndarray],
    wanted: int,
    iou: float,
    heights: Heights,
) -> float:
    judged = judge_class(detections, truths, wanted, iou, heights)
    if judged.total == 0:
        return float("nan")
    return _area_under(judged)


def judge_class(
    detections: Sequence[Detected],
    truths: Sequence[np.ndarray],
    wanted: int,
    iou: float = 0.5,
    heights: Heights = ALL_HEIGHTS,
) -> Judged:
    """The marks of all detections of a class, and the number of objects to find."""
    found = _gather(detections, wanted)
    marks = np.zeros(len(found.score))
    total = 0
    for image, rows in enumerate(truths):
        # the objects of this class, and those that do not count
        rows = rows[rows[:, 4] == wanted]
        difficult = rows[:, 5] > 0
        skip = difficult | ~heights.hold(rows[:, 3] - rows[:, 1])
        total += int((~skip).sum())

        mine = np.flatnonzero(found.image == image)
        boxes = found.boxes[mine]
        marks[mine] = _judge(boxes, rows[:, :4], skip, iou, heights)
    return Judged(marks, total)


def _gather(detections: Sequence[Detected], wanted: int) -> Found:
    """All detections of a class, most confident first."""
    images = []
    scores = []
    boxes = []
    for index, found in enumerate(detections):
        mine = found.classes == wanted
        count = int(mine.sum())
        images.append(np.full(count, index))
        scores.append(found.scores[mine])
        boxes.append(found.boxes[mine])

    image = np.concatenate(images)
    score = np.concatenate(scores)
    corners = np.concatenate(boxes)
    order = np.argsort(-score, kind="stable")
    return Found(image[order], score[order], corners[order])


def _judge(
    boxes: np.ndarray, truth: np.ndarray, skip: np.ndarray, iou: float, heights: Heights
) -> np.ndarray:
    """The marks of one image's detections, which come most confident first."""
    marks = np.zeros(len(boxes))
    used = np.zeros(len(truth), bool)
    counted = heights.hold(boxes[:, 3] - boxes[:, 1])
    for i, overlap in enumerate(_voc_iou(boxes, truth)):
        best = -1
        if len(overlap) and overlap.max() >= iou:
            best = int(overlap.argmax())

        # matched: an object is found once, a difficult one counts neither way
        if best >= 0:
            marks[i] = not used[best]
            if skip[best]:
                marks[i] = np.nan
            used[best] = True

        # unmatched: false, unless it may have meant an object of another height
        elif not counted[i]:
            marks[i] = np.nan
    return marks


def _voc_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """IoU (n, m) of boxes (n, 4) and (m, 4), their last pixels included."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    both = (high - low + 1).clip(0).prod(-1)

    areas = _voc_area(a)[:, None] + _voc_area(b)[None]
    return both / (areas - both)


def _voc_area(boxes: np.ndarray) -> np.ndarray:
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    return sides.prod(-1)


def _area_under(judged: Judged) -> float:
    """The area under the monotone curve of precision over recall."""
    marks = judged.marks[~np.isnan(judged.marks)]
    right = np.cumsum(marks)
    asked = np.arange(1, len(marks) + 1)

    recall = np.concatenate([[0], right / judged.total, [1]])
    precision = np.concatenate([[0], right / asked, [0]])

    # the best precision at this recall or a higher one
    backwards = np.maximum.accumulate(precision[::-1])
    precision = backwards[::-1]

    steps = recall[1:] - recall[:-1]
    return float((steps * precision[1:]).sum())


def report(
    detections: Sequence[Detected], truths: Sequence[np.ndarray], labels: Sequence[str]
) -> Dict[str, object]:
    """AP by class, and by class and height, as a record for JSON."""
    ap = _table(detections, truths, labels)
    mean = 0.0
    if ap:
        values = list(ap.values())
        mean = round(float(np.mean(values)), 4)

    by_height = {}
    for heights in SIZES:
        by_height[heights.name] = _table(detections, truths, labels, heights=heights)
    return {
        "mAP": mean,
        "AP": ap,
        "images": len(truths),
        "by_height": by_height,
        "AP75": _table(detections, truths, labels, iou=0.75),
    }


def _table(
    detections: Sequence[Detected],
    truths: Sequence[np.ndarray],
    labels: Sequence[str],
    iou: float = 0.5,
    heights: Heights = ALL_HEIGHTS,
) -> Dict[str, float]:
    """The AP of each class that has objects, by its label."""
    values = average_precision(detections, truths, len(labels), iou, heights)
    return {name: round(ap, 4) for name, ap in zip(labels, values) if not np.isnan(ap)}
