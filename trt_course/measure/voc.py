"""mAP as the original course prints it: VOC style, the area under the precision-recall curve.

One class is scored in three steps:

1. Match: in each image, every detection becomes a hit, a false alarm, or neither (`_judge`).
2. Curve: recall and precision are counted down the detections of all images, the surest first
   (`_curve`).
3. Area: the area under that curve is the class's AP (`area_under`). The mean of all is the mAP.

A hit needs an overlap of 0.5, with boxes measured with +1 pixel. It uses a ground-truth box up, and
difficult boxes count neither way. COCO's measure is another module's.
"""

from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple, Union

import numpy as np

from ..support.words import printable
from .boxes import Found, Founds, Truth, Truths, read_folders, read_found, read_truth

__all__ = [
    "ClassScore",
    "Found",
    "Score",
    "Truth",
    "above",
    "area_under",
    "class_overlap",
    "falling",
    "of_height",
    "overlap",
    "read_folders",
    "read_found",
    "read_truth",
    "score",
]

MIN_IOU = 0.5  # the least overlap of a hit

# What becomes of a detection.
HIT = 1
FALSE_ALARM = -1
NEITHER = 0  # it is on a difficult object


class ClassScore(NamedTuple):
    """One class: its AP, the points of its curve, and the counts behind them."""

    ap: float
    recall: np.ndarray  # (detections,)
    precision: np.ndarray  # (detections,)
    truths: int  # without the difficult ones
    hits: int
    false_alarms: int


class Score(NamedTuple):
    """What `score` gives: a ClassScore for each class of the ground truth."""

    classes: Dict[str, ClassScore]

    @property
    def mean(self) -> float:
        """The mAP, from 0 to 1."""
        if not self.classes:
            return 0.0
        return sum(found.ap for found in self.classes.values()) / len(self.classes)

    def report(self) -> str:
        """The AP of each class and the mAP in per cent, as text."""
        rows = []
        for name, found in sorted(self.classes.items()):
            rows.append(f"{printable(name)} AP  = {100 * found.ap:.2f}%")
        rows.append(f"mAP = {100 * self.mean:.2f}%")
        return "\n".join(rows)

    def as_dict(self) -> Dict[str, Any]:
        """The figures without the curves, for JSON."""
        classes = {}
        for name, found in self.classes.items():
            classes[name] = {
                "AP": found.ap,
                "truths": found.truths,
                "hits": found.hits,
                "false_alarms": found.false_alarms,
            }
        return {"mAP": self.mean, "classes": classes}


def score(
    truths: Truths,
    founds: Founds,
    ignore: Iterable[str] = (),
    class_iou: Optional[Dict[str, float]] = None,
) -> Score:
    """The Score of detections {image: Found} against ground truth {image: Truth}.

    Classes that stand in `ignore`, or only in the detections, are not scored. `class_iou` gives a
    class a least overlap of its own.

    Of two cars one is found, and after it comes a false alarm:

    >>> cars = np.array([[0.0, 0, 9, 9], [20, 0, 29, 9]])
    >>> truths = {"street": Truth(["car", "car"], cars, np.array([False, False]))}
    >>> seen = np.array([[0.0, 1, 9, 9], [50, 50, 59, 59]])
    >>> founds = {"street": Found(["car", "car"], np.array([0.9, 0.4]), seen)}
    >>> result = score(truths, founds)
    >>> result.classes["car"].recall.tolist(), result.classes["car"].precision.tolist()
    ([0.5, 0.5], [1.0, 0.5])
    >>> print(result.report())
    car AP  = 50.00%
    mAP = 50.00%
    """
    own_limits = class_iou or {}
    labels = {label for truth in truths.values() for label in truth.labels}
    classes = {}
    for name in sorted(labels - set(ignore)):
        min_iou = own_limits.get(name, MIN_IOU)
        classes[name] = _score_class(name, truths, founds, min_iou)
    return Score(classes)


def _score_class(name: str, truths: Truths, founds: Founds, min_iou: float) -> ClassScore:
    total = 0
    confs: List[float] = []
    verdicts: List[int] = []

    # Match: in each image, the detections of this class against its objects.
    for image in sorted(truths):
        truth = truths[image]
        found = founds[image]
        objects = _rows_of(truth.labels, name)
        rows = _rows_of(found.labels, name)
        rows = rows[np.argsort(-found.confs[rows], kind="stable")]

        difficult = truth.difficult[objects]
        total += int((~difficult).sum())
        confs += found.confs[rows].tolist()
        verdicts += _judge(found.boxes[rows], truth.boxes[objects], difficult, min_iou)

    # Curve: over all images, the surest first; equal ones in the order of the images.
    order = np.argsort(-np.array(confs), kind="stable")
    judged = np.array(verdicts, dtype=int)[order]  # (detections,)
    recall, precision = _curve(judged, total)

    # Area.
    return ClassScore(
        ap=area_under(recall, precision),
        recall=recall,
        precision=precision,
        truths=total,
        hits=int((judged == HIT).sum()),
        false_alarms=int((judged == FALSE_ALARM).sum()),
    )


