"""The families that find faces, most of them with landmarks beside the boxes, which are not read.

Each function knows one family. It returns a Guess, or None if the outputs are not that family's.
"""

from typing import Dict, Optional

from ..look import Look
from .guess import (
    CERTAIN,
    LIKELY,
    RGB_AROUND_0,
    Guess,
    Words,
    activation_for,
)

STRIDES = (8, 16, 32)
_BLACK_BOX: Words = {"resize": "letterbox", "pad": [0.0] * 3}
# As the authors suppress
_NMS = {"iou_threshold": 0.3}
_LOOSE_NMS = {"iou_threshold": 0.4}


def yunet(look: Look) -> Optional[Guess]:
    """OpenCV's face detector: cls, obj, bbox and kps for each of three strides."""
    strides = list(STRIDES)
    names = {kind: [f"{kind}_{stride}" for stride in strides] for kind in ("cls", "obj", "bbox")}
    if not set(look.outputs).issuperset(sum(names.values(), [])):
        return None
    if look.outputs["bbox_8"].shape[1:] != (look.cells([8]), 4):
        return None
    priors = {"steps": strides, "at": "corner"}
    boxes = {"tensor": names["bbox"], "form": "offsets", "priors": priors}
    output: Words = {
        "boxes": dict(boxes, variances=[1, 1, 1, 1]),
        "scores": {"tensor": names["cls"]},
        "objectness": {"tensor": names["obj"], "joined": "geometric_mean"},
    }
    recipe = dict(_BLACK_BOX, color="BGR")
    return Guess(
        "YuNet",
        CERTAIN,
        "its names: " + ", ".join(names["cls"] + names["bbox"]),
        output,
        recipe,
        classes=1,
        labels=("face",),
        nms=_NMS,
    )


def blazeface(look: Look) -> Optional[Guess]:
    """MediaPipe's face detector at close range: 896 rows of 16 numbers and a logit each."""
    by_shape = {array.shape[1:]: name for name, array in look.outputs.items()}
    side = look.pictures.width
    boxes = by_shape.get((896, 16))
    scores = by_shape.get((896, 1))
    if len(by_shape) != 2 or not boxes or not scores or side != look.pictures.height:
        return None
    steps = [side // 16, side // 8]
    output: Words = {
        "boxes": {
            "tensor": boxes,
            "column": 0,
            "form": "offsets",
            "sizes": "linear",
            "priors": {"steps": steps, "sizes": [[side] * 2, [side] * 6]},
            "variances": [1 / side] * 4,
        },
        "scores": dict(activation_for(look.outputs[scores]), tensor=scores),
    }
    return Guess(
        "BlazeFace",
        CERTAIN,
        "896 rows of 16 numbers, and one more for each",
        output,
        dict(RGB_AROUND_0, **_BLACK_BOX),
        classes=1,
        labels=("face",),
        nms=_NMS,
    )


def scrfd(look: Look) -> Optional[Guess]:
    """InsightFace's SCRFD: scores, distances and landmarks for two priors a cell of each stride."""
    tensors: Dict[int, Dict[int, str]] = {1: {}, 4: {}, 10: {}}  # by width and stride
    for name, array in look.outputs.items():
        width = array.shape[-1] if array.ndim in (2, 3) else 0
        strides = [step for step in STRIDES if array.shape[-2:-1] == (2 * look.cells([step]),)]
        if width not in tensors or not strides:
            return None
        tensors[width][strides[0]] = name
    if len(tensors[1]) != 3 or len(tensors[4]) != 3:
        return None
    priors = {"steps": list(STRIDES), "sizes": [[step] * 2 for step in STRIDES], "at": "corner"}
    boxes = [tensors[4][step] for step in STRIDES]
    scores = [tensors[1][step] for step in STRIDES]
    output: Words = {
        "boxes": {"tensor": boxes, "form": "distances", "priors": priors},
        "scores": dict(activation_for(look.outputs[scores[0]]), tensor=scores),
    }
    return Guess(
        "SCRFD",
        LIKELY,
        "scores, distances and landmarks for two priors in each cell of strides 8, 16, 32",
        output,
        dict(_BLACK_BOX, color="RGB", mean=[127.5] * 3, scale=[128.0] * 3),
        classes=1,
        labels=("face",),
        nms=_LOOSE_NMS,
    )


def retinaface(look: Look) -> Optional[Guess]:
    """RetinaFace in PyTorch: offsets, two scores and landmarks for two priors a cell."""
    count = 2 * look.cells(STRIDES)
    by_shape = {array.shape[1:]: name for name, array in look.outputs.items()}
    boxes = by_shape.get((count, 4))
    scores = by_shape.get((count, 2))
    if len(by_shape) != 3 or not boxes or not scores or (count, 10) not in by_shape:
        return None
    sizes = [[16, 32], [64, 128], [256, 512]]
    output: Words = {
        "boxes": {
            "tensor": boxes,
            "form": "offsets",
            "priors": {"steps": list(STRIDES), "sizes": sizes},
        },
        "scores": dict(activation_for(look.outputs[scores], "softmax"), tensor=scores),
    }
    return Guess(
        "RetinaFace",
        LIKELY,
        f"{count} offsets with two scores and ten numbers for landmarks each",
        output,
        dict(_BLACK_BOX, color="BGR", mean=[104.0, 117.0, 123.0]),
        classes=2,
        background=0,
        labels="face",
        nms=_LOOSE_NMS,
    )
