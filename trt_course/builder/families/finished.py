"""The families whose networks give finished boxes: each row has one class, nothing is left to do.

Each function knows one family. It returns a Guess, or None if the outputs are not that family's.
"""

from typing import Dict, List, Optional

from ..look import Look
from .guess import (
    ASK_COLOUR,
    ASK_RECIPE,
    ASK_RESIZE,
    CERTAIN,
    LETTERBOX,
    LIKELY,
    RGB_AROUND_0,
    RGB_SHARES,
    SHARES_IN_A_BOX,
    Guess,
    Words,
    are_whole,
    named,
    units_of,
)


def efficient_nms(look: Look) -> Optional[Guess]:
    """TensorRT's EfficientNMS, or its twin of ONNX operators."""
    words = {"num": "count", "box": "boxes", "score": "scores", "class": "classes"}
    roles = named(look.outputs, words)
    if len(look.outputs) != 4 or len(roles) != 4 or not _are_rows(look, roles):
        return None
    if any(look.outputs[roles[role]].dtype.kind not in "iu" for role in ("count", "classes")):
        return None  # TensorFlow counts in floats
    units, questions = units_of(look, look.outputs[roles["boxes"]])
    output = _finished(roles, units=units)
    why = "the four outputs of EfficientNMS, count and classes as whole numbers"
    questions.append(
        "output.boxes.order: are the corners x1 y1 x2 y2 (YOLO, the kit) or y1 x1 y2 x2 (yx: "
        "TensorFlow's and EfficientDet's)?"
    )
    recipe = SHARES_IN_A_BOX
    return Guess(
        "EfficientNMS",
        CERTAIN,
        why,
        output,
        recipe,
        labels="coco80",
        questions=(*questions, ASK_COLOUR, ASK_RECIPE, ASK_RESIZE),
    )


def tensorflow(look: Look) -> Optional[Guess]:
    """TensorFlow's object detection API with its suppression inside; class ids count from 1."""
    words = {
        "detection_boxes": "boxes",
        "detection_scores": "scores",
        "detection_classes": "classes",
        "num_detections": "count",
    }
    roles = named(look.outputs, words)
    if not {"boxes", "scores", "classes"} <= set(roles) or not _are_rows(look, roles):
        return None
    if look.outputs[roles["classes"]].dtype.kind != "f":
        return None  # EfficientNMS has the same names and whole numbers
    output = _finished(roles, units="normalized", order="yx")
    why = "the API's own names: " + ", ".join(sorted(roles.values()))
    return Guess(
        "TensorFlow's object detection API",
        CERTAIN,
        why,
        output,
        RGB_AROUND_0,
        background=0,
        labels="coco",
        questions=(ASK_RECIPE,),
    )


def tflite(look: Look) -> Optional[Guess]:
    """TFLite's post-processing: boxes, classes, scores and count; class ids count from 0."""
    names = list(look.outputs)
    ranks = [array.ndim for array in look.outputs.values()]
    if len(names) != 4 or sorted(ranks) != [1, 2, 2, 3]:
        return None
    boxes = names[ranks.index(3)]
    shape = look.outputs[boxes].shape
    count = names[ranks.index(1)]
    flat = [name for name in names if look.outputs[name].shape == shape[:2]]
    if shape[2] != 4 or len(flat) != 2 or look.outputs[count].shape != shape[:1]:
        return None
    classes = _classes_of(look, flat)
    scores = flat[1 - flat.index(classes)]
    roles = {"boxes": boxes, "scores": scores, "classes": classes, "count": count}
    output = _finished(roles, units="normalized", order="yx")
    why = "boxes, two numbers for each of them, and a count, as TFLite's post-processing has it"
    sure = CERTAIN
    questions = [ASK_RECIPE]
    if not all("TFLite_Detection_PostProcess" in name for name in names):
        sure = LIKELY
        questions.append(
            f"output.scores: {scores} is taken for the scores and {classes} for the classes, by "
            "their values on noise; is that right?"
        )
    return Guess(
        "TFLite's post-processing",
        sure,
        why,
        output,
        RGB_AROUND_0,
        labels="coco90",
        questions=tuple(questions),
    )


