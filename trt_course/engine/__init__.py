"""Which engine runs a model here, and why: TensorRT where it can, the CPU everywhere else."""
import importlib.util

from ..errors import CourseError
from .base import Engine, Request, TensorInfo
from .cpu import CpuEngine

__all__ = ["BACKENDS", "CpuEngine", "Engine", "Request", "TensorInfo", "open_engine"]
BACKENDS = ("auto", "cpu", "tensorrt")


def _why_no_tensorrt():
    if importlib.util.find_spec("tensorrt") is None:
        return "TensorRT's Python module is not installed (pip install -r requirements-nvidia.txt; on a Jetson it " \
               "comes with JetPack)"
    return "this version of the kit does not run TensorRT engines yet"


def open_engine(spec, backend="auto", threads=0):
    """The engine for this model and one sentence that says which and why."""
    if backend not in BACKENDS:
        raise CourseError("There is no backend '{}'; allowed: {}".format(backend, ", ".join(BACKENDS)))
    if backend == "tensorrt":
        raise CourseError("The backend tensorrt cannot be used here: {}. The backend cpu runs everywhere."
                          .format(_why_no_tensorrt()))
    engine = CpuEngine(spec.onnx, threads)
    reason = "as asked" if backend == "cpu" else "because " + _why_no_tensorrt()
    return engine, "{} runs with {}, {}.".format(spec.name, engine.name, reason)
