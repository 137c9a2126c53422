"""Candidates: the boxes of one picture between the network's tensors and Detections."""

from typing import NamedTuple

import numpy as np


class Candidates(NamedTuple):
    """The boxes of one picture that are sure enough, as the network gave them: parallel arrays.

    They are not in pixels of the picture yet. `dropped` counts the rows that were left out because
    they are no box or hold something that is not a number.
    """

    boxes: np.ndarray  # (n, 4) x1 y1 x2 y2
    confs: np.ndarray  # (n,)
    clss: np.ndarray  # (n,)
    dropped: int = 0

    def pick(self, index: np.ndarray) -> "Candidates":
        """The candidates that a mask or a list of positions picks, in its order."""
        return Candidates(self.boxes[index], self.confs[index], self.clss[index], self.dropped)

    def only_boxes(self) -> "Candidates":
        """Without the rows that are no box, which count as dropped."""
        boxes = self.boxes.astype(np.float32)
        good = are_boxes(boxes)
        bad = len(good) - int(np.count_nonzero(good))
        return Candidates(
            boxes=boxes[good],
            confs=self.confs[good].astype(np.float32),
            clss=self.clss[good],
            dropped=self.dropped + bad,
        )


def are_boxes(boxes: np.ndarray) -> np.ndarray:
    """The mask (n,) of the rows of (n, 4) that are boxes: finite, with x1 <= x2 and y1 <= y2."""
    finite = np.isfinite(boxes).all(axis=1)
    in_order = (boxes[:, 2:] >= boxes[:, :2]).all(axis=1)
    return finite & in_order
