"""What the tests of work inside the network share: running a model, and how its engine is wired."""

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

from trt_course.engine import CpuEngine, manifest


def run(model, path, entry, values):
    """The outputs of a model for one batch, by way of a file at `path`."""
    checker.check_model(model)
    save(model, str(path))
    with CpuEngine(path, threads=1) as engine:
        engine.max_batch = len(values)
        request = engine.new_request(len(values))
        request.inputs[entry][:] = values
        return engine.infer(request)


def wired(spec, options):
    """The spec's tensors as an engine built with these options has them."""
    made = manifest.Manifest(
        model=spec.name,
        model_sha256="",
        plan_sha256="",
        tensorrt="",
        gpu="",
        capability="",
        precision="fp32",
        batch=options.batch,
        nms=options.nms,
        preprocess=options.preprocess,
        source=options.source,
        threshold=options.threshold,
        route="onnx",
        built={},
        command="",
        pixels=options.pixels,
    )
    return made.wired(spec)


def float_tensor(name, *shape):
    """An input or output: any number of pictures, each of this shape."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])


def save_graph(graph, path):
    opset = helper.make_opsetid("", 13)
    save(helper.make_model(graph, opset_imports=[opset], ir_version=8), str(path))


def constant_net(path, boxes, scores):
    """A network that answers with these boxes and scores for each picture of a batch."""
    nodes = [
        helper.make_node("Mul", ["x", "nought"], ["zero"]),
        helper.make_node("Add", ["zero", "b"], ["boxes"]),
        helper.make_node("Add", ["zero", "s"], ["scores"]),
    ]
    outputs = [float_tensor("boxes", *boxes.shape[1:]), float_tensor("scores", *scores.shape[1:])]
    constants = {"nought": np.float32(0), "b": boxes, "s": scores}
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    inputs = [float_tensor("x", 1, 1)]
    save_graph(helper.make_graph(nodes, "constant", inputs, outputs, weights), path)


def echo_net(path, spec):
    """A network that answers with its input."""
    shape = spec.input.shape
    nodes = [helper.make_node("Identity", ["input"], ["seen"])]
    inputs = [float_tensor("input", *shape)]
    outputs = [float_tensor("seen", *shape)]
    save_graph(helper.make_graph(nodes, "echo", inputs, outputs), path)
