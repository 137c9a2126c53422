"""Published formulas in plain words of our own, where the authors' code cannot be run here.

Each says where it was read. Suppression is torchvision's.
"""

from typing import Dict

import numpy as np
import torch
from torchvision.ops import batched_nms

from judges.verdict import Verdict

Outputs = Dict[str, np.ndarray]

NAMED = "restated here from {}; suppression by torchvision.ops.batched_nms"
READ = "restated here from {}"


def _suppressed(
    boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray, overlap: float, source: str
) -> Verdict:
    """What suppression within each class leaves."""
    keep = batched_nms(
        torch.tensor(boxes, dtype=torch.float32),
        torch.tensor(scores, dtype=torch.float32),
        torch.tensor(classes, dtype=torch.int64),
        overlap,
    ).numpy()
    return Verdict(boxes[keep], scores[keep], classes[keep], NAMED.format(source))


def _sigmoid(numbers: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-numbers.astype(float)))


def _from_middle(rows: np.ndarray) -> np.ndarray:
    """cx cy w h -> x1 y1 x2 y2."""
    cx, cy, w, h = rows.astype(float).T
    return np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], axis=1)


def _surest(rows: np.ndarray, scores: np.ndarray, overlap: float, threshold: float, source: str):
    """Boxes by their middles, each for its surest class."""
    classes = scores.argmax(axis=1)
    best = scores.max(axis=1)
    sure = best > threshold
    return _suppressed(_from_middle(rows)[sure], best[sure], classes[sure], overlap, source)


def yolov5(outputs: Outputs, threshold: float) -> Verdict:
    """Class scores times objectness."""
    rows = outputs["output0"][0].astype(float)
    source = "non_max_suppression in utils/general.py of github.com/ultralytics/yolov5"
    return _surest(rows[:, :4], rows[:, 4:5] * rows[:, 5:], 0.45, threshold, source)


def yolov8(outputs: Outputs, threshold: float) -> Verdict:
    """Columns are places."""
    rows = outputs["output0"][0].astype(float).T
    source = "non_max_suppression in utils/nms.py of github.com/ultralytics/ultralytics"
    return _surest(rows[:, :4], rows[:, 4:], 0.7, threshold, source)


def yolov10(outputs: Outputs, threshold: float) -> Verdict:
    """Rows are finished."""
    rows = outputs["output0"][0]
    rows = rows[rows[:, 4] > threshold]
    source = "v10postprocess in ultralytics/utils/ops.py of github.com/THU-MIG/yolov10"
    return Verdict(rows[:, :4], rows[:, 4], rows[:, 5], READ.format(source))


def scrfd(outputs: Outputs, threshold: float) -> Verdict:
    """Distances in strides from the corner of each cell, two anchors a cell."""
    boxes = []
    scores = []
    for stride, score, distance in ((8, "448", "451"), (16, "471", "474"), (32, "494", "497")):
        cells = 640 // stride
        column, row = np.meshgrid(np.arange(cells), np.arange(cells))
        centres = np.stack([column, row], axis=-1).reshape(-1, 2).repeat(2, axis=0) * stride
        reach = outputs[distance].astype(float) * stride
        boxes.append(np.concatenate([centres - reach[:, :2], centres + reach[:, 2:]], axis=1))
        scores.append(outputs[score][:, 0])
    every_box = np.concatenate(boxes)
    every_score = np.concatenate(scores)
    sure = every_score >= threshold
    source = "SCRFD.forward and distance2bbox in python-package/insightface/model_zoo/scrfd.py"
    source += " of github.com/deepinsight/insightface"
    nothing = np.zeros(int(sure.sum()), int)
    return _suppressed(every_box[sure], every_score[sure], nothing, 0.4, source)


def tf1_ssd_heads(outputs: Outputs, threshold: float) -> Verdict:
    """The same of maps: cell by cell, anchor by anchor, scale by scale."""
    roles = {"Squeeze:0": ("BoxEncodingPredictor", 4), "concat_1:0": ("ClassPredictor", 91)}
    joined = {}
    for name, (head, columns) in roles.items():
        maps = [outputs[f"BoxPredictor_{scale}/{head}/BiasAdd:0"] for scale in range(6)]
        joined[name] = np.concatenate([each.reshape(1, -1, columns) for each in maps], axis=1)
    return tf1_ssd(joined, threshold)


