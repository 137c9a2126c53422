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

    # Each of the CPU's boxes with its partner, and how many boxes only the engine has.
    partners = list(_partners(reference, ours, spec.conf_threshold))
    moved = [partner for partner in partners if partner is not None]
    lost = len(partners) - len(moved)
    extra = list(_partners(ours, reference, spec.conf_threshold)).count(None)

    return Parity(
        engine=why,
        pictures=len(truths),
        boxes=len(partners) + extra,
        alone=lost + extra,
        worst_pixels=max((partner.pixels for partner in moved), default=0.0),
        worst_confidence=max((partner.confidence for partner in moved), default=0.0),
        map_engine=voc.score(truths, ours).mean,
        map_cpu=voc.score(truths, reference).mean,
    )


class _Partner(NamedTuple):
    """How far the box on the other side is off: its farthest corner, and its confidence."""

    pixels: float
    confidence: float


def _partners(ours: Founds, theirs: Founds, conf_th: float) -> Iterator[Optional[_Partner]]:
    """The partner of each of our boxes from the threshold up, or None where it has none."""
    for image in ours:
        yield from _partners_in_image(ours[image], theirs[image], conf_th)


def _partners_in_image(ours: Found, theirs: Found, conf_th: float) -> Iterator[Optional[_Partner]]:
    overlaps = voc.class_overlap(ours, theirs)  # (ours, theirs)
    for i in np.flatnonzero(ours.confs >= conf_th):
        if (overlaps[i] < MIN_IOU).all():
            yield None
            continue
        nearest = overlaps[i].argmax()
        sides = np.abs(ours.boxes[i] - theirs.boxes[nearest])  # (4,)
        confidence = abs(ours.confs[i] - theirs.confs[nearest])
        yield _Partner(float(sides.max()), float(confidence))
