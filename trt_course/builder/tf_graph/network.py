"""The network between the cut ends of a frozen graph, as ONNX.

TensorFlow lays pictures out as rows, columns, channels; here channels come first, as TensorRT
wants them. Only the heads are turned back, so that their rows keep the order of the priors.
"""

from typing import TYPE_CHECKING, Any, Dict, List, Sequence, Tuple

from ...support.errors import CourseError, need
from ..nodes import Nodes
from .evaluate import Constants
from .graph import Graph, Node
from .heads import START, Head, Heads
from .operations import OPERATIONS, Turned

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 11  # the newest that TensorRT 7 reads
_IR_VERSION = 6  # that came with this opset

INPUT = "pictures"
BOXES = "box_encodings"
SCORES = "class_scores"


def make_network(
    graph: Graph, constants: Constants, heads: Heads, size: Tuple[int, int]
) -> "ModelProto":
    """The network from the prepared picture to the heads, with a free batch."""
    onnx = need("onnx")
    helper = onnx.helper
    width, height = size
    entry = _tensor(INPUT, ["n", 3, height, width])
    empty = helper.make_graph([], graph.path.stem, [entry], [])
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(empty, opset_imports=[opset], ir_version=_IR_VERSION)
    model.producer_name = "trt_course"

    turned = Turned(graph, constants, Nodes(model, "trt_course"))
    turned.names[START] = INPUT
    for head in [*heads.boxes, *heads.scores]:
        _turn(turned, head.tensor)
    for name, kind in ((BOXES, heads.boxes), (SCORES, heads.scores)):
        _join(turned.nodes, turned.names, kind, name)
    made = turned.nodes.behind()
    for name, kind in ((BOXES, heads.boxes), (SCORES, heads.scores)):
        made.graph.output.append(_tensor(name, ["n", None, kind[0].width]))
    return _with_shapes(made, graph)


def shapes_in(model: "ModelProto") -> Dict[str, Tuple[int, ...]]:
    """The shapes (n, channels, rows, columns) of the model's tensors; -1 for a side not known."""
    shapes = {}
    for tensor in model.graph.value_info:
        sides = tensor.type.tensor_type.shape.dim
        shapes[tensor.name] = tuple(side.dim_value or -1 for side in sides)
    return shapes


def _with_shapes(model: "ModelProto", graph: Graph) -> "ModelProto":
    """The model, which ONNX has checked, with the shape of each tensor noted in it."""
    onnx = need("onnx")
    try:
        onnx.checker.check_model(model)
        inferred: "ModelProto" = onnx.shape_inference.infer_shapes(model)
    except Exception as err:  # onnx raises errors of its own in many kinds
        said = " ".join(str(err).split())[:300]
        raise CourseError(
            f"{graph.path}: its operations do not fit each other: {said}. "
            "Fetch or export the file again."
        ) from None
    return inferred


def _tensor(name: str, shape: Sequence[Any]) -> Any:
    onnx = need("onnx")
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def _turn(turned: Turned, tensor: str) -> None:
    """Turn all operations that a tensor needs and that have not been turned, one after another."""
    waiting = [tensor]
    begun = set()
    while waiting:
        name = waiting[-1]
        if name in turned.names:
            waiting.pop()
            continue
        node = _known(turned, name)
        missing = [operand for operand in turned.changing(node) if operand not in turned.names]
        if missing:
            if name in begun:
                raise CourseError(f"{turned.graph.path}: the node {name} reads its own result.")
            begun.add(name)
            waiting += missing
            continue
        turned.names[name] = OPERATIONS[node.op](turned, node)
        waiting.pop()


def _known(turned: Turned, tensor: str) -> Node:
    """The node of a tensor; a CourseError where its operation is not known."""
    node = turned.graph.node_of(tensor)
    if node.op not in OPERATIONS or ":" in tensor:
        raise CourseError(
            f"{turned.graph.path}: the node {tensor} is a {node.op}, which this converter does not "
            f"know; it knows {', '.join(sorted(OPERATIONS))}. Convert the graph with tf2onnx "
            "instead, and draft a record for what it writes."
        )
    return node


def _join(nodes: Nodes, names: Dict[str, str], heads: List[Head], output: str) -> None:
    """Put the heads of all feature maps below each other, (n, priors, numbers)."""
    rows = []
    for head in heads:
        turned_back = nodes.transpose(names[head.tensor], [0, 2, 3, 1])  # (n, h, w, k * numbers)
        rows.append(nodes.reshape(turned_back, [0, -1, head.width]))
    nodes.add("Concat", rows, [output], axis=1)
