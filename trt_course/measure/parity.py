"""An engine held against the CPU: the same pictures, how far boxes and confidences move, and mAP of both."""

from typing import NamedTuple

import numpy as np

from ..ssd import TrtSSD
from . import voc
from .evaluate import detect_folder


class Parity(NamedTuple):
    """Over the boxes that either finds from the record's threshold up; `alone` have no partner on the other side."""

    engine: str
    pictures: int
    boxes: int
    alone: int
    worst_pixels: float
    worst_confidence: float
    map_engine: float
    map_cpu: float

    def report(self):
        return (
            f"{self.engine}\n  {self.pictures} pictures, {self.boxes} boxes, {self.alone} of them without a partner\n  farthest corner {self.worst_pixels:.3f} pixels, "
            f"confidence {self.worst_confidence:.4f}\n  mAP {100 * self.map_engine:.2f} %, on the CPU {100 * self.map_cpu:.2f} %, difference {self.map_engine - self.map_cpu:+.4f}"
        )


def _partners(ours, theirs, conf_th):
    """For each of our boxes from the threshold up: pixels and confidence to its partner, or None."""
    overlaps = voc.class_overlap(ours, theirs)  # (ours, theirs)
    for i in np.flatnonzero(ours.confs >= conf_th):
        if (overlaps[i] < 0.5).all():
            yield None
        else:
            best = overlaps[i].argmax()
            yield (
                np.abs(ours.boxes[i] - theirs.boxes[best]).max(),
                abs(ours.confs[i] - theirs.confs[best]),
            )


def compare(spec, plan, data):
    """The Parity of an engine (None: the newest that fits) with the CPU on a data folder."""
    with TrtSSD(spec, backend="tensorrt", plan=plan) as ssd:
        truths, ours = detect_folder(ssd, data)
        why = ssd.why
    with TrtSSD(spec, backend="cpu", verbose=False) as ssd:
        _, reference = detect_folder(ssd, data)
    least = spec.conf_threshold
    pairs = [pair for name in reference for pair in _partners(reference[name], ours[name], least)]
    pairs += [
        None
        for name in ours
        for pair in _partners(ours[name], reference[name], least)
        if pair is None
    ]
    found = np.array([pair for pair in pairs if pair is not None]).reshape(-1, 2)
    worst = [float(v) for v in found.max(axis=0, initial=0)]
    return Parity(
        why,
        len(truths),
        len(pairs),
        len(pairs) - len(found),
        *worst,
        voc.score(truths, ours).mean,
        voc.score(truths, reference).mean,
    )