def tf1_ssd(outputs: Outputs, threshold: float) -> Verdict:
    """create_ssd_anchors' boxes, FasterRcnnBoxCoder with 10 10 5 5, a sigmoid for each class."""
    anchors = tf1_anchors()
    ty, tx, th, tw = outputs["Squeeze:0"][0].astype(float).T
    cy, cx, height, width = anchors.T
    middles = np.stack(
        [
            tx / 10 * width + cx,
            ty / 10 * height + cy,
            np.exp(tw / 5) * width,
            np.exp(th / 5) * height,
        ],
        axis=1,
    )
    boxes = _from_middle(middles).clip(0, 1) * 300
    scores = _sigmoid(outputs["concat_1:0"][0])[:, 1:]  # without the background
    places, classes = np.nonzero(scores > threshold)
    source = "create_ssd_anchors, FasterRcnnBoxCoder and batch_multiclass_non_max_suppression in"
    source += " research/object_detection of github.com/tensorflow/models"
    return _suppressed(boxes[places], scores[places, classes], classes + 1, 0.6, source)


def tf1_anchors() -> np.ndarray:
    """(1917, 4): cy cx h w, normalised."""
    scales = [0.2 + 0.15 * layer for layer in range(6)] + [1.0]
    anchors = []
    for layer, cells in enumerate((19, 10, 5, 3, 2, 1)):
        scale = scales[layer]
        shapes = [(scale, aspect) for aspect in (1.0, 2.0, 0.5, 3.0, 0.3333)]
        shapes.append((np.sqrt(scale * scales[layer + 1]), 1.0))
        if layer == 0:
            shapes = [(0.1, 1.0), (scale, 2.0), (scale, 0.5)]
        for row in range(cells):
            for column in range(cells):
                middle = [(row + 0.5) / cells, (column + 0.5) / cells]
                anchors += [[*middle, s / np.sqrt(a), s * np.sqrt(a)] for s, a in shapes]
    return np.array(anchors)


def zoo_ssd(outputs: Outputs, threshold: float) -> Verdict:
    """The first num_detections rows, y1 x1 y2 x2 as shares of the picture."""
    count = int(outputs["num_detections"][0])
    scores = outputs["detection_scores"][0, :count]
    sure = scores > threshold
    boxes = outputs["detection_boxes"][0, :count][sure][:, [1, 0, 3, 2]] * 300
    classes = outputs["detection_classes"][0, :count][sure]
    source = "README.md of ssd-mobilenetv1 in github.com/onnx/models"
    return Verdict(boxes, scores[sure], classes, READ.format(source))


def dfine(outputs: Outputs, threshold: float) -> Verdict:
    """Rows are finished, in pixels of the size that went in."""
    scores = outputs["scores"][0]
    sure = scores > threshold
    source = "draw in tools/inference/onnx_inf.py of github.com/Peterande/D-FINE"
    found = outputs["boxes"][0][sure], scores[sure], outputs["labels"][0][sure]
    return Verdict(*found, READ.format(source))


def ppyoloe(outputs: Outputs, threshold: float) -> Verdict:
    """Rows of class, confidence, corners; a factor of 1 leaves pixels of the input."""
    rows = outputs["multiclass_nms3_0.tmp_0"]
    rows = rows[: int(outputs["multiclass_nms3_0.tmp_2"][0])]
    rows = rows[rows[:, 1] > threshold]
    source = "predict_image in deploy/third_engine/onnx/infer.py of"
    source += " github.com/PaddlePaddle/PaddleDetection"
    return Verdict(rows[:, 2:], rows[:, 1], rows[:, 0], READ.format(source))


def rtmdet(outputs: Outputs, threshold: float) -> Verdict:
    """Distances in pixels from the corner of each cell, a sigmoid for each class."""
    boxes = []
    scores = []
    for stride in (8, 16, 32):
        reach = outputs[f"bbox_pred_{stride}"][0].astype(float)  # (4, rows, columns)
        rows, columns = reach.shape[1:]
        y, x = np.mgrid[0:rows, 0:columns] * stride
        sides = [x - reach[0], y - reach[1], x + reach[2], y + reach[3]]
        boxes.append(np.stack([side.ravel() for side in sides], axis=1))
        scores.append(_sigmoid(outputs[f"cls_score_{stride}"][0].reshape(80, -1).T))
    every_box = np.concatenate(boxes)
    every_score = np.concatenate(scores)
    places, classes = np.nonzero(every_score > threshold)
    source = "RTMDetHead and BaseDenseHead.predict_by_feat in mmdet/models/dense_heads of"
    source += " github.com/open-mmlab/mmdetection"
    return _suppressed(every_box[places], every_score[places, classes], classes, 0.65, source)
