"""From a network's output to a picture's Candidates: one function for each output layout.

A layout says in which tensors the boxes and scores are, and how they are written. `boxes_scores`
and `loc_conf_priors` have a row for each place that the network looks at: threshold and suppression
are done here. `nms7` and `tf_detection` have been through suppression inside the network. So has
`efficient_nms`, but that is decoded a batch at a time, in efficient_nms.py.

Each function gets the network's outputs by the roles that the record gives them, `tensors`, and the
picture's number in the batch, `index`. The tensors' shapes have been checked before (shapes.py).
"""

import functools
from typing import Dict, NamedTuple, Union

import numpy as np

from .candidates import NOTHING_LOST, Candidates, Losses
from .priors import PriorBoxes, read_priors
from .spec import ModelSpec
from .suppression import best, nms

Tensors = Dict[str, np.ndarray]


def nms7(spec: ModelSpec, tensors: Tensors, index: int, conf_th: float) -> Candidates:
    """Rows of seven numbers: picture, class, confidence, x1, y1, x2, y2."""
    rows = tensors["rows"].reshape(-1, 7)
    filled = _filled_rows(tensors, index)
    losses = filled.losses
    if "count" in tensors:
        pictures = tensors["count"].size
        own = rows.reshape(pictures, -1, 7)[index, filled.rows]  # (k, 7)
    else:
        own = rows[rows[:, 0] == index]  # rows that are not filled have the picture -1
        if index == 0:  # rows that belong to no picture are counted once, with the first one
            without_picture = int(np.count_nonzero(~np.isfinite(rows[:, 0])))
            losses = Losses(no_numbers=without_picture)

    return _finished_rows(own[:, 3:7], own[:, 2], own[:, 1], conf_th, losses)


def tf_detection(spec: ModelSpec, tensors: Tensors, index: int, conf_th: float) -> Candidates:
    """TensorFlow's: boxes, scores and classes in a tensor each, and the boxes as y1 x1 y2 x2."""
    filled, losses = _filled_rows(tensors, index)
    rows = _finished_rows(
        tensors["boxes"][index][filled],
        tensors["scores"][index][filled],
        tensors["classes"][index][filled],
        conf_th,
        losses,
    )
    return rows._replace(boxes=rows.boxes[:, [1, 0, 3, 2]])


def boxes_scores(spec: ModelSpec, tensors: Tensors, index: int, conf_th: float) -> Candidates:
    """A box for each place of the network, and a score for each place and class."""
    boxes = tensors["boxes"][index]  # (p, 4)
    scores = tensors["scores"][index]  # (p, classes)
    return _suppress_each_class(spec, boxes, scores, conf_th)


def loc_conf_priors(spec: ModelSpec, tensors: Tensors, index: int, conf_th: float) -> Candidates:
    """Offsets from priors, and logits or scores for each prior and class."""
    priors = read_priors(spec.output.priors)  # (p, 4) cx cy w h
    loc = _row_a_prior(tensors["loc"][index], len(priors))  # (p, 4)
    conf = _row_a_prior(tensors["conf"][index], len(priors))  # (p, classes)

    # Most priors cannot pass the threshold: neither score nor box is computed for them.
    rows = _reachable(spec, conf, conf_th)  # (n,)
    boxes = PriorBoxes(loc, priors, rows, spec.output.variances)
    scores = _activate(conf[rows], spec.output.activation)  # (n, classes)

    found = _suppress_each_class(spec, boxes, scores, conf_th)
    return found._replace(losses=found.losses.plus(_lost_logits(spec, conf)))


# By their names in a record, which spec.LAYOUTS lists with their tensors.
LAYOUT_FUNCTIONS = {
    "nms7": nms7,
    "tf_detection": tf_detection,
    "boxes_scores": boxes_scores,
    "loc_conf_priors": loc_conf_priors,
}


class _Filled(NamedTuple):
    """Which of a picture's rows are filled; a count that is not a number counts as a loss."""

    rows: slice
    losses: Losses


def _filled_rows(tensors: Tensors, index: int) -> _Filled:
    """The filled rows of a picture: all of them if the network does not say how many."""
    if "count" not in tensors:
        return _Filled(slice(None), NOTHING_LOST)
    count = tensors["count"].reshape(-1)[index]
    if not np.isfinite(count):
        return _Filled(slice(0), Losses(no_numbers=1))
    return _Filled(slice(max(0, int(count))), NOTHING_LOST)


