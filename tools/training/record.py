"""The folder of a shipped model: model.onnx, the record model.json that trt_course reads,
the training's log, curve.
"""

import hashlib
import json
import os
import shutil

import onnx
import torch

from .export import to_onnx
from .nets import SSD
from .recipes import RECIPES

SOURCE = "tools/train_ssd.py train {name}, then export"


def load_weights(path):
    """(model, recipe, labels, result) from a weights.pt or a checkpoint.pt:
    the averaged weights.
    """
    saved = torch.load(path, map_location="cpu", weights_only=True)
    recipe = RECIPES[saved["recipe"]]
    model = SSD(recipe, len(saved["labels"]))
    model.load_state_dict(saved["average"])
    return model.eval(), recipe, saved["labels"], json.loads(saved.get("result", "{}"))


def make_record(recipe, labels, trained_on, digest, confidence):
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
        "nms": {"iou_threshold": 0.45, "candidates_per_class": 200, "max_detections": 100},
        "provenance": {
            "trained_on": trained_on,
            "source": SOURCE.format(name=recipe.name),
            "license": "Apache-2.0",
            "sha256": digest,
        },
    }


def describe(result, task):
    training = result.get("training", {})
    return (
        f"{training.get('rendered', 0)} rendered {task} scenes (tools/scenes), "
        f"{training.get('steps', 0)} steps of "
        f"{training.get('batch', 0)} images, {training.get('seconds', 0)} s on "
        f"{training.get('device', 'CPU')}"
    )


def write_model(weights, folder, half=True, confidence=0.3):
    """models/NAME from a weights file; the log, curve and result beside the weights come along."""
    model, recipe, labels, result = load_weights(weights)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "model.onnx")
    onnx.save(to_onnx(model, recipe, half), path + ".part")
    os.replace(path + ".part", path)
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    record = make_record(recipe, labels, describe(result, recipe.task), digest, confidence)
    with open(os.path.join(folder, "model.json"), "w") as file:
        json.dump(record, file, indent=2)
        file.write("\n")
    for name in ("log.csv", "curve.png", "result.json"):
        beside = os.path.join(os.path.dirname(weights), name)
        if os.path.exists(beside):
            shutil.copyfile(beside, os.path.join(folder, name))
    return path
