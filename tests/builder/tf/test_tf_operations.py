"""Each operation of TensorFlow alone, against plain NumPy; all that is made, TensorRT 7.1 reads."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from builder.tf import plain
from builder.tf.graph_def import Builder
from trt_course import CourseError
from trt_course.builder.tf_graph.evaluate import Constants
from trt_course.builder.tf_graph.graph import read_graph
from trt_course.builder.tf_graph.heads import Head, Heads
from trt_course.builder.tf_graph.network import make_network
from trt_course.builder.tf_graph.operations import OPERATIONS

START = "Preprocessor/sub"
READ_BY_TENSORRT_7 = {
    line
    for line in (Path(__file__).parent / "tensorrt_7_1_operators.txt").read_text().splitlines()
    if not line.startswith("#")
}


def network_of(folder, builder, channels):
    """The ONNX network whose two outputs are the tensor `wanted`, with so many channels."""
    graph = read_graph(builder.write(folder / "graph.pb"))
    head = Head("wanted", channels)
    heads = Heads([head], [head], "wanted")
    return make_network(graph, Constants(graph), heads, (9, 8))


def require_same(folder, builder):
    """Hold the tensor `wanted` to plain NumPy's, and the operators to those of TensorRT 7.1."""
    pixels = np.random.RandomState(3).normal(size=(2, 8, 9, 3)).astype(np.float32) * 4
    (wanted,) = plain.run(builder, {START: pixels}, ["wanted"])
    model = network_of(folder, builder, wanted.shape[-1])
    onnx.save(model, str(folder / "model.onnx"))
    session = onnxruntime.InferenceSession(
        str(folder / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    found, _ = session.run(None, {"pictures": pixels.transpose(0, 3, 1, 2)})
    np.testing.assert_allclose(found, wanted.reshape(2, -1, wanted.shape[-1]), rtol=1e-5, atol=1e-5)
    require_read_by_tensorrt_7(model)


def require_read_by_tensorrt_7(model):
    stored = {tensor.name for tensor in model.graph.initializer}
    for node in model.graph.node:
        assert node.op_type in READ_BY_TENSORRT_7
        if node.op_type in ("Clip", "Pad", "Reshape"):
            assert stored.issuperset(node.input[1:])


def started():
    builder = Builder()
    builder.add(START, "Placeholder")
    return builder


def weights(*shape):
    return np.random.RandomState(sum(shape)).normal(size=shape)


WINDOWS = {
    "same": {"strides": [1, 1, 1, 1], "padding": "SAME"},
    "same, every other": {"strides": [1, 2, 2, 1], "padding": "SAME"},
    "valid": {"strides": [1, 2, 1, 1], "padding": "VALID"},
}
CONVOLUTIONS = {
    **WINDOWS,
    "spread": {"strides": [1, 1, 1, 1], "padding": "VALID", "dilations": [1, 3, 2, 1]},
    "explicit": {
        "strides": [1, 2, 2, 1],
        "padding": "EXPLICIT",
        "explicit_paddings": [0, 0, 1, 0, 2, 1, 0, 0],
    },
}


@pytest.mark.parametrize("window", CONVOLUTIONS)
@pytest.mark.parametrize("kernel", [(3, 3), (2, 4), (1, 1)])
def test_convolution(window, kernel, tmp_path):
    builder = started()
    operands = [START, weights(*kernel, 3, 5)]
    builder.add("wanted", "Conv2D", operands, **CONVOLUTIONS[window])
    require_same(tmp_path, builder)


@pytest.mark.parametrize("words", [{"strides": [1, 3, 2, 1]}, {"dilations": [1, 2, 2, 1]}])
def test_a_window_of_one_pixel(words, tmp_path):
    builder = started()
    operands = [START, weights(1, 1, 3, 5)]
    builder.add("wanted", "Conv2D", operands, **{"strides": [1] * 4, "padding": "SAME", **words})
    require_same(tmp_path, builder)


@pytest.mark.parametrize("filters", [1, 3])
@pytest.mark.parametrize("window", CONVOLUTIONS)
def test_depthwise_convolution(window, filters, tmp_path):
    builder = started()
    operands = [START, weights(3, 2, 3, filters)]
    builder.add("wanted", "DepthwiseConv2dNative", operands, **CONVOLUTIONS[window])
    require_same(tmp_path, builder)


@pytest.mark.parametrize("op", ["MaxPool", "AvgPool"])
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("size", [(3, 3), (2, 2)])
def test_pooling(op, window, size, tmp_path):
    builder = started()
    builder.add("wanted", op, [START], ksize=[1, *size, 1], **WINDOWS[window])
    require_same(tmp_path, builder)


@pytest.mark.parametrize("op", ["FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"])
@pytest.mark.parametrize("words", [{}, {"epsilon": 0.5}])
def test_batch_norm(op, words, tmp_path):
    builder = started()
    numbers = [np.abs(weights(3)) * scale for scale in (1, 2, 3, 0.01)]
    builder.add("wanted", op, [START, *numbers], is_training=False, **words)
    require_same(tmp_path, builder)


@pytest.mark.parametrize("op", ["Relu", "Relu6", "Identity"])
def test_of_one_tensor(op, tmp_path):
    builder = started()
    builder.add("before", "Relu", [START])
    builder.add("wanted", op, ["before" if op == "Identity" else START])
    require_same(tmp_path, builder)


@pytest.mark.parametrize("op", ["Add", "AddV2", "Sub", "Mul"])
@pytest.mark.parametrize("shape", [(), (1,), (3,), (1, 1, 1, 3), (9, 3), (8, 1, 1)])
@pytest.mark.parametrize("first", [False, True])
def test_with_a_constant(op, shape, first, tmp_path):
    operands = [START, weights(*shape)]
    if first:
        operands.reverse()
    builder = started()
    builder.add("wanted", op, operands)
    require_same(tmp_path, builder)


def test_bias(tmp_path):
    builder = started()
    builder.add("wanted", "BiasAdd", [START, weights(3)], data_format="NHWC")
    require_same(tmp_path, builder)


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul"])
def test_of_two_tensors(op, tmp_path):
    builder = started()
    builder.add("other", "Relu", [START])
    builder.add("wanted", op, ["other", START])
    require_same(tmp_path, builder)


@pytest.mark.parametrize("axis", [1, 2, 3, -1, -2])
def test_concatenation(axis, tmp_path):
    builder = started()
    builder.add("other", "Relu", [START])
    builder.add("wanted", "ConcatV2", [START, "other", START, np.int32(axis)])
    require_same(tmp_path, builder)


def test_padding(tmp_path):
    builder = started()
    builder.add("wanted", "Pad", [START, np.int32([[0, 0], [1, 2], [3, 4], [0, 0]])])
    require_same(tmp_path, builder)


def test_all_operations_are_tried_here():
    text = Path(__file__).read_text()
    assert not [name for name in OPERATIONS if f'"{name}"' not in text]


# What cannot be said in ONNX, or not to TensorRT 7 ------------------------------------------------

SQUARE = {"strides": [1, 1, 1, 1], "padding": "SAME"}
REFUSED = {
    "in training": (
        ("FusedBatchNorm", [START, *[np.ones(3)] * 4], {"is_training": True}),
        "it is in training",
    ),
    "of a form that is older than the word": (
        ("FusedBatchNorm", [START, *[np.ones(3)] * 4], {}),
        "it is in training",
    ),
    "channels first": (
        ("Conv2D", [START, np.ones((1, 1, 3, 3))], {**SQUARE, "data_format": "NCHW"}),
        "its channels come first",
    ),
    "every other picture": (
        ("MaxPool", [START], {"padding": "SAME", "ksize": [1] * 4, "strides": [2, 1, 1, 1]}),
        r"its strides are \[2, 1, 1, 1\]; wanted",
    ),
    "unknown padding": (
        ("Conv2D", [START, np.ones((1, 1, 3, 3))], {**SQUARE, "padding": "MIRROR"}),
        "its padding is 'MIRROR'; known: SAME",
    ),
    "same with gaps": (
        ("Conv2D", [START, np.ones((3, 3, 3, 3))], {**SQUARE, "dilations": [1, 2, 2, 1]}),
        "its window has gaps",
    ),
    "same with long steps": (
        ("AvgPool", [START], {"padding": "SAME", "ksize": [1, 2, 2, 1], "strides": [1, 2, 3, 1]}),
        "its steps are longer than its window",
    ),
    "padded channels": (
        ("Pad", [START, np.int32([[0, 0], [0, 0], [0, 0], [1, 0]])], {}),
        r"its paddings are \[0, 0, 0, 0, 0, 0, 1, 0\]",
    ),
    "weights that are computed": (("Conv2D", [START, START], SQUARE), "is no constant"),
    "too few axes": (("Conv2D", [START, np.ones(3)], SQUARE), r"shape \(3,\); wanted: 4 axes"),
    "too few operands": (("Conv2D", [START], SQUARE), "it has 1 operands only"),
    "constant picture": (
        ("Relu", [np.ones((1, 8, 9, 3))], {}),
        "does not depend on the picture",
    ),
    "axis that is none": (("ConcatV2", [START, START, np.int32(4)], {}), "its axis is 4"),
    "unknown": (("Softplus", [START], {}), "the node wanted is a Softplus, which"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case, tmp_path):
    (op, operands, words), said = REFUSED[case]
    builder = started()
    builder.add("wanted", op, operands, **words)
    with pytest.raises(CourseError, match=said):
        network_of(tmp_path, builder, 4)


def test_a_loop(tmp_path):
    builder = started()
    builder.add("wanted", "Add", [START, "next"])
    builder.add("next", "Relu", ["wanted"])
    with pytest.raises(CourseError, match="reads its own result"):
        network_of(tmp_path, builder, 3)


def test_another_output_than_the_first(tmp_path):
    builder = started()
    builder.add("two", "Relu", [START])
    builder.add("wanted", "Relu", ["two:1"])
    with pytest.raises(CourseError, match="the node two:1"):
        network_of(tmp_path, builder, 3)


def test_a_node_that_is_not_there(tmp_path):
    builder = started()
    builder.add("wanted", "Relu", ["nowhere"])
    with pytest.raises(CourseError, match="some node reads nowhere"):
        network_of(tmp_path, builder, 3)
