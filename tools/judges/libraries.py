"""Judges that are libraries: torchvision, OpenCV and transformers."""

from pathlib import Path
from typing import Any, Dict

import cv2
import numpy as np
import torch
import torchvision
import transformers
from torchvision.models.detection import (
    SSD300_VGG16_Weights,
    ssd300_vgg16,
    ssdlite320_mobilenet_v3_large,
)
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.ssd import SSDScoringHead

from judges.verdict import Verdict

Outputs = Dict[str, np.ndarray]

# COCO's classes under their own numbers, of which some have no name; who uses them
COCO_NAMES = SSD300_VGG16_Weights.COCO_V1.meta["categories"]
COCO_IDS = (
    "torchvision_ssd300",
    "torchvision_ssdlite320",
    "torchvision_ssdlite320_heads",
    "tf1_ssd_mobilenet",
    "tf1_ssd_heads",
    "zoo_ssd_mobilenet_v1",
    "detr",
)

_GRIDS = {300: (38, 19, 10, 5, 3, 1), 320: (20, 10, 5, 3, 2, 1)}


def torchvision_ssd(outputs: Outputs, side: int, threshold: float) -> Verdict:
    """The whole post-processing of torchvision's SSD, with the anchors of its own generator."""
    model = _model(side, threshold)
    found = model.postprocess_detections(
        {name: torch.from_numpy(value) for name, value in outputs.items()},
        _anchors(model, side),
        [(side, side)],
    )[0]
    source = "SSD.postprocess_detections and DefaultBoxGenerator of torchvision"
    return Verdict(found["boxes"].numpy(), found["scores"].numpy(), found["labels"].numpy(), source)


def torchvision_heads(outputs: Outputs, side: int, threshold: float) -> Verdict:
    """The same of maps, which torchvision's own SSDScoringHead turns into rows."""
    joined = {}
    for role, name, columns in (("bbox_regression", "box", 4), ("cls_logits", "cls", 91)):
        same = torch.nn.ModuleList([torch.nn.Identity() for _ in range(6)])
        maps = [torch.from_numpy(outputs[f"{name}_{scale}"]) for scale in range(6)]
        joined[role] = SSDScoringHead(same, columns)(maps).numpy()
    verdict = torchvision_ssd(joined, side, threshold)
    return verdict._replace(source=f"SSDScoringHead, {verdict.source}")


def torchvision_priors(side: int) -> np.ndarray:
    """(p, 4) cx cy w h, normalised: what torchvision's generator makes."""
    x1, y1, x2, y2 = _anchors(_model(side, 0.5), side)[0].numpy().T / side
    return np.stack([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], axis=1)


def _model(side: int, threshold: float) -> Any:
    make: Any = {300: ssd300_vgg16, 320: ssdlite320_mobilenet_v3_large}[side]
    return make(weights=None, weights_backbone=None, num_classes=91, score_thresh=threshold)


def _anchors(model: Any, side: int) -> Any:
    """The anchors, for each picture of a batch of one: (p, 4) corners in pixels."""
    pictures = ImageList(torch.zeros(1, 3, side, side), [(side, side)])
    maps = [torch.zeros(1, 1, cells, cells) for cells in _GRIDS[side]]
    return model.anchor_generator(pictures, maps)


def yunet(network: Path, pixels: np.ndarray, threshold: float) -> Verdict:
    """cv2.FaceDetectorYN, which runs the network itself."""
    height, width = pixels.shape[:2]
    judge = cv2.FaceDetectorYN.create(str(network), "", (width, height), threshold, 0.3, 5000)
    found = judge.detect(pixels)[1]
    boxes = np.concatenate([found[:, :2], found[:, :2] + found[:, 2:4]], axis=1)
    return Verdict(boxes, found[:, 14], np.zeros(len(found)), "cv2.FaceDetectorYN.detect")


def transformer(outputs: Outputs, processor: str, threshold: float) -> Verdict:
    """post_process_object_detection of transformers, in the size of the input."""
    sizes = {"DetrImageProcessor": (800, 1066), "RTDetrImageProcessor": (640, 640)}
    judge = getattr(transformers, processor)()
    raw: Any = type("Raw", (), {})()
    raw.logits = torch.from_numpy(outputs["logits"])
    raw.pred_boxes = torch.from_numpy(outputs["pred_boxes"])
    found = judge.post_process_object_detection(
        raw, threshold=threshold, target_sizes=[sizes[processor]]
    )[0]
    source = f"{processor}().post_process_object_detection of transformers"
    return Verdict(found["boxes"].numpy(), found["scores"].numpy(), found["labels"].numpy(), source)


def versions() -> Dict[str, str]:
    """The versions of what judged."""
    modules = {
        "torch": torch,
        "torchvision": torchvision,
        "opencv": cv2,
        "transformers": transformers,
        "numpy": np,
    }
    return {name: str(module.__version__) for name, module in modules.items()}
