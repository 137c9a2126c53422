"""What the network gave becomes Detections, by the output layout in the ModelSpec.

One small function a layout, in a table; each picks one image's rows above the threshold, and only those are scaled to
the picture, clipped and checked. Boxes stay floats. What suppression inside an engine leaves is decoded by the batch.
"""

import functools
from typing import NamedTuple

import numpy as np

from ..detections import Detections
from ..support.errors import CourseError
from .suppression import best, nms


class Raw(NamedTuple):
    """One image's candidates, boxes as the network gave them; `bad` counts rows that are no box or hold no number."""

    boxes: np.ndarray  # (n, 4) x1 y1 x2 y2
    confs: np.ndarray  # (n,)
    clss: np.ndarray  # (n,)
    bad: int


def _only_boxes(boxes, confs, clss, bad=0):
    boxes = boxes.astype(np.float32)
    good = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] >= boxes[:, :2]).all(axis=1)
    return Raw(boxes[good], confs[good].astype(np.float32), clss[good], int(bad + (~good).sum()))


def _above(boxes, confs, clss, conf_th):
    bad = np.isnan(confs) | np.isnan(clss)
    keep = (confs >= np.float32(conf_th)) & (confs > 0) & ~bad
    return _only_boxes(boxes[keep], confs[keep], clss[keep], bad.sum())


def _count(tensors, i):
    """How many of an image's rows are filled; None, so all, where the network does not say."""
    return max(0, int(tensors["count"].reshape(-1)[i])) if "count" in tensors else None


def _nms7(spec, tensors, i, conf_th):
    rows = tensors["rows"].reshape(-1, 7)
    if "count" in tensors:
        rows = rows.reshape(tensors["count"].size, -1, 7)[i][: _count(tensors, i)]  # (k, 7)
    else:
        rows = rows[rows[:, 0] == i]  # padding has image index -1
    return _above(rows[:, 3:7], rows[:, 2], rows[:, 1], conf_th)


def _tf_detection(spec, tensors, i, conf_th):
    n = _count(tensors, i)
    raw = _above(
        tensors["boxes"][i][:n], tensors["scores"][i][:n], tensors["classes"][i][:n], conf_th
    )
    return raw._replace(boxes=raw.boxes[:, [1, 0, 3, 2]])  # y1 x1 y2 x2 -> x1 y1 x2 y2


def _boxes_scores(spec, tensors, i, conf_th):
    return _per_class(
        spec, tensors["boxes"][i].__getitem__, tensors["scores"][i], conf_th
    )  # (p, 4), (p, c)


def _loc_conf_priors(spec, tensors, i, conf_th):
    priors = _priors(spec.output.priors)  # (p, 4) cx cy w h
    loc, conf = (_by_prior(spec, role, tensors[role][i], len(priors)) for role in ("loc", "conf"))
    rows = _reachable(spec, conf, conf_th)
    raw = _per_class(
        spec,
        lambda chosen: from_priors(loc[rows[chosen]], priors[rows[chosen]], spec.output.variances),
        _activate(conf[rows], spec.output.activation),
        conf_th,
    )
    return raw._replace(bad=raw.bad + _nan_rows(conf))


def _by_prior(spec, role, array, n):
    """(n, values), also where the network gives (values, n)."""
    if n not in array.shape:
        raise CourseError(
            f"{spec.name}: the tensor {spec.output.tensors[role]} has shape {array.shape} an image; {spec.output.priors.name} holds {n} priors"
        )
    return array if array.shape[0] == n else array.T


def _reachable(spec, conf, conf_th):
    """The priors that can pass the threshold. After a softmax no class can be above exp(its logit - the highest)."""
    if spec.output.activation != "softmax" or conf_th <= 0:
        return np.flatnonzero(~np.isnan(conf).any(axis=1))
    gap = conf[:, spec.class_ids()].max(axis=1) - conf.max(axis=1)
    return np.flatnonzero(gap >= np.log(conf_th) - 1e-3)


def _nan_rows(scores):
    return int(np.isnan(scores).any(axis=1).sum()) if np.isnan(np.sum(scores)) else 0


def _activate(logits, activation):
    logits = logits.astype(np.float32)
    if activation == "softmax":
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
    return 1 / (1 + np.exp(-logits)) if activation == "sigmoid" else logits


def from_priors(loc, priors, variances):
    """SSD's offsets to corner boxes: loc (n, 4), priors (n, 4) cx cy w h -> (n, 4) x1 y1 x2 y2."""
    loc = loc.astype(np.float32) * np.float32(variances)
    centre = priors[:, :2] + loc[:, :2] * priors[:, 2:]
    half = priors[:, 2:] * np.exp(loc[:, 2:]) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


@functools.lru_cache(maxsize=8)
def _priors(path):
    try:
        priors = np.load(str(path), allow_pickle=False).astype(np.float32)
    except (OSError, ValueError) as err:
        raise CourseError(f"{path} cannot be read as an array of priors: {err}") from None
    if priors.ndim != 2 or priors.shape[1] != 4:
        raise CourseError(
            f"{path} has shape {priors.shape}; wanted: (priors, 4), centre x, centre y, width, height"
        )
    return priors


