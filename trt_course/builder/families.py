"""What family a network may be of, by the names, types and shapes of what it gives, and by a run.

Each function knows one family. It returns a Guess, or None if the outputs are not that family's.
"""

from typing import Any, Dict, NamedTuple, Optional, Sequence, Tuple

import numpy as np

Outputs = Dict[str, np.ndarray]  # of a run with one picture of noise, by name
Words = Dict[str, Any]

STRIDES = (8, 16, 32)
MORE_STRIDES = (8, 16, 32, 64)
MOST_QUERIES = 1000  # that a transformer asks


class Look(NamedTuple):
    """What can be seen of a network: the sides of its input, and what came out of a run."""

    width: int
    height: int
    outputs: Outputs

    def cells(self, strides: Sequence[int]) -> int:
        """How many cells all grids of these strides have together."""
        return sum(self.cells_of(stride) for stride in strides)

    def cells_of(self, stride: int) -> int:
        """How many cells one grid has; those at the edges may stand over."""
        return -(-self.width // stride) * -(-self.height // stride)


class Guess(NamedTuple):
    """A family, how sure it is, and what its record says of the output."""

    family: str
    sure: str  # "certain", "likely", "a guess"
    output: Words
    classes: int  # 0 if that cannot be seen
    background: Optional[int] = None
    questions: Tuple[str, ...] = ()
    resize: str = "stretch"


def efficient_nms(look: Look) -> Optional[Guess]:
    """TensorRT's EfficientNMS, or its twin of ONNX operators."""
    names = {"num": "count", "box": "boxes", "score": "scores", "class": "classes"}
    tensors = _by_words(look.outputs, names)
    if len(look.outputs) != 4 or len(tensors) != 4:
        return None
    if "detection_boxes" in tensors.values() and look.outputs[tensors["count"]].dtype.kind == "f":
        return None  # TensorFlow counts in floats
    output = {
        "layout": "efficient_nms",
        "tensors": tensors,
        "units": _units(look, tensors["boxes"]),
    }
    return Guess("EfficientNMS", "likely", output, classes=0)


def tensorflow(look: Look) -> Optional[Guess]:
    """TensorFlow's object detection API with its suppression inside."""
    names = {
        "detection_boxes": "boxes",
        "detection_scores": "scores",
        "detection_classes": "classes",
        "num_detections": "count",
    }
    tensors = _by_words(look.outputs, names)
    if not {"boxes", "scores", "classes"} <= set(tensors):
        return None
    output = {"layout": "tf_detection", "tensors": tensors}
    return Guess("TensorFlow's object detection API", "certain", output, classes=0, background=0)


def finished_rows(look: Look) -> Optional[Guess]:
    """Boxes, scores and labels in a tensor each, done: transformers, torchvision."""
    tensors = _by_words(look.outputs, {"box": "boxes", "score": "scores", "label": "classes"})
    if len(look.outputs) != 3 or len(tensors) != 3:
        return None
    if look.outputs[tensors["classes"]].dtype.kind not in "iu":
        return None
    output: Words = {
        "boxes": {"tensor": tensors["boxes"], "units": _units(look, tensors["boxes"])},
        "scores": {"tensor": tensors["scores"]},
        "classes": tensors["classes"],
        "suppression": "inside",
    }
    return Guess("finished boxes, scores and labels", "likely", output, classes=0)


def rows_of_six(look: Look) -> Optional[Guess]:
    """x1 y1 x2 y2 confidence class: YOLOv10 and whatever was exported with suppression."""
    name, array = _only(look)
    if array is None or array.ndim not in (2, 3) or array.shape[-1] != 6:
        return None
    if array.ndim == 3 and array.shape[1] > MOST_QUERIES:
        return None
    output: Words = {
        "boxes": {"tensor": name, "column": 0, "units": _units(look, name, columns=4)},
        "scores": {"tensor": name, "column": 4},
        "classes": {"tensor": name, "column": 5},
        "suppression": "inside",
    }
    question = "output.boxes: are the six numbers x1 y1 x2 y2 confidence class, in this order?"
    return Guess("finished rows of six", "likely", output, 0, None, (question,), "letterbox")


def rows_of_seven(look: Look) -> Optional[Guess]:
    """picture class confidence x1 y1 x2 y2: TLT, UFF, NMS_TRT, OpenVINO's and Caffe's SSD."""
    rows = [name for name, array in look.outputs.items() if array.shape[-1:] == (7,)]
    if len(rows) != 1 or len(look.outputs) > 2:
        return None
    tensors = {"rows": rows[0]}
    for name in look.outputs:
        if name != rows[0]:
            tensors["count"] = name
    question = "background: is class 0 the background (TLT 3.0 on, UFF), or a class (TLT 2.0)?"
    output = {"layout": "nms7", "tensors": tensors}
    return Guess("rows of seven", "certain", output, 0, 0, (question,))


def yolox(look: Look) -> Optional[Guess]:
    """A row for each cell of three grids: cx cy w h objectness and a score a class."""
    name, array = _only(look)
    if array is None or array.ndim != 3 or array.shape[1] != look.cells(STRIDES):
        return None
    if array.shape[2] < 6:
        return None
    boxes: Words = {"tensor": name, "column": 0}
    if _are_pixels(array[0, :, :4], look):
        boxes.update(form="centre_size", units="pixels")
    else:
        priors = {"steps": list(STRIDES), "at": "corner"}
        boxes.update(form="offsets", priors=priors, variances=[1, 1, 1, 1])
    output: Words = {
        "boxes": boxes,
        "objectness": {"tensor": name, "column": 4},
        "scores": {"tensor": name, "column": 5},
    }
    question = "scores: does the network end with a sigmoid? If not, activation is sigmoid."
    return Guess("YOLOX", "likely", output, array.shape[2] - 5, None, (question,), "letterbox")


def yolo_by_three(look: Look) -> Optional[Guess]:
    """YOLOv5 and YOLOv7: three rows for each cell, in pixels."""
    name, array = _only(look)
    if array is None or array.ndim != 3 or array.shape[1] != 3 * look.cells(STRIDES):
        return None
    output: Words = {
        "boxes": {"tensor": name, "column": 0, "form": "centre_size", "units": "pixels"},
        "objectness": {"tensor": name, "column": 4},
        "scores": {"tensor": name, "column": 5},
    }
    return Guess("YOLOv5, YOLOv7", "likely", output, array.shape[2] - 5, resize="letterbox")


def yolo_by_column(look: Look) -> Optional[Guess]:
    """YOLOv8 and its successors: a column for each cell, in pixels, without objectness."""
    name, array = _only(look)
    if array is None or array.ndim != 3 or array.shape[2] != look.cells(STRIDES):
        return None
    where = {"tensor": name, "values": "first"}
    output: Words = {
        "boxes": dict(where, column=0, form="centre_size", units="pixels"),
        "scores": dict(where, column=4),
    }
    return Guess("YOLOv8 and later", "certain", output, array.shape[1] - 4, resize="letterbox")


def nanodet_plus(look: Look) -> Optional[Guess]:
    """A row for each cell of four grids: a score a class, and four distributions of 8 bins."""
    name, array = _only(look)
    if array is None or array.ndim != 3 or array.shape[1] != look.cells(MORE_STRIDES):
        return None
    classes = array.shape[2] - 32
    priors = {"steps": list(MORE_STRIDES), "at": "corner"}
    boxes = {"tensor": name, "column": classes, "form": "distances", "bins": 8, "priors": priors}
    output: Words = {"boxes": boxes, "scores": {"tensor": name, "column": 0}}
    return Guess("NanoDet-Plus", "likely", output, classes)
