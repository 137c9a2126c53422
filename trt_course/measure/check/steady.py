"""Whether boxes stay with the things in a picture when the picture is shown in another way.

A mirrored picture must give mirrored boxes, and a smaller one smaller boxes. Boxes that are read in
the wrong order, or start from the wrong priors, do not. This needs no ground truth.
"""

from typing import NamedTuple, Sequence, Tuple

import numpy as np

from ...detections import Detections
from ...model.oddities import NO_PIXELS, WHOLE
from ...model.spec import ModelSpec
from ..voc import overlap
from .parts import PLAIN, Looks, View

_LEAST_OVERLAP = 0.5  # of two boxes that count as one; only above it do they count


class Steadiness(NamedTuple):
    """How much of what is found in some pictures is there again in other views of them."""

    exact: Tuple[float, ...]  # for each picture; sure boxes that are exactly in place count most
    share: float  # of what is found: from 0, none of it is there again, to 1, all of it exactly
    evidence: float  # squared confidences of what is found, added up: about how many sure boxes


def steadiness(
    looks: Looks, spec: ModelSpec, pictures: Sequence[int], views: Sequence[View]
) -> Steadiness:
    """The steadiness of what a record finds in some of the pictures."""
    exact = np.zeros((len(views), len(pictures)))
    there_at_all = np.zeros(len(views))
    for i, view in enumerate(views):
        for j, picture in enumerate(pictures):
            here = _usable(looks, spec, picture, PLAIN)
            if not len(here):
                continue  # a run is slow, and there is nothing to find again
            there = _usable(looks, spec, picture, view)
            exact[i, j] = _exact(looks, (here, picture, PLAIN), (there, picture, view))
            there_at_all[i] += float((here.confs**2).sum() + (there.confs**2).sum()) / 2

    # A record is no better than the view that suits it least: so a product, not a sum.
    shares = exact.sum(axis=1) / np.maximum(there_at_all, 1e-6)
    share = float(shares.prod() ** (1 / len(views)))
    return Steadiness(tuple(exact.mean(axis=0).tolist()), share, float(there_at_all.min()))


def _usable(looks: Looks, spec: ModelSpec, picture: int, view: View) -> Detections:
    """What is found but for boxes that have no size or fill the picture: they prove nothing."""
    found = looks.found(spec, picture, view)[0]
    height, width = looks.pictures[picture].shape[:2]
    sides = found.boxes[:, 2:] - found.boxes[:, :2]
    whole = (sides >= WHOLE * np.array([width, height])).all(axis=1)
    return found.keep((sides >= 2 * NO_PIXELS).all(axis=1) & ~whole)


_Shown = Tuple[Detections, int, View]


def _exact(looks: Looks, first: _Shown, second: _Shown) -> float:
    """What two views of a picture have in common: squared confidences, less where boxes differ.

    Classes do not count: an arrow to the left becomes one to the right in a mirror.
    """
    here = first[0]
    there = second[0]
    if not len(here) or not len(there):
        return 0.0

    overlaps = overlap(looks.boxes_home(*first), looks.boxes_home(*second))  # (n, m)
    partner = overlaps.argmax(axis=1)
    mutual = overlaps.argmax(axis=0)[partner] == np.arange(len(here))
    best = overlaps[np.arange(len(here)), partner]
    same = mutual & (best >= _LEAST_OVERLAP)
    confs = np.minimum(here.confs, there.confs[partner])[same]
    tightness = (best[same] - _LEAST_OVERLAP) / (1 - _LEAST_OVERLAP)
    return float((confs**2 * tightness).sum())
