"""The families whose networks give finished rows, with box, confidence and class side by side.

Each function knows one family. It returns a Guess, or None if the outputs are not that family's.
"""

from typing import Optional

from ..look import Look
from .guess import (
    ASK_RECIPE,
    LETTERBOX,
    LIKELY,
    PERHAPS,
    RGB_SHARES,
    Guess,
    Words,
    are_shares,
    are_whole,
    noted_names,
    only,
    units_of,
)

_MOST_ROWS = 1000  # that a network leaves after suppression, or that a transformer asks for


def rows_of_six(look: Look) -> Optional[Guess]:
    """x1 y1 x2 y2 confidence class: YOLOv10 and whatever was exported with suppression."""
    name, array = only(look)
    if array.ndim not in (2, 3) or array.shape[-1] != 6:
        return None
    if array.ndim == 3 and array.shape[1] > _MOST_ROWS:
        return None
    rows = array.reshape(-1, 6)
    boxes, scores, classes = (0, 4, 5)
    if are_whole(rows[:, 0]) and are_shares(rows[:, 1]) and not are_shares(rows[:, 4]):
        boxes, scores, classes = (2, 1, 0)
    units, questions = units_of(look, rows[:, boxes : boxes + 4])
    if questions:
        units = "pixels"
    output = _columns(name, boxes=boxes, scores=scores, classes=classes)
    output["boxes"]["units"] = units
    order = "x1 y1 x2 y2 confidence class"
    if classes == 0:
        order = "class confidence x1 y1 x2 y2"
    questions.append(f"output: are the six numbers {order}, in this order?")
    return Guess(
        "finished rows of six (YOLOv10, YOLO with suppression)",
        LIKELY,
        f"one output, {len(rows)} rows of six numbers",
        output,
        dict(RGB_SHARES, **LETTERBOX),
        labels="coco80",
        classes=len(noted_names(look)),
        questions=tuple(questions),
    )


def rows_of_seven(look: Look) -> Optional[Guess]:
    """Rows that say to which picture they belong: TLT, UFF, OpenVINO's and Caffe's SSD; YOLOv7."""
    rows = [name for name, array in look.outputs.items() if array.shape[-1:] == (7,)]
    if len(rows) != 1 or len(look.outputs) > 2:
        return None
    array = look.outputs[rows[0]]
    if array.ndim == 2 and len(look.outputs) == 1:
        return _yolov7_rows(look, rows[0])
    if array.ndim == 3 and array.shape[1] > _MOST_ROWS:
        return None
    roles = {"rows": rows[0]}
    for name in look.outputs:
        if name != rows[0]:
            roles["count"] = name
    output = {"layout": "nms7", "tensors": roles}
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
        'class confidence x1 y1 x2 y2 ("layout": "nms7")?'
    )
    return Guess(
        "YOLOv7 with suppression",
        PERHAPS,
        "one output, rows of seven numbers without an axis for the pictures",
        output,
        dict(RGB_SHARES, **LETTERBOX),
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
