"""Shared parts of the tests: small real networks, and real pictures and models if there are any."""

import json
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest
from onnx import TensorProto, helper, load, numpy_helper, save

from trt_course import CourseError, find_model

# A shell's background job ignores Ctrl-C, and its children would inherit that.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

KIT = Path(__file__).resolve().parent.parent
SHARED = KIT.parent / "shared"

# The small networks see cells: squares of pixels in rows and columns.
CELL = 16
ROWS = 6
COLS = 8
HEIGHT = ROWS * CELL
WIDTH = COLS * CELL


@pytest.fixture(scope="session")
def shared():
    if not SHARED.is_dir():
        pytest.skip("the folder with real pictures and models is not here")
    return SHARED


def cell_boxes():
    """(48, 4): one normalised box for each 16 x 16 cell of the input."""
    y, x = np.mgrid[0:ROWS, 0:COLS]
    left = x / COLS
    top = y / ROWS
    right = (x + 1) / COLS
    bottom = (y + 1) / ROWS
    corners = np.stack([left, top, right, bottom], axis=-1)
    return corners.reshape(1, ROWS * COLS, 4).astype(np.float32)


def write_net(path, batch="n"):
    """A network that sees: a cell's scores for classes 1, 2, 3 are its mean blue, green, red."""
    cells = ROWS * COLS
    nodes = [
        helper.make_node(
            "AveragePool", ["input"], ["pooled"], kernel_shape=[CELL, CELL], strides=[CELL, CELL]
        ),
        helper.make_node("Reshape", ["pooled", "flat_shape"], ["flat"]),
        helper.make_node("Transpose", ["flat"], ["colours"], perm=[0, 2, 1]),
        helper.make_node("Slice", ["colours", "zero", "one", "last"], ["first"]),
        helper.make_node("Mul", ["first", "nought"], ["background"]),
        helper.make_node("Concat", ["background", "colours"], ["scores"], axis=2),
        helper.make_node("Mul", ["first", "nought"], ["column"]),
        helper.make_node("Add", ["column", "cells"], ["boxes"]),
    ]
    constants = {
        "flat_shape": np.int64([0, 3, cells]),
        "zero": np.int64([0]),
        "one": np.int64([1]),
        "last": np.int64([2]),
        "nought": np.float32(0),
        "cells": cell_boxes(),
    }
    weights = [
        numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()
    ]

    def tensor(name, *shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, *shape])

    graph = helper.make_graph(
        nodes,
        "cells",
        [tensor("input", 3, HEIGHT, WIDTH)],
        [tensor("scores", cells, 4), tensor("boxes", cells, 4)],
        weights,
    )
    opset = helper.make_opsetid("", 13)
    save(helper.make_model(graph, opset_imports=[opset], ir_version=8), str(path))


RECORD = {
    "name": "cells",
    "title": "colours of cells",
    "input": {
        "name": "input",
        "width": WIDTH,
        "height": HEIGHT,
        "layout": "nchw",
        "color": "BGR",
        "scale": [255, 255, 255],
    },
    "output": {"layout": "boxes_scores", "tensors": {"boxes": "boxes", "scores": "scores"}},
    "labels": ["background", "blue", "green", "red"],
    "background": 0,
}


def write_model(folder, batch="n", **changes):
    """The network and its record in a folder; the changes are fields of the record."""
    folder.mkdir(parents=True, exist_ok=True)
    write_net(folder / "model.onnx", batch)
    (folder / "model.json").write_text(json.dumps({**RECORD, **changes}))
    return folder


@pytest.fixture(scope="session")
def cells(tmp_path_factory):
    """The folder of a small model that finds blue, green and red cells."""
    return write_model(tmp_path_factory.mktemp("models") / "cells")


def write_conv_model(folder):
    """The same network behind a convolution that changes nothing: something to quantise."""
    model = load(str(write_model(folder) / "model.onnx"))
    same = np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1)
    model.graph.initializer.append(numpy_helper.from_array(same, "same"))
    model.graph.node[0].input[0] = "seen"
    conv = helper.make_node("Conv", ["input", "same"], ["seen"], name="eye", kernel_shape=[1, 1])
    model.graph.node.insert(0, conv)
    save(model, str(folder / "model.onnx"))
    return folder


def write_sized_model(folder):
    """The same network, which is told the picture's height and width, and gives boxes in pixels."""
    output = {"boxes": {"tensor": "pixels", "units": "pixels"}, "scores": {"tensor": "scores"}}
    size = {"name": "size", "order": "height_width"}
    write_model(folder, output=output, input=dict(RECORD["input"], size=size))
    model = load(str(folder / "model.onnx"))
    graph = model.graph
    graph.node.extend(
        [
            helper.make_node("Cast", ["size"], ["height_width"], to=TensorProto.FLOAT),  # (n, 2)
            helper.make_node("Gather", ["height_width", "turn"], ["xyxy"], axis=1),  # (n, 4)
            helper.make_node("Unsqueeze", ["xyxy", "middle"], ["scale"]),  # (n, 1, 4)
            helper.make_node("Mul", ["boxes", "scale"], ["pixels"]),
        ]
    )
    graph.initializer.append(numpy_helper.from_array(np.int64([1, 0, 1, 0]), "turn"))
    graph.initializer.append(numpy_helper.from_array(np.int64([1]), "middle"))
    graph.input.append(helper.make_tensor_value_info("size", TensorProto.INT64, ["n", 2]))
    graph.output[1].name = "pixels"
    save(model, str(folder / "model.onnx"))
    return folder


@pytest.fixture
def models(tmp_path):
    """An empty folder, which the kit takes for its models/."""
    import catalogue_parts

    folder = tmp_path / "models"
    folder.mkdir()
    undo = catalogue_parts.use_models(folder)
    yield folder
    undo()


@pytest.fixture(scope="session")
def gpu():
    """The GPU; tests that ask for it are skipped where there is none."""
    from trt_course.engine.cuda import open_cuda
    from trt_course.engine.plan import load_tensorrt

    try:
        load_tensorrt()
        return open_cuda().device
    except CourseError as err:
        pytest.skip(f"needs an NVIDIA GPU with TensorRT: {err}")


@pytest.fixture(scope="session")
def gpu_model(gpu, tmp_path_factory):
    """A ModelSpec with an FP32 engine for batches of 1 to 4 beside it."""
    from trt_course.builder.onnx import Options, engine_from_onnx

    spec = find_model(write_conv_model(tmp_path_factory.mktemp("gpu") / "cells"))
    engine_from_onnx(spec, Options("fp32", (1, 2, 4), level=0))
    return spec


@pytest.fixture(scope="session")
def plan(gpu_model):
    return gpu_model.folder / "engines" / "fp32-b1-2-4.engine"


@pytest.fixture
def cell_picture():
    """Black but for a red cell at row 1, column 2 and a green one at row 4, column 6.

    It is twice as large as the network's input, in both directions.
    """
    picture = np.zeros((2 * HEIGHT, 2 * WIDTH, 3), np.uint8)
    picture[32:64, 64:96] = (0, 0, 255)
    picture[128:160, 192:224] = (0, 200, 0)
    return picture


@pytest.fixture
def picture_folder(tmp_path, cell_picture):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("b.PNG", "a.jpg", "c.bmp", "d.webp", "e.JPEG"):
        cv2.imwrite(str(folder / name), cell_picture)
    cv2.imwrite(str(folder / "f.png"), np.zeros_like(cell_picture))
    (folder / "notes.md").write_text("not a picture")
    return folder
