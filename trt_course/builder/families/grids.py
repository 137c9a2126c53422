"""The families that give a box for each cell of a few grids: YOLO and NanoDet.

Each function knows one family. It returns a Guess, or None if the outputs are not that family's.
"""

from typing import Dict, Optional, Tuple

import numpy as np

from ...support.words import printable
from ..look import Look
from .guess import (
    ASK_RESIZE,
    BY_ULTRALYTICS,
    CERTAIN,
    LETTERBOX,
    LIKELY,
    RGB_BY_IMAGENET,
    SHARES_IN_A_BOX,
    Guess,
    Words,
    activation_for,
    are_pixels,
    is_by_ultralytics,
    noted_names,
    only,
)

STRIDES = (8, 16, 32)
MORE_STRIDES = (8, 16, 32, 64)
_MASK_NUMBERS = 32  # of each box, where a YOLO segments
_BINS = 8
_LONGEST_TASK = 40  # characters
_SUREST: Words = {"each_box": "best_class"}  # as YOLO's authors show what it finds
_NANODETS_NMS = {"iou_threshold": 0.6}
_BGR_BY_IMAGENET: Words = {
    "color": "BGR",
    "mean": [103.53, 116.28, 123.675],
    "scale": [57.375, 57.12, 58.395],
}


def yolox(look: Look) -> Optional[Guess]:
    """A row for each cell: centre and size, objectness, and a score for each class."""
    name, array = only(look)
    if array.ndim != 3 or array.shape[1] != look.cells(STRIDES) or array.shape[2] < 6:
        return None
    if _is_turned_yolov8(look, array):
        return None
    boxes: Words = {"tensor": name, "column": 0}
    if are_pixels(look, array[0, :, :2]):
        boxes.update(form="centre_size", units="pixels")
        found = "boxes in pixels"
    else:
        priors = {"steps": list(STRIDES), "at": "corner"}
        boxes.update(form="offsets", priors=priors, variances=[1, 1, 1, 1])
        found = "boxes as offsets in the grids"
    output: Words = {
        "boxes": boxes,
        "objectness": dict(activation_for(array[..., 4]), tensor=name, column=4),
        "scores": dict(activation_for(array[..., 5:]), tensor=name, column=5, **_SUREST),
        "suppression": "all_classes",
    }
    columns = array.shape[2]
    return Guess(
        "YOLOX",
        LIKELY,
        f"a row of {columns} numbers for each of the {array.shape[1]} cells of strides 8, 16, 32; "
        + found,
        output,
        dict(LETTERBOX, color="BGR"),
        classes=columns - 5,
        questions=(
            "input: YOLOX gets BGR from 0 to 255; if this is YOLOv6, which has the same outputs, "
            "it is RGB with a scale of 255 255 255. Which is it?",
        ),
    )


def yolo_by_three(look: Look) -> Optional[Guess]:
    """YOLOv5 and YOLOv7: three rows for each cell, in pixels."""
    name, array = only(look)
    cells = [3 * look.cells(strides) for strides in (STRIDES, MORE_STRIDES)]
    if array.ndim != 3 or array.shape[1] not in cells or array.shape[2] < 6:
        return None
    output: Words = {
        "boxes": {"tensor": name, "column": 0, "form": "centre_size", "units": "pixels"},
        "objectness": dict(activation_for(array[..., 4]), tensor=name, column=4),
        "scores": dict(activation_for(array[..., 5:]), tensor=name, column=5, **_SUREST),
    }
    if not are_pixels(look, array[0, :, :2]):
        output["boxes"]["units"] = "normalized"
    why = f"{array.shape[1]} rows, three for each cell, of {array.shape[2]} numbers"
    sure = LIKELY
    if is_by_ultralytics(look):
        sure = CERTAIN
        why += BY_ULTRALYTICS
    return Guess("YOLOv5, YOLOv7", sure, why, output, SHARES_IN_A_BOX, classes=array.shape[2] - 5)


def yolo_by_column(look: Look) -> Optional[Guess]:
    """YOLOv8 and its successors: a column or a row for each cell, without objectness."""
    masks = [name for name, array in look.outputs.items() if array.shape[1:2] == (_MASK_NUMBERS,)]
    tables = {name: array for name, array in look.outputs.items() if name not in masks}
    if len(tables) != 1 or len(masks) > 1:
        return None
    ((name, array),) = tables.items()
    if array.ndim != 3:
        return None
    turned = not masks and _is_turned_yolov8(look, array)
    if turned:
        array = array.transpose(0, 2, 1)
    if array.shape[2] not in (look.cells(STRIDES), look.cells(MORE_STRIDES)):
        return None
    classes = array.shape[1] - 4 - _MASK_NUMBERS * len(masks)
    if noted_names(look):
        classes = min(classes, len(noted_names(look)))
    if classes < 1:
        return None
    return _yolov8(look, name, array, values="last" if turned else "first", classes=classes)


