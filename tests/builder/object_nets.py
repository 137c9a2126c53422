"""Networks of many families, each with one object planted in its outputs, in real .onnx files.

Each is shaped and named as its family's exports are. What a draft makes of it must find the object.
"""

import math

import numpy as np
from onnx import TensorProto, helper, load, numpy_helper, save

from odd_nets import write_constants

BOX = (40.0, 64.0, 104.0, 160.0)  # of the object, in pixels of the input
CONF = 0.875
CLASS = 2
RARE = 0.01  # the score of what is nothing


def logit(score):
    return math.log(score / (1 - score))


def shares(side, height=None):
    return np.float32(BOX) / np.float32([side, height or side] * 2)


def centre_size(box=BOX):
    x1, y1, x2, y2 = box
    return np.float32([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1])


def cells(side, strides):
    """For each cell its column, row and stride."""
    found = []
    for stride in strides:
        count = math.ceil(side / stride)
        y, x = np.mgrid[0:count, 0:count]
        found.append(np.stack([x.ravel(), y.ravel(), np.full(count * count, stride)], 1))
    return np.concatenate(found).astype(np.float32)


def table(rows, classes, rare=RARE, high=CONF, best=CLASS):
    """Scores (rows, classes) with one high one, and its row."""
    rng = np.random.RandomState(7)
    scores = (rare * rng.rand(rows, classes)).astype(np.float32)
    row = rows // 3
    scores[row, best] = high
    return scores, row


def softmaxed(rows, classes, best, background=0):
    """Scores of which one column takes what the others leave."""
    scores, row = table(rows, classes, best=best)
    scores[:, background] = 0
    scores[:, background] = 1 - scores.sum(axis=1)
    return scores, row


# Grids ------------------------------------------------------------------------------------------


def yolox(decoded, classes=80, side=416):
    grid = cells(side, (8, 16, 32))
    scores, row = table(len(grid), classes, high=CONF / 0.9375)
    rng = np.random.RandomState(1)
    step = grid[:, 2:]
    boxes = np.concatenate(
        [(grid[:, :2] + rng.rand(len(grid), 2)) * step, 2 * step, 2 * step], axis=1
    )
    boxes[row] = centre_size()
    if not decoded:
        boxes[:, :2] = boxes[:, :2] / step - grid[:, :2]
        boxes[:, 2:] = np.log(boxes[:, 2:] / step)
    objectness = np.full((len(grid), 1), RARE)
    objectness[row] = 0.9375
    return {"output": np.concatenate([boxes, objectness, scores], 1)[None].astype(np.float32)}


def yolov5(side=320, classes=80):
    grid = np.concatenate([np.tile(cells(side, [stride]), (3, 1)) for stride in (8, 16, 32)])
    scores, row = table(len(grid), classes)
    boxes = np.concatenate([(grid[:, :2] + 0.5) * grid[:, 2:], np.full((len(grid), 2), 20)], 1)
    boxes[row] = centre_size()
    objectness = np.full((len(grid), 1), RARE)
    objectness[row] = 1
    return {"output0": np.concatenate([boxes, objectness, scores], 1)[None].astype(np.float32)}


