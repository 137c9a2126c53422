"""A frozen graph of TensorFlow 1: its nodes, their inputs and attributes, and its constants.

Read without TensorFlow. A GraphDef is a list of NodeDefs; the numbers below are the fields of
TensorFlow's .proto files.
"""

from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ...support.errors import CourseError
from ...support.files import MIB, AnyPath, read_small
from .wire import FIXED32, FIXED64, DamagedError, Message

_WHAT = "a frozen graph of TensorFlow (.pb)"
_MOST_BYTES = 1024 * MIB  # of a file: an SSD has at most some 200 MiB
_MOST_NODES = 100000
_MOST_FILLED = 1 << 24  # numbers of a constant that one value stands for
_MOST_AXES = 8

# By the numbers of TensorFlow's DataType: the type, and the field of values not given as bytes.
_TYPES: Dict[int, Tuple[str, int]] = {
    1: ("float32", 5),
    2: ("float64", 6),
    3: ("int32", 7),
    4: ("uint8", 7),
    5: ("int16", 7),
    6: ("int8", 7),
    9: ("int64", 10),
    10: ("bool", 11),
    19: ("float16", 13),
}
_FIXED = {"float32": FIXED32, "float64": FIXED64}


class Node(NamedTuple):
    """One operation. `inputs` are names of tensors, without those that only say what comes first.

    A tensor is named after its node; only another output than the first has a number, `name:1`.
    """

    name: str
    op: str
    inputs: Tuple[str, ...]
    attributes: Dict[str, bytes]  # each an AttrValue, read when it is asked for

    def text(self, key: str, otherwise: str = "") -> str:
        """An attribute that is a word, such as padding or data_format."""
        value = self._value(key)
        return value.text(2) if value is not None else otherwise

    def numbers(self, key: str, otherwise: Sequence[int] = ()) -> List[int]:
        """An attribute that is a list of whole numbers, such as strides."""
        value = self._value(key)
        return value.message(1).numbers(3) if value is not None else list(otherwise)

    def number(self, key: str, otherwise: int = 0) -> int:
        """An attribute that is a whole number."""
        value = self._value(key)
        return value.number(3) if value is not None else otherwise

    def flag(self, key: str, otherwise: bool = False) -> bool:
        """An attribute that is yes or no."""
        value = self._value(key)
        return bool(value.number(5)) if value is not None else otherwise

    def type(self, key: str) -> str:
        """An attribute that is a type, by NumPy's name; empty for types that are no numbers."""
        value = self._value(key)
        if value is None:
            return ""
        return _TYPES.get(value.number(6), ("", 0))[0]

    def share(self, key: str, otherwise: float) -> float:
        """An attribute that is a float, such as epsilon."""
        value = self._value(key)
        if value is None or not value.has(4):
            return otherwise
        return float(np.frombuffer(value.fixed(4, FIXED32), "<f4")[-1])

    def tensor(self) -> np.ndarray:
        """The numbers of a Const."""
        value = self._value("value")
        if value is None:
            raise DamagedError("it has no value")
        return _tensor(value.message(8))

    def _value(self, key: str) -> Optional[Message]:
        data = self.attributes.get(key)
        return None if data is None else Message(data)


class Graph:
    """The nodes of a frozen graph, by name; `path` is for messages."""

    def __init__(self, path: Path, nodes: Dict[str, Node]) -> None:
        self.path = path
        self.nodes = nodes
        self._constants: Dict[str, np.ndarray] = {}

    def node_of(self, tensor: str) -> Node:
        """The node that makes a tensor."""
        name = tensor.partition(":")[0]
        if name not in self.nodes:
            raise CourseError(
                f"{self.path}: some node reads {name}, which the file does not have: it is cut "
                "off, or not the whole graph. Fetch or export it again."
            )
        return self.nodes[name]

    def behind_identities(self, tensor: str) -> Node:
        """The node that makes a tensor, seen through nodes that pass their input on."""
        node = self.node_of(tensor)
        for _ in range(len(self.nodes)):
            if node.op != "Identity" or not node.inputs:
                break
            node = self.node_of(node.inputs[0])
        return node

    def constant(self, tensor: str) -> Optional[np.ndarray]:
        """The numbers of a tensor that is a constant; None for one that is not."""
        node = self.behind_identities(tensor)
        if node.op != "Const":
            return None
        if node.name not in self._constants:
            self._constants[node.name] = self._numbers_of(node)
        return self._constants[node.name]

    def _numbers_of(self, node: Node) -> np.ndarray:
        try:
            return node.tensor()
        except DamagedError as err:
            raise CourseError(
                f"{self.path}: the constant {node.name} cannot be read: {err}. "
                "Fetch or export the file again."
            ) from None


