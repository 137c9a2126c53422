"""From a network's numbers to one picture's Candidates: what is sure enough, and suppressed.

There are two kinds of networks. Most give, for each place that they look at, a box and a score for
each class (`from_places`). Others give rows that are one box of one class each (`from_rows`); most
of those have been through suppression inside the network.
"""

import functools
from typing import Callable, List, NamedTuple, Tuple

import numpy as np

from .boxes import Boxes
from .candidates import NOTHING_LOST, Candidates, Losses
from .priors import priors_of
from .scores import activated, can_be_activated, joined, lost_places, reachable
from .spec import ModelSpec
from .suppression import best, nms

Read = Callable[[str], np.ndarray]  # a role's numbers for the picture, (places, columns)


class _Sure(NamedTuple):
    """Boxes that are sure enough, as parallel arrays: the place of each, and its class."""

    places: np.ndarray  # (n,)
    confs: np.ndarray  # (n,)
    clss: np.ndarray  # (n,)


def candidates_of(spec: ModelSpec, read: Read, picture: int, conf_th: float) -> Candidates:
    """The candidates of a picture, `picture` in the batch."""
    if spec.output.classes is None:
        sure, losses = from_places(spec, read, conf_th)
    else:
        sure, losses = from_rows(spec, read, picture, conf_th)

    boxes = Boxes(spec.output.boxes, read("boxes"), priors_of(spec))
    parts = [_suppressed(spec, boxes, group) for group in _groups(spec, sure)]
    return Candidates(
        boxes=np.concatenate([part.boxes for part in parts]),
        confs=np.concatenate([part.confs for part in parts]),
        clss=np.concatenate([part.clss for part in parts]),
        losses=functools.reduce(Losses.plus, [part.losses for part in parts], losses),
    )


def from_places(spec: ModelSpec, read: Read, conf_th: float) -> Tuple[_Sure, Losses]:
    """What is sure of a network with a score for each place and class."""
    output = spec.output
    numbers = read("scores")  # (p, classes)
    lost = lost_places(output.scores.activation, numbers)
    if output.scores.activation == "none" and output.objectness is None and not lost.total:
        places = np.arange(len(numbers))  # (n,)
        scores = numbers
    else:
        places = reachable(output.scores, output.objectness, numbers, spec.class_ids(), conf_th)
        scores = activated(numbers[places], output.scores.activation)  # (n, classes)

    if output.objectness is not None:
        second = read("objectness")
        lost = lost.plus(lost_places(output.objectness.activation, second))
        second = activated(second[places], output.objectness.activation)  # (n, 1)
        scores = joined(scores, second, output.objectness.joined)

    sure = are_sure(scores, conf_th)  # (n, classes)
    if spec.background is not None:
        sure[:, spec.background] = False
    if output.scores.each_box == "best_class":
        sure &= _is_best(scores, spec.class_ids())
    rows, clss = np.divmod(np.flatnonzero(sure), sure.shape[1])  # quicker than nonzero
    return _Sure(places[rows], scores[rows, clss], clss), lost


def from_rows(spec: ModelSpec, read: Read, picture: int, conf_th: float) -> Tuple[_Sure, Losses]:
    """What is sure of a network whose rows have one class each."""
    output = spec.output
    places, lost = _own_rows(spec, read, picture)
    numbers = read("scores")[places]  # (n, 1)
    clss = read("classes")[places, 0]  # (n,)
    good = can_be_activated(output.scores.activation, numbers) & np.isfinite(clss)

    scores = activated(numbers, output.scores.activation)
    if output.objectness is not None:
        second = read("objectness")[places]
        good &= can_be_activated(output.objectness.activation, second)
        second = activated(second, output.objectness.activation)
        scores = joined(scores, second, output.objectness.joined)

    lost = lost.plus(Losses(no_numbers=len(good) - int(np.count_nonzero(good))))
    confs = scores[:, 0]
    keep = good & are_sure(confs, conf_th)
    return _Sure(places[keep], confs[keep], clss[keep]), lost


def are_sure(scores: np.ndarray, conf_th: float) -> np.ndarray:
    """The mask of the scores that reach the threshold. A score of 0 never does."""
    if conf_th <= 0:
        return scores > 0
    return scores >= np.float32(conf_th)


def _is_best(scores: np.ndarray, wanted: List[int]) -> np.ndarray:
    """The mask (n, classes) of the surest wanted class of each row."""
    mask = np.zeros(scores.shape, dtype=bool)
    chosen = np.array(wanted)[scores[:, wanted].argmax(axis=1)]  # (n,)
    mask[np.arange(len(scores)), chosen] = True
    return mask


def _own_rows(spec: ModelSpec, read: Read, picture: int) -> Tuple[np.ndarray, Losses]:
    """The rows (n,) that belong to a picture; what cannot be known counts as a loss."""
    if spec.output.picture is not None:
        owners = read("picture")[:, 0]
        lost = NOTHING_LOST
        if picture == 0:  # rows that belong to no picture are counted once, with the first one
            lost = Losses(no_numbers=int(np.count_nonzero(~np.isfinite(owners))))
        return np.flatnonzero(owners == picture), lost  # rows that are not filled say -1

    rows = np.arange(len(read("scores")))
    if spec.output.row_count is None:
        return rows, NOTHING_LOST
    count = read("count")[0, 0]
    if not np.isfinite(count):
        return rows[:0], Losses(no_numbers=1)
    return rows[: max(0, int(count))], NOTHING_LOST


def _groups(spec: ModelSpec, sure: _Sure) -> List[_Sure]:
    """What is compared in suppression: each class by itself, or all together."""
    if spec.output.suppression != "each_class":
        return [sure]
    groups = []
    for cls in np.unique(sure.clss) if len(sure.clss) else [0]:
        own = sure.clss == cls
        groups.append(_Sure(sure.places[own], sure.confs[own], sure.clss[own]))
    return groups


def _suppressed(spec: ModelSpec, boxes: Boxes, sure: _Sure) -> Candidates:
    """What suppression leaves of a group, best first; as it is if that was done inside."""
    inside = spec.output.suppression == "inside"
    chosen = np.arange(len(sure.places))
    if not inside:
        chosen = best(sure.confs, spec.nms.candidates_per_class)

    # From here on there are few rows. Only now are corners computed.
    candidates = Candidates(
        boxes=boxes[sure.places[chosen]], confs=sure.confs[chosen], clss=sure.clss[chosen]
    ).only_boxes()
    if inside:
        return candidates
    return candidates.pick(nms(candidates.boxes, spec.nms.iou_threshold))
