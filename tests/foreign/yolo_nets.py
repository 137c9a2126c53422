"""Detectors that look at grids: the YOLO families, and NanoDet with its distributions."""

import numpy as np

from foreign.onnx_file import Input, Net, Seen
from foreign.planted import centre_size, class_scores, grid, logit, objects, places_of, quiet

STRIDES = (8, 16, 32)


def _corner(step):
    return 0.0


def _middle(step):
    return step / 2


def _middle_pixel(step):
    return (step - 1) / 2


def _found(seed, side, priors, classes=80):
    """Objects, their places, and the scores of all places."""
    found = objects(seed, side, side, classes)
    places = places_of(found.boxes, priors, scale=4)
    return found, places, class_scores(seed, found, places, (len(priors), classes))


def _objectness(seed, scores):
    """(p, 1): a second score, by which the class scores were divided."""
    second = quiet(seed + 100, (len(scores), 1), most=0.05)
    sure = scores.max(axis=1) > 0.1
    second[sure, 0] = np.random.RandomState(seed).uniform(0.92, 0.99, sure.sum())
    return second


def yolox_nano(side=416):
    """YOLOX: 1 x 3549 x 85, offsets to the corners of cells and logarithms of sizes."""
    priors = grid(side, side, STRIDES, _corner)
    found, places, scores = _found(11, side, priors)
    rows = np.random.RandomState(11).normal(0, 0.5, (len(priors), 85))
    wanted = centre_size(found.boxes)
    own = priors[places]
    rows[places, :2] = (wanted[:, :2] - own[:, :2]) / own[:, 2:]
    rows[places, 2:4] = np.log(wanted[:, 2:] / own[:, 2:])
    second = _objectness(11, scores)
    rows[:, 4:5] = second
    rows[:, 5:] = scores / np.maximum(second, 0.5)
    seen = Seen("output", (0, places[0], 5 + found.classes[0]), 0.001)
    return Net(Input("images", (1, 3, side, side)), {"output": np.float32(rows[None])}, seen)


def _yolo_boxes(seed, found, places, count, side):
    """(p, 4): centres and sizes in pixels."""
    boxes = np.random.RandomState(seed).uniform(0, side, (count, 4))
    boxes[places] = centre_size(found.boxes)
    return boxes


def yolov5():
    """YOLOv5 and v7: 1 x 25200 x 85, centres and sizes in pixels, objectness, classes."""
    priors = grid(640, 640, STRIDES, _middle, shapes=3)
    found, places, scores = _found(12, 640, priors)
    second = _objectness(12, scores)
    boxes = _yolo_boxes(12, found, places, len(priors), side=640)
    rows = np.concatenate([boxes, second, scores / np.maximum(second, 0.5)], axis=1)
    seen = Seen("output0", (0, places[0], 5 + found.classes[0]), 0.3)
    return Net(Input("images", (1, 3, 640, 640)), {"output0": np.float32(rows[None])}, seen)


def yolov8():
    """YOLOv8 and 11: 1 x 84 x 8400, the numbers of a place one below another."""
    priors = grid(640, 640, STRIDES, _middle)
    found, places, scores = _found(13, 640, priors)
    boxes = _yolo_boxes(13, found, places, len(priors), side=640)
    columns = np.concatenate([boxes, scores], axis=1).T
    seen = Seen("output0", (0, 4 + found.classes[0], places[0]), 0.3)
    return Net(Input("images", (1, 3, 640, 640)), {"output0": np.float32(columns[None])}, seen)


def grey_half():
    """YOLOv8's form for grey pictures in half precision: 1 x 84 x 2100, all FP16."""
    priors = grid(320, 320, STRIDES, _middle)
    found, places, scores = _found(14, 320, priors)
    boxes = _yolo_boxes(14, found, places, len(priors), side=320)
    columns = np.concatenate([boxes, scores], axis=1).T
    seen = Seen("output0", (0, 4 + found.classes[0], places[0]), 0.3)
    entry = Input("images", (1, 1, 320, 320), dtype="float16")
    return Net(entry, {"output0": np.float16(columns[None])}, seen)


