"""mAP as the original course prints it: VOC style, overlap 0.5, area under the monotone precision-recall curve.

Boxes count with +1 pixel, a ground-truth box is used once, difficult boxes count neither way. COCO's measure is
another module's.
"""
import math
import re
import shlex
from pathlib import Path
from typing import Dict, List, NamedTuple

import numpy as np

from ..errors import CourseError


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
        rows = ["{} AP  = {:.2f}%".format(name, 100 * c.ap) for name, c in sorted(self.classes.items())]
        return "\n".join(rows + ["mAP = {:.2f}%".format(100 * self.mean)])

    def as_dict(self):
        return {"mAP": self.mean, "classes": {
            name: {"AP": c.ap, "truths": c.truths, "hits": c.hits, "false_alarms": c.false_alarms}
            for name, c in self.classes.items()}}


_MARKED = re.compile(r"""['"\\]""")


def _rows(path, least, most, form, names):
    for number, line in enumerate(_lines(path), 1):
        try:
            row = _join_name(shlex.split(line) if _MARKED.search(line) else line.split(), names)
        except ValueError as err:
            raise CourseError("{}, line {}: {}: {}".format(path, number, err, line)) from None
        if row and not least <= len(row) <= most:
            raise CourseError("{}, line {}: {} fields in '{}'; wanted: {}. A class name with blanks is quoted, or "
                              "listed.".format(path, number, len(row), line, form))
        if row:
            yield number, row


def _join_name(row, names):
    """The row with its first fields as one, where they spell a known name with blanks."""
    for n in range(len(row), 1, -1) if names else ():
        if " ".join(row[:n]) in names:
            return [" ".join(row[:n])] + row[n:]
    return row


def _lines(path):
    try:
        return Path(str(path)).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise CourseError("{} is not a text file".format(path)) from None


def _numbers(path, number, fields):
    try:
        values = [float(f) for f in fields]
    except ValueError as err:
        raise CourseError("{}, line {}: {}".format(path, number, err)) from None
    if not all(map(math.isfinite, values)):
        raise CourseError("{}, line {}: a number is not finite".format(path, number))
    if values[-2] < values[-4] or values[-1] < values[-3]:
        raise CourseError("{}, line {}: the box ends before it begins: left {} top {} right {} bottom {}".format(
            path, number, *fields[-4:]))
    return values


def read_truth(path, names=()):
    """Lines `class left top right bottom [difficult]`; `names` with blanks need no quotes."""
    labels, boxes, difficult = [], [], []
    for number, row in _rows(path, 5, 6, "class left top right bottom [difficult]", names):
        if row[5:] not in ([], ["difficult"]):
            raise CourseError("{}, line {}: the last field is '{}'; allowed: difficult, or nothing".format(
                path, number, row[5]))
        labels.append(row[0])
        boxes.append(_numbers(path, number, row[1:5]))
        difficult.append(len(row) == 6)
    return Truth(labels, np.array(boxes, dtype=float).reshape(-1, 4), np.array(difficult, dtype=bool))


def read_found(path, names=()):
    """Lines `class confidence left top right bottom`; `names` with blanks need no quotes."""
    labels, values = [], []
    for number, row in _rows(path, 6, 6, "class confidence left top right bottom", names):
        labels.append(row[0])
        values.append(_numbers(path, number, row[1:]))
    values = np.array(values, dtype=float).reshape(-1, 5)
    return Found(labels, values[:, 0], values[:, 1:])


def read_folders(truth_dir, found_dir, names=()):
    """Both folders by image name, and the names of images that have no detection file (they count as empty)."""
    truths = {p.stem: read_truth(p, names) for p in _text_files(truth_dir)}
    paths = {p.stem: p for p in _text_files(found_dir)}
    strange = sorted(set(paths) - set(truths))
    if strange:
        raise CourseError("{} has no ground truth: {} holds no {}.txt".format(
            paths[strange[0]], truth_dir, strange[0]))
    missing = sorted(set(truths) - set(paths))
    nothing = Found([], np.zeros(0), np.zeros((0, 4)))
    return truths, {name: read_found(paths[name], names) if name in paths else nothing for name in truths}, missing


def _text_files(folder):
    paths = sorted(Path(str(folder)).glob("*.txt"))
    if not paths:
        raise CourseError("The folder {} holds no .txt files".format(folder))
    return paths


