"""A model's ONNX file as plain FP32, its nodes named: what every builder and converter here starts from.

It loads and looks; changing precision is precision.py's work.
"""

import os

import numpy as np

from ..support.errors import CourseError, need


def load_plain(path):
    """The ModelProto of an .onnx file: weights that were stored as FP16 are FP32, all nodes have names."""
    onnx = need("onnx")
    if not os.path.isfile(str(path)):
        raise CourseError(f"There is no file {path}. A model's ONNX stands beside its model.json.")
    try:
        model = onnx.load(str(path))
        if not model.graph.node:
            raise ValueError("it holds no network")
        # TensorRT's plugins are unknown to ONNX and keep it from checking
        if all(
            onnx.defs.has(node.op_type, node.domain) for node in model.graph.node if not node.domain
        ):
            onnx.checker.check_model(model)
    except (
        Exception
    ) as err:  # protobuf's and onnx's own, and OSError where weights in a second file are missing
        said = " ".join(str(err).split())[:300].rstrip(".") or type(err).__name__
        raise CourseError(
            f"{path} is not a whole ONNX model: {said}. Export or fetch it again; an .engine or .etlt is none."
        ) from None
    graph, stored = model.graph, {tensor.name for tensor in model.graph.initializer}
    restore_fp32(model)
    for entry in [
        entry for entry in graph.input if entry.name in stored
    ]:  # as the first exporters listed weights
        graph.input.remove(entry)
        model.ir_version = max(4, model.ir_version)
    for node in graph.node:
        node.name = node.name or "{}_{}".format(node.op_type, next(filter(None, node.output), ""))
    return model


def restore_fp32(model):
    """Replace every Cast of an FP16 initializer to float by an FP32 initializer of the Cast's output name."""
    onnx, graph = need("onnx"), model.graph
    half = {t.name: t for t in graph.initializer if t.data_type == onnx.TensorProto.FLOAT16}
    for node in list(graph.node):
        if (
            node.op_type == "Cast"
            and node.input[0] in half
            and node.attribute[0].i == onnx.TensorProto.FLOAT
        ):
            values = onnx.numpy_helper.to_array(half[node.input[0]]).astype(np.float32)
            graph.initializer.append(onnx.numpy_helper.from_array(values, node.output[0]))
            graph.node.remove(node)
    if not any(
        attribute.HasField("g") for node in graph.node for attribute in node.attribute
    ):  # a body may read any
        used = {name for node in graph.node for name in node.input} | {
            output.name for output in graph.output
        }
        for tensor in [tensor for tensor in graph.initializer if tensor.name not in used]:
            graph.initializer.remove(tensor)
    return model


def fix_batch(model, batch):
    """Give inputs and outputs that leave their batch open this one: nothing is then left to compute while running."""
    for tensor in list(model.graph.input) + list(model.graph.output):
        for dim in tensor.type.tensor_type.shape.dim[:1]:
            dim.dim_value = dim.dim_value or batch
    del model.graph.value_info[:]