def yolov10():
    """YOLOv10: 1 x 300 x 6, rows of x1 y1 x2 y2, confidence, class; nothing is left to suppress."""
    found = objects(15, 640, 640, classes=80)
    rows = np.zeros((300, 6))
    order = np.argsort(-found.scores)
    found_rows = [found.boxes[order], found.scores[order, None], found.classes[order, None]]
    rows[: len(order)] = np.concatenate(found_rows, axis=1)
    seen = Seen("output0", (0, int(np.flatnonzero(order == 0)[0]), 4), 0.1)
    return Net(Input("images", (1, 3, 640, 640)), {"output0": np.float32(rows[None])}, seen)


def _bins(seed, found, places, priors):
    """(p, 32): for each of left, top, right, bottom 8 logits whose mean is the distance."""
    logits = np.random.RandomState(seed).normal(0, 1, (len(priors), 4, 8))
    own = priors[places]
    near = (own[:, :2] - found.boxes[:, :2]) / own[:, 2:]
    far = (found.boxes[:, 2:] - own[:, :2]) / own[:, 2:]
    distances = np.concatenate([near, far], axis=1).clip(0, 6.9)  # (n, 4)
    for place, row in zip(places, distances):
        for side, distance in enumerate(row):
            below = int(distance)
            logits[place, side] -= 8
            logits[place, side, below] = np.log(1 - distance + below)
            logits[place, side, below + 1] = np.log(max(distance - below, 1e-4))
    return logits.reshape(-1, 32)


def nanodet():
    """NanoDet-m, as in OpenCV's zoo: six tensors, scores and 4 x 8 logits for each stride."""
    priors = grid(416, 416, STRIDES, _middle_pixel)
    found, places, scores = _found(16, 416, priors)
    bins = _bins(16, found, places, priors)
    outputs = {}
    seen = None
    start = 0
    for stride in STRIDES:
        end = start + (416 // stride) ** 2
        outputs[f"cls_pred_stride_{stride}"] = np.float32(scores[None, start:end])
        outputs[f"dis_pred_stride_{stride}"] = np.float32(bins[None, start:end])
        if start <= places[0] < end:
            index = (0, places[0] - start, found.classes[0])
            seen = Seen(f"cls_pred_stride_{stride}", index, 0.1)
        start = end
    return Net(Input("input.1", (1, 3, 416, 416)), outputs, seen)


def nanodet_plus():
    """NanoDet-Plus: 1 x 2125 x 112, scores and then the logits, four strides in one tensor."""
    priors = grid(320, 320, (8, 16, 32, 64), _corner)
    found, places, scores = _found(17, 320, priors)
    rows = np.concatenate([scores, _bins(17, found, places, priors)], axis=1)
    seen = Seen("output", (0, places[0], found.classes[0]), 0.1)
    return Net(Input("data", (1, 3, 320, 320)), {"output": np.float32(rows[None])}, seen)


def rtmdet():
    """RTMDet's head: six maps, logits of 80 classes and distances in pixels for each stride."""
    priors = grid(640, 640, STRIDES, _corner)
    found, places, scores = _found(18, 640, priors)
    distances = np.random.RandomState(18).uniform(0, 60, (len(priors), 4))
    own = priors[places]
    distances[places, :2] = own[:, :2] - found.boxes[:, :2]
    distances[places, 2:] = found.boxes[:, 2:] - own[:, :2]
    outputs = {}
    seen = None
    start = 0
    for stride in STRIDES:
        cells = 640 // stride
        end = start + cells * cells
        name = f"cls_score_{stride}"
        outputs[name] = _map(logit(scores[start:end].clip(1e-6)), cells)
        outputs[f"bbox_pred_{stride}"] = _map(distances[start:end], cells)
        if start <= places[0] < end:
            row, column = divmod(places[0] - start, cells)
            seen = Seen(name, (0, found.classes[0], row, column), 0.3)
        start = end
    return Net(Input("input", (1, 3, 640, 640)), outputs, seen)


def _map(rows, cells):
    """Rows of cells as a map: (1, columns, cells, cells)."""
    return np.float32(rows.T.reshape(1, -1, cells, cells))
