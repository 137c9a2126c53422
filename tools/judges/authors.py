"""Judges that are the authors' own files, run as they are from clones in a folder."""

import importlib
import importlib.util
import json
import subprocess
import sys
import types
from pathlib import Path
from typing import Any, Dict

import numpy as np
import torch
from torchvision.ops import nms

from judges.verdict import Verdict

Outputs = Dict[str, np.ndarray]


class Clones:
    """The folder with the clones, each by its repository's own name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, repository: str, file: str) -> Path:
        """A file of a repository."""
        return self._folder / repository / file

    def module(self, repository: str, file: str) -> Any:
        """A file of a repository as a module of its own, without its package."""
        path = self.path(repository, file)
        loader = importlib.util.spec_from_file_location(path.stem, str(path))
        assert loader is not None and loader.loader is not None
        module = importlib.util.module_from_spec(loader)
        loader.loader.exec_module(module)
        return module

    def source(self, owner: str, repository: str, what: str) -> str:
        """Where a judge's code is from, with its commit."""
        command = ["git", "-C", str(self._folder / repository), "rev-parse", "HEAD"]
        commit = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        return f"{what} of github.com/{owner}/{repository} at {commit}, run as it is"


def yolox(outputs: Outputs, clones: Clones, threshold: float) -> Verdict:
    """demo_postprocess and multiclass_nms, as demo/ONNXRuntime calls them."""
    code = clones.module("YOLOX", "yolox/utils/demo_utils.py")
    rows = code.demo_postprocess(outputs["output"].copy(), (416, 416))[0]
    half = rows[:, 2:4] / 2
    boxes = np.concatenate([rows[:, :2] - half, rows[:, :2] + half], axis=1)
    scores = rows[:, 4:5] * rows[:, 5:]
    found = code.multiclass_nms(boxes, scores, nms_thr=0.45, score_thr=threshold)
    source = clones.source(
        "Megvii-BaseDetection", "YOLOX", "demo_postprocess and multiclass_nms in demo_utils.py"
    )
    note = "; boxes are compared from the middle of the input, where the kit puts the picture"
    return Verdict(found[:, :4], found[:, 4], found[:, 5], source + note)


def nanodet(outputs: Outputs, clones: Clones, threshold: float, network: Path) -> Verdict:
    """NanoDet.post_process of OpenCV's zoo."""
    code = clones.module("opencv_zoo", "models/object_detection_nanodet/nanodet.py")
    judge = code.NanoDet(str(network), prob_threshold=threshold, iou_threshold=0.6)
    in_turns = []
    for stride in (8, 16, 32):
        in_turns += [outputs[f"cls_pred_stride_{stride}"], outputs[f"dis_pred_stride_{stride}"]]
    found = judge.post_process(in_turns)
    source = clones.source("opencv", "opencv_zoo", "NanoDet.post_process in nanodet.py")
    return Verdict(found[:, :4], found[:, 4], found[:, 5], source)


class _Anything(types.ModuleType):
    """A stand-in for a module of which only a few names are needed."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


def nanodet_plus(outputs: Outputs, clones: Clones, threshold: float) -> Verdict:
    """NanoDetPlusHead.get_bboxes, whose package asks for a trainer that nothing here needs."""
    for name in ("nanodet", "nanodet.util"):
        package = _Anything(name)
        package.__path__ = [str(clones.path("nanodet", name.replace(".", "/")))]
        sys.modules[name] = package
    importlib.import_module("nanodet.util.util_mixins")
    boxes_code = importlib.import_module("nanodet.util.box_transform")
    sys.modules["nanodet.util"].distance2bbox = boxes_code.distance2bbox
    code = importlib.import_module("nanodet.model.head.nanodet_plus_head")

    head = types.SimpleNamespace(strides=[8, 16, 32, 64], reg_max=7)
    head.distribution_project = code.Integral(7)
    head.get_single_level_center_priors = types.MethodType(
        code.NanoDetPlusHead.get_single_level_center_priors, head
    )
    rows = torch.from_numpy(outputs["output"])
    logits = torch.logit(rows[..., :80].double()).float()  # the export has the sigmoid inside
    meta = {"img": np.zeros((1, 3, 320, 320))}
    found, labels = code.NanoDetPlusHead.get_bboxes(head, logits, rows[..., 80:], meta)[0]
    keep = found[:, 4] >= threshold
    source = clones.source("RangiLyu", "nanodet", "NanoDetPlusHead.get_bboxes")
    return Verdict(found[keep, :4].numpy(), found[keep, 4].numpy(), labels[keep].numpy(), source)


def blazeface(outputs: Outputs, clones: Clones, threshold: float) -> Verdict:
    """BlazeFace._tensors_to_detections; then plain suppression, where MediaPipe blends boxes."""
    code = clones.module("BlazeFace-PyTorch", "blazeface.py")
    judge = code.BlazeFace()
    judge.min_score_thresh = threshold
    anchors = torch.tensor(blazeface_anchors(clones), dtype=torch.float32)
    found = judge._tensors_to_detections(
        torch.from_numpy(outputs["regressors"]),
        torch.from_numpy(outputs["classificators"]),
        anchors,
    )[0]
    boxes = found[:, [1, 0, 3, 2]]
    keep = nms(boxes, found[:, 16], 0.3)
    source = clones.source(
        "hollance", "BlazeFace-PyTorch", "BlazeFace._tensors_to_detections with Anchors.ipynb"
    )
    note = "; then torchvision.ops.nms instead of its blending of boxes"
    return Verdict(
        boxes[keep].numpy() * 128, found[keep, 16].numpy(), np.zeros(len(keep)), source + note
    )


def blazeface_anchors(clones: Clones) -> Any:
    """The anchors (896, 4) that the notebook's own cells make."""
    notebook = json.loads(clones.path("BlazeFace-PyTorch", "Anchors.ipynb").read_text())
    names: Dict[str, Any] = {"np": np}
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if text.startswith(("anchor_options = ", "def calculate_scale")):
            exec(text, names)
    return names["generate_anchors"](names["anchor_options"])


