"""The families that give boxes in one tensor and a score for each box and class in another.

Each function knows one family. It returns a Guess, or None if the outputs are not that family's.
"""

from typing import List, NamedTuple, Optional, Tuple

import numpy as np

from ..look import Look
from .guess import (
    ASK_COLOUR,
    ASK_RECIPE,
    ASK_RESIZE,
    LIKELY,
    PERHAPS,
    RGB_BY_IMAGENET,
    RGB_SHARES,
    SHARES_IN_A_BOX,
    Guess,
    Words,
    activation_for,
    are_corners,
    background_of,
    units_of,
)
from .known_priors import known_priors

_MOST_QUERIES = 1000  # that a transformer asks
_MOST_SHARE = 1.5  # centres and sizes are shares of the input, or a little more
_ULTRA_LIGHT = {(320, 240): 4420, (640, 480): 17640}  # boxes by the input's size


class Pair(NamedTuple):
    """Boxes (n, 4) and scores (n, classes) of the first picture, and the names of their tensors."""

    boxes_name: str
    scores_name: str
    boxes: np.ndarray
    scores: np.ndarray
    columns_first: bool  # both come as (numbers, n)


def pair_of(look: Look) -> Optional[Pair]:
    """The two outputs as boxes and scores, if their shapes allow it."""
    if len(look.outputs) != 2:
        return None
    names = list(look.outputs)
    arrays = [look.outputs[name] for name in names]
    if any(array.ndim != 3 or array.dtype.kind != "f" for array in arrays):
        return None
    for first in (False, True):
        axis = 1 if first else 2
        widths = [array.shape[axis] for array in arrays]
        places = [array.shape[3 - axis] for array in arrays]
        if 4 in widths and places[0] == places[1]:
            boxes = _boxes_among(look, widths)
            pair = arrays[boxes][0], arrays[1 - boxes][0]
            if first:
                pair = pair[0].T, pair[1].T
            return Pair(names[boxes], names[1 - boxes], pair[0], pair[1], first)
    return None


def _boxes_among(look: Look, widths: List[int]) -> int:
    """Which of the two outputs is the boxes': by the width, or by the name where both have 4."""
    if widths.count(4) == 1:
        return widths.index(4)
    names = list(look.outputs)
    for word in ("box", "loc", "reg"):
        if word in names[1].lower():
            return 1
    return 0


def offsets_from_priors(look: Look) -> Optional[Guess]:
    """SSDs that leave their priors outside."""
    pair = pair_of(look)
    if pair is None or (look.ran and are_corners(pair.boxes)):
        return None
    pictures = look.pictures
    known = known_priors(
        len(pair.boxes), pair.columns_first, width=pictures.width, height=pictures.height
    )
    if known is None:
        return None
    activation = activation_for(pair.scores, otherwise=known.activation)
    output: Words = {
        "boxes": dict(known.boxes, tensor=pair.boxes_name, form="offsets", priors=known.rule),
        "scores": dict(activation, tensor=pair.scores_name),
    }
    return Guess(
        known.family,
        LIKELY,
        f"{len(pair.boxes)} priors at {pictures.width} x {pictures.height}, and boxes that are no "
        "corners",
        output,
        known.recipe,
        classes=pair.scores.shape[1],
        background=0,
        nms=known.nms,
        questions=(
            f"output.boxes.priors: {known.family} has so many priors, but other configurations "
            "do, too; are its sizes, aspects and steps this network's?",
        ),
    )


def transformer(look: Look) -> Optional[Guess]:
    """DETR and its successors: logits, and a centre and a size in shares for each query."""
    pair = pair_of(look)
    if pair is None or pair.columns_first or len(pair.boxes) > _MOST_QUERIES:
        return None
    if are_corners(pair.boxes) or pair.boxes.min() < 0 or not pair.boxes.max() < _MOST_SHARE:
        return None
    classes = pair.scores.shape[1]
    boxes = {"tensor": pair.boxes_name, "form": "centre_size"}
    # DETR and YOLOS put a column for "nothing" behind COCO's 91.
    softmax = classes == 92 or background_of(pair.scores) == classes - 1
    scores: Words = dict(activation_for(pair.scores), tensor=pair.scores_name)
    background = None
    if softmax:
        scores.update(activation_for(pair.scores, otherwise="softmax"), each_box="best_class")
        background = classes - 1
    output: Words = {"boxes": boxes, "scores": scores, "suppression": "inside"}
    recipe = RGB_BY_IMAGENET
    questions: Tuple[str, ...] = (
        ASK_RECIPE + " DETR's is filled in.",
        ASK_RESIZE + " DETR's kept their shape.",
    )
    if classes == 80:
        recipe = RGB_SHARES  # RT-DETR and D-FINE
        questions = ()
    question = (
        "output.scores.activation: DETR's logits want softmax, with a last column for nothing; "
        "those of RT-DETR, D-FINE and Deformable DETR want sigmoid. Which is this?"
    )
    return Guess(
        "DETR and its successors",
        LIKELY,
        f"{len(pair.boxes)} queries with centre and size from 0 to 1",
        output,
        recipe,
        classes=classes,
        background=background,
        questions=(question, *questions),
    )


def boxes_and_scores(look: Look) -> Optional[Guess]:
    """Finished corners and a score for each class, without suppression."""
    pair = pair_of(look)
    if pair is None or not are_corners(pair.boxes):
        return None
    units, questions = units_of(look, pair.boxes)
    size = (look.pictures.width, look.pictures.height)
    classes = pair.scores.shape[1]
    background = background_of(pair.scores)
    activation = activation_for(pair.scores, otherwise="softmax" if background == 0 else "sigmoid")
    boxes: Words = {"tensor": pair.boxes_name, "units": units}
    output: Words = {"boxes": boxes, "scores": dict(activation, tensor=pair.scores_name)}
    recipe: Words = {"color": "RGB", "mean": [127.0] * 3, "scale": [128.0] * 3}
    why = f"{len(pair.boxes)} boxes as corners, {classes} scores each"
    if _ULTRA_LIGHT.get(size) == len(pair.boxes) and classes == 2:
        return Guess(
            "ultra-light face detectors",
            LIKELY,
            why,
            output,
            recipe,
            classes=2,
            background=0,
            labels="face",
            nms={"iou_threshold": 0.3},
        )
    cells = look.cells((8, 16, 32))
    if background is None and len(pair.boxes) == cells:
        return Guess(
            "YOLO with corners (YOLO-NAS)",
            LIKELY,
            f"{why}, one for each cell of strides 8, 16, 32",
            output,
            SHARES_IN_A_BOX,
            classes=classes,
            questions=(*questions, ASK_COLOUR, ASK_RECIPE),
        )
    if background is None:
        questions.append(
            "background: no column takes what the others leave, so none is taken for the "
            "background; is there one?"
        )
    return Guess(
        "boxes and scores (PyTorch SSD, jetson-inference)",
        PERHAPS if background is None else LIKELY,
        why,
        output,
        recipe,
        classes=classes,
        background=background,
        questions=(
            *questions,
            ASK_COLOUR,
            ASK_RECIPE + " pytorch-ssd's 127 and 128 are filled in.",
        ),
    )