def _finished_rows(
    boxes: np.ndarray, confs: np.ndarray, clss: np.ndarray, conf_th: float, losses: Losses
) -> Candidates:
    """The candidates among rows that have been through suppression; `losses` are counted too."""
    numbers = np.isfinite(confs) & np.isfinite(clss)
    keep = _are_sure(confs, conf_th) & numbers
    lost = len(numbers) - int(np.count_nonzero(numbers))
    losses = losses.plus(Losses(no_numbers=lost))
    return Candidates(boxes[keep], confs[keep], clss[keep], losses).only_boxes()


def _are_sure(scores: np.ndarray, conf_th: float) -> np.ndarray:
    """The mask of the scores that reach the threshold. A score of 0 never does."""
    return (scores >= np.float32(conf_th)) & (scores > 0)


def _suppress_each_class(
    spec: ModelSpec, boxes: Union[np.ndarray, PriorBoxes], scores: np.ndarray, conf_th: float
) -> Candidates:
    """Threshold and suppression for each class by itself: boxes (p, 4), scores (p, classes)."""
    losses = _lost_scores(scores)
    if losses.total:
        good = np.isfinite(scores).all(axis=1, keepdims=True)
        scores = np.where(good, scores, 0)  # 0 is never sure

    parts = [_suppress_class(spec, boxes, scores, cls, conf_th) for cls in spec.class_ids()]
    return Candidates(
        boxes=np.concatenate([part.boxes for part in parts]),
        confs=np.concatenate([part.confs for part in parts]),
        clss=np.concatenate([part.clss for part in parts]),
        losses=functools.reduce(Losses.plus, [part.losses for part in parts], losses),
    )


def _suppress_class(
    spec: ModelSpec,
    boxes: Union[np.ndarray, PriorBoxes],
    scores: np.ndarray,
    cls: int,
    conf_th: float,
) -> Candidates:
    """What threshold and suppression leave of one class, best first."""
    confs = scores[:, cls]
    sure = np.flatnonzero(_are_sure(confs, conf_th))
    chosen = sure[best(confs[sure], spec.nms.candidates_per_class)]  # (k,)

    # From here on there are few rows. Only now are boxes of priors computed.
    clss = np.full(len(chosen), cls)
    candidates = Candidates(boxes[chosen], confs[chosen], clss).only_boxes()
    return candidates.pick(nms(candidates.boxes, spec.nms.iou_threshold))


def _row_a_prior(array: np.ndarray, count: int) -> np.ndarray:
    """One picture's tensor as (priors, values); some networks give (values, priors)."""
    if array.shape[0] == count:
        return array
    return array.T


def _reachable(spec: ModelSpec, conf: np.ndarray, conf_th: float) -> np.ndarray:
    """The priors (n,) that can pass the threshold, perhaps with a few that cannot."""
    if spec.output.activation != "softmax" or conf_th <= 0:
        return np.flatnonzero(_can_be_activated(spec, conf))

    # Softmax makes of a logit at most exp(logit - the highest logit of its prior). FP16 would round
    # that difference.
    highest = conf.max(axis=1).astype(np.float32)  # (p,)
    highest_wanted = conf[:, spec.class_ids()].max(axis=1).astype(np.float32)  # (p,)
    gap = highest_wanted - highest
    slack = 1e-3  # exp and log round
    return np.flatnonzero(gap >= np.log(conf_th) - slack)


def _can_be_activated(spec: ModelSpec, conf: np.ndarray) -> np.ndarray:
    """The mask (n,) of the rows that give scores; a logit of minus infinity just means: never."""
    highest = conf.max(axis=1)  # NaN where any is
    if spec.output.activation == "softmax":
        return np.isfinite(highest)
    return highest < np.inf


def _activate(conf: np.ndarray, activation: str) -> np.ndarray:
    """Scores from 0 to 1, (n, classes), from what the network gives."""
    logits = conf.astype(np.float32)
    if activation == "softmax":
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
    if activation == "sigmoid":
        return 1 / (1 + np.exp(-logits))
    return logits


def _lost_scores(scores: np.ndarray) -> Losses:
    """How many rows of (n, classes) contain NaN or infinity."""
    # One sum tells whether there are any, much faster than looking at each number.
    if np.isfinite(np.sum(scores)):
        return NOTHING_LOST
    good = np.isfinite(scores).all(axis=1)
    return Losses(no_numbers=len(good) - int(np.count_nonzero(good)))


def _lost_logits(spec: ModelSpec, conf: np.ndarray) -> Losses:
    """How many rows of (n, classes) cannot be activated."""
    if np.isfinite(np.sum(conf)):
        return NOTHING_LOST
    good = _can_be_activated(spec, conf)
    return Losses(no_numbers=len(good) - int(np.count_nonzero(good)))
