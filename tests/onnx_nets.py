"""A small network with all that precision is about, its model, and how far two networks differ."""

import json

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from trt_course import find_model
from trt_course.builder.precision import calibration_batches

ROWS = 8
COLS = 12

# operator, what it reads, its output (which is its name, too), attributes
NODES = [
    ("Mul", ["input", "scale"], "scaled", {}),
    ("Conv", ["scaled", "stem_weight", "stem_bias"], "stem", {"strides": [8, 8]}),
    ("Relu", ["stem"], "stem_relu", {}),
    ("Conv", ["stem_relu", "body_weight", "body_bias"], "body", {"pads": [1, 1, 1, 1]}),
    ("Add", ["body", "stem_relu"], "skip", {}),
    ("Relu", ["skip"], "body_relu", {}),
    ("Conv", ["body_relu", "conf_weight", "conf_bias"], "conf", {}),
    ("Conv", ["body_relu", "move_weight", "move_bias"], "move", {}),
    ("Transpose", ["conf"], "conf_last", {"perm": [0, 2, 3, 1]}),
    ("Reshape", ["conf_last", "rows_4"], "conf_rows", {}),
    ("Softmax", ["conf_rows"], "scores", {"axis": 2}),
    ("Transpose", ["move"], "move_last", {"perm": [0, 2, 3, 1]}),
    ("Reshape", ["move_last", "rows_2"], "move_rows", {}),
    ("Mul", ["move_rows", "gain"], "shift", {}),
    ("Add", ["shift", "centres"], "centre", {}),
    ("Sub", ["centre", "side"], "low_corner", {}),
    ("Add", ["centre", "side"], "high_corner", {}),
    ("Concat", ["low_corner", "high_corner"], "boxes", {"axis": 2}),
]

RECORD = {
    "name": "small",
    "title": "small",
    "labels": ["background", "a", "b", "c"],
    "background": 0,
    "input": {
        "name": "input",
        "width": 8 * COLS,
        "height": 8 * ROWS,
        "layout": "nchw",
        "color": "RGB",
    },
    "output": {"layout": "boxes_scores", "tensors": {"boxes": "boxes", "scores": "scores"}},
}


def _weights():
    rng = np.random.RandomState(3)
    y, x = np.mgrid[0:ROWS, 0:COLS]
    centres = np.stack([(x + 0.9) / COLS, (y + 0.5) / ROWS], axis=-1)
    return {
        "scale": 1 / 255,
        "gain": 0.01,
        "centres": centres.reshape(1, -1, 2),  # (1, cells, 2)
        "side": 0.04,
        "stem_weight": rng.randn(8, 3, 8, 8) / 14,
        "stem_bias": rng.rand(8),
        "body_bias": rng.rand(8) - 0.5,
        "body_weight": rng.randn(8, 8, 3, 3) / 8,
        "conf_weight": rng.randn(4, 8, 1, 1),
        "move_weight": rng.randn(2, 8, 1, 1) / 3,
        "conf_bias": np.arange(4),
        "move_bias": np.zeros(2),
    }


def small_net(batch="n", opset=13):
    """Two convolutions, a skip past the second, two heads of one each, boxes up to the right edge.

    One node has no name.
    """
    nodes = []
    for kind, inputs, name, attributes in NODES:
        node_name = "" if name == "scaled" else name
        nodes.append(helper.make_node(kind, inputs, [name], node_name, **attributes))

    tensors = []
    for name, value in _weights().items():
        tensors.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
    for numbers in (2, 4):
        shape = np.int64([0, -1, numbers])
        tensors.append(numpy_helper.from_array(shape, f"rows_{numbers}"))

    shapes = {
        "input": [batch, 3, 8 * ROWS, 8 * COLS],
        "scores": [batch, ROWS * COLS, 4],
        "boxes": [batch, ROWS * COLS, 4],
    }
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    ]
    graph = helper.make_graph(nodes, "small", ends[:1], ends[1:], tensors)
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, ir_version=7, opset_imports=opsets)


def small_model(folder):
    """The ModelSpec of small_net in a folder, with pictures to calibrate on beside it."""
    (folder / "model.json").write_text(json.dumps(RECORD))
    onnx.save(small_net(), str(folder / "model.onnx"))
    (folder / "pictures").mkdir()
    rng = np.random.RandomState(1)
    for number in range(5):
        picture = cv2.resize(rng.randint(0, 256, (6, 9, 3), np.uint8), (180, 120))
        cv2.imwrite(str(folder / "pictures" / f"{number}.png"), picture)
    return find_model(folder)


def some_input(spec):
    """Four of the model's pictures, as the network takes them."""
    return next(calibration_batches(spec, spec.folder / "pictures", batch=4))


def run(model, x):
    """Scores and boxes of a network with this one input."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = ("scores", "boxes")
    return dict(zip(names, session.run(names, {"input": x})))


def worst(model, other, x):
    """How far boxes and scores lie apart at most, boxes in pixels of a picture 1248 wide."""
    ours = run(model, x)
    theirs = run(other, x)
    boxes = np.abs(ours["boxes"] - theirs["boxes"]).max()
    scores = np.abs(ours["scores"] - theirs["scores"]).max()
    return 1248 * boxes, scores
