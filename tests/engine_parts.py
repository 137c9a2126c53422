"""What the tests of TensorRT's engines share: the stand-in's plans, and what the CPU gives."""

import numpy as np

from conftest import HEIGHT, WIDTH
from stand_ins import tensorrt as stand_in
from trt_course.engine import CpuEngine


def write_plan(folder, model, batch=(1, 2, 4), **how):
    """A plan file of an ONNX model's bytes; `how` is what the stand-in's `plan` takes."""
    path = folder / "x.engine"
    path.write_bytes(stand_in.plan(model, 8.6, batch, **how))
    return path


def tensors(n, seed=0):
    return np.random.RandomState(seed).rand(n, 3, HEIGHT, WIDTH).astype(np.float32)


def by_cpu(path, values):
    with CpuEngine(path, threads=1) as engine:
        request = engine.new_request(len(values))
        request.inputs["input"][:] = values
        return engine.infer(request)


def equal(outputs, wanted):
    if set(outputs) != set(wanted):
        return False
    return all(np.array_equal(outputs[name], wanted[name]) for name in wanted)


def once(engine, values):
    """The outputs of one run."""
    request = engine.new_request(len(values))
    request.inputs[engine.inputs[0].name][:] = values
    return {name: array.copy() for name, array in engine.infer(request).items()}
