"""The folder of a shipped model, made of a run's weights.

It holds model.onnx, the record model.json that trt_course reads, and the training's log and curve.
The model's card is not written here (tools/make_card.py).
"""

import hashlib
import json
import os
import shutil
from typing import Dict, List, NamedTuple

import onnx
import torch

from .export import to_onnx
from .nets import SSD
from .recipes import RECIPES, Recipe

SOURCE = "tools/train_ssd.py train {name}, then export"
KNOWS = {"traffic": "rendered streets", "signs": "rendered traffic signs"}  # by task


class Trained(NamedTuple):
    """A trained model and what is known of it."""

    model: SSD
    recipe: Recipe
    labels: List[str]
    result: Dict[str, Dict]  # the measured figures, empty if there are none


def load_weights(path: str) -> Trained:
    """The averaged weights from a weights.pt or a checkpoint.pt."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    recipe = RECIPES[saved["recipe"]]
    labels = saved["labels"]
    result = json.loads(saved.get("result", "{}"))

    model = SSD(recipe, len(labels))
    model.load_state_dict(saved["average"])
    return Trained(model.eval(), recipe, labels, result)


def make_record(
    recipe: Recipe, labels: List[str], trained_on: str, digest: str, confidence: float
) -> Dict[str, object]:
    """The record of a model, as trt_course.model reads it; `digest` is the file's SHA-256."""
    width, height = recipe.size
    return {
        "name": recipe.name,
        "title": recipe.title,
        "task": "detection",
        "file": "model.onnx",
        "input": {
            "name": "input",
            "width": width,
            "height": height,
            "layout": "nchw",
            "dtype": "float32",
            "color": recipe.color,
            "mean": list(recipe.mean),
            "scale": list(recipe.scale),
            "resize": "stretch",
        },
        "output": {"layout": "boxes_scores", "tensors": {"boxes": "boxes", "scores": "scores"}},
        "labels": ["background", *labels],
        "background": 0,
        "conf_threshold": confidence,
        "knows": KNOWS[recipe.task],
        "nms": {"iou_threshold": 0.45, "candidates_per_class": 200, "max_detections": 100},
        "provenance": {
            "trained_on": trained_on,
            "source": SOURCE.format(name=recipe.name),
            "license": "Apache-2.0",
            "sha256": digest,
        },
    }


def describe(result: Dict[str, Dict], task: str) -> str:
    """What a model was trained on, in a sentence."""
    training = result.get("training", {})
    rendered = training.get("rendered", 0)
    steps = training.get("steps", 0)
    batch = training.get("batch", 0)
    seconds = training.get("seconds", 0)
    device = training.get("device", "CPU")
    return (
        f"{rendered} rendered {task} scenes (tools/scenes), {steps} steps of {batch} images, "
        f"{seconds} s on {device}"
    )


def write_model(weights: str, folder: str, half: bool = True, confidence: float = 0.3) -> str:
    """Write models/NAME from a weights file; the path of the ONNX file.

    The log, the curve and the result beside the weights come along. With `half`, large weights
    are stored as FP16.
    """
    model, recipe, labels, result = load_weights(weights)
    os.makedirs(folder, exist_ok=True)

    # the network
    path = os.path.join(folder, "model.onnx")
    onnx.save(to_onnx(model, recipe, half), path + ".part")
    os.replace(path + ".part", path)
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()

    # its record
    trained_on = describe(result, recipe.task)
    record = make_record(recipe, labels, trained_on, digest, confidence)
    with open(os.path.join(folder, "model.json"), "w") as file:
        json.dump(record, file, indent=2)
        file.write("\n")

    # how it was trained
    run = os.path.dirname(weights)
    for name in ("log.csv", "curve.png", "result.json"):
        beside = os.path.join(run, name)
        if os.path.exists(beside):
            shutil.copyfile(beside, os.path.join(folder, name))
    return path
