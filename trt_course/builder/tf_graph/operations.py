"""TensorFlow's operations as ONNX's, each a function that adds what takes its place."""

from typing import Any, Callable, Dict, List, Optional, Sequence

import numpy as np

from ...support.errors import CourseError
from ..nodes import Nodes
from .evaluate import Constants
from .graph import Graph, Node

_AXES = {0: 0, 1: 2, 2: 3, 3: 1}  # where an axis of (n, h, w, c) is in (n, c, h, w)


class Turned:
    """The operations that have been turned into ONNX, and the names of their results there."""

    def __init__(self, graph: Graph, constants: Constants, nodes: Nodes) -> None:
        self.graph = graph
        self.constants = constants
        self.nodes = nodes
        self.names: Dict[str, str] = {}  # TensorFlow's -> ONNX's
        self._limits: Dict[str, str] = {}

    def changing(self, node: Node) -> List[str]:
        """The operands of a node that depend on the picture."""
        return [tensor for tensor in node.inputs if self.constants.value(tensor) is None]

    def add(self, kind: str, node: Node, operands: Sequence[Any], **attributes: Any) -> str:
        """An ONNX node in place of a node, whose name its result takes."""
        return self.nodes.add(kind, operands, [node.name], **attributes)

    def picture(self, node: Node, index: int = 0) -> str:
        """The operand at a place, which must depend on the picture."""
        tensor = self.operand(node, index)
        if tensor not in self.names:
            raise self.refusal(node, f"its operand {tensor} does not depend on the picture")
        return self.names[tensor]

    def numbers(self, node: Node, index: int, axes: Optional[int] = None) -> np.ndarray:
        """The operand at a place, which must be constant, and have so many axes."""
        tensor = self.operand(node, index)
        numbers = self.constants.value(tensor)
        if numbers is None:
            raise self.refusal(node, f"its operand {tensor} is no constant: is the graph frozen?")
        if axes is not None and numbers.ndim != axes:
            raise self.refusal(
                node, f"its operand {tensor} has the shape {numbers.shape}; wanted: {axes} axes"
            )
        return numbers

    def weights(self, name: str, numbers: np.ndarray) -> str:
        """Numbers as a constant of the network."""
        return self.nodes.store(np.array(numbers, np.float32, order="C"), name)

    def limit(self, number: float) -> str:
        """A bound of Clip: TensorRT 7 wants it among the weights, and one is enough for all."""
        name = f"limit_{number:g}"
        if name not in self._limits:
            self._limits[name] = self.weights(name, np.array(number))
        return self._limits[name]

    def refusal(self, node: Node, reason: str) -> CourseError:
        """The error that names a node and its operation."""
        return CourseError(
            f"{self.graph.path}: the node {node.name} ({node.op}) cannot be converted: {reason}."
        )

    def operand(self, node: Node, index: int) -> str:
        """The name of the operand at a place, in TensorFlow's graph."""
        if index >= len(node.inputs):
            raise self.refusal(node, f"it has {len(node.inputs)} operands only")
        return node.inputs[index]


def _conv(turned: Turned, node: Node) -> str:
    kernel = turned.numbers(node, 1, axes=4)  # (h, w, channels in, channels out)
    weights = turned.weights(f"{node.name}/weights", kernel.transpose(3, 2, 0, 1))
    return turned.add(
        "Conv", node, [turned.picture(node), weights], **_window(turned, node, kernel.shape[:2])
    )


def _depthwise(turned: Turned, node: Node) -> str:
    kernel = turned.numbers(node, 1, axes=4)  # (h, w, channels, filters for each)
    height, width, channels, filters = kernel.shape
    each = kernel.transpose(2, 3, 0, 1).reshape(channels * filters, 1, height, width)
    weights = turned.weights(f"{node.name}/weights", each)
    window = _window(turned, node, (height, width))
    return turned.add("Conv", node, [turned.picture(node), weights], group=channels, **window)


def _pool(kind: str) -> Callable[[Turned, Node], str]:
    def pooled(turned: Turned, node: Node) -> str:
        size = _sides(turned, node, "ksize")
        return turned.add(kind, node, [turned.picture(node)], **_window(turned, node, size))

    return pooled


def _window(turned: Turned, node: Node, size: Sequence[int]) -> Dict[str, Any]:
    """How a kernel moves over a picture, in ONNX's words."""
    words: Dict[str, Any] = {
        "kernel_shape": list(size),
        "strides": _sides(turned, node, "strides"),
    }
    dilations = _sides(turned, node, "dilations")
    if dilations != [1, 1]:
        words["dilations"] = dilations
    padding = node.text("padding")
    if padding == "SAME":
        _require_plain_same(turned, node, words)
        if list(size) != [1, 1]:  # which sees no pixel but its own
            words["auto_pad"] = "SAME_UPPER"  # an odd pixel at the lower right, as in TensorFlow
    elif padding == "EXPLICIT":
        pads = _pads(turned, node, node.numbers("explicit_paddings"))
        words["pads"] = pads[2:4] + pads[6:]
    elif padding != "VALID":
        raise turned.refusal(node, f"its padding is {padding!r}; known: SAME, VALID, EXPLICIT")
    return words