def yolov8(side=320, classes=80, turned=False, masks=0):
    grid = cells(side, (8, 16, 32))
    scores, row = table(len(grid), classes)
    boxes = np.concatenate([(grid[:, :2] + 0.5) * grid[:, 2:], np.full((len(grid), 2), 20)], 1)
    boxes[row] = centre_size()
    rng = np.random.RandomState(2)
    rest = rng.randn(len(grid), masks)
    rows = np.concatenate([boxes, scores, rest], 1)[None].astype(np.float32)
    outputs = {"output0": rows if turned else np.ascontiguousarray(rows.transpose(0, 2, 1))}
    if masks:
        outputs["output1"] = rng.randn(1, masks, side // 4, side // 4).astype(np.float32)
    return outputs


def bins_of(distances):
    """Logits of distributions over 0 to 7 with these means, (n, 4) -> (n, 32)."""
    logits = np.full((len(distances), 4, 8), -30.0)
    low = np.minimum(np.floor(distances).astype(int), 6)
    part = np.clip(distances - low, 1e-9, 1 - 1e-9)
    rows, sides = np.indices(distances.shape)
    logits[rows, sides, low] = np.log(1 - part)
    logits[rows, sides, low + 1] = np.log(part)
    return logits.reshape(len(distances), 32)


def corner(step):
    return 0


def middle(step):
    return step / 2


def middle_pixel(step):
    return (step - 1) / 2


def nanodet(apart, classes=80, side=320, strides=(8, 16, 32, 64), shift=corner):
    grid = cells(side, strides)
    scores, _ = table(len(grid), classes, high=RARE)
    # An object of a coarse grid, from which its sides can be reached
    row = int(np.flatnonzero((grid == [2, 3, 32]).all(axis=1))[0])
    scores[row, CLASS] = CONF
    distances = np.ones((len(grid), 4))
    x, y, step = grid[row]
    x = x * step + shift(step)
    y = y * step + shift(step)
    distances[row] = np.array([x - BOX[0], y - BOX[1], BOX[2] - x, BOX[3] - y]) / step
    bins = bins_of(distances)
    if not apart:
        return {"output": np.concatenate([scores, bins], 1)[None].astype(np.float32)}
    outputs = {}
    for stride in strides:
        own = grid[:, 2] == stride
        outputs[f"cls_pred_stride_{stride}"] = scores[None, own]
        outputs[f"dis_pred_stride_{stride}"] = bins[None, own].astype(np.float32)
    return outputs


def picodet():
    arrays = nanodet(apart=True, shift=middle).values()
    return {f"transpose_{number}.tmp_0": array for number, array in enumerate(arrays)}


def yunet(side=320):
    grid = cells(side, (8, 16, 32))
    row = len(grid) // 3
    step = grid[:, 2:]
    boxes = np.zeros((len(grid), 4))
    boxes[row, :2] = centre_size()[:2] / step[row] - grid[row, :2]
    boxes[row, 2:] = np.log(centre_size()[2:] / step[row])
    confs = np.full((len(grid), 1), RARE)
    confs[row] = CONF
    outputs = {}
    marks = np.zeros((len(grid), 10))
    for kind, numbers in (("cls", confs), ("obj", confs), ("bbox", boxes), ("kps", marks)):
        for stride in (8, 16, 32):
            outputs[f"{kind}_{stride}"] = numbers[None, grid[:, 2] == stride].astype(np.float32)
    return outputs


def scrfd(side=320):
    """Without an axis for the pictures, under numbers for names."""
    grid = np.repeat(cells(side, (8, 16, 32)), 2, axis=0)
    row = int(np.flatnonzero((grid == [2, 3, 32]).all(axis=1))[1])
    rng = np.random.RandomState(8)
    distances = rng.rand(len(grid), 4)
    x, y = grid[row, :2] * 32
    distances[row] = np.float32([x - BOX[0], y - BOX[1], BOX[2] - x, BOX[3] - y]) / 32
    confs = np.full((len(grid), 1), RARE)
    confs[row] = CONF
    outputs = {}
    for numbers in (confs, distances, rng.randn(len(grid), 10)):
        for stride in (8, 16, 32):
            outputs[str(448 + len(outputs))] = numbers[grid[:, 2] == stride].astype(np.float32)
    return outputs


def retinaface(side=320):
    grid = np.repeat(cells(side, (8, 16, 32)), 2, axis=0)
    row = int(np.flatnonzero((grid == [4, 7, 16]).all(axis=1))[1])  # its size is 128
    rng = np.random.RandomState(9)
    moved = rng.randn(len(grid), 4)
    moved[row] = offsets(np.float32([72, 120, 128, 128]) / side, shares(side))
    scores = np.full((len(grid), 2), RARE)
    scores[row, 1] = CONF
    scores[:, 0] = 1 - scores[:, 1]
    marks = rng.randn(len(grid), 10)
    parts = {"loc": moved, "conf": scores, "landms": marks}
    return {name: part[None].astype(np.float32) for name, part in parts.items()}


def blazeface(side=256):
    middles = []
    for count, priors in ((16, 2), (8, 6)):
        y, x = np.mgrid[0:count, 0:count]
        both = np.stack([x.ravel(), y.ravel()], 1)
        middles.append(np.repeat((both + 0.5) * side / count, priors, axis=0))
    middles = np.concatenate(middles)
    row = 300
    rng = np.random.RandomState(5)
    numbers = rng.randn(896, 16)
    numbers[row, :4] = centre_size()
    numbers[row, :2] -= middles[row]
    logits = np.full((1, 896, 1), logit(RARE), np.float32)
    logits[0, row] = logit(CONF)
    return {"regressors": numbers[None].astype(np.float32), "classificators": logits}


# Boxes and scores -------------------------------------------------------------------------------


def corners(rows, scores, row, side, pixels=False, names=("scores", "boxes"), height=None):
    rng = np.random.RandomState(3)
    low = rng.rand(rows, 2) * 0.7
    boxes = np.concatenate([low, low + 0.2], axis=1).astype(np.float32)
    boxes[row] = shares(side, height)
    if pixels:
        boxes *= side
    return {names[0]: scores[None], names[1]: boxes[None]}


def pytorch_ssd(background=0):
    scores, row = softmaxed(3000, 21, CLASS, background)
    return corners(3000, scores, row, 300)


def ultra_light():
    scores, row = softmaxed(4420, 2, 1)
    return corners(4420, scores, row, 320, height=240)


def corners_of(count):
    """In pixels, without a background."""
    scores, row = table(count, 80)
    return corners(count, scores, row, 320, pixels=True)


def offsets(priors, box, variances=(0.1, 0.1, 0.2, 0.2)):
    """What a trainer writes for a box and its prior, both in shares."""
    box = centre_size(box)
    moved = (box[:2] - priors[:2]) / priors[2:]
    return np.concatenate([moved, np.log(box[2:] / priors[2:])]) / np.float32(variances)


def ssd(priors, side, classes, row, columns_first=False, yx=False, sigmoid=False):
    """Random offsets and logits, but those of one row, whose prior (in pixels) is given."""
    rng = np.random.RandomState(4)
    moved = rng.randn(priors, 4).astype(np.float32)
    moved[row[0]] = offsets(np.float32(row[1]) / side, shares(side))
    if yx:
        moved = moved[:, [1, 0, 3, 2]]
    logits = np.full((priors, classes), -6, np.float32) + rng.rand(priors, classes)
    if not sigmoid:
        logits[:, 0] = 12
        logits[row[0]] = -30
        logits[row[0], 0] = logit(1 - CONF)
        logits[row[0], CLASS] = 0
    else:
        logits[row[0], CLASS] = logit(CONF)
    pair = [moved, logits.astype(np.float32)]
    if columns_first:
        pair = [np.ascontiguousarray(array.T) for array in pair]
    return {"bbox_regression": pair[0][None], "cls_logits": pair[1][None]}


def detr(queries=100, classes=92):
    rng = np.random.RandomState(6)
    logits = np.full((queries, classes), -4, np.float32) + rng.rand(queries, classes)
    boxes = rng.rand(queries, 4) * 0.5
    boxes[3, 2] = 1.01
    boxes[17] = centre_size(shares(320))
    if classes == 92:
        logits[:, -1] = 9
        logits[17] = -30
        logits[17, -1] = logit(1 - CONF)
        logits[17, CLASS] = 0
    else:
        logits[17, CLASS] = logit(CONF)
    return {
        "logits": logits[None].astype(np.float32),
        "pred_boxes": boxes[None].astype(np.float32),
    }


# Finished ---------------------------------------------------------------------------------------


def rows_of(count, box, dtype=np.int64):
    """Boxes, confidences and classes of which the first row is the object."""
    boxes = np.zeros((count, 4), np.float32)
    confs = np.zeros(count, np.float32)
    classes = np.zeros(count, dtype)
    boxes[0] = box
    boxes[1] = np.float32(box) * 0.5
    confs[:2] = [CONF, 0.0625]
    classes[:2] = [CLASS, 1]
    return boxes, confs, classes


def efficient_nms(pixels=True):
    boxes, confs, classes = rows_of(100, BOX if pixels else shares(320), np.int32)
    return {
        "num_dets": np.int32([[2]]),
        "det_boxes": boxes[None],
        "det_scores": confs[None],
        "det_classes": classes[None],
    }


def tensorflow():
    boxes, confs, classes = rows_of(100, shares(320)[[1, 0, 3, 2]], np.float32)
    return {
        "detection_boxes": boxes[None],
        "detection_classes": classes[None],
        "detection_multiclass_scores": np.zeros((1, 100, 91), np.float32),
        "detection_scores": confs[None],
        "num_detections": np.float32([2]),
        "raw_detection_boxes": np.zeros((1, 1917, 4), np.float32),
    }


def tflite():
    """TensorFlow 2's order and names: scores, boxes, count, classes."""
    boxes, confs, classes = rows_of(10, shares(320)[[1, 0, 3, 2]], np.float32)
    parts = [confs[None], boxes[None], np.float32([2]), classes[None]]
    return {f"StatefulPartitionedCall:{number}": part for number, part in enumerate(parts)}


def torchvision():
    boxes, confs, classes = rows_of(7, BOX)
    return {"3076": boxes, "3014": classes, "3077": confs}


def mmdeploy():
    boxes, confs, classes = rows_of(100, BOX)
    return {"dets": np.concatenate([boxes, confs[:, None]], 1)[None], "labels": classes[None]}


def rows_of_six(class_first=False):
    boxes, confs, classes = rows_of(300, BOX)
    parts = [boxes, confs[:, None], classes[:, None]]
    if class_first:
        parts.reverse()
    return {"output0": np.concatenate(parts, 1)[None].astype(np.float32)}


def rows_of_seven(count=True):
    boxes, confs, classes = rows_of(200, shares(320))
    parts = [np.zeros((200, 1)), classes[:, None], confs[:, None], boxes]
    rows = np.concatenate(parts, 1)[None, None].astype(np.float32)
    if not count:
        rows[..., 2:, 0] = -1
        return {"detection_out": rows}
    rows[..., 1, 2] = 0.9  # beyond the count: left from another picture
    return {"NMS": rows, "NMS_1": np.float32([[[[1]]]])}


def yolov7_rows():
    boxes, confs, classes = rows_of(2, BOX)
    parts = [np.zeros((2, 1)), boxes, classes[:, None], confs[:, None]]
    return {"output": np.concatenate(parts, 1).astype(np.float32)}


# Files ------------------------------------------------------------------------------------------


def write(folder, outputs, width=320, height=None, stated=True, layout="nchw", **options):
    """The network's file: as <folder>/model.onnx, for pictures of this size."""
    folder.mkdir(exist_ok=True)
    entry = (1, 3, height or width, width)
    if layout == "nhwc":
        entry = (1, height or width, width, 3)
    write_constants(folder, outputs, stated, entry=entry, **options)
    path = folder / "model.onnx"
    _average_first(path)
    return path


def _average_first(path):
    """Have the network average its pixels before it multiplies: no arithmetic for a recipe."""
    model = load(str(path))
    times_0, mean = model.graph.node[1:3]
    pixels, nought = times_0.input
    times_0.CopyFrom(helper.make_node("ReduceMean", [pixels], ["average"], keepdims=0))
    mean.CopyFrom(helper.make_node("Mul", ["average", nought], ["zero"]))
    save(model, str(path))


def note(path, **notes):
    """Write notes into a file, as exporters do."""
    model = load(str(path))
    helper.set_model_props(model, {key: str(value) for key, value in notes.items()})
    save(model, str(path))


def write_sized(path, width_first=True):
    """RT-DETR's form: boxes in shares become pixels of a size that is a second input."""
    boxes, confs, classes = rows_of(300, shares(320))
    nodes = [
        helper.make_node("Mul", ["shares", "sides"], ["boxes"]),
        helper.make_node("Add", ["confs", "zero"], ["scores"]),
        helper.make_node("Identity", ["classes"], ["labels"]),
    ]
    constants = {"shares": boxes[None], "confs": confs[None], "classes": classes[None]}
    outputs = [
        helper.make_tensor_value_info("labels", TensorProto.INT64, [1, 300]),
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, 300, 4]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 300]),
    ]
    _write_with_size(path, nodes, constants, outputs, size="orig_target_sizes", first=width_first)


