"""TensorRT's Python module under any of its names, and a plan file opened with it.

A plan is what TensorRT builds: the bytes of an .engine file. Where one is not opened, a sentence
says why. Nothing here runs a plan; trt.py does.
"""

import ctypes
import importlib.util
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Set

import numpy as np

from ..support.errors import CourseError, import_whole
from .refusals import Refusal, meaning_of, one_line

_NAMES = ("tensorrt", "tensorrt_rtx", "tensorrt_rtx_bindings")

# Of the messages of all versions; the signs leave out letters that some of them write large
_REFUSALS = (
    Refusal(
        signs=("find plugin", "luginCreator", "lugin creator"),
        meaning="it uses a plugin that this TensorRT does not have. A TLT or TAO engine may need "
        "the TensorRT OSS plugin library of your version (libnvinfer_plugin.so with "
        "BatchTilePlugin_TRT)",
    ),
    Refusal(
        signs=("OutOfMemory", "out of memory", "could not be allocated"),
        meaning="the GPU's memory is full: close other programs, or build with a smaller batch",
    ),
    Refusal(
        signs=("agic tag", "agicTag", "empty memory buffer"),
        meaning="it is not a TensorRT plan, or was built by a much older TensorRT",
    ),
    Refusal(
        signs=("incompatible device", "ompute capability", "latform"),
        meaning="it was built for another GPU: build it again here",
    ),
    Refusal(
        signs=("ersion", "erialization"),
        meaning="it was built by another version of TensorRT, or is damaged: build it again here",
    ),
)
_NUMPY = {
    "FLOAT": np.float32,
    "HALF": np.float16,
    "INT8": np.int8,
    "INT32": np.int32,
    "INT64": np.int64,
    "BOOL": np.bool_,
    "UINT8": np.uint8,
}

_logs: Dict[str, Any] = {}  # TensorRT wants one logger a process; by the module's name


class OpenedPlan(NamedTuple):
    """TensorRT's engine, and the runtime that must live as long as the engine does."""

    engine: Any
    runtime: Any


def load_tensorrt() -> Any:
    """TensorRT's module; a CourseError says what to install where there is none."""
    name = _installed_name()
    if name is None:
        raise CourseError(
            "TensorRT's Python module is not installed: pip install -r requirements-nvidia.txt; "
            "on a Jetson it comes with JetPack, for the system's own Python."
        )

    try:
        return import_whole(name)
    except (ImportError, OSError) as err:
        raise CourseError(f"TensorRT's module {name} cannot be loaded: {err}") from None


def _installed_name() -> Optional[str]:
    """The first of TensorRT's names that is installed."""
    for name in _NAMES:
        if importlib.util.find_spec(name) is not None:
            return name
    return None


def product_of(trt: Any) -> str:
    """TensorRT's name and version: the other product line's begins with RTX."""
    if "rtx" in trt.__name__:
        return f"RTX {trt.__version__}"
    return trt.__version__


def numpy_type(trt: Any, kind: Any) -> np.dtype:
    """NumPy's name for TensorRT's type of a tensor.

    TensorRT's own `nptype` comes last, for until 8.5 it fails where NumPy is 1.24 or later.
    """
    for name, known in _NUMPY.items():
        if getattr(trt.DataType, name, None) == kind:
            return np.dtype(known)
    try:
        return np.dtype(trt.nptype(kind))
    except (AttributeError, KeyError, TypeError):
        raise CourseError(
            f"A tensor of the engine has type {kind}, which NumPy does not have: export the "
            "network with inputs and outputs of FP32 or FP16"
        ) from None


def log_of(trt: Any) -> Any:
    """The process's one logger for TensorRT. Making it also registers NVIDIA's plugins.

    It keeps errors in `errors`, for our own messages, and prints the rest where `verbose` is set.
    """
    if trt.__name__ not in _logs:
        log = _new_log(trt)
        _logs[trt.__name__] = log
        trt.init_libnvinfer_plugins(log, "")
    return _logs[trt.__name__]


def _new_log(trt: Any) -> Any:
    """A logger, of a class that can be made only now: its base is TensorRT's."""

    class Log(trt.ILogger):
        def __init__(self) -> None:
            super().__init__()
            self.errors: List[str] = []
            self.verbose = False

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                self.errors.append(message)
            elif self.verbose:
                print(message)

    return Log()


def plugins(trt: Any) -> Set[str]:
    """The names of the plugins that this TensorRT has."""
    log_of(trt)  # NVIDIA's own are there only after that
    registry = trt.get_plugin_registry()
    older = getattr(registry, "plugin_creator_list", ())
    newer = getattr(registry, "all_creators", ())
    return {creator.name for creator in [*older, *newer]}


def deserialize(trt: Any, path: Any) -> OpenedPlan:
    """Open a plan file; a CourseError says why it cannot be opened."""
    path = Path(str(path))
    if not path.is_file():
        raise CourseError(f"There is no engine file {path}.")
    log = log_of(trt)
    _load_old_plugin(trt, path)

    # TensorRT raises nothing: it logs what is wrong and returns None
    del log.errors[:]
    engine = None
    runtime = trt.Runtime(log)
    if runtime:
        engine = runtime.deserialize_cuda_engine(path.read_bytes())
    if engine is not None:
        return OpenedPlan(engine, runtime)

    said = one_line(" ".join(log.errors)) or "nothing more"
    why = meaning_of(said, _REFUSALS, otherwise="it does not say why")
    raise CourseError(
        f"TensorRT {product_of(trt)} does not open {path}: {why}. (TensorRT: {said[:300]})"
    )


def _load_old_plugin(trt: Any, path: Path) -> None:
    """The plugin of an old SSD engine, which was a library of its own until TensorRT had it."""
    library = path.with_name("libflattenconcat.so")
    if library.is_file() and "FlattenConcat_TRT" not in plugins(trt):
        ctypes.CDLL(str(library))
