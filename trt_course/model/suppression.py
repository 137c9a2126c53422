"""Non-maximum suppression on the host, exact and without a Python loop over boxes.

Greedy suppression keeps a box unless a better kept box overlaps it. That rule has one fixed point, and
starting from "all kept" a few matrix products reach it: each pass settles at least one more link of the
chain "A removes B, so B no longer removes C".
"""

import numpy as np

_BLOCK = 64  # rows of the overlap matrix at a time: small enough to stay in the cache


def overlapping(boxes, iou_threshold):
    """(n, n) bool: do boxes i and j, j > i, overlap by more than the threshold?"""
    n = len(boxes)
    x1, y1, x2, y2 = np.ascontiguousarray(boxes.T, dtype=np.float32)
    area = (x2 - x1) * (y2 - y1)
    result = np.zeros((n, n), dtype=bool)
    for start in range(0, n, _BLOCK):
        rows = slice(start, start + _BLOCK)
        inter = np.minimum(x2[rows, None], x2[start:])  # (block, n - start)
        inter -= np.maximum(x1[rows, None], x1[start:])
        height = np.minimum(y2[rows, None], y2[start:])
        height -= np.maximum(y1[rows, None], y1[start:])
        np.maximum(inter, 0, out=inter)
        np.maximum(height, 0, out=height)
        inter *= height
        # inter / (a + b - inter) > t, without the division
        result[rows, start:] = inter * (1 + iou_threshold) > iou_threshold * (
            area[rows, None] + area[start:]
        )
    return np.triu(result, 1)


def nms(boxes, iou_threshold):
    """Mask of the boxes to keep. Boxes (n, 4) come best first."""
    removes = overlapping(boxes, iou_threshold).astype(np.float32)
    keep = np.ones(len(boxes), dtype=np.float32)
    while True:
        now = (keep @ removes == 0).astype(np.float32)
        if np.array_equal(now, keep):
            return keep > 0
        keep = now


def best(scores, k):
    """Positions of the k highest scores, highest first; equal ones in their order."""
    least = np.partition(scores, -k)[-k] if len(scores) > k else -np.inf
    chosen = np.flatnonzero(scores >= least)
    return chosen[np.argsort(-scores[chosen], kind="stable")[:k]]
