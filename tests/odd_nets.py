"""Networks that give constants, for the tests of what does not fit: real ones, in real files."""

import json

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

from trt_course import TrtSSD

WIDTH = 32
HEIGHT = 16
BOX = [0.25, 0.25, 0.5, 0.75]
BOX_YX = [0.25, 0.25, 0.75, 0.5]
PIXELS = [8.0, 4.0, 16.0, 12.0]
PLACES = 6
BLACK = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
LABELS = ["background", "a", "b", "c", "d"]


def right_outputs(layout):
    """The tensors by role that say: one box, of class 2, at a confidence of 0.875."""
    scores = np.zeros((1, PLACES, len(LABELS)), np.float32)
    scores[0, 3, 2] = 0.875
    boxes = np.tile(np.float32([0.1, 0.1, 0.2, 0.2]), (1, PLACES, 1))
    boxes[0, 3] = BOX
    if layout == "boxes_scores":
        return {"boxes": boxes, "scores": scores}
    if layout == "loc_conf_priors":
        return {"loc": np.zeros((1, PLACES, 4), np.float32), "conf": scores}

    confs = np.zeros((1, PLACES), np.float32)
    confs[0, 0] = 0.875
    classes = np.zeros((1, PLACES), np.int32)
    classes[0, 0] = 2
    count = np.ones((1, 1), np.int32)
    corners = np.zeros((1, PLACES, 4), np.float32)
    corners[0, 0] = BOX
    if layout == "efficient_nms":
        return {"count": count, "boxes": corners, "scores": confs, "classes": classes}
    if layout == "tf_detection":
        corners[0, 0] = BOX_YX
        return {"boxes": corners, "scores": confs, "classes": classes, "count": count[0]}

    rows = np.zeros((1, 1, PLACES, 7), np.float32)
    rows[0, 0, 0] = [0, 2, 0.875, *BOX]
    if layout == "nms7":
        return {"rows": rows, "count": count[:, None, None]}
    rows[0, 0, 1:, 0] = -1
    return {"rows": rows}


LAYOUTS = (
    "boxes_scores",
    "loc_conf_priors",
    "efficient_nms",
    "tf_detection",
    "nms7",
    "nms7 without count",
)


def write_constants(folder, outputs, stated=True, entry=(1, 3, HEIGHT, WIDTH), kind="float32"):
    """A network that gives these arrays whatever it sees.

    `stated` says whether the file tells their shapes; `entry` is the input's.
    """
    nodes = [
        helper.make_node("Cast", ["input"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["pixels", "nought"], ["blank"]),
        helper.make_node("ReduceMean", ["blank"], ["zero"], keepdims=0),
        helper.make_node("Cast", ["zero"], ["no_side"], to=TensorProto.INT64),
    ]
    weights = [numpy_helper.from_array(np.float32(0), "nought")]
    ends = []
    for name, array in outputs.items():
        # The shape is computed, so that ONNX Runtime cannot know it beforehand either
        nodes.append(helper.make_node("Add", ["no_side", name + "_sides"], [name + "_shape"]))
        nodes.append(helper.make_node("Reshape", [name + "_value", name + "_shape"], [name]))
        weights.append(numpy_helper.from_array(np.int64(array.shape), name + "_sides"))
        weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name + "_value"))
        shape = array.shape if stated else [None] * array.ndim
        ends.append(helper.make_tensor_value_info(name, onnx_type(array.dtype), shape))

    entries = [helper.make_tensor_value_info("input", onnx_type(kind), entry)]
    graph = helper.make_graph(nodes, "constants", entries, ends, weights)
    opset = helper.make_opsetid("", 13)
    save(helper.make_model(graph, opset_imports=[opset], ir_version=8), str(folder / "model.onnx"))


def onnx_type(dtype):
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


def write_record(folder, layout, roles, **changes):
    """The record; `roles` maps roles to the outputs' names."""
    output = {"layout": layout.partition(" ")[0], "tensors": roles}
    if layout == "loc_conf_priors":
        priors = np.tile(np.float32([0.5, 0.5, 0.1, 0.1]), (PLACES, 1))
        priors[3] = [0.375, 0.5, 0.25, 0.5]
        np.save(str(folder / "priors.npy"), priors)
        output["priors"] = "priors.npy"
    record = {
        "name": "odd",
        "title": "odd",
        "labels": LABELS,
        "background": 0,
        "input": {
            "name": "input",
            "width": WIDTH,
            "height": HEIGHT,
            "layout": "nchw",
            "color": "BGR",
        },
        "output": output,
        **changes,
    }
    (folder / "model.json").write_text(json.dumps(record))


def open_odd(folder, layout, outputs, verbose=False, **network):
    """A detector whose network gives these outputs, by their roles' names."""
    write_record(folder, layout, {role: role for role in outputs})
    write_constants(folder, outputs, **network)
    return TrtSSD(folder, backend="cpu", threads=1, verbose=verbose)
