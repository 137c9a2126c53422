"""Writes a network that gives what it is told to, and looks at its picture a little.

One number of one output depends on the picture's mean colour. So a wrong colour order, mean, scale
or border shows in the confidence of one detection.
"""

from typing import Dict, NamedTuple, Tuple

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

_TYPES = {
    "float32": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "uint8": TensorProto.UINT8,
    "int64": TensorProto.INT64,
    "int32": TensorProto.INT32,
}
_COLOURS = np.float32([0.6, 0.3, 0.1])  # what each channel's mean counts, in the tensor's order


class Input(NamedTuple):
    """The input of pictures; a side may have a name instead of a length."""

    name: str
    shape: Tuple
    dtype: str = "float32"
    layout: str = "nchw"


class Seen(NamedTuple):
    """Which number of which output depends on the picture, and how much."""

    output: str
    index: Tuple[int, ...]
    gain: float  # times the mean colour


class SizeInput(NamedTuple):
    """A second input, (1, 2), by which an output is multiplied or divided."""

    name: str
    dtype: str
    output: str
    operator: str  # Mul or Div
    numbers: Tuple[int, ...]  # for each column: 1 or 2, which of the two; 0 leaves it as it is


class Net(NamedTuple):
    """A network: its inputs, and what it gives."""

    input: Input
    outputs: Dict[str, np.ndarray]
    seen: Seen
    size: Tuple[SizeInput, ...] = ()
    stated: Dict[str, Tuple] = {}  # shapes that the file states otherwise than they are


class _Graph:
    """The parts of an ONNX file as they are gathered."""

    def __init__(self):
        self.nodes = []
        self.constants = []

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, operator, inputs, output, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output


def write_net(net, path):
    """Write the network as an ONNX file."""
    graph = _Graph()
    colour = _mean_colour(graph, net)
    sizes = {size.output: _sizes(graph, size) for size in net.size}
    for name, value in net.outputs.items():
        last = graph.constant(f"{name}/constant", value)
        if name == net.seen.output:
            last = _with_colour(graph, colour, net, last)
        if name in sizes:
            operator, numbers = sizes[name]
            last = graph.add(operator, [last, numbers], f"{name}/sized")
        graph.add("Identity", [last], name)

    inputs = [_info(net.input.name, net.input.dtype, net.input.shape)]
    inputs += [_info(size.name, size.dtype, (net.input.shape[0], 2)) for size in net.size]
    outputs = [
        _info(name, str(value.dtype), net.stated.get(name, value.shape))
        for name, value in net.outputs.items()
    ]
    made = helper.make_graph(graph.nodes, "net", inputs, outputs, graph.constants)
    model = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="tests"
    )
    checker.check_model(model)
    save(model, str(path))


def _mean_colour(graph, net):
    """The picture's mean colour as one number, (1, 1)."""
    pixels = graph.add("Cast", [net.input.name], "pixels", to=TensorProto.FLOAT)
    sides = [2, 3]
    if net.input.layout == "nhwc":
        sides = [1, 2]
    graph.add("ReduceMean", [pixels], "means", axes=sides, keepdims=0)  # (1, channels)
    channels = net.input.shape[3 if net.input.layout == "nhwc" else 1]
    counts = graph.constant("counts", _COLOURS[:channels].reshape(channels, 1))
    return graph.add("MatMul", ["means", counts], "colour")


def _with_colour(graph, colour, net, last):
    """The output with the mean colour added to one of its numbers."""
    value = net.outputs[net.seen.output]
    shift = colour
    for axis, length in enumerate(value.shape):
        chosen = np.zeros([length if i == axis else 1 for i in range(value.ndim)], np.float32)
        chosen.flat[net.seen.index[axis]] = 1
        if axis == 0:
            chosen *= net.seen.gain
        shift = graph.add("Mul", [shift, graph.constant(f"chosen{axis}", chosen)], f"shift{axis}")
    if value.dtype == np.float16:
        shift = graph.add("Cast", [shift], "shift/half", to=TensorProto.FLOAT16)
    return graph.add("Add", [last, shift], f"{net.seen.output}/seen")


def _sizes(graph, size):
    """The operator, and its numbers for the columns of the output, (1, columns)."""
    floats = graph.add("Cast", [size.name], f"{size.name}/floats", to=TensorProto.FLOAT)
    one = graph.constant(f"{size.name}/one", np.ones((1, 1), np.float32))
    three = graph.add("Concat", [one, floats], f"{size.name}/three", axis=1)
    which = graph.constant(f"{size.name}/which", np.int64(size.numbers))
    return size.operator, graph.add("Gather", [three, which], f"{size.name}/columns", axis=1)


def _info(name, dtype, shape):
    return helper.make_tensor_value_info(name, _TYPES[dtype], shape)
