"""Weights stored as FP16 in an ONNX file: half the bytes, the same operators in FP32.

Each large initializer W becomes W_fp16 and a Cast to float named W, which ONNX Runtime folds when it loads the file.
TensorRT 7 wants its convolution weights as plain initializers: trt_course/builder/graph.py gives them back.
"""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

SUFFIX = "_fp16"


def store_fp16(model, least=256):
    """Keep the convolutions' weights of at least `least` values as FP16.

    Biases and priors stay FP32.
    """
    weights = {node.input[1] for node in model.graph.node if node.op_type == "Conv"}
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.name in weights and values.size >= least:
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + SUFFIX))
            casts.append(
                helper.make_node(
                    "Cast", [name + SUFFIX], [name], name + "_cast", to=TensorProto.FLOAT
                )
            )
    nodes = casts + list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model
