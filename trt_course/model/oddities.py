"""Oddities: what was strange in the outputs of a run, counted, and reported once at its end.

Impossible boxes are left out, and unlikely ones are kept. Neither may pass without a word, for they
usually mean that the record does not fit the network.
"""

import collections
import sys
from typing import Counter, Sequence

import numpy as np

from .candidates import Losses

NO_PIXELS = 0.5  # a side shorter than this is drawn as nothing
WHOLE = 0.98  # a box of this share of the picture's width and height fills the picture
CERTAIN = 0.99  # a box that fills the picture is odd from this confidence on
ABOVE_ONE = 1.001  # rounding alone never takes a confidence that far

# By kind. `rows`, `boxes` and `labels` are numbers of such things.
_SENTENCES = {
    "no_numbers": "{rows} of the network's output contained NaN or infinity and {were} left out: "
    "the network's file may be damaged, or its numbers too large for FP16.",
    "no_boxes": "{rows} of the network's output had x2 < x1 or y2 < y1 and {were} left out: "
    "what output in model.json says of boxes (form, order, columns) may not fit this network.",
    "no_classes": "{rows} of the network's output had a class beyond the {labels} labels in "
    "model.json and {were} left out: the labels may belong to another network.",
    "above_one": "{boxes} had a confidence above 1, which became 1: what output in model.json says "
    "of scores (activation, columns) may not fit this network.",
    "no_pixels": "{boxes} {were} less than half a pixel wide or high: the units of boxes in "
    "model.json may not fit this network.",
    "whole_picture": "{boxes} filled the whole picture with a confidence of about 1: the units "
    "of boxes or the input's recipe in model.json may not fit this network.",
}


class Oddities:
    """What was odd in the outputs of one model, by kind.

    >>> oddities = Oddities("signs", labels=4)
    >>> oddities.counts["no_classes"] += 1
    >>> oddities.sentences()  # doctest: +NORMALIZE_WHITESPACE
    ["signs: 1 row of the network's output had a class beyond the 4 labels in model.json and was
    left out: the labels may belong to another network."]
    """

    def __init__(self, name: str, labels: int) -> None:
        self.name = name  # the model's
        self.labels = labels  # how many the model has
        self.counts: Counter[str] = collections.Counter()

    def count_losses(self, losses: Losses) -> None:
        """Count rows that were left out."""
        if losses.total:
            self.counts.update(losses._asdict())

    def count_boxes(self, boxes: np.ndarray, confs: np.ndarray, size: np.ndarray) -> None:
        """Count what is odd among boxes (n, 4) that are kept.

        `confs` (n,) are their confidences before they are limited to 1. `size` is the picture's
        width and height, (2,), or those of each box's picture, (n, 2).
        """
        if not len(boxes):
            return
        sides = boxes[:, 2:] - boxes[:, :2]  # (n, 2)
        if sides.min() < NO_PIXELS:
            short = (sides < NO_PIXELS).any(axis=1)
            self.counts["no_pixels"] += int(np.count_nonzero(short))

        if confs.max() < CERTAIN:
            return
        whole = (sides >= WHOLE * size).all(axis=1) & (confs >= CERTAIN)
        self.counts["whole_picture"] += int(np.count_nonzero(whole))
        self.counts["above_one"] += int(np.count_nonzero(confs > ABOVE_ONE))

    def sentences(self) -> Sequence[str]:
        """One sentence for each kind of oddity that was counted."""
        return [self._sentence(kind) for kind in _SENTENCES if self.counts[kind]]

    def _sentence(self, kind: str) -> str:
        number = self.counts[kind]
        one = number == 1
        words = _SENTENCES[kind].format(
            rows=f"{number} row" if one else f"{number} rows",
            boxes=f"{number} box" if one else f"{number} boxes",
            were="was" if one else "were",
            labels=self.labels,
        )
        return f"{self.name}: {words}"


def tell(oddities: Sequence[Oddities]) -> None:
    """Print on stderr what was odd, and forget it.

    All `oddities` belong to one model: there is one sentence a kind for all of them together.
    """
    if not oddities:
        return
    together = Oddities(oddities[0].name, oddities[0].labels)
    for part in oddities:
        together.counts.update(part.counts)
        part.counts.clear()
    for sentence in together.sentences():
        print(sentence, file=sys.stderr)
