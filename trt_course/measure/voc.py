"""mAP as the original course prints it: VOC style, overlap 0.5, area under the monotone precision-recall curve.

Boxes count with +1 pixel, a ground-truth box is used once, difficult boxes count neither way. COCO's measure is
another module's.
"""

import math
import shlex
from pathlib import Path
from typing import Dict, List, NamedTuple

import numpy as np

from ..support.errors import CourseError


class Truth(NamedTuple):
    """The ground-truth boxes of one image."""

    labels: List[str]
    boxes: np.ndarray  # (n, 4)
    difficult: np.ndarray  # (n,) bool


class Found(NamedTuple):
    """The detections of one image."""

    labels: List[str]
    confs: np.ndarray  # (n,)
    boxes: np.ndarray  # (n, 4)


class ClassScore(NamedTuple):
    """One class: its AP, the curve's points, and the counts behind them."""

    ap: float
    recall: np.ndarray
    precision: np.ndarray
    truths: int
    hits: int
    false_alarms: int


class Score(NamedTuple):
    classes: Dict[str, ClassScore]

    @property
    def mean(self):
        return sum(c.ap for c in self.classes.values()) / len(self.classes) if self.classes else 0.0

    def report(self):
        rows = [f"{name} AP  = {100 * c.ap:.2f}%" for name, c in sorted(self.classes.items())]
        return "\n".join(rows + [f"mAP = {100 * self.mean:.2f}%"])

    def as_dict(self):
        return {
            "mAP": self.mean,
            "classes": {
                name: {
                    "AP": c.ap,
                    "truths": c.truths,
                    "hits": c.hits,
                    "false_alarms": c.false_alarms,
                }
                for name, c in self.classes.items()
            },
        }


def _read(path, form, names):
    """Labels, numbers (n, k) and marks (n,) of the lines that are not blank."""
    try:
        lines = Path(str(path)).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise CourseError(f"{path} is not a text file") from None
    labels, numbers, marks = [], [], []
    count = len(form.split()) - form.count("[")
    for number, line in enumerate(lines, 1):
        try:
            row = line.split() if set(line).isdisjoint("'\"\\") else shlex.split(line)
            if row:
                ends = range(len(row), 1, -1) if names else ()
                end = next((n for n in ends if " ".join(row[:n]) in names), 1)
                row[:end] = [
                    " ".join(row[:end])
                ]  # one field, where they spell a known name with blanks
                numbers.append(_numbers(row, count, form))
                labels.append(row[0])
                marks.append(len(row) > count)
        except ValueError as err:
            raise CourseError(f"{path}, line {number}: {err}: {line}") from None
    return (
        labels,
        np.array(numbers, dtype=float).reshape(-1, count - 1),
        np.array(marks, dtype=bool),
    )


def _numbers(row, count, form):
    if len(row) not in (count, len(form.split())):
        raise ValueError(
            f"{len(row)} fields; wanted: {form}. A class name with blanks is quoted, or listed"
        )
    if row[count:] not in ([], ["difficult"]):
        raise ValueError(f"the last field is '{row[-1]}'; allowed: difficult, or nothing")
    values = [float(field) for field in row[1:count]]
    if not all(map(math.isfinite, values)):
        raise ValueError("a number is not finite")
    if values[-2] < values[-4] or values[-1] < values[-3]:
        raise ValueError("the box ends before it begins, in left top right bottom")
    return values


def read_truth(path, names=()):
    """The Truth in lines `class left top right bottom [difficult]`; `names` with blanks need no quotes."""
    return Truth(*_read(path, "class left top right bottom [difficult]", names))


def read_found(path, names=()):
    """The Found in lines `class confidence left top right bottom`; `names` with blanks need no quotes."""
    labels, numbers, _ = _read(path, "class confidence left top right bottom", names)
    return Found(labels, numbers[:, 0], numbers[:, 1:])


def read_folders(truth_dir, found_dir, names=()):
    """Both folders by image name, and the names of images that have no detection file (they count as empty)."""
    truths = {path.stem: read_truth(path, names) for path in _text_files(truth_dir)}
    founds = {path.stem: read_found(path, names) for path in _text_files(found_dir)}
    for strange in sorted(set(founds) - set(truths)):
        raise CourseError(
            f"{found_dir}/{strange}.txt has no ground truth: {truth_dir} holds no {strange}.txt"
        )
    missing = sorted(set(truths) - set(founds))
    founds.update(dict.fromkeys(missing, Found([], np.zeros(0), np.zeros((0, 4)))))
    return truths, founds, missing