def write_divided(path):
    """PP-YOLOE's form: boxes are divided by a second input, the factors of height and width."""
    (rows,) = rows_of_six(class_first=True).values()
    nodes = [
        helper.make_node("Concat", ["ones", "sides"], ["factors"], axis=1),
        helper.make_node("Div", ["rows", "factors"], ["divided"]),
        helper.make_node("Add", ["divided", "zero"], ["boxes"]),
        helper.make_node("Identity", ["filled"], ["count"]),
    ]
    rows = rows[0]
    rows[2:] = 0.5  # beyond the count: anything
    constants = {"rows": rows, "ones": np.ones((1, 2), np.float32), "filled": np.int32([2])}
    outputs = [
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["rows", 6]),
        helper.make_tensor_value_info("count", TensorProto.INT32, [1]),
    ]
    _write_with_size(path, nodes, constants, outputs, size="scale_factor", first=False)


def _write_with_size(path, nodes, constants, outputs, size, first):
    """A network with pictures and a size: `sides` are its numbers for x y x y, (1, 4).

    `first` says whether the width is the first of the two.
    """
    before = [
        helper.make_node("Cast", [size], ["size"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["size", "order"], ["sides"], axis=1),
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nought"], ["zero"]),
    ]
    order = [0, 1, 0, 1] if first else [1, 0, 1, 0]
    constants = dict(constants, order=np.int64(order), nought=np.float32(0))
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    inputs = [
        helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 320, 320]),
        helper.make_tensor_value_info(size, TensorProto.FLOAT, [1, 2]),
    ]
    graph = helper.make_graph(before + nodes, "sized", inputs, outputs, weights)
    opset = helper.make_opsetid("", 13)
    save(helper.make_model(graph, opset_imports=[opset], ir_version=8), str(path))
