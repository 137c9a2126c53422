"""Detectors that leave nothing to suppress: transformers, and networks with suppression inside."""

import numpy as np

from foreign.onnx_file import Input, Net, Seen, SizeInput
from foreign.planted import centre_size, logit, objects
from foreign.planted import softmax_logits as logits_of

COCO_CLASSES = 80


def _sorted(seed, width, height, classes, first=0):
    """Objects, the surest first, and where the one that sees is among them."""
    found = objects(seed, width, height, classes, first)
    order = np.argsort(-found.scores)
    place = int(np.flatnonzero(order == 0)[0])
    return type(found)(found.boxes[order], found.classes[order], found.scores[order]), place


def _padded(values, count, fill=0.0):
    """The values with rows of `fill` after them, `count` in all."""
    table = np.full((count,) + values.shape[1:], fill, float)
    table[: len(values)] = values
    return table


def _queries(seed, classes, fill, first=0):
    """Scores (300, classes) and boxes (300, 4) cx cy w h, normalised, of a transformer."""
    found, place = _sorted(seed, 1.0, 1.0, classes, first)
    scores = np.random.RandomState(seed).uniform(0, fill, (300, classes))
    scores[np.arange(len(found.scores)), found.classes] = found.scores
    scores[3, (found.classes[3] + 1) % classes] = found.scores[3] - 0.1
    boxes = np.random.RandomState(seed).uniform(0.2, 0.6, (300, 4))
    boxes[: len(found.boxes)] = centre_size(found.boxes)
    return scores, boxes, (0, place, found.classes[place])


def dfine():
    """D-FINE and RT-DETR as their authors export them: labels, boxes, scores.

    Boxes are in pixels of the size that a second input gives.
    """
    found, place = _sorted(31, 1.0, 1.0, COCO_CLASSES)
    outputs = {
        "labels": _padded(found.classes, 300)[None].astype(np.int64),
        "boxes": np.float32(_padded(found.boxes, 300)[None]),
        "scores": np.float32(_padded(found.scores, 300)[None]),
    }
    stated = {
        "labels": ("batch", 300),
        "boxes": ("batch", 300, 4),
        "scores": ("batch", 300),
    }
    size = SizeInput("orig_target_sizes", "int64", "boxes", "Mul", (1, 2, 1, 2))
    seen = Seen("scores", (0, place), 0.2)
    return Net(Input("images", ("batch", 3, 640, 640)), outputs, seen, (size,), stated)


def rtdetr():
    """RT-DETR as transformers exports it: logits for a sigmoid, centres and sizes."""
    scores, boxes, index = _queries(32, COCO_CLASSES, fill=0.02)
    outputs = {
        "logits": np.float32(logit(scores.clip(1e-6))[None]),
        "pred_boxes": np.float32(boxes[None]),
    }
    return Net(Input("pixel_values", (1, 3, 640, 640)), outputs, Seen("logits", index, 1.2))


def detr():
    """DETR as transformers exports it: 92 logits for a softmax, of which the last is nothing.

    The input's sides are free.
    """
    scores, boxes, index = _queries(33, 91, fill=0.001, first=1)
    logits = logits_of(np.concatenate([np.zeros((300, 1)), scores], axis=1))
    outputs = {
        "logits": np.float32(np.roll(logits, -1, axis=1)[None, :100]),
        "pred_boxes": np.float32(boxes[None, :100]),
    }
    entry = Input("pixel_values", ("batch", 3, "height", "width"))
    stated = {name: ("batch",) + value.shape[1:] for name, value in outputs.items()}
    return Net(entry, outputs, Seen("logits", index, 0.5), stated=stated)


def zoo_ssd_mobilenet_v1():
    """The model zoo's ssd_mobilenet_v1_12: bytes of any size, 100 rows of which some are filled."""
    found, place = _sorted(34, 1.0, 1.0, classes=91, first=1)
    outputs = {
        "detection_boxes": np.float32(_padded(found.boxes, 100)[None][..., [1, 0, 3, 2]]),
        "detection_classes": np.float32(_padded(found.classes, 100, fill=1)[None]),
        "detection_scores": np.float32(_padded(found.scores, 100, fill=0.5)[None]),
        "num_detections": np.float32([len(found.scores)]),
    }
    stated = {
        "detection_boxes": ("n", "rows", 4),
        "detection_classes": ("n", "rows"),
        "detection_scores": ("n", "rows"),
        "num_detections": ("n",),
    }
    entry = Input("inputs", ("n", "height", "width", 3), dtype="uint8", layout="nhwc")
    return Net(entry, outputs, Seen("detection_scores", (0, place), 0.0005), stated=stated)


def ppyoloe():
    """PP-YOLOE as PaddleDetection exports it: rows of class, confidence, corners; and their count.

    Boxes are divided by a second input, the factor by which the picture was resized.
    """
    found, place = _sorted(35, 640, 640, COCO_CLASSES)
    rows = np.full((50, 6), 0.5)  # those beyond the count are left over
    count = len(found.scores)
    rows[:count, 0] = found.classes
    rows[:count, 1] = found.scores
    rows[:count, 2:] = found.boxes
    outputs = {
        "multiclass_nms3_0.tmp_0": np.float32(rows),
        "multiclass_nms3_0.tmp_2": np.int32([count]),
    }
    stated = {"multiclass_nms3_0.tmp_0": ("rows", 6)}
    rows_name = "multiclass_nms3_0.tmp_0"
    size = SizeInput("scale_factor", "float32", rows_name, "Div", (0, 0, 2, 1, 2, 1))
    seen = Seen(rows_name, (place, 1), 0.1)
    return Net(Input("image", (1, 3, 640, 640)), outputs, seen, (size,), stated)