def _text_files(folder):
    paths = sorted(Path(str(folder)).glob("*.txt"))
    if not paths:
        raise CourseError(f"The folder {folder} holds no .txt files")
    return paths


def overlap(boxes, others):
    """Intersection over union of each of (n, 4) boxes with each of (m, 4) others, sides counted with +1 pixel."""
    boxes, others = boxes[:, None], others[None]
    sides = (
        np.minimum(boxes[..., 2:], others[..., 2:])
        - np.maximum(boxes[..., :2], others[..., :2])
        + 1
    )
    inter = sides.clip(0).prod(axis=-1)  # (n, m)
    area, other_area = ((b[..., 2:] - b[..., :2] + 1).prod(axis=-1) for b in (boxes, others))
    return inter / (area + other_area - inter)


def class_overlap(some, others):
    """The same (n, m) table for two Truths or Founds of an image, 0 where the classes differ."""
    same = np.array(some.labels, dtype=str)[:, None] == np.array(others.labels, dtype=str)
    return overlap(some.boxes, others.boxes) * same


def score(truths, founds, ignore=(), class_iou=None):
    """The Score of detections {image: Found} against ground truth {image: Truth}."""
    names = sorted({label for truth in truths.values() for label in truth.labels} - set(ignore))
    return Score(
        {
            name: _score_class(name, truths, founds, (class_iou or {}).get(name, 0.5))
            for name in names
        }
    )


def _score_class(name, truths, founds, min_iou):
    total, confs, verdicts = 0, [], []
    for image in sorted(truths):
        truth, found = truths[image], founds[image]
        ours = [i for i, label in enumerate(truth.labels) if label == name]
        rows = [i for i, label in enumerate(found.labels) if label == name]
        rows = [rows[i] for i in np.argsort(-found.confs[rows], kind="stable")]
        total += int((~truth.difficult[ours]).sum())
        confs += found.confs[rows].tolist()
        verdicts += _judge(found.boxes[rows], truth.boxes[ours], truth.difficult[ours], min_iou)
    order = np.argsort(-np.array(confs), kind="stable")  # equal ones in the order of the files
    verdicts = np.array(verdicts, dtype=int)[order]
    hits, alarms = np.cumsum(verdicts == 1), np.cumsum(verdicts == -1)
    recall, precision = hits / max(total, 1), hits / np.maximum(hits + alarms, 1)
    return ClassScore(
        area_under(recall, precision),
        recall,
        precision,
        total,
        int((verdicts == 1).sum()),
        int((verdicts == -1).sum()),
    )


def _judge(boxes, truths, difficult, min_iou):
    """1 right, -1 wrong, 0 neither, for boxes of one image by confidence. Only the best overlap is looked at."""
    if not len(truths):
        return [-1] * len(boxes)
    overlaps, verdicts, used = overlap(boxes, truths), [], set()  # (n, m)
    for best, most in zip(overlaps.argmax(axis=1).tolist(), overlaps.max(axis=1).tolist()):
        if most < min_iou or best in used:
            verdicts.append(-1)
        elif difficult[best]:
            verdicts.append(0)
        else:
            verdicts.append(1)
            used.add(best)
    return verdicts


def area_under(recall, precision):
    """The area under the curve after precision is made monotone from the right (VOC 2010 on)."""
    widths = np.diff(np.concatenate([[0.0], recall, [1.0]]))
    heights = np.maximum.accumulate(np.append(precision, 0.0)[::-1])[::-1]
    return float((widths * heights).sum())


def _keep(found, mask):
    return Found(
        [label for label, kept in zip(found.labels, mask) if kept],
        found.confs[mask],
        found.boxes[mask],
    )


def above(founds, conf_th):
    """The detections from a confidence up."""
    return {image: _keep(found, found.confs >= conf_th) for image, found in founds.items()}


def of_height(truths, founds, low, high):
    """Both with only the objects of low <= height < high pixels in play, as COCO does it for areas.

    Other truths become difficult; other detections are left out unless they hit an object in play.
    """

    def in_play(boxes):
        heights = boxes[:, 3] - boxes[:, 1]
        return (heights >= low) & (heights < high)

    kept_truths, kept_founds = {}, {}
    for image, truth in truths.items():
        found, played = founds[image], in_play(truth.boxes)
        hits = class_overlap(found, truth)[:, played] >= 0.5
        kept_truths[image] = truth._replace(difficult=truth.difficult | ~played)
        kept_founds[image] = _keep(found, in_play(found.boxes) | hits.any(axis=1))
    return kept_truths, kept_founds
