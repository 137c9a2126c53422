"""CUDA from Python: the calls that an engine needs, on pycuda where it is there, else cuda-python.

cuda_base.py says what the calls are; cuda_pycuda.py and cuda_python.py make them.
"""

import importlib.util
from typing import Iterator, Optional, Tuple, Type, Union

from ..support.errors import CourseError, import_whole
from .cuda_base import Cuda, Device, no_gpu
from .cuda_pycuda import PyCuda
from .cuda_python import CudaPython

__all__ = ["Cuda", "Device", "open_cuda"]

Library = Union[Type[PyCuda], Type[CudaPython]]


def open_cuda(library: Optional[str] = None) -> Cuda:
    """The CUDA calls of "pycuda" or "cuda-python", as named; None takes what is installed."""
    failure = None
    for kind, module in _candidates(library):
        try:
            return kind(import_whole(module))
        except (ImportError, OSError) as err:  # such as a missing libcuda.so.1
            failure = err
    if failure is not None:
        raise no_gpu(failure)

    wanted = library or "pycuda or cuda-python"
    raise CourseError(
        f"TensorRT needs {wanted} for memory and streams, which is not installed: pip install "
        "cuda-python on a PC, pycuda on a Jetson. The backend cpu runs everywhere."
    )


def _candidates(library: Optional[str]) -> Iterator[Tuple[Library, str]]:
    """The classes to try with the modules to give them, in order."""
    for kind in (PyCuda, CudaPython):
        if library in (None, kind.name):
            for module in kind.modules:
                if _installed(module):
                    yield kind, module


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:  # of the package that the module is in
        return False
