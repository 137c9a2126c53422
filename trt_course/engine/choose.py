"""Which engine runs a model here, and why: a TensorRT engine that fits, else ONNX Runtime."""

from pathlib import Path
from typing import Any, List, NamedTuple, Optional

from ..model.input_spec import InputSpec
from ..model.output_spec import OutputSpec
from ..model.placement import Placement
from ..model.spec import ModelSpec
from ..support.errors import CourseError
from ..support.ranges import whole
from . import CpuEngine, Engine, manifest
from .cpu import LANES, THREADS
from .cuda import open_cuda
from .plan import load_tensorrt, product_of
from .trt import TrtEngine

BACKENDS = ("auto", "cpu", "tensorrt")

BATCH = whole(1, 256)  # pictures that go through a network at once


class Opened(NamedTuple):
    """An engine, how it is wired to the model, and one sentence that says which it is and why."""

    engine: Engine
    input: InputSpec  # the record's, where the engine takes the same
    inner: Optional[Placement]  # from the engine's pictures to the network's, inside the engine
    output: OutputSpec
    why: str


class Fitting(NamedTuple):
    """A plan file that fits this machine and the model."""

    plan: Path
    record: manifest.Manifest


def open_engine(
    spec: ModelSpec,
    backend: str = "auto",
    threads: int = 0,
    plan: Any = None,
    lanes: int = 1,
    graph: bool = False,
) -> Opened:
    """Open the plan named, or what fits.

    `threads` are the CPU's and `graph` is the TensorRT engine's. "auto" takes the CPU where no
    engine can be used; a backend or a plan that is asked for by name is taken or refused.
    """
    if backend not in BACKENDS:
        allowed = ", ".join(BACKENDS)
        raise CourseError(f"There is no backend '{backend}'; allowed: {allowed}")
    THREADS.require(threads, "threads")
    LANES.require(lanes, "lanes")
    if backend == "cpu":
        return _open_on_cpu(spec, threads, lanes, reason="as asked")

    try:
        return _open_with_tensorrt(spec, plan, lanes, graph)
    except CourseError as err:
        if backend == "tensorrt" or plan:
            raise
        obstacle = str(err).rstrip(".")
    return _open_on_cpu(spec, threads, lanes, reason=f"not with TensorRT: {obstacle}")


def _open_on_cpu(spec: ModelSpec, threads: int, lanes: int, reason: str) -> Opened:
    engine = CpuEngine(spec.onnx, threads, lanes)
    return Opened(
        engine,
        input=spec.input,
        inner=None,
        output=spec.output,
        why=f"{spec.name} runs with {engine.name}, {reason}.",
    )


def _open_with_tensorrt(spec: ModelSpec, plan: Any, lanes: int, graph: bool) -> Opened:
    path, record = _fitting(spec, plan)
    wiring = record.wired(spec)
    engine = TrtEngine(
        path,
        lanes,
        graph,
        precision=record.precision,
        threshold=record.least_confidence,
    )
    return Opened(
        engine,
        input=wiring.input,
        inner=wiring.inner,
        output=wiring.output,
        why=f"{spec.name} runs with {engine.name}: {path}.",
    )


def _fitting(spec: ModelSpec, plan: Any) -> Fitting:
    """The plan asked for, or the newest that fits; a CourseError says why there is none."""
    tensorrt = product_of(load_tensorrt())
    device = open_cuda().device
    candidates = [plan] if plan else manifest.engines_of(spec)

    complaints: List[str] = []
    for candidate in candidates:
        try:
            record = manifest.require_fit(candidate, spec, tensorrt, device)
        except CourseError as err:
            complaints.append(str(err))
        else:
            return Fitting(candidate, record)

    if complaints:
        raise CourseError(complaints[0])
    raise CourseError(
        f"{spec.name} has no engine yet. Build one: python -m trt_course build {spec.reference}."
    )
