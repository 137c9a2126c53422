"""Weights stored as FP16 in an ONNX file: half the bytes, the same operators in FP32.

Each large initializer W becomes W_fp16 and a Cast to float named W, which ONNX Runtime folds when
it loads the file. TensorRT 7 wants its convolution weights as plain initializers;
trt_course/builder/graph.py turns them back.
"""

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

SUFFIX = "_fp16"


def store_fp16(model: ModelProto, least: int = 256) -> ModelProto:
    """Keep the convolutions' weights of at least `least` values as FP16; the same model, changed.

    Biases and priors stay FP32.
    """
    graph = model.graph
    weights = {node.input[1] for node in graph.node if node.op_type == "Conv"}

    # halve the large ones
    casts = []
    for tensor in graph.initializer:
        name = tensor.name
        values = numpy_helper.to_array(tensor)
        if name in weights and values.size >= least:
            halved = values.astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(halved, name + SUFFIX))
            casts.append(_cast(name))

    # the casts come before all nodes that need them
    nodes = casts + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    return model


def _cast(name: str) -> NodeProto:
    """The node that gives a weight its name and type back."""
    stored = [name + SUFFIX]
    return helper.make_node("Cast", stored, [name], name + "_cast", to=TensorProto.FLOAT)