def boxes_scores_labels(look: Look) -> Optional[Guess]:
    """Boxes, scores and labels in a tensor each: transformers, torchvision, MLPerf's SSD."""
    roles = _three(look)
    if roles is None:
        return None
    boxes = look.outputs[roles["boxes"]]
    if boxes.shape[-1] == 5:
        return _with_scores(look, roles)
    units, questions = units_of(look, boxes)
    output = _finished(roles, units=units)
    if look.size is not None:
        output["boxes"]["units"] = "pixels"
        why = "boxes, scores, labels, and a second input for the pictures' size"
        return Guess(
            "RT-DETR, D-FINE and their like",
            CERTAIN,
            why,
            output,
            RGB_SHARES,
            labels="coco80",
            questions=(
                "output.classes: RT-DETR counts COCO's 80 classes from 0; are the labels counted "
                "so here?",
                ASK_RESIZE + " D-FINE's got borders.",
            ),
        )
    why = "boxes, scores, and labels as whole numbers"
    if boxes.ndim == 2:
        return Guess(
            "torchvision",
            LIKELY,
            why + ", without an axis for the pictures",
            output,
            RGB_SHARES,
            background=0,
            labels="coco",
            questions=tuple(questions),
        )
    return Guess(
        "finished boxes, scores and labels",
        LIKELY,
        why,
        output,
        RGB_SHARES,
        labels="coco80",
        questions=(*questions, ASK_COLOUR, ASK_RECIPE, ASK_RESIZE),
    )


def _with_scores(look: Look, roles: Dict[str, str]) -> Guess:
    """MMDeploy's: x1 y1 x2 y2 and the confidence in one tensor, the labels in another."""
    name = roles["boxes"]
    units, questions = units_of(look, look.outputs[name][..., :4])
    if questions:
        units = "pixels"
    output: Words = {
        "boxes": {"tensor": name, "column": 0, "units": units},
        "scores": {"tensor": name, "column": 4},
        "classes": roles["classes"],
        "suppression": "inside",
    }
    recipe = {"color": "BGR", "mean": [103.53, 116.28, 123.675], "scale": [57.375, 57.12, 58.395]}
    why = "rows of corners and a confidence, and labels as whole numbers"
    return Guess(
        "MMDeploy's export",
        LIKELY,
        why,
        output,
        dict(recipe, **LETTERBOX),
        labels="coco80",
        questions=(*questions, ASK_COLOUR, ASK_RECIPE, ASK_RESIZE),
    )


def _three(look: Look) -> Optional[Dict[str, str]]:
    """The roles of boxes, labels, and scores unless they stand in the boxes' fifth column."""
    boxes = [name for name, array in look.outputs.items() if array.shape[-1:] in ((4,), (5,))]
    labels = [name for name, array in look.outputs.items() if array.dtype.kind in "iu"]
    if len(boxes) != 1 or len(labels) != 1 or boxes == labels:
        return None
    roles = {"boxes": boxes[0], "classes": labels[0]}
    shape = look.outputs[boxes[0]].shape[:-1]
    rest = [name for name in look.outputs if name not in roles.values()]
    if look.outputs[labels[0]].shape != shape or look.outputs[boxes[0]].dtype.kind != "f":
        return None
    if look.outputs[boxes[0]].shape[-1] == 5:
        return roles if not rest else None
    if len(rest) != 1 or look.outputs[rest[0]].shape != shape:
        return None
    roles["scores"] = rest[0]
    return roles


def _are_rows(look: Look, roles: Dict[str, str]) -> bool:
    """Whether there is a score and a class for each box, and at most a count a picture."""
    shape = look.outputs[roles["boxes"]].shape
    if len(shape) != 3 or shape[2] != 4:
        return False
    if "count" in roles and look.outputs[roles["count"]].size != shape[0]:
        return False
    return all(look.outputs[roles[role]].shape == shape[:2] for role in ("scores", "classes"))


def _finished(roles: Dict[str, str], units: str, order: str = "xy") -> Words:
    """The words for a tensor a role."""
    output: Words = {
        "boxes": {"tensor": roles["boxes"], "order": order, "units": units},
        "scores": {"tensor": roles["scores"]},
        "classes": roles["classes"],
        "suppression": "inside",
    }
    if "count" in roles:
        output["count"] = roles["count"]
    return output


def _classes_of(look: Look, names: List[str]) -> str:
    """Which of two outputs holds classes: the only one of whole numbers, else the first."""
    whole = [name for name in names if are_whole(look.outputs[name])]
    if len(whole) == 1:
        return whole[0]
    return names[0]
