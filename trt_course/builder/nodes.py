"""Nodes: new ONNX nodes for a copy of a model, written as the computation that they do."""

import copy
from typing import TYPE_CHECKING, Any, List, Optional, Sequence, Union

import numpy as np

from ..support.errors import need

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, ValueInfoProto

# The name of a tensor, or numbers, which become a constant of the model.
Operand = Union[str, float, Sequence[float], np.ndarray]
ABSENT = ""  # ONNX's name for an optional operand that is left out


class Nodes:
    """New nodes, and the copy of a model that they are for.

    Each method that adds a node returns the name of its output, so that nodes are put together as
    calls are. They wait in `nodes`, in the order they compute, until `before` or `behind` puts
    them in the model. What a node does is ONNX's business: nothing is checked or computed here.

    >>> from onnx import helper
    >>> empty = helper.make_model(helper.make_graph([], "empty", [], []))
    >>> nodes = Nodes(empty, prefix="new")
    >>> nodes.add("Mul", [nodes.cast("bytes", "FLOAT"), 0.5])
    'new/Mul_1'
    >>> [(node.op_type, list(node.input)) for node in nodes.behind().graph.node]
    [('Cast', ['bytes']), ('Mul', ['new/Cast_0', 'new/constant_0'])]
    """

    def __init__(self, model: "ModelProto", prefix: str) -> None:
        # what is added to
        self.model = copy.deepcopy(model)
        self.graph = self.model.graph

        # what is added; the prefix keeps new names apart from the model's own
        self.prefix = prefix
        self.nodes: List["NodeProto"] = []

        self._onnx = need("onnx")

    def add(
        self,
        kind: str,
        operands: Sequence[Operand],
        outputs: Optional[Sequence[str]] = None,
        **attributes: Any,
    ) -> str:
        """A node of this ONNX operator; the name of its first output.

        Outputs are named after the operator where no names are given.
        """
        if outputs is None:
            outputs = [f"{self.prefix}/{kind}_{len(self.nodes)}"]
        inputs = [self._name_of(operand) for operand in operands]
        node = self._onnx.helper.make_node(
            kind, inputs, list(outputs), name=f"{outputs[0]}_node", **attributes
        )
        self.nodes.append(node)
        return outputs[0]

    def before(self) -> "ModelProto":
        """The model with the new nodes before its own."""
        nodes = self.nodes + list(self.graph.node)
        del self.graph.node[:]
        self.graph.node.extend(nodes)
        return self.model

    def behind(self) -> "ModelProto":
        """The model with the new nodes behind its own."""
        self.graph.node.extend(self.nodes)
        return self.model

    def cast(self, tensor: str, kind: str, output: Optional[str] = None) -> str:
        """The tensor as another type, by its name in onnx.TensorProto."""
        outputs = None if output is None else [output]
        return self.add("Cast", [tensor], outputs, to=getattr(self._onnx.TensorProto, kind))

    def cut(
        self, tensor: str, start: Sequence[int], stop: Sequence[int], axes: Sequence[int]
    ) -> str:
        """The part from `start` to `stop` along these axes."""
        return self.add("Slice", [tensor, start, stop, axes])

    def concat(self, operands: Sequence[Operand], axis: int) -> str:
        """The operands one behind the other."""
        return self.add("Concat", operands, axis=axis)

    def reshape(self, tensor: str, shape: Sequence[int]) -> str:
        """The same numbers in another shape; 0 keeps a side as it is."""
        return self.add("Reshape", [tensor, shape])

    def transpose(self, tensor: str, order: Sequence[int], output: Optional[str] = None) -> str:
        """The axes in another order."""
        outputs = None if output is None else [output]
        return self.add("Transpose", [tensor], outputs, perm=order)

    def tensor(
        self, name: str, kind: str, like: "ValueInfoProto", shape: Sequence[int]
    ) -> "ValueInfoProto":
        """The description of an input or output: this shape, with the batch of `like` before it."""
        batch = like.type.tensor_type.shape.dim[0]
        sides = [batch.dim_param or batch.dim_value] + list(shape)
        element = getattr(self._onnx.TensorProto, kind)
        return self._onnx.helper.make_tensor_value_info(name, element, sides)

    def _name_of(self, operand: Operand) -> str:
        """The operand's name. Numbers become a constant: whole ones int64, others float32."""
        if isinstance(operand, str):
            return operand
        numbers = np.asarray(operand)
        kind = np.int64 if numbers.dtype.kind == "i" else np.float32
        name = f"{self.prefix}/constant_{len(self.graph.initializer)}"
        return self.store(numbers.astype(kind), name)

    def store(self, numbers: np.ndarray, name: str) -> str:
        """Numbers as a constant of the model, by a name of its own; the name."""
        constant = self._onnx.numpy_helper.from_array(numbers, name)
        self.graph.initializer.append(constant)
        return name
