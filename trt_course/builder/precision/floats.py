"""Which nodes of a model stay FP32, and FP16 for all others."""

import difflib
import fnmatch
from typing import TYPE_CHECKING, Dict, Mapping, Sequence, Set

from ...support.errors import CourseError, need

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

# The operators that gain from INT8.
QUANTISED = ("Conv", "Gemm", "MatMul")

# The way back from the outputs ends at operators with weights, and at mere shapes.
_ENDS = QUANTISED + ("ConvTranspose", "Shape")

_INT8_NODES = {"QuantizeLinear", "DequantizeLinear", "QLinearConv"}


def keep_patterns(model: "ModelProto", patterns: Sequence[str]) -> Set[str]:
    """Names of the nodes that match one of the patterns (* ? [...]), each of which must match."""
    names = [node.name for node in model.graph.node]
    found: Set[str] = set()
    for pattern in patterns:
        matched = fnmatch.filter(names, pattern)
        if not matched:
            near = difflib.get_close_matches(pattern.strip("*"), names, n=5, cutoff=0.3)
            listed = ", ".join(near) or "none"
            raise CourseError(
                f"--keep-float {pattern}: no node's whole name matches. Near it: {listed}"
            )
        found.update(matched)
    return found


def float_nodes(model: "ModelProto", keep: Sequence[str] = ()) -> Set[str]:
    """Names of the nodes that stay FP32: those that match `keep`, and the tail of the network.

    The tail is everything between the last weights and the outputs. It makes corners of the heads'
    raw numbers, and just below 1.0 FP16 has steps of 1/2048 of the picture.
    """
    names = keep_patterns(model, keep)
    makers = {name: node for node in model.graph.node for name in node.output}

    # From the outputs back, until weights are reached.
    waiting = [output.name for output in model.graph.output]
    while waiting:
        node = makers.pop(waiting.pop(), None)
        if node is not None and node.op_type not in _ENDS:
            names.add(node.name)
            waiting.extend(node.input)
    return names


def require_float(model: "ModelProto") -> None:
    """Refuse a model that is INT8 already."""
    kinds = {node.op_type for node in model.graph.node}
    if kinds & _INT8_NODES:
        raise CourseError(
            "This model is INT8 already: it holds nodes such as QuantizeLinear. "
            "Build it as it is, or start from its FP32 original."
        )


def fp16(model: "ModelProto", keep: Sequence[str] = ()) -> "ModelProto":
    """A copy of the model that computes in FP16 but for `float_nodes`.

    Inputs and outputs stay FP32.
    """
    require_float(model)
    need("onnxruntime")
    converter = need("onnxruntime.transformers.float16")
    floats = float_nodes(model, keep)
    half = converter.convert_float_to_float16(
        model, keep_io_types=True, node_block_list=sorted(floats)
    )

    own = {node.name for node in model.graph.node}
    casts = {node.output[0]: node for node in half.graph.node if node.name not in own}
    _drop_round_trips(half.graph, casts)

    need("onnxruntime.quantization.onnx_model").ONNXModel(half).topological_sort()
    return half


def _drop_round_trips(graph: "GraphProto", casts: Dict[str, "NodeProto"]) -> None:
    """Take out the converter's casts to FP16 and back.

    It has them between two float nodes and before outputs, and they round all that was to be kept.
    `casts` are the nodes that the converter added, by their outputs.
    """
    # Whoever reads a cast of a cast may read the original.
    originals = {}
    for name, cast in casts.items():
        first = casts.get(cast.input[0])
        if first is not None:
            originals[name] = first.input[0]

    # An output of the network keeps its name: the original takes it.
    outputs = [output.name for output in graph.output]
    renamed = {originals[name]: name for name in outputs if name in originals}

    # The network's own nodes, then the casts that lead somewhere.
    nodes = [node for node in graph.node if node.output[0] not in casts]
    nodes += [cast for name, cast in casts.items() if name not in originals]
    for node in nodes:
        node.input[:] = _replaced(_replaced(node.input, originals), renamed)
        node.output[:] = _replaced(node.output, renamed)

    # Casts that nobody reads any more go.
    read = set(outputs)
    for node in nodes:
        read.update(node.input)
    kept = [node for node in nodes if read.intersection(node.output)]
    del graph.node[:]
    del graph.value_info[:]
    graph.node.extend(kept)


def _replaced(names: Sequence[str], others: Mapping[str, str]) -> Sequence[str]:
    """The names, with others in the place of some."""
    return [others.get(name, name) for name in names]
