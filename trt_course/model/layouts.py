"""From a network's output to a picture's Candidates: one function for each output layout.

A layout says in which tensors the boxes and scores are, and how they are written. `boxes_scores`
and `loc_conf_priors` have a row for each place that the network looks at: threshold and suppression
are done here. `nms7` and `tf_detection` have been through suppression inside the network. So has
`efficient_nms`, but that is decoded a batch at a time, in efficient_nms.py.

Each function takes the network's outputs, `tensors`, by the roles that the record gives them, and
the picture's number in the batch, `index`.
"""

from typing import Dict, Optional, Union

import numpy as np

from ..support.errors import CourseError
from .candidates import Candidates
from .priors import PriorBoxes, read_priors
from .spec import ModelSpec
from .suppression import best, nms

Tensors = Dict[str, np.ndarray]


def nms7(spec: ModelSpec, tensors: Tensors, index: int, conf_th: float) -> Candidates:
    """Rows of seven numbers: picture, class, confidence, x1, y1, x2, y2."""
    rows = tensors["rows"].reshape(-1, 7)
    count = _filled_rows(tensors, index)
    if count is None:
        own = rows[rows[:, 0] == index]  # rows that are not filled have the picture -1
    else:
        pictures = tensors["count"].size
        own = rows.reshape(pictures, -1, 7)[index, :count]  # (k, 7)

    return _finished_rows(own[:, 3:7], own[:, 2], own[:, 1], conf_th)


def tf_detection(spec: ModelSpec, tensors: Tensors, index: int, conf_th: float) -> Candidates:
    """TensorFlow's: boxes, scores and classes in a tensor each, and the boxes as y1 x1 y2 x2."""
    count = _filled_rows(tensors, index)
    rows = _finished_rows(
        tensors["boxes"][index][:count],
        tensors["scores"][index][:count],
        tensors["classes"][index][:count],
        conf_th,
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
    loc = _row_a_prior(spec, "loc", tensors["loc"][index], len(priors))  # (p, 4)
    conf = _row_a_prior(spec, "conf", tensors["conf"][index], len(priors))  # (p, classes)

    # Most priors cannot pass the threshold: neither score nor box is computed for them.
    rows = _reachable(spec, conf, conf_th)  # (n,)
    boxes = PriorBoxes(loc, priors, rows, spec.output.variances)
    scores = _activate(conf[rows], spec.output.activation)  # (n, classes)

    found = _suppress_each_class(spec, boxes, scores, conf_th)
    return found._replace(dropped=found.dropped + _rows_with_nan(conf))


# By their names in a record, which spec.LAYOUTS lists with their tensors.
LAYOUT_FUNCTIONS = {
    "nms7": nms7,
    "tf_detection": tf_detection,
    "boxes_scores": boxes_scores,
    "loc_conf_priors": loc_conf_priors,
}


def _filled_rows(tensors: Tensors, index: int) -> Optional[int]:
    """How many of a picture's rows are filled; None, so all, where the network does not say."""
    if "count" not in tensors:
        return None
    counts = tensors["count"].reshape(-1)
    return max(0, int(counts[index]))


def _finished_rows(
    boxes: np.ndarray, confs: np.ndarray, clss: np.ndarray, conf_th: float
) -> Candidates:
    """The candidates among rows that have been through suppression."""
    no_number = np.isnan(confs) | np.isnan(clss)
    keep = _are_sure(confs, conf_th) & ~no_number
    rows = Candidates(boxes[keep], confs[keep], clss[keep], dropped=int(no_number.sum()))
    return rows.only_boxes()


def _are_sure(scores: np.ndarray, conf_th: float) -> np.ndarray:
    """The mask of the scores that reach the threshold. A score of 0 never does."""
    return (scores >= np.float32(conf_th)) & (scores > 0)


def _suppress_each_class(
    spec: ModelSpec, boxes: Union[np.ndarray, PriorBoxes], scores: np.ndarray, conf_th: float
) -> Candidates:
    """Threshold and suppression for each class by itself: boxes (p, 4), scores (p, classes)."""
    if scores.shape[1] != len(spec.labels):
        raise CourseError(
            f"{spec.name}: the network scores {scores.shape[1]} classes, "
            f"model.json lists {len(spec.labels)} labels (background counts too)"
        )

    parts = [_suppress_class(spec, boxes, scores, cls, conf_th) for cls in spec.class_ids()]
    return Candidates(
        boxes=np.concatenate([part.boxes for part in parts]),
        confs=np.concatenate([part.confs for part in parts]),
        clss=np.concatenate([part.clss for part in parts]),
        dropped=_rows_with_nan(scores) + sum(part.dropped for part in parts),
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


def _row_a_prior(spec: ModelSpec, role: str, array: np.ndarray, count: int) -> np.ndarray:
    """One picture's tensor as (priors, values); some networks give (values, priors)."""
    if count not in array.shape:
        raise CourseError(
            f"{spec.name}: the tensor {spec.output.tensors[role]} has shape {array.shape} "
            f"an image; {spec.output.priors} holds {count} priors"
        )
    if array.shape[0] == count:
        return array
    return array.T


def _reachable(spec: ModelSpec, conf: np.ndarray, conf_th: float) -> np.ndarray:
    """The priors (n,) that can pass the threshold, perhaps with a few that cannot."""
    if spec.output.activation != "softmax" or conf_th <= 0:
        return np.flatnonzero(~np.isnan(conf).any(axis=1))

    # Softmax makes of a logit at most exp(logit - the highest logit of its prior).
    gap = conf[:, spec.class_ids()].max(axis=1) - conf.max(axis=1)  # (p,)
    slack = 1e-3  # exp and log round
    return np.flatnonzero(gap >= np.log(conf_th) - slack)


def _activate(conf: np.ndarray, activation: str) -> np.ndarray:
    """Scores from 0 to 1, (n, classes), from what the network gives."""
    logits = conf.astype(np.float32)
    if activation == "softmax":
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
    if activation == "sigmoid":
        return 1 / (1 + np.exp(-logits))
    return logits


def _rows_with_nan(scores: np.ndarray) -> int:
    """How many rows hold something that is not a number."""
    # One sum tells whether there are any, much faster than a look at each number.
    if not np.isnan(np.sum(scores)):
        return 0
    return int(np.isnan(scores).any(axis=1).sum())
