"""The families whose networks give finished rows, with box, confidence and class side by side.

Each function knows one family. It returns a Guess, or None if the outputs are not that family's.
"""

from typing import Optional

import numpy as np

from ..look import Look
from .guess import (
    ASK_COLOUR,
    ASK_RECIPE,
    ASK_RESIZE,
    BY_ULTRALYTICS,
    CERTAIN,
    LIKELY,
    PERHAPS,
    RGB_SHARES,
    SHARES_IN_A_BOX,
    Guess,
    Words,
    are_shares,
    are_whole,
    is_by_ultralytics,
    units_of,
)

_MOST_ROWS = 1000  # that a network leaves after suppression, or that a transformer asks for


def rows_of_six(look: Look) -> Optional[Guess]:
    """x1 y1 x2 y2 confidence class: YOLOv10 and whatever was exported with suppression."""
    name = _only_rows(look, width=6)
    if name is None:
        return None
    rows = _filled(look, name)
    has_class_last = are_shares(rows[:, 4]) and are_whole(rows[:, 5])
    has_class_first = are_whole(rows[:, 0]) and are_shares(rows[:, 1])
    if has_class_first and not has_class_last:
        return _paddle(look, name, rows)
    if look.ran and not has_class_last:
        return None
    units, unseen = units_of(look, rows[:, :4])
    if unseen:
        units = "pixels"
    output = _columns(name, boxes=0, scores=4, classes=5)
    output["boxes"]["units"] = units
    _add_count(output, look, name)
    guess = Guess(
        "finished rows of six (YOLOv10, YOLO with suppression)",
        LIKELY,
        f"{len(rows)} rows of six numbers",
        output,
        SHARES_IN_A_BOX,
        labels="coco80",
    )
    if is_by_ultralytics(look):
        return guess._replace(sure=CERTAIN, why=guess.why + BY_ULTRALYTICS)
    order = "output: are the six numbers x1 y1 x2 y2 confidence class, in this order?"
    return guess._replace(questions=(*unseen, order, ASK_COLOUR, ASK_RECIPE, ASK_RESIZE))


def _paddle(look: Look, name: str, rows: np.ndarray) -> Guess:
    """class confidence x1 y1 x2 y2."""
    units, unseen = units_of(look, rows[:, 2:])
    output = _columns(name, boxes=2, scores=1, classes=0)
    output["boxes"]["units"] = units
    _add_count(output, look, name)
    why = f"{len(rows)} rows of six numbers, of which the first is whole and the second a share"
    order = "output: are the six numbers class confidence x1 y1 x2 y2, in this order?"
    return Guess(
        "PaddleDetection's rows of six",
        LIKELY,
        why,
        output,
        RGB_SHARES,
        labels="coco80",
        questions=(*unseen, order, ASK_RECIPE + " PP-YOLOE+'s is filled in."),
    )


def _only_rows(look: Look, width: int) -> Optional[str]:
    """The output of finished rows, if there is nothing beside it but perhaps their count."""
    names = [name for name, array in look.outputs.items() if array.shape[-1:] == (width,)]
    if len(names) != 1 or len(look.outputs) > 2:
        return None
    array = look.outputs[names[0]]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[1] > _MOST_ROWS):
        return None
    beside = [other for name, other in look.outputs.items() if name != names[0]]
    if any(other.size != 1 or other.dtype.kind not in "iu" for other in beside):
        return None
    return names[0]


def _filled(look: Look, name: str) -> np.ndarray:
    """The rows (n, 6) that are filled, as far as there is a count of them."""
    rows = look.outputs[name].reshape(-1, 6)
    for other, array in look.outputs.items():
        if other != name and look.ran:
            rows = rows[: max(0, int(array.reshape(())))]
    return rows


def _add_count(output: Words, look: Look, rows: str) -> None:
    """Say that an output beside the rows is their count."""
    for name in look.outputs:
        if name != rows:
            output["count"] = name


def rows_of_seven(look: Look) -> Optional[Guess]:
    """Rows that say to which picture they belong: TLT, UFF, OpenVINO's and Caffe's SSD; YOLOv7."""
    rows = [name for name, array in look.outputs.items() if array.shape[-1:] == (7,)]
    if len(rows) != 1 or len(look.outputs) > 2:
        return None
    array = look.outputs[rows[0]]
    if look.ran and not are_whole(array[..., 0]):  # the picture's number
        return None
    if array.ndim == 2 and len(look.outputs) == 1:
        return _yolov7_rows(look, rows[0])
    if array.ndim == 3 and array.shape[1] > _MOST_ROWS:
        return None
    output = _columns(rows[0], boxes=3, scores=2, classes=1)
    _add_count(output, look, rows[0])
    if "count" not in output:
        output["picture"] = {"tensor": rows[0], "column": 0}
    why = f"rows of seven numbers, {' x '.join(map(str, array.shape))}"
    recipe = {"color": "BGR", "mean": [103.939, 116.779, 123.68]}
    questions = (
        "background: is class 0 the background (TLT 3.0 on, UFF, Caffe), or a class (TLT 2.0)?",
        ASK_RECIPE + " TLT's is filled in; UFF's is 127.5 and 127.5 with RGB, Caffe's often "
        "127.5 and 127.5 with BGR.",
    )
    return Guess("rows of seven", LIKELY, why, output, recipe, background=0, questions=questions)


def _yolov7_rows(look: Look, name: str) -> Guess:
    """picture x1 y1 x2 y2 class confidence."""
    output = _columns(name, boxes=1, scores=6, classes=5)
    output["boxes"]["units"] = "pixels"
    output["picture"] = {"tensor": name, "column": 0}
    question = (
        "output: are the seven numbers picture x1 y1 x2 y2 class confidence (YOLOv7), or picture "
        "class confidence x1 y1 x2 y2?"
    )
    return Guess(
        "YOLOv7 with suppression",
        PERHAPS,
        "one output, rows of seven numbers without an axis for the pictures",
        output,
        SHARES_IN_A_BOX,
        labels="coco80",
        questions=(question,),
    )


def _columns(name: str, boxes: int, scores: int, classes: int) -> Words:
    """The words for finished rows in one tensor, by the columns where the roles begin."""
    return {
        "boxes": {"tensor": name, "column": boxes},
        "scores": {"tensor": name, "column": scores},
        "classes": {"tensor": name, "column": classes},
        "suppression": "inside",
    }