def _require_plain_same(turned: Turned, node: Node, words: Dict[str, Any]) -> None:
    """Refuse a padding SAME that ONNX's is not: there it takes neither gaps nor longer steps."""
    size = words["kernel_shape"]
    if "dilations" in words and size != [1, 1]:
        raise turned.refusal(node, "its padding is SAME, but its window has gaps (dilations)")
    longer = any(stride > side for stride, side in zip(words["strides"], size))
    if longer and size != [1, 1]:
        raise turned.refusal(node, "its padding is SAME, but its steps are longer than its window")


def _sides(turned: Turned, node: Node, key: str) -> List[int]:
    """The two sides of an attribute with a number for each axis of (n, h, w, c)."""
    _require_channels_last(turned, node)
    four = node.numbers(key, (1, 1, 1, 1))
    if len(four) != 4 or (four[0], four[3]) != (1, 1) or min(four) < 1:
        raise turned.refusal(node, f"its {key} are {four}; wanted: four numbers, 1, h, w, 1")
    return four[1:3]


def _require_channels_last(turned: Turned, node: Node) -> None:
    if node.text("data_format", "NHWC") != "NHWC":
        raise turned.refusal(node, "its channels come first; wanted: a graph made for the CPU")


def _pads(turned: Turned, node: Node, numbers: Sequence[int]) -> List[int]:
    """Padding before and behind each axis of (n, h, w, c), in ONNX's order for (n, c, h, w)."""
    if len(numbers) != 8 or any(numbers[:2]) or any(numbers[6:]) or min(numbers) < 0:
        raise turned.refusal(node, f"its paddings are {list(numbers)}; wanted: rows and columns")
    _, _, top, bottom, left, right, _, _ = numbers
    return [0, 0, top, left, 0, 0, bottom, right]


def _pad(turned: Turned, node: Node) -> str:
    pads = _pads(turned, node, turned.numbers(node, 1).ravel().tolist())
    return turned.add("Pad", node, [turned.picture(node), np.array(pads)])


def _batch_norm(turned: Turned, node: Node) -> str:
    if node.flag("is_training", otherwise=True):
        raise turned.refusal(node, "it is in training; wanted: a graph exported for inference")
    _require_channels_last(turned, node)
    operands = [turned.picture(node)]
    for index, word in enumerate(("scale", "offset", "mean", "variance"), 1):
        numbers = turned.numbers(node, index, axes=1)
        operands.append(turned.weights(f"{node.name}/{word}", numbers))
    epsilon = node.share("epsilon", otherwise=0.0001)
    return turned.add("BatchNormalization", node, operands, epsilon=epsilon)


def _arithmetic(kind: str) -> Callable[[Turned, Node], str]:
    """An operation on two tensors, one of which may be constant."""

    def computed(turned: Turned, node: Node) -> str:
        operands = []
        for index in range(2):
            tensor = turned.operand(node, index)
            if tensor in turned.names:
                operands.append(turned.names[tensor])
            else:
                numbers = _channels_first(turned, node, turned.numbers(node, index))
                operands.append(turned.weights(f"{node.name}/constant", numbers))
        return turned.add(kind, node, operands)

    return computed


def _channels_first(turned: Turned, node: Node, numbers: np.ndarray) -> np.ndarray:
    """A constant that is spread over (n, h, w, c), for (n, c, h, w)."""
    if numbers.ndim > 4:
        raise turned.refusal(node, f"a constant has the shape {numbers.shape}")
    if numbers.ndim == 0:
        return numbers
    four = numbers.reshape((1,) * (4 - numbers.ndim) + numbers.shape)
    return four.transpose(0, 3, 1, 2)


def _relu6(turned: Turned, node: Node) -> str:
    return turned.add("Clip", node, [turned.picture(node), turned.limit(0), turned.limit(6)])


def _relu(turned: Turned, node: Node) -> str:
    return turned.add("Relu", node, [turned.picture(node)])


def _identity(turned: Turned, node: Node) -> str:
    return turned.picture(node)  # there is nothing to compute


def _concat(turned: Turned, node: Node) -> str:
    axis = int(turned.numbers(node, len(node.inputs) - 1).ravel()[0])
    if not -4 <= axis < 4:
        raise turned.refusal(node, f"its axis is {axis}")
    pictures = [turned.picture(node, index) for index in range(len(node.inputs) - 1)]
    return turned.add("Concat", node, pictures, axis=_AXES[axis % 4])


OPERATIONS: Dict[str, Callable[[Turned, Node], str]] = {
    "Add": _arithmetic("Add"),
    "AddV2": _arithmetic("Add"),
    "AvgPool": _pool("AveragePool"),
    "BiasAdd": _arithmetic("Add"),
    "ConcatV2": _concat,
    "Conv2D": _conv,
    "DepthwiseConv2dNative": _depthwise,
    "FusedBatchNorm": _batch_norm,
    "FusedBatchNormV2": _batch_norm,
    "FusedBatchNormV3": _batch_norm,
    "Identity": _identity,
    "MaxPool": _pool("MaxPool"),
    "Mul": _arithmetic("Mul"),
    "Pad": _pad,
    "Relu": _relu,
    "Relu6": _relu6,
    "Sub": _arithmetic("Sub"),
}