def _yolov8(look: Look, name: str, array: np.ndarray, values: str, classes: int) -> Guess:
    """The guess for an array (pictures, numbers, cells)."""
    where = {"tensor": name, "values": values}
    units = "normalized"
    if are_pixels(look, array[0, :2].T):
        units = "pixels"
    activation = activation_for(array[0, 4 : 4 + classes])
    output: Words = {
        "boxes": dict(where, column=0, form="centre_size", units=units),
        "scores": dict(where, column=4, **activation, **_SUREST),
    }
    why = f"{array.shape[1]} numbers for each of the {array.shape[2]} cells, no objectness"
    sure = LIKELY
    if is_by_ultralytics(look):
        sure = CERTAIN
        why += BY_ULTRALYTICS
    questions: Tuple[str, ...] = ()
    task = printable(look.notes.get("task", "not noted"))[:_LONGEST_TASK]
    if task not in ("detect", "not noted") or array.shape[1] > 4 + classes:
        questions = (
            f"output: the file gives more than boxes (its task: {task}); "
            "only upright boxes and scores are read. Is that enough?",
        )
    elif activation:
        questions = (
            "output.scores: some numbers behind the box are not from 0 to 1, so a sigmoid is "
            "filled in; are all of them scores (poses and turned boxes have other numbers there)?",
        )
    return Guess(
        "YOLOv8 and later",
        sure,
        why,
        output,
        SHARES_IN_A_BOX,
        classes=classes,
        questions=questions,
        nms={"iou_threshold": 0.7},
    )


def nanodet_plus(look: Look) -> Optional[Guess]:
    """A row for each cell of four grids: a score a class, and four distributions of 8 bins."""
    name, array = only(look)
    if array.ndim != 3 or array.shape[1] != look.cells(MORE_STRIDES):
        return None
    classes = array.shape[2] - 4 * _BINS
    if classes < 1:
        return None
    priors = {"steps": list(MORE_STRIDES), "at": "corner"}
    output: Words = {
        "boxes": {
            "tensor": name,
            "column": classes,
            "form": "distances",
            "bins": _BINS,
            "priors": priors,
        },
        "scores": dict(activation_for(array[..., :classes]), tensor=name, column=0),
    }
    why = f"a row of {classes} + 4 x 8 numbers for each cell of strides 8, 16, 32, 64"
    return Guess(
        "NanoDet-Plus", LIKELY, why, output, _BGR_BY_IMAGENET, classes=classes, nms=_NANODETS_NMS
    )


def nanodet(look: Look) -> Optional[Guess]:
    """Each scale by itself: a tensor of scores and one of distributions."""
    scores: Dict[int, str] = {}
    boxes: Dict[int, str] = {}
    for name, array in look.outputs.items():
        stride = _stride_of(look, array)
        group = boxes if array.shape[-1:] == (4 * _BINS,) else scores
        if stride is None or stride in group:
            return None
        group[stride] = name
    strides = sorted(scores)
    if len(strides) < 3 or sorted(boxes) != strides:
        return None
    widths = {look.outputs[name].shape[-1] for name in scores.values()}
    if len(widths) != 1:
        return None
    sample = np.concatenate([look.outputs[name].ravel() for name in scores.values()])
    output: Words = {
        "boxes": {
            "tensor": [boxes[stride] for stride in strides],
            "form": "distances",
            "bins": _BINS,
            "priors": {"steps": strides},
        },
        "scores": dict(activation_for(sample), tensor=[scores[stride] for stride in strides]),
    }
    why = f"scores and 4 x 8 numbers for the cells of strides {', '.join(map(str, strides))}"
    classes = widths.pop()
    if all(".tmp_" in name for name in look.outputs):
        why += ", under Paddle's names"
        return Guess("PicoDet", LIKELY, why, output, RGB_BY_IMAGENET, classes=classes)
    output["boxes"]["priors"]["at"] = "corner" if 64 in strides else "middle_pixel"
    question = (
        "output.boxes.priors.at: NanoDet-Plus measures from a cell's corner, the first NanoDet "
        "and OpenCV's zoo from the middle of its pixels (middle_pixel), PicoDet from the middle; "
        "which is this?"
    )
    return Guess(
        "NanoDet, scales apart",
        LIKELY,
        why,
        output,
        _BGR_BY_IMAGENET,
        classes=classes,
        questions=(question, ASK_RESIZE),
        nms=_NANODETS_NMS,
    )


def _is_turned_yolov8(look: Look, array: np.ndarray) -> bool:
    """Whether rows are a YOLOv8's with its axes swapped: 4 + classes numbers, not 5."""
    if array.ndim != 3 or array.shape[1] not in (look.cells(STRIDES), look.cells(MORE_STRIDES)):
        return False
    return array.shape[2] in (4 + 80, 4 + len(noted_names(look)), 5)


def _stride_of(look: Look, array: np.ndarray) -> Optional[int]:
    """The stride of the one grid whose cells are the array's rows."""
    if array.ndim not in (2, 3):
        return None
    for stride in MORE_STRIDES:
        if array.shape[-2] == look.cells([stride]):
            return stride
    return None