def read_graph(path: AnyPath) -> Graph:
    """The graph in a .pb file; a CourseError if it is none, or is damaged."""
    path = Path(str(path))
    data = read_small(path, _WHAT, _MOST_BYTES)
    try:
        nodes = _nodes(data)
    except DamagedError as err:
        raise CourseError(
            f"{path} is not {_WHAT}, or is damaged: {err}. Wanted: frozen_inference_graph.pb, as "
            "TensorFlow's object detection API exports it beside saved_model.pb, which is no such "
            "graph."
        ) from None
    return Graph(path, nodes)


def _nodes(data: bytes) -> Dict[str, Node]:
    """The nodes of a GraphDef, by name."""
    messages = Message(data).parts(1)
    if not messages:
        raise DamagedError("it holds no nodes")
    if len(messages) > _MOST_NODES:
        raise DamagedError(f"it claims to hold {len(messages)} nodes")
    nodes = {}
    for message in messages:
        node = _node(Message(message))
        if not node.name or not node.op:
            raise DamagedError("a node has no name or no operation")
        if node.name in nodes:
            raise DamagedError(f"two nodes are named {node.name}")
        nodes[node.name] = node
    return nodes


def _node(message: Message) -> Node:
    """A node of a NodeDef."""
    inputs = []
    for part in message.parts(3):
        name = part.decode("utf-8", "replace")
        if not name.startswith("^"):  # says only what is to run first
            inputs.append(name[:-2] if name.endswith(":0") else name)
    attributes = {}
    for part in message.parts(5):
        entry = Message(part)
        attributes[entry.text(1)] = entry.part(2)
    return Node(message.text(1), message.text(2), tuple(inputs), attributes)


def _tensor(message: Message) -> np.ndarray:
    """The array of a TensorProto: raw bytes, or values of which the last stands for the rest."""
    number = message.number(1)
    if number not in _TYPES:
        raise DamagedError(f"it is of the type {number}, which is no type of numbers")
    kind, field = _TYPES[number]
    shape = _shape(message.message(2))
    count = int(np.prod(shape, dtype=np.int64)) if shape else 1
    raw = message.part(4)
    if raw:
        values = _raw(raw, kind)
    else:
        values = _values(message, kind, field)
    if len(values) > count or (raw and len(values) < count):
        raise DamagedError(f"it has {len(values)} values for the shape {shape}")
    if len(values) == count:
        return values.reshape(shape)
    if count > _MOST_FILLED:
        raise DamagedError(f"a few values stand for {count} numbers")
    whole = np.full(count, values[-1] if len(values) else 0, kind)
    whole[: len(values)] = values
    return whole.reshape(shape)


def _raw(data: bytes, kind: str) -> np.ndarray:
    """Numbers as TensorFlow stores them: the lowest byte first."""
    dtype = np.dtype(kind).newbyteorder("<")
    if len(data) % dtype.itemsize:
        raise DamagedError("its last number is cut off")
    return np.frombuffer(data, dtype)


def _values(message: Message, kind: str, field: int) -> np.ndarray:
    """The values that are given one by one."""
    if kind in _FIXED:
        return _raw(message.fixed(field, _FIXED[kind]), kind)
    numbers: Any = message.numbers(field)
    if kind == "float16":  # the bits of each, as a whole number
        return np.array(numbers, np.int64).astype(np.uint16).view(np.float16)
    return np.array(numbers, np.int64).astype(kind)


def _shape(message: Message) -> Tuple[int, ...]:
    """The sides of a TensorShapeProto."""
    shape = tuple(Message(part).number(1) for part in message.parts(2))
    if len(shape) > _MOST_AXES or min(shape, default=1) < 0:
        raise DamagedError(f"its shape is {shape}")
    numbers = 1
    for side in shape:  # as Python's numbers, which cannot overflow
        numbers *= side
    if numbers >= 1 << 63:
        raise DamagedError(f"its shape {shape} has too many numbers")
    return shape
