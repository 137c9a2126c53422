"""An engine held against the CPU: how far boxes and confidences move, and the mAP of both."""

from pathlib import Path
from typing import Iterator, NamedTuple, Optional, Union

import numpy as np

from ..model.spec import ModelSpec
from ..ssd import TrtSSD
from . import voc
from .boxes import Found, Founds
from .evaluate import detect_folder

MIN_IOU = 0.5  # the least overlap of two boxes that are partners


class Parity(NamedTuple):
    """How an engine differs from the CPU, over the boxes that either finds.

    Boxes count from the record's threshold up; `alone` of them have no partner on the other side.
    """

    engine: str
    pictures: int
    boxes: int
    alone: int
    worst_pixels: float
    worst_confidence: float
    map_engine: float
    map_cpu: float

    def report(self) -> str:
        """The figures as text, for a person."""
        difference = self.map_engine - self.map_cpu
        return (
            f"{self.engine}\n"
            f"  {self.pictures} pictures, {self.boxes} boxes, "
            f"{self.alone} of them without a partner\n"
            f"  farthest corner {self.worst_pixels:.3f} pixels, "
            f"confidence {self.worst_confidence:.4f}\n"
            f"  mAP {100 * self.map_engine:.2f} %, on the CPU {100 * self.map_cpu:.2f} %, "
            f"difference {difference:+.4f}"
        )


def compare(spec: ModelSpec, plan: Optional[Union[str, Path]], data: Union[str, Path]) -> Parity:
    """The Parity of an engine (None: the newest that fits) with the CPU on a data folder."""
    with TrtSSD(spec, backend="tensorrt", plan=plan) as ssd:
        truths, ours = detect_folder(ssd, data)
        why = ssd.why
    with TrtSSD(spec, backend="cpu", verbose=False) as ssd:
        _, reference = detect_folder(ssd, data)

    # Each of the CPU's boxes, and of the engine's those that the CPU has nothing like.
    pairs = list(_pairs(reference, ours, spec.conf_threshold))
    extra = [pair for pair in _pairs(ours, reference, spec.conf_threshold) if pair is None]
    moved = [pair for pair in pairs if pair is not None]

    return Parity(
        engine=why,
        pictures=len(truths),
        boxes=len(pairs) + len(extra),
        alone=len(pairs) - len(moved) + len(extra),
        worst_pixels=max((pair.pixels for pair in moved), default=0.0),
        worst_confidence=max((pair.confidence for pair in moved), default=0.0),
        map_engine=voc.score(truths, ours).mean,
        map_cpu=voc.score(truths, reference).mean,
    )


class _Moved(NamedTuple):
    """How far a box's partner is off: its farthest corner, and its confidence."""

    pixels: float
    confidence: float


def _pairs(ours: Founds, theirs: Founds, conf_th: float) -> Iterator[Optional[_Moved]]:
    """How far the partner of each of our boxes from the threshold up is off; None: it has none."""
    for image in ours:
        yield from _pairs_of_image(ours[image], theirs[image], conf_th)


def _pairs_of_image(ours: Found, theirs: Found, conf_th: float) -> Iterator[Optional[_Moved]]:
    overlaps = voc.class_overlap(ours, theirs)  # (ours, theirs)
    for i in np.flatnonzero(ours.confs >= conf_th):
        if (overlaps[i] < MIN_IOU).all():
            yield None
            continue
        partner = overlaps[i].argmax()
        pixels = np.abs(ours.boxes[i] - theirs.boxes[partner]).max()
        confidence = abs(ours.confs[i] - theirs.confs[partner])
        yield _Moved(float(pixels), float(confidence))
