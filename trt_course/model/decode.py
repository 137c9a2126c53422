"""The network's outputs become Detections, by what the ModelSpec says of the output.

First rows.py picks a picture's Candidates out of the tensors. Only those are then scaled to the
picture, clipped and checked. Boxes stay floats.
"""

import functools
from typing import Dict, List, Sequence

import numpy as np

from ..detections import Detections
from .candidates import Candidates, Losses
from .efficient_nms import decode_batch
from .oddities import Oddities
from .placement import Placement
from .rows import candidates_of
from .shapes import OutputShapes
from .spec import ModelSpec
from .suppression import best


class Decoder:
    """Decodes the outputs of one model's network, and counts what was odd in them.

    Before it reads the outputs it checks their shapes, which a network need not state before it
    runs.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self.shapes = OutputShapes(spec)
        self.oddities = Oddities(spec.name, len(spec.labels))
        self._spec = spec

    def decode(
        self,
        outputs: Dict[str, np.ndarray],
        placements: Sequence[Placement],
        conf_th: float,
        places: int = -1,
        count: bool = True,
    ) -> List[Detections]:
        """Detections of each picture of a batch; `placements` as preprocessing gave them.

        `outputs` are the network's tensors by their names, with the batch as their first axis.
        `places` is the length of the batch that the network was given (-1: unknown), which may be
        longer than `placements`. With `count=False` the oddities stay as they are.
        """
        readings = self.shapes.require(outputs, places, least=len(placements))
        spec = self._spec
        oddities = self.oddities if count else Oddities(spec.name, len(spec.labels))
        # What is not a number is dropped and counted, so NumPy need not warn about it.
        with np.errstate(invalid="ignore", over="ignore"):
            if readings.whole_rows:
                tensors = readings.tensors(outputs)
                return decode_batch(spec, tensors, placements, conf_th, oddities)

            found = []
            for picture, placed in enumerate(placements):
                read = functools.partial(readings.of, outputs=outputs, picture=picture)
                candidates = candidates_of(spec, read, picture, conf_th)
                found.append(self._in_picture(candidates, placed, oddities))
            return found

    def _in_picture(
        self, candidates: Candidates, placed: Placement, oddities: Oddities
    ) -> Detections:
        """The surest candidates of known classes, in pixels of their picture."""
        spec = self._spec
        clss = candidates.clss.astype(np.int64)
        known = np.flatnonzero(np.isin(clss, spec.class_ids()))
        losses = candidates.losses
        if len(known) < len(clss):
            losses = losses.plus(_beyond_labels(spec, clss))

        chosen = known[best(candidates.confs[known], spec.nms.max_detections)]
        boxes = candidates.boxes[chosen]  # (n, 4)

        # From the network's units to its input's pixels, and from there to the picture's.
        if spec.output.units == "normalized":
            boxes = boxes * _corner_limits(spec.input.width, spec.input.height)
        boxes = placed.to_image(boxes)
        limits = _corner_limits(placed.width, placed.height)
        boxes = boxes.clip(0, limits)

        # What is odd is counted.
        confs = candidates.confs[chosen]
        oddities.count_losses(losses)
        oddities.count_boxes(boxes, confs, limits[:2])
        return _detections(boxes, confs.clip(0, 1), clss[chosen], losses.total)


def decode(
    spec: ModelSpec,
    outputs: Dict[str, np.ndarray],
    placements: Sequence[Placement],
    conf_th: float,
) -> List[Detections]:
    """Detections of one batch, with a Decoder of its own."""
    return Decoder(spec).decode(outputs, placements, conf_th)


def _beyond_labels(spec: ModelSpec, clss: np.ndarray) -> Losses:
    """How many rows have a class without a label; the background has one."""
    beyond = (clss < 0) | (clss >= len(spec.labels))
    return Losses(no_classes=int(np.count_nonzero(beyond)))


def _detections(boxes: np.ndarray, confs: np.ndarray, clss: np.ndarray, dropped: int) -> Detections:
    """Detections from arrays that were made here, correct and held by nobody else."""
    for array in (boxes, confs, clss):
        array.flags.writeable = False
    return Detections.trusted(boxes, confs, clss, dropped)


def _corner_limits(width: int, height: int) -> np.ndarray:
    """The size of a picture in the order of a box's numbers: x, y, x, y."""
    return np.array([width, height, width, height], dtype=np.float32)
