"""A model's ONNX file as plain FP32, its nodes named: what every builder and converter starts from.

This module loads and looks; precision/ changes the types of a model.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Union

import numpy as np

from ..model.network_file import require_network
from ..support.errors import CourseError, need

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto


def load_plain(path: Union[str, Path]) -> "ModelProto":
    """The model in an .onnx file: weights stored as FP16 are FP32, and every node has a name."""
    model = _load(path)
    _drop_listed_weights(model)
    restore_fp32(model)
    _name_nodes(model.graph)
    return model


def _load(path: Union[str, Path]) -> "ModelProto":
    """The model as it is in the file, if it is a whole one."""
    onnx = need("onnx")
    require_network(path)
    try:
        model = onnx.load(str(path))
        if not model.graph.node:
            raise ValueError("it holds no network")
        if _is_standard(model):
            onnx.checker.check_model(model)
    # protobuf's errors and onnx's own, and OSError where weights in a second file are missing
    except Exception as err:
        said = " ".join(str(err).split())[:300].rstrip(".")
        if not said:
            said = type(err).__name__
        raise CourseError(
            f"{path} is not a whole ONNX model: {said}. Export or fetch it again; "
            "an .engine or .etlt is none."
        ) from None
    return model


def _is_standard(model: "ModelProto") -> bool:
    """Whether ONNX can check it: operators of TensorRT's plugins are unknown to it."""
    onnx = need("onnx")
    return all(
        onnx.defs.has(node.op_type, node.domain) for node in model.graph.node if not node.domain
    )


def restore_fp32(model: "ModelProto") -> "ModelProto":
    """Put FP32 weights in the place of FP16 ones that a Cast makes float; the same model, changed.

    The new weights have the names of the Casts' outputs, so whoever read those reads on.
    """
    onnx = need("onnx")
    graph = model.graph
    halves = {
        tensor.name: tensor
        for tensor in graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT16
    }
    for node in list(graph.node):
        if node.op_type != "Cast" or node.input[0] not in halves:
            continue
        if node.attribute[0].i != onnx.TensorProto.FLOAT:
            continue
        half = onnx.numpy_helper.to_array(halves[node.input[0]])
        weights = onnx.numpy_helper.from_array(half.astype(np.float32), node.output[0])
        graph.initializer.append(weights)
        graph.node.remove(node)
    _drop_unread_weights(graph)
    return model


def _drop_unread_weights(graph: "GraphProto") -> None:
    """Take out weights that nothing reads."""
    # The body of a loop or a branch may read any of them.
    if any(attribute.HasField("g") for node in graph.node for attribute in node.attribute):
        return
    read = {output.name for output in graph.output}
    for node in graph.node:
        read.update(node.input)
    for tensor in list(graph.initializer):
        if tensor.name not in read:
            graph.initializer.remove(tensor)


def _drop_listed_weights(model: "ModelProto") -> None:
    """Take weights out of the inputs, where the first exporters listed them."""
    graph = model.graph
    stored = {tensor.name for tensor in graph.initializer}
    for entry in list(graph.input):
        if entry.name in stored:
            graph.input.remove(entry)
            model.ir_version = max(4, model.ir_version)  # before 4 they had to be listed


def _name_nodes(graph: "GraphProto") -> None:
    """Name each nameless node after its operator and its first output."""
    for node in graph.node:
        if not node.name:
            outputs = [name for name in node.output if name]
            first = outputs[0] if outputs else ""
            node.name = f"{node.op_type}_{first}"


def fix_batch(model: "ModelProto", batch: int) -> None:
    """Set the batch of inputs and outputs that leave it open; then nothing is computed from it."""
    for tensor in list(model.graph.input) + list(model.graph.output):
        for dimension in tensor.type.tensor_type.shape.dim[:1]:
            if not dimension.dim_value:
                dimension.dim_value = batch
    del model.graph.value_info[:]