def _rows_of(labels: List[str], name: str) -> np.ndarray:
    """Where a class stands in a list of labels."""
    return np.array([i for i, label in enumerate(labels) if label == name], dtype=int)


def _judge(
    boxes: np.ndarray, truths: np.ndarray, difficult: np.ndarray, min_iou: float
) -> List[int]:
    """What becomes of each box of one image and class; the boxes are in the order of confidence.

    Only the object that a box overlaps most is looked at: where that one is used up, the second
    best does not count instead.
    """
    if not len(truths):
        return [FALSE_ALARM for _ in boxes]

    overlaps = overlap(boxes, truths)  # (boxes, truths)
    nearest = overlaps.argmax(axis=1).tolist()
    largest = overlaps.max(axis=1).tolist()

    verdicts = []
    used = set()
    for best, iou in zip(nearest, largest):
        if iou < min_iou or best in used:
            verdicts.append(FALSE_ALARM)
        elif difficult[best]:
            verdicts.append(NEITHER)
        else:
            verdicts.append(HIT)
            used.add(best)
    return verdicts


def _curve(verdicts: np.ndarray, total: int) -> Tuple[np.ndarray, np.ndarray]:
    """Recall and precision after each detection, of which the surest comes first."""
    hits = np.cumsum(verdicts == HIT)  # (detections,)
    alarms = np.cumsum(verdicts == FALSE_ALARM)  # (detections,)
    recall = hits / max(total, 1)
    precision = hits / np.maximum(hits + alarms, 1)
    return recall, precision


def area_under(recall: np.ndarray, precision: np.ndarray) -> float:
    """The area under the curve after its precision is made to fall only (VOC 2010 on).

    >>> area_under(np.array([0.5, 0.5, 1.0]), np.array([1.0, 0.5, 0.6]))
    0.8
    """
    widths = np.diff(np.concatenate([[0.0], recall, [1.0]]))
    heights = falling(np.append(precision, 0.0))
    return float((widths * heights).sum())


def falling(precision: np.ndarray) -> np.ndarray:
    """A curve's precision made to fall only: at each point, the best that there is from it on.

    >>> falling(np.array([1.0, 0.5, 0.6]))
    array([1. , 0.6, 0.6])
    """
    return np.maximum.accumulate(precision[::-1])[::-1]


def overlap(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of (n, 4) boxes with (m, 4) others, sides counted with +1 pixel.

    A box that is not finite, or too large to have an area, overlaps nothing.

    >>> overlap(np.array([[0, 0, 9, 9]]), np.array([[0, 0, 9, 9], [0, 5, 9, 9], [20, 20, 29, 29]]))
    array([[1. , 0.5, 0. ]])
    """
    mine = boxes[:, None]  # (n, 1, 4)
    theirs = others[None]  # (1, m, 4)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        left_top = np.maximum(mine[..., :2], theirs[..., :2])
        right_bottom = np.minimum(mine[..., 2:], theirs[..., 2:])
        sides = right_bottom - left_top + 1  # (n, m, 2), not above 0 where they do not meet
        shared = sides.clip(0).prod(axis=-1)  # (n, m)
        shares = shared / (_areas(mine) + _areas(theirs) - shared)

    # NaN must not reach any limit it is compared with.
    return np.where(np.isfinite(shares), shares, 0.0)


def _areas(boxes: np.ndarray) -> np.ndarray:
    """The pixels of (..., 4) boxes, both corners counted in."""
    sides = boxes[..., 2:] - boxes[..., :2] + 1  # (..., 2)
    return sides.prod(axis=-1)


def class_overlap(some: Union[Truth, Found], others: Union[Truth, Found]) -> np.ndarray:
    """The same (n, m) table for two Truths or Founds of an image, 0 where the classes differ."""
    labels = np.array(some.labels, dtype=str)  # (n,)
    other_labels = np.array(others.labels, dtype=str)  # (m,)
    same = labels[:, None] == other_labels  # (n, m)
    return np.where(same, overlap(some.boxes, others.boxes), 0.0)


def above(founds: Founds, conf_th: float) -> Founds:
    """The detections from a confidence up."""
    return {image: found.keep(found.confs >= conf_th) for image, found in founds.items()}


def of_height(truths: Truths, founds: Founds, low: float, high: float) -> Tuple[Truths, Founds]:
    """Both with only the objects of low <= height < high pixels in play, as COCO does it for areas.

    Other truths become difficult; other detections are left out unless they hit an object in play.
    """
    kept_truths = {}
    kept_founds = {}
    for image, truth in truths.items():
        found = founds[image]
        played = _within(truth.boxes, low, high)
        kept_truths[image] = truth._replace(difficult=truth.difficult | ~played)

        hits = class_overlap(found, truth)[:, played] >= MIN_IOU  # (founds, truths in play)
        kept_founds[image] = found.keep(_within(found.boxes, low, high) | hits.any(axis=1))
    return kept_truths, kept_founds


def _within(boxes: np.ndarray, low: float, high: float) -> np.ndarray:
    """Which boxes are of low <= height < high pixels."""
    heights = boxes[:, 3] - boxes[:, 1]  # (n,)
    return (heights >= low) & (heights < high)
