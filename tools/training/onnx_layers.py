"""An ONNX graph while it is collected, and how each layer of the networks is written into it.

Only the layers that backbones.py and nets.py use are known here, and each becomes one or two
nodes of old, plain operators.
"""

from typing import Any, Callable, Dict, List

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper
from torch import nn

from .nets import UpTo


class Graph:
    """Nodes and initializers while they are collected; tensors go by their names."""

    def __init__(self) -> None:
        self.nodes: List[NodeProto] = []
        self.constants: Dict[str, TensorProto] = {}

    def constant(self, name: str, values: object, kind: type = np.float32) -> str:
        """The name of an initializer, which is made on the first call only."""
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.asarray(values, kind), name)
        return name

    def integers(self, name: str, values: List[int]) -> str:
        """The name of an initializer that holds shapes or places."""
        return self.constant(name, values, np.int64)

    def add(self, kind: str, inputs: List[str], output: str, **attributes: Any) -> str:
        """Append a node that is named after its output; the output's name."""
        node = helper.make_node(kind, inputs, [output], output, **attributes)
        self.nodes.append(node)
        return output


def conv(graph: Graph, name: str, layer: nn.Conv2d, x: str) -> str:
    """A convolution, with the weights and bias as they are."""
    weight = layer.weight.detach().numpy()
    inputs = [x, graph.constant(name + "_weight", weight)]
    if layer.bias is not None:
        bias = layer.bias.detach().numpy()
        inputs.append(graph.constant(name + "_bias", bias))

    pad = list(layer.padding)
    return graph.add(
        "Conv",
        inputs,
        name,
        kernel_shape=list(layer.kernel_size),
        strides=list(layer.stride),
        pads=pad + pad,
        dilations=[1, 1],
        group=layer.groups,
    )


def relu(graph: Graph, name: str, _: nn.ReLU, x: str) -> str:
    """An activation without an upper limit."""
    return graph.add("Relu", [x], name)


def relu6(graph: Graph, name: str, _: nn.ReLU6, x: str) -> str:
    """An activation between 0 and 6."""
    limits = [graph.constant("zero", 0.0), graph.constant("six", 6.0)]
    return graph.add("Clip", [x, *limits], name)


def max_pool(graph: Graph, name: str, layer: nn.MaxPool2d, x: str) -> str:
    """A square pooling, padded alike on all sides."""
    return graph.add(
        "MaxPool",
        [x],
        name,
        kernel_shape=[layer.kernel_size] * 2,
        strides=[layer.stride] * 2,
        pads=[layer.padding] * 4,
    )


def up_to(graph: Graph, name: str, layer: UpTo, x: str) -> str:
    """Twice the size, then cut."""
    twice = graph.constant("twice", [1, 1, 2, 2])
    large = graph.add(
        "Resize",
        [x, "", twice],
        name + "_up",
        mode="nearest",
        nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )

    size = [layer.height, layer.width]
    ends = graph.integers(f"size_{layer.height}_{layer.width}", size)
    origin = graph.integers("origin", [0, 0])
    axes = graph.integers("height_width", [2, 3])
    return graph.add("Slice", [large, origin, ends, axes], name)


def same(_graph: Graph, _name: str, _layer: nn.Identity, x: str) -> str:
    """Nothing is written for a layer that changes nothing."""
    return x


LAYERS: Dict[type, Callable[..., str]] = {
    nn.Conv2d: conv,
    nn.ReLU: relu,
    nn.ReLU6: relu6,
    nn.MaxPool2d: max_pool,
    UpTo: up_to,
    nn.Identity: same,
}
