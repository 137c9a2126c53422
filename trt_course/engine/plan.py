"""TensorRT's module under any of its names, its log, and a plan file opened with it, or a sentence why it is not."""

import ctypes
import importlib
import importlib.util
from pathlib import Path

import numpy as np

from ..support.errors import CourseError

_NAMES = ("tensorrt", "tensorrt_rtx", "tensorrt_rtx_bindings")
# What TensorRT says when it does not open a plan -> what it means. The first sign that occurs counts.
_REFUSALS = (
    (
        ("find plugin", "luginCreator", "lugin creator"),
        "it uses a plugin that this TensorRT does not have. A TLT or TAO engine may need the TensorRT OSS plugin library "
        "of your version (libnvinfer_plugin.so with BatchTilePlugin_TRT)",
    ),
    (
        ("OutOfMemory", "out of memory", "could not be allocated"),
        "the GPU's memory is full: close other programs, or build with a smaller batch",
    ),
    (
        ("agic tag", "agicTag", "empty memory buffer"),
        "it is not a TensorRT plan, or was built by a much older TensorRT",
    ),
    (
        ("incompatible device", "ompute capability", "latform"),
        "it was built for another GPU: build it again here",
    ),
    (
        ("ersion", "erialization"),
        "it was built by another version of TensorRT, or is damaged: build it again here",
    ),
)


def load_tensorrt():
    name = next(filter(importlib.util.find_spec, _NAMES), None)
    if name is None:
        raise CourseError(
            "TensorRT's Python module is not installed: pip install -r requirements-nvidia.txt; on a "
            "Jetson it comes with JetPack, for the system's own Python."
        )
    try:
        return importlib.import_module(name)
    except (ImportError, OSError) as err:
        raise CourseError(f"TensorRT's module {name} cannot be loaded: {err}") from None


def product_of(trt):
    """TensorRT's version, with RTX before that of the other product line."""
    return ("RTX " if "rtx" in trt.__name__ else "") + trt.__version__


_NUMPY = {
    "FLOAT": np.float32,
    "HALF": np.float16,
    "INT8": np.int8,
    "INT32": np.int32,
    "BOOL": np.bool_,
    "UINT8": np.uint8,
}


def numpy_type(trt, kind):
    """NumPy's name for a tensor's type; TensorRT's own nptype, until 8.5, fails where NumPy is 1.24 or later."""
    known = {
        getattr(trt.DataType, name): dtype
        for name, dtype in _NUMPY.items()
        if hasattr(trt.DataType, name)
    }
    return np.dtype(known.get(kind) or trt.nptype(kind))


_logs = {}


def log_of(trt):
    """The process's one logger for TensorRT. It keeps the errors for our own messages; `verbose` prints all."""
    if trt.__name__ not in _logs:

        class Log(trt.ILogger):
            errors, verbose = [], False

            def log(self, severity, message):
                if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                    self.errors.append(message)
                elif self.verbose:
                    print(message)

        _logs[trt.__name__] = Log()
        trt.init_libnvinfer_plugins(_logs[trt.__name__], "")
    return _logs[trt.__name__]


def plugins(trt):
    """The names of the plugins that this TensorRT has."""
    log_of(trt)  # NVIDIA's own are there only after that
    registry = trt.get_plugin_registry()
    return {
        creator.name
        for kind in ("plugin_creator_list", "all_creators")
        for creator in getattr(registry, kind, ())
    }


def deserialize(trt, path):
    """TensorRT's engine from a plan file, or a CourseError that says why not."""
    path = Path(str(path))
    if not path.is_file():
        raise CourseError(f"There is no engine file {path}.")
    log, library = log_of(trt), path.with_name("libflattenconcat.so")
    if library.is_file() and "FlattenConcat_TRT" not in plugins(
        trt
    ):  # until TensorRT had it, a library of its own
        ctypes.CDLL(str(library))
    del log.errors[:]
    runtime = trt.Runtime(log)
    engine = runtime.deserialize_cuda_engine(path.read_bytes()) if runtime else None
    if engine is None:
        said = " ".join(" ".join(log.errors).split()) or "nothing more"
        why = next(
            (text for signs, text in _REFUSALS if any(sign in said for sign in signs)),
            "it does not say why",
        )
        raise CourseError(
            f"TensorRT {product_of(trt)} does not open {path}: {why}. (TensorRT: {said[:300]})"
        )
    return engine, runtime