def _per_class(spec, boxes_of, scores, conf_th):
    """Threshold and suppress class by class; only the chosen boxes are ever computed."""
    if scores.shape[1] != len(spec.labels):
        raise CourseError(
            f"{spec.name}: the network scores {scores.shape[1]} classes, model.json lists {len(spec.labels)} labels (background counts too)"
        )
    boxes, confs, clss, bad = zip(
        *(_one_class(spec, boxes_of, scores[:, c], c, conf_th) for c in spec.class_ids())
    )
    return Raw(
        np.concatenate(boxes),
        np.concatenate(confs),
        np.concatenate(clss),
        _nan_rows(scores) + sum(bad),
    )


def _one_class(spec, boxes_of, scores, cls, conf_th):
    chosen = np.flatnonzero((scores >= np.float32(conf_th)) & (scores > 0))
    chosen = chosen[best(scores[chosen], spec.nms.candidates_per_class)]
    raw = _only_boxes(boxes_of(chosen), scores[chosen], np.full(len(chosen), cls))
    keep = nms(raw.boxes, spec.nms.iou_threshold)
    return Raw(raw.boxes[keep], raw.confs[keep], raw.clss[keep], raw.bad)


_LAYOUTS = {
    "nms7": _nms7,
    "tf_detection": _tf_detection,
    "boxes_scores": _boxes_scores,
    "loc_conf_priors": _loc_conf_priors,
}  # efficient_nms: _suppressed


def _in_picture(spec, raw, where):
    clss = raw.clss.astype(np.int64)
    known = np.flatnonzero(np.isin(clss, spec.class_ids()))
    chosen = known[best(raw.confs[known], spec.nms.max_detections)]
    boxes = raw.boxes[chosen]
    if spec.output.units == "normalized":
        boxes = boxes * np.float32([spec.input.width, spec.input.height] * 2)
    boxes = where.to_image(boxes).clip(0, np.float32([where.width, where.height] * 2))  # (n, 4)
    return Detections(boxes, raw.confs[chosen].clip(0, 1), clss[chosen], raw.bad)


def _suppressed(spec, tensors, placements, conf_th):
    """A batch of efficient_nms at once, in few steps: thousands of images a second leave no time for many."""
    n, scores, limit = len(placements), tensors["scores"], np.float32(max(conf_th, 1e-9))
    rows = scores.shape[1]
    there = np.arange(rows) < tensors["count"].reshape(-1, 1)[:n]  # (n, k)
    chosen = np.flatnonzero((scores[:n] >= limit) & there)  # (m,)
    owner, boxes, confs = (
        chosen // rows,
        tensors["boxes"].reshape(-1, 4)[chosen],
        scores.reshape(-1)[chosen],
    )
    clss = tensors["classes"].reshape(-1)[chosen].astype(np.int64)
    known = np.zeros(len(spec.labels) + 2, bool)  # by class plus one, False at both ends
    known[np.add(spec.class_ids(), 1)] = True
    good, bad = known.take(clss + 1, mode="clip"), [0] * n
    if (
        not np.isfinite(boxes).all()
        or (boxes[:, 2:] < boxes[:, :2]).any()
        or np.isnan(scores[:n].max())
    ):
        sound = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] >= boxes[:, :2]).all(axis=1)
        bad = (
            (there & np.isnan(scores[:n])).sum(axis=1) + np.bincount(owner[~sound], minlength=n)
        ).tolist()
        good = good & sound
    falls = (confs[1:] <= confs[:-1]) | (owner[1:] != owner[:-1])
    if not (falls.all() and good.all()):
        order = np.lexsort((-confs, owner))
        owner, boxes, clss, confs = (
            column[order[good[order]]] for column in (owner, boxes, clss, confs)
        )
    unit = (spec.input.width, spec.input.height) if spec.output.units == "normalized" else (1, 1)
    alike = placements.count(placements[0]) == n  # so one row of scale, shift, size does
    fit = np.float32(
        [
            (unit[0] / p.scale_x, unit[1] / p.scale_y) * 2
            + (p.shift_x / p.scale_x, p.shift_y / p.scale_y) * 2
            + (p.width, p.height) * 2
            for p in (placements[:1] if alike else placements)
        ]
    )[[0] if alike else owner]
    boxes = np.minimum(np.maximum(boxes * fit[:, :4] - fit[:, 4:8], 0), fit[:, 8:])
    confs, ends = (
        np.minimum(confs, 1, dtype=np.float32),
        owner.searchsorted(np.arange(n + 1)).tolist(),
    )
    boxes.flags.writeable = confs.flags.writeable = clss.flags.writeable = False
    slices = [slice(a, min(b, a + spec.nms.max_detections)) for a, b in zip(ends, ends[1:])]
    return [
        Detections.trusted(boxes[s], confs[s], clss[s], dropped) for s, dropped in zip(slices, bad)
    ]


def decode(spec, outputs, placements, conf_th):
    """Detections of each image of a batch; `placements` as preprocessing gave them."""
    tensors = {role: outputs[name] for role, name in spec.output.tensors.items()}
    layout = _LAYOUTS.get(spec.output.layout)
    with np.errstate(
        invalid="ignore", over="ignore"
    ):  # what is not a number is dropped and counted
        if layout is None:
            return _suppressed(spec, tensors, placements, conf_th)
        return [
            _in_picture(spec, layout(spec, tensors, i, conf_th), where)
            for i, where in enumerate(placements)
        ]