_ULTRAFACE = "Ultra-Light-Fast-Generic-Face-Detector-1MB"


def ultraface(outputs: Outputs, clones: Clones, threshold: float) -> Verdict:
    """hard_nms of box_utils_numpy.py, as detect_imgs_onnx.py calls it."""
    code = clones.module(_ULTRAFACE, "vision/utils/box_utils_numpy.py")
    scores = outputs["scores"][0, :, 1]
    sure = scores > threshold
    rows = np.concatenate([outputs["boxes"][0][sure], scores[sure, None]], axis=1)
    found = code.hard_nms(rows, iou_threshold=0.5)
    source = clones.source("Linzaer", _ULTRAFACE, "hard_nms in box_utils_numpy.py")
    return Verdict(found[:, :4] * [320, 240, 320, 240], found[:, 4], np.ones(len(found)), source)


def ultraface_raw(outputs: Outputs, clones: Clones, threshold: float) -> Verdict:
    """generate_priors, convert_locations_to_boxes and hard_nms of box_utils.py."""
    code = clones.module(_ULTRAFACE, "vision/utils/box_utils.py")
    priors = ultraface_priors(clones)
    centres = code.convert_locations_to_boxes(torch.from_numpy(outputs["boxes"]), priors, 0.1, 0.2)
    boxes = code.center_form_to_corner_form(centres)[0]
    scores = torch.from_numpy(outputs["scores"])[0, :, 1:]
    sure = scores[:, 0] > threshold
    both = torch.cat([boxes[sure], scores[sure]], dim=1)
    found = code.hard_nms(both, iou_threshold=0.3).numpy()
    source = clones.source(
        "Linzaer", _ULTRAFACE, "generate_priors, convert_locations_to_boxes and hard_nms"
    )
    return Verdict(found[:, :4] * [320, 240, 320, 240], found[:, 4], np.ones(len(found)), source)


def ultraface_priors(clones: Clones) -> torch.Tensor:
    """(4420, 4): what generate_priors makes for an input of 320 x 240."""
    code = clones.module(_ULTRAFACE, "vision/utils/box_utils.py")
    columns = [40, 20, 10, 5]
    rows = [30, 15, 8, 4]
    shrinkage = [[320 / n for n in columns], [240 / n for n in rows]]
    sizes = [[10, 16, 24], [32, 48], [64, 96], [128, 192, 256]]
    return code.generate_priors([columns, rows], shrinkage, [320, 240], sizes)


def nvidia_ssd(outputs: Outputs, clones: Clones, threshold: float) -> Verdict:
    """Encoder.decode_batch with dboxes300_coco."""
    code = clones.module("DeepLearningExamples", "PyTorch/Detection/SSD/ssd/utils.py")
    judge = code.Encoder(code.dboxes300_coco())
    boxes, classes, scores = judge.decode_batch(
        torch.from_numpy(outputs["ploc"].copy()), torch.from_numpy(outputs["plabel"]), 0.45, 200
    )[0]
    sure = scores >= threshold
    source = clones.source(
        "NVIDIA",
        "DeepLearningExamples",
        "Encoder.decode_batch in PyTorch/Detection/SSD/ssd/utils.py",
    )
    return Verdict(boxes[sure].numpy() * 300, scores[sure].numpy(), classes[sure].numpy(), source)


def nvidia_priors(clones: Clones) -> torch.Tensor:
    """(8732, 4): what dboxes300_coco makes."""
    code = clones.module("DeepLearningExamples", "PyTorch/Detection/SSD/ssd/utils.py")
    return code.dboxes300_coco()(order="xywh")