def overlap(boxes, others):
    """Intersection over union of each of (n, 4) boxes with each of (m, 4) others, sides counted with +1 pixel."""
    boxes, others = boxes[:, None], others[None]
    inter = (np.minimum(boxes[..., 2:], others[..., 2:]) - np.maximum(boxes[..., :2], others[..., :2]) + 1).clip(0)
    inter = inter[..., 0] * inter[..., 1]  # (n, m)
    sides, other_sides = boxes[..., 2:] - boxes[..., :2] + 1, others[..., 2:] - others[..., :2] + 1
    return inter / (sides[..., 0] * sides[..., 1] + other_sides[..., 0] * other_sides[..., 1] - inter)


def score(truths, founds, ignore=(), class_iou=None):
    """The Score of detections {image: Found} against ground truth {image: Truth}."""
    thresholds = class_iou or {}
    names = sorted({label for truth in truths.values() for label in truth.labels} - set(ignore))
    return Score({name: _score_class(name, truths, founds, thresholds.get(name, 0.5)) for name in names})


def _score_class(name, truths, founds, min_iou):
    total, confs, verdicts = 0, [], []
    for image in sorted(truths):
        truth, found = truths[image], founds[image]
        ours = [i for i, label in enumerate(truth.labels) if label == name]
        rows = [i for i, label in enumerate(found.labels) if label == name]
        total += int((~truth.difficult[ours]).sum())
        rows = [rows[i] for i in np.argsort(-found.confs[rows], kind="stable")]
        confs += found.confs[rows].tolist()
        verdicts += _judge(found.boxes[rows], truth.boxes[ours], truth.difficult[ours], min_iou)
    order = np.argsort(-np.array(confs), kind="stable")  # equal ones in the order of the files
    return _curve(np.array(verdicts, dtype=int)[order], total)


def _judge(boxes, truths, difficult, min_iou):
    """1 right, -1 wrong, 0 neither, for boxes of one image by confidence. Only the best overlap is looked at, and
    marked as used."""
    if not len(truths) or not len(boxes):
        return [-1] * len(boxes)
    overlaps = overlap(boxes, truths)  # (n, m)
    verdicts, used = [], set()
    for best, most in zip(overlaps.argmax(axis=1).tolist(), overlaps.max(axis=1).tolist()):
        right = most >= min_iou and best not in used
        verdicts.append(0 if most >= min_iou and difficult[best] else 1 if right else -1)
        if verdicts[-1] == 1:
            used.add(best)
    return verdicts


def _curve(verdicts, total):
    hits, alarms = np.cumsum(verdicts == 1), np.cumsum(verdicts == -1)
    recall = hits / max(total, 1)
    precision = hits / np.maximum(hits + alarms, 1)
    return ClassScore(area_under(recall, precision), recall, precision, total,
                      int(hits[-1]) if len(hits) else 0, int(alarms[-1]) if len(alarms) else 0)


def area_under(recall, precision):
    """The area under the curve after precision is made monotone from the right (VOC 2010 on)."""
    recall = np.concatenate([[0.0], recall, [1.0]])
    precision = np.concatenate([[0.0], precision, [0.0]])
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.flatnonzero(recall[1:] != recall[:-1])
    return float(((recall[steps + 1] - recall[steps]) * precision[steps + 1]).sum())


def above(founds, conf_th):
    """The detections from a confidence up."""
    return {name: Found([la for la, c in zip(f.labels, f.confs) if c >= conf_th], f.confs[f.confs >= conf_th],
                        f.boxes[f.confs >= conf_th]) for name, f in founds.items()}


def of_height(truths, founds, low, high):
    """Both with only the objects of low <= height < high pixels in play, as COCO does it for areas.

    Other truths become difficult; other detections are left out unless they hit an object in play.
    """
    kept_truths, kept_founds = {}, {}
    for image, truth in truths.items():
        height = truth.boxes[:, 3] - truth.boxes[:, 1]
        outside = (height < low) | (height >= high)
        kept_truths[image] = truth._replace(difficult=truth.difficult | outside)
        found = founds[image]
        height = found.boxes[:, 3] - found.boxes[:, 1]
        keep = (height >= low) & (height < high)
        for i in np.flatnonzero(~keep):
            same = np.array([label == found.labels[i] for label in truth.labels], dtype=bool) & ~outside
            keep[i] = same.any() and overlap(found.boxes[i:i + 1], truth.boxes[same]).max() >= 0.5
        kept_founds[image] = Found([la for la, k in zip(found.labels, keep) if k], found.confs[keep], found.boxes[keep])
    return kept_truths, kept_founds
