"""Candidates: the boxes of one picture between the network's tensors and Detections."""

from typing import NamedTuple

import numpy as np


class Losses(NamedTuple):
    """How many rows were left out, and why."""

    no_numbers: int = 0  # they contain NaN or infinity
    no_boxes: int = 0  # their corners are in the wrong order
    no_classes: int = 0  # there is no label for their class

    @property
    def total(self) -> int:
        """How many rows were left out in all."""
        return self.no_numbers + self.no_boxes + self.no_classes

    def plus(self, other: "Losses") -> "Losses":
        """These and others together."""
        if other is NOTHING_LOST:  # as nearly always
            return self
        return Losses(
            no_numbers=self.no_numbers + other.no_numbers,
            no_boxes=self.no_boxes + other.no_boxes,
            no_classes=self.no_classes + other.no_classes,
        )


NOTHING_LOST = Losses()


class Candidates(NamedTuple):
    """The boxes of one picture that are sure enough, as the network gave them: parallel arrays.

    They are not in pixels of the picture yet. `losses` counts the rows that were left out.
    """

    boxes: np.ndarray  # (n, 4) x1 y1 x2 y2
    confs: np.ndarray  # (n,)
    clss: np.ndarray  # (n,)
    losses: Losses = NOTHING_LOST

    def pick(self, index: np.ndarray) -> "Candidates":
        """The candidates that a mask or a list of positions picks, in its order."""
        return Candidates(self.boxes[index], self.confs[index], self.clss[index], self.losses)

    def only_boxes(self) -> "Candidates":
        """The candidates without the rows that are not boxes, which are counted as lost."""
        boxes = self.boxes.astype(np.float32)
        good = are_boxes(boxes)
        return Candidates(
            boxes=boxes[good],
            confs=self.confs[good].astype(np.float32),
            clss=self.clss[good],
            losses=self.losses.plus(why_no_boxes(boxes, good)),
        )


def are_boxes(boxes: np.ndarray) -> np.ndarray:
    """The mask (n,) of the rows of (n, 4) that are boxes: finite, with x1 <= x2 and y1 <= y2."""
    finite = np.isfinite(boxes).all(axis=1)
    in_order = (boxes[:, 2:] >= boxes[:, :2]).all(axis=1)
    return finite & in_order


def why_no_boxes(boxes: np.ndarray, good: np.ndarray) -> Losses:
    """Why the rows of (n, 4) are lost that are not in the mask `good` (n,)."""
    bad = len(good) - int(np.count_nonzero(good))
    if not bad:
        return NOTHING_LOST
    finite = int(np.count_nonzero(np.isfinite(boxes[~good]).all(axis=1)))
    return Losses(no_numbers=bad - finite, no_boxes=finite)
