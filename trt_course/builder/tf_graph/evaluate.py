"""Numbers that a graph computes from its constants alone, computed here with NumPy.

TensorFlow's graphs hold their priors as arithmetic on a few constants, and so do some of them the
factors of their batch norms. Only the few operations that these need are known.
"""

import math
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from ...support.errors import CourseError
from .graph import Graph, Node

_MOST_NUMBERS = 1 << 24  # of a result: priors are some thousands

Shape = Tuple[int, ...]


class _TooLargeError(Exception):
    """A result would not fit in a reasonable memory."""


class Constants:
    """The tensors of a graph that do not depend on the picture.

    `shapes` are the shapes of tensors that do, (1, height, width, channels), where a graph
    computes its priors from them.
    """

    def __init__(self, graph: Graph, shapes: Optional[Dict[str, Shape]] = None) -> None:
        self._graph = graph
        self._shapes = shapes or {}
        self._known: Dict[str, Optional[np.ndarray]] = {}  # None: depends on the picture

    def value(self, tensor: str) -> Optional[np.ndarray]:
        """The numbers of a tensor; None if they depend on the picture, or on unknown operations."""
        waiting = [tensor]
        begun = set()
        while waiting:
            name = waiting[-1]
            if name in self._known:
                waiting.pop()
                continue
            node = self._graph.node_of(name)
            missing = [operand for operand in self._operands(node) if operand not in self._known]
            if missing and name not in begun:
                begun.add(name)
                waiting += missing
                continue
            # What is still missing reads its own result: a loop of the graph's.
            self._known[name] = None if missing else self._compute(name, node)
            waiting.pop()
        return self._known[tensor]

    def _operands(self, node: Node) -> Sequence[str]:
        if node.op not in _COMPUTED or self._shape_of_picture(node) is not None:
            return ()
        return node.inputs

    def _shape_of_picture(self, node: Node) -> Optional[Shape]:
        """What a Shape gives of a tensor that depends on the picture, if that is known."""
        if node.op != "Shape" or not node.inputs or not self._shapes:
            return None
        return self._shapes.get(self._graph.behind_identities(node.inputs[0]).name)

    def _compute(self, name: str, node: Node) -> Optional[np.ndarray]:
        """The numbers of a node whose operands are known."""
        if ":" in name:
            return None
        if node.op == "Const":
            return self._graph.constant(name)
        shape = self._shape_of_picture(node)
        if shape is not None:
            return np.array(shape, np.int32)
        operands = [self._known[operand] for operand in self._operands(node)]
        if node.op not in _COMPUTED or any(operand is None for operand in operands):
            return None
        try:
            with np.errstate(all="ignore"):
                return np.asarray(_COMPUTED[node.op](node, operands))
        except _TooLargeError:
            raise CourseError(
                f"{self._graph.path}: the node {name} ({node.op}) would make more than "
                f"{_MOST_NUMBERS} numbers; no detector needs so many. Is it the right file?"
            ) from None
        except (ArithmeticError, IndexError, TypeError, ValueError) as err:
            raise CourseError(
                f"{self._graph.path}: the node {name} ({node.op}) cannot be computed: {err}. "
                "Fetch or export the file again."
            ) from None


def _require_room(numbers: Any) -> None:
    if numbers > _MOST_NUMBERS:
        raise _TooLargeError


def _elementwise(compute: Callable[..., Any]) -> Callable[[Node, List[Any]], Any]:
    """An operation on each number of two tensors."""

    def computed(node: Node, operands: List[Any]) -> Any:
        first, second = operands
        _require_room(np.broadcast(first, second).size)
        return compute(first, second)

    return computed


def _cast(node: Node, operands: List[Any]) -> Any:
    (numbers,) = operands
    return numbers.astype(node.type("DstT"))


def _range(node: Node, operands: List[Any]) -> Any:
    start, limit, delta = [operand.item() for operand in operands]
    _require_room(math.ceil((limit - start) / delta))
    return np.arange(start, limit, delta).astype(operands[0].dtype)


def _expand_dims(node: Node, operands: List[Any]) -> Any:
    numbers, axis = operands
    return np.expand_dims(numbers, axis.item())


def _slice(node: Node, operands: List[Any]) -> Any:
    numbers, begin, size = operands
    cut = []
    for first, count in zip(begin.tolist(), size.tolist()):
        cut.append(slice(first, None if count == -1 else first + count))
    return numbers[tuple(cut)]


def _strided_slice(node: Node, operands: List[Any]) -> Any:
    numbers, begin, end, strides = operands
    if node.number("ellipsis_mask") or node.number("new_axis_mask"):
        raise ValueError("it adds axes")
    cut: List[Any] = []
    for axis, (first, last, step) in enumerate(zip(begin, end, strides)):
        bit = 1 << axis
        if node.number("shrink_axis_mask") & bit:
            cut.append(int(first))
            continue
        start = None if node.number("begin_mask") & bit else int(first)
        stop = None if node.number("end_mask") & bit else int(last)
        cut.append(slice(start, stop, int(step)))
    return numbers[tuple(cut)]


def _reshape(node: Node, operands: List[Any]) -> Any:
    numbers, shape = operands
    return numbers.reshape(shape.tolist())


def _fill(node: Node, operands: List[Any]) -> Any:
    shape, number = operands
    _require_room(_product(shape))
    return np.full(shape.tolist(), number)


def _tile(node: Node, operands: List[Any]) -> Any:
    numbers, times = operands
    _require_room(_product(times) * numbers.size)
    return np.tile(numbers, times.tolist())


def _concat(node: Node, operands: List[Any]) -> Any:
    _require_room(sum(operand.size for operand in operands))
    return np.concatenate(operands[:-1], axis=operands[-1].item())


def _pack(node: Node, operands: List[Any]) -> Any:
    _require_room(sum(operand.size for operand in operands))
    return np.stack(operands, axis=node.number("axis"))


def _squeeze(node: Node, operands: List[Any]) -> Any:
    (numbers,) = operands
    axes = node.numbers("squeeze_dims")
    return np.squeeze(numbers, tuple(axes) or None)


def _transpose(node: Node, operands: List[Any]) -> Any:
    numbers, order = operands
    return np.transpose(numbers, order.tolist())


def _product(sides: Any) -> int:
    """The product, as Python's numbers, which cannot overflow."""
    product = 1
    for side in sides.ravel().tolist():
        product *= side
    return product


_COMPUTED: Dict[str, Callable[[Node, List[Any]], Any]] = {
    "Const": lambda node, operands: None,  # its numbers are in the file
    "Add": _elementwise(np.add),
    "AddV2": _elementwise(np.add),
    "Sub": _elementwise(np.subtract),
    "Mul": _elementwise(np.multiply),
    "RealDiv": _elementwise(np.divide),
    "Minimum": _elementwise(np.minimum),
    "Maximum": _elementwise(np.maximum),
    "Sqrt": lambda node, operands: np.sqrt(operands[0]),
    "Rsqrt": lambda node, operands: 1 / np.sqrt(operands[0]),
    "Identity": lambda node, operands: operands[0],
    "Shape": lambda node, operands: np.array(operands[0].shape, np.int32),
    "Rank": lambda node, operands: np.array(operands[0].ndim, np.int32),
    "Cast": _cast,
    "ConcatV2": _concat,
    "ExpandDims": _expand_dims,
    "Fill": _fill,
    "Pack": _pack,
    "Range": _range,
    "Reshape": _reshape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "StridedSlice": _strided_slice,
    "Tile": _tile,
    "Transpose": _transpose,
}
