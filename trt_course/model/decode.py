"""What the network gave becomes Detections, by the output layout in the ModelSpec.

First the layout's function picks a picture's Candidates out of the tensors. Only those are then
scaled to the picture, clipped and checked. Boxes stay floats.
"""

from typing import Dict, List, Sequence

import numpy as np

from ..detections import Detections
from .candidates import Candidates
from .efficient_nms import decode_batch
from .layouts import LAYOUT_FUNCTIONS
from .placement import Placement
from .spec import ModelSpec
from .suppression import best


def decode(
    spec: ModelSpec,
    outputs: Dict[str, np.ndarray],
    placements: Sequence[Placement],
    conf_th: float,
) -> List[Detections]:
    """Detections of each picture of a batch; `placements` as preprocessing gave them.

    `outputs` are the network's tensors by their names, the batch first.
    """
    tensors = {role: outputs[name] for role, name in spec.output.tensors.items()}

    # What is not a number is dropped and counted, so numpy need not warn of it.
    with np.errstate(invalid="ignore", over="ignore"):
        if spec.output.layout == "efficient_nms":
            return decode_batch(spec, tensors, placements, conf_th)

        candidates_of = LAYOUT_FUNCTIONS[spec.output.layout]
        found = []
        for index, placed in enumerate(placements):
            candidates = candidates_of(spec, tensors, index, conf_th)
            found.append(_in_picture(spec, candidates, placed))
        return found


def _in_picture(spec: ModelSpec, candidates: Candidates, placed: Placement) -> Detections:
    """The surest candidates of known classes, in pixels of their picture."""
    clss = candidates.clss.astype(np.int64)
    known = np.flatnonzero(np.isin(clss, spec.class_ids()))
    chosen = known[best(candidates.confs[known], spec.nms.max_detections)]
    boxes = candidates.boxes[chosen]  # (n, 4)

    # From the network's units to its input's pixels, and from there to the picture's.
    if spec.output.units == "normalized":
        boxes = boxes * _corner_limits(spec.input.width, spec.input.height)
    boxes = placed.to_image(boxes)
    boxes = boxes.clip(0, _corner_limits(placed.width, placed.height))

    confs = candidates.confs[chosen].clip(0, 1)
    return Detections(boxes, confs, clss[chosen], candidates.dropped)


def _corner_limits(width: int, height: int) -> np.ndarray:
    """The size of a picture as a box's numbers stand: x, y, x, y."""
    return np.array([width, height, width, height], dtype=np.float32)
