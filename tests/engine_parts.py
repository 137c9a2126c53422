"""What the tests of TensorRT's engines share: the stand-in's plans, and what the CPU gives."""

import json

import numpy as np

from conftest import HEIGHT, WIDTH
from stand_ins import tensorrt as stand_in
from trt_course.builder.onnx import Options
from trt_course.engine import CpuEngine, manifest
from trt_course.engine.cuda import Device


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


# A record beside a file that is no plan ----------------------------------------------------------

HERE = Device("NVIDIA Tegra X1", "5.3")
OPTIONS = Options("fp16", (1, 2, 4), workspace_mib=300)


def write_engine(spec, options=OPTIONS, name="a", device=HERE, tensorrt="8.2.1", route="onnx"):
    """An engine file of a model, of which only the record means something; its path."""
    path = spec.folder / "engines" / (name + ".engine")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"a plan")
    manifest.write(spec, options, path, tensorrt, device, route, 12.4, options.command(spec))
    return path


def change_record(plan, **fields):
    """Other values in the record beside an engine."""
    path = manifest.manifest_path(plan)
    record = json.loads(path.read_text())
    record.update(fields)
    path.write_text(json.dumps(record))
