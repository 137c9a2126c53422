"""Non-maximum suppression on the host, exact and without a Python loop over boxes.

Greedy suppression keeps a box unless a better box that is kept overlaps it. Only one choice of
boxes obeys that rule. Starting from "all are kept", a few matrix products reach it: each pass
settles at least one more link of the chain "A removes B, so B no longer removes C".
"""

import numpy as np

_BLOCK = 64  # rows of the overlap matrix at a time: small enough to stay in the cache


def nms(boxes: np.ndarray, iou_threshold: float) -> np.ndarray:
    """The mask (n,) of the boxes to keep. Boxes (n, 4) are x1 y1 x2 y2 and come best first.

    The second box overlaps the first by more than half and goes; the third stands apart:

    >>> import numpy as np
    >>> boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]])
    >>> nms(boxes, iou_threshold=0.5).tolist()
    [True, False, True]
    """
    # As floats, so that the matrix product below is a fast one.
    removes = overlapping(boxes, iou_threshold).astype(np.float32)  # (n, n)
    keep = np.ones(len(boxes), dtype=np.float32)

    while True:
        # A box stays if none of those that are kept now removes it.
        removers = keep @ removes  # (n,)
        next_keep = (removers == 0).astype(np.float32)
        if np.array_equal(next_keep, keep):
            return keep > 0
        keep = next_keep


def overlapping(boxes: np.ndarray, iou_threshold: float) -> np.ndarray:
    """The matrix (n, n) of bool: do box i and a later box j overlap by more than the threshold?

    The overlap is intersection over union, IoU. Boxes (n, 4) are x1 y1 x2 y2.
    """
    n = len(boxes)
    x1, y1, x2, y2 = np.ascontiguousarray(boxes.T, dtype=np.float32)
    area = (x2 - x1) * (y2 - y1)  # (n,)
    result = np.zeros((n, n), dtype=bool)

    for start in range(0, n, _BLOCK):
        rows = slice(start, start + _BLOCK)

        # The sides of what each pair has in common; negative where they are apart.
        width = np.minimum(x2[rows, None], x2[start:])  # (block, n - start)
        width -= np.maximum(x1[rows, None], x1[start:])
        height = np.minimum(y2[rows, None], y2[start:])
        height -= np.maximum(y1[rows, None], y1[start:])

        # In place: new memory for each of these would cost more than the arithmetic.
        np.maximum(width, 0, out=width)
        np.maximum(height, 0, out=height)
        shared = np.multiply(width, height, out=width)

        # shared / (both areas - shared) > threshold, without the division
        both = area[rows, None] + area[start:]
        result[rows, start:] = shared * (1 + iou_threshold) > iou_threshold * both

    return np.triu(result, 1)


def best(scores: np.ndarray, k: int) -> np.ndarray:
    """Positions of the k highest scores, highest first; equal ones in their order."""
    least = -np.inf
    if len(scores) > k:
        # Only what reaches the k-th highest score needs sorting.
        least = np.partition(scores, -k)[-k]

    chosen = np.flatnonzero(scores >= least)
    order = np.argsort(-scores[chosen], kind="stable")
    return chosen[order[:k]]
