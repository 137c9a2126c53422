"""Detections of a network on held images, and their VOC average precision, per class and by object size.

The rule is the course's (trt_course.measure.voc): +1 pixel widths, IoU 0.5, difficult boxes count neither way, area
under the monotone curve over all points. This copy works on arrays and adds the sizes; it is not a general mAP tool.
"""

from typing import NamedTuple

import numpy as np
import torch

from .augment import plain
from .feed import to_targets
from .losses import pairwise_iou
from .priors import decode

SIZES = (
    ("under 24 px", 0, 24),
    ("24 to 48 px", 24, 48),
    ("48 to 96 px", 48, 96),
    ("96 px and over", 96, 1e9),
)


class Found(NamedTuple):
    """Detections of one class over all images, and its ground truth by image."""

    image: np.ndarray  # (n,)
    score: np.ndarray  # (n,)
    boxes: np.ndarray  # (n, 4)


@torch.no_grad()
def detect(model, recipe, priors, images, batch=16, **nms):
    """List of (boxes (n, 4) in scene pixels, scores (n,), classes (n,)) an image."""
    device = priors.device
    results = []
    height, width = images[0].shape[:2]
    factor = np.array([width / recipe.size[0], height / recipe.size[1]] * 2, np.float32)
    for start in range(0, len(images), batch):
        part = torch.from_numpy(np.stack(images[start : start + batch])).to(device)
        tensor, _ = plain(recipe, part, to_targets(torch.zeros(len(part), 1, 6, device=device)))
        logits, offsets = model(tensor)
        found = suppress(
            decode(offsets.float(), priors), logits.float().softmax(-1), recipe.size, **nms
        )
        results += [(b * factor, s, c) for b, s, c in found]
    return results


def suppress(boxes, scores, size, confidence=0.01, iou=0.45, most=100):
    """Greedy suppression per class for a whole batch at once: (b, p, 4), (b, p,
    c + 1) -> list of arrays an image.
    """
    count = min(2 * most, boxes.shape[1])
    top, index = scores[..., 1:].transpose(1, 2).topk(count)  # (b, c, k)
    chosen = (
        boxes[:, None]
        .expand(-1, top.shape[1], -1, -1)
        .gather(2, index[..., None].expand(-1, -1, -1, 4))
    )
    limit = boxes.new_tensor(size * 2)
    chosen = torch.minimum(chosen.clamp(min=0), limit)
    overlap = pairwise_iou(chosen, chosen) > iou
    keep = top > confidence
    for i in range(count):
        overlap_i = overlap[:, :, i] & keep[:, :, i : i + 1]
        overlap_i[:, :, : i + 1] = False
        keep &= ~overlap_i
    return [
        _rows(b.cpu().numpy(), s.cpu().numpy(), k.cpu().numpy(), most)
        for b, s, k in zip(chosen, top, keep)
    ]


def _rows(boxes, scores, keep, most):
    classes = np.broadcast_to(np.arange(len(keep))[:, None], keep.shape)[keep]
    boxes = boxes[keep]
    scores = scores[keep]
    order = np.argsort(-scores, kind="stable")[:most]
    return boxes[order], scores[order], classes[order]


def average_precision(detections, truths, classes, iou=0.5, heights=(0, 1e9)):
    """AP of each class (nan where there is no object): detections as `detect` gives, truths rows (m, 6) an image.

    With `heights`, objects of another height count as difficult, and so do unmatched detections of another height.
    """
    return [_class_ap(detections, truths, c, iou, heights) for c in range(classes)]


def _class_ap(*args):
    marks, total = judge_class(*args)
    return _area_under(marks, total) if total else float("nan")


def judge_class(detections, truths, wanted, iou=0.5, heights=(0, 1e9)):
    """The marks of all detections of a class (1 true, 0 false,
    nan neither) and the number of objects to find.
    """
    found = _gather(detections, wanted)
    marks = np.zeros(len(found.score))
    total = 0
    for image, rows in enumerate(truths):
        rows = rows[rows[:, 4] == wanted]
        tall = rows[:, 3] - rows[:, 1]
        skip = (rows[:, 5] > 0) | (tall < heights[0]) | (tall >= heights[1])
        total += int((~skip).sum())
        mine = np.flatnonzero(found.image == image)
        marks[mine] = _judge(found.boxes[mine], rows[:, :4], skip, iou, heights)
    return marks, total


def _gather(detections, wanted):
    """All detections of a class, most confident first."""
    parts = [
        (np.full(int((c == wanted).sum()), i), s[c == wanted], b[c == wanted])
        for i, (b, s, c) in enumerate(detections)
    ]
    image, score, boxes = (np.concatenate(column) for column in zip(*parts))
    order = np.argsort(-score, kind="stable")
    return Found(image[order], score[order], boxes[order])


def _judge(boxes, truth, skip, iou, heights):
    """1 true, 0 false, nan neither, for the detections of one image, most confident first."""
    marks = np.zeros(len(boxes))
    used = np.zeros(len(truth), bool)
    overlap = _voc_iou(boxes, truth)
    for i, row in enumerate(overlap):
        best = int(row.argmax()) if len(row) else -1
        if best >= 0 and row[best] >= iou:
            marks[i] = np.nan if skip[best] else float(not used[best])
            used[best] = True
        elif not heights[0] <= boxes[i, 3] - boxes[i, 1] < heights[1]:
            marks[i] = np.nan
    return marks


def _voc_iou(a, b):
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    both = (high - low + 1).clip(0).prod(-1)
    size_a, size_b = ((x[:, 2:] - x[:, :2] + 1).prod(-1) for x in (a, b))
    return both / (size_a[:, None] + size_b[None] - both)


def _area_under(marks, total):
    marks = marks[~np.isnan(marks)]
    right = np.cumsum(marks)
    recall = np.concatenate([[0], right / total, [1]])
    precision = np.concatenate([[0], right / np.arange(1, len(marks) + 1), [0]])
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(((recall[1:] - recall[:-1]) * precision[1:]).sum())


def report(detections, truths, labels):
    """AP by class and by class and height, as a record for JSON."""

    def table(**kind):
        values = average_precision(detections, truths, len(labels), **kind)
        return {name: round(v, 4) for name, v in zip(labels, values) if v == v}

    ap = table()
    return {
        "mAP": round(float(np.mean(list(ap.values()))), 4) if ap else 0.0,
        "AP": ap,
        "images": len(truths),
        "by_height": {name: table(heights=(low, high)) for name, low, high in SIZES},
        "AP75": table(iou=0.75),
    }
