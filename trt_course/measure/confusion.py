"""Which class was taken for which: the counts behind the figure of plots.py."""

from typing import List, Optional, Sequence

import numpy as np

from .boxes import Found, Founds, Truth, Truths
from .voc import MIN_IOU, above, overlap

SHOWN_TH = 0.3  # from this confidence up, boxes are what a person would see


def confusion_matrix(
    truths: Truths,
    founds: Founds,
    labels: Sequence[str],
    conf_th: float = SHOWN_TH,
    min_iou: float = MIN_IOU,
) -> np.ndarray:
    """(n + 1, n + 1) counts: row = what it is, column = what was said; the last is 'nothing'.

    Boxes of classes that are not among the labels are not counted.
    """
    index = {name: i for i, name in enumerate(labels)}
    nothing = len(labels)
    matrix = np.zeros((nothing + 1, nothing + 1), dtype=int)
    shown = above(founds, conf_th)
    for image, truth in truths.items():
        found = shown[image]
        objects = _objects_of(found, truth, min_iou)

        # What was said, and of what.
        for said, j in zip(found.labels, objects):
            row: Optional[int] = nothing
            if j is not None:
                row = index.get(truth.labels[j])
            if row is not None and said in index:
                matrix[row, index[said]] += 1

        # What nothing was said of.
        for j, label in enumerate(truth.labels):
            if label in index and j not in objects and not truth.difficult[j]:
                matrix[index[label], nothing] += 1
    return matrix


def _objects_of(found: Found, truth: Truth, min_iou: float) -> List[Optional[int]]:
    """For each detection the object that it stands for, of whatever class; None: for nothing.

    The surest detection chooses first, and takes the object that it overlaps most.
    """
    overlaps = overlap(found.boxes, truth.boxes)  # (founds, truths)
    objects: List[Optional[int]] = [None for _ in found.labels]
    free = np.ones(len(truth.labels), dtype=bool)
    for i in np.argsort(-found.confs, kind="stable"):
        possible = np.flatnonzero(free & (overlaps[i] >= min_iou))
        if len(possible):
            nearest = overlaps[i, possible].argmax()
            best = int(possible[nearest])
            objects[i] = best
            free[best] = False
    return objects
