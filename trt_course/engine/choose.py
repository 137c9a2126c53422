"""Which engine runs a model here, and why: a TensorRT engine that fits this machine, else ONNX Runtime on the CPU."""

from typing import NamedTuple, Optional

from ..model.placement import Placement
from ..model.spec import InputSpec, OutputSpec
from ..support.errors import CourseError
from . import CpuEngine, Engine, manifest
from .cuda import open_cuda
from .plan import load_tensorrt, product_of
from .trt import TrtEngine

BACKENDS = ("auto", "cpu", "tensorrt")


class Opened(NamedTuple):
    """An engine, its input and output where they differ from the record's, and one sentence that says which and why."""

    engine: Engine
    input: InputSpec
    inner: Optional[Placement]
    output: OutputSpec
    why: str


def _fitting(spec, plan):
    """The plan asked for, or the newest that fits, with its manifest; a CourseError says why there is none."""
    tensorrt, device = product_of(load_tensorrt()), open_cuda().device
    complaints = []
    for path in [plan] if plan else manifest.engines_of(spec):
        try:
            return path, manifest.require_fit(path, spec, tensorrt, device)
        except CourseError as err:
            complaints.append(str(err))
    raise CourseError(
        complaints[0]
        if complaints
        else f"{spec.name} has no engine yet. Build one: python -m trt_course build {spec.reference}."
    )


def open_engine(spec, backend="auto", threads=0, plan=None, lanes=1, graph=False):
    """Open the plan named, or what fits; `lanes` and `graph` are the TensorRT engine's."""
    if backend not in BACKENDS:
        raise CourseError(
            "There is no backend '{}'; allowed: {}".format(backend, ", ".join(BACKENDS))
        )
    reason = "as asked"
    if backend != "cpu":
        try:
            path, record = _fitting(spec, plan)
            engine = TrtEngine(path, lanes, graph)
        except CourseError as err:
            if backend == "tensorrt" or plan:
                raise
            reason = "not with TensorRT: " + str(err).rstrip(".")
        else:
            engine.precision, engine.threshold = (
                record.precision,
                record.threshold if record.nms == "engine" else 0.0,
            )
            return Opened(
                engine, *record.wired(spec), f"{spec.name} runs with {engine.name}: {path}."
            )
    engine = CpuEngine(spec.onnx, threads, lanes)
    return Opened(
        engine, spec.input, None, spec.output, f"{spec.name} runs with {engine.name}, {reason}."
    )
