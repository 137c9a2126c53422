"""The few CUDA calls that an engine needs, on pycuda where it is installed, else on cuda-python; both behave alike.

Memory, copies, streams, events, graphs of device 0 (CUDA_VISIBLE_DEVICES chooses another). No kernels, no networks.
"""
import contextlib
import ctypes
import importlib
import importlib.util
import warnings
import weakref
from typing import Any, NamedTuple

import numpy as np

from ..errors import CourseError


class Device(NamedTuple):
    name: str
    capability: str
    memory: int


class Memory(NamedTuple):
    """Device memory; `owner` keeps it."""
    ptr: int
    owner: Any


class PyCuda:
    """On the primary context, which TensorRT uses too; it is current only inside `with cuda.active():`."""
    name = "pycuda"

    def __init__(self):
        self._driver = driver = importlib.import_module("pycuda.driver")
        warnings.filterwarnings("ignore", ".*out-of-thread context could not be cleaned up")  # at exit, all is freed
        try:
            driver.init()
            self._device = driver.Device(0)
            self._context = self._device.retain_primary_context()
        except driver.Error as err:
            raise _no_gpu(err) from None
        self.device = Device(self._device.name(), "{}.{}".format(*self._device.compute_capability()),
                             self._device.total_memory())

    @contextlib.contextmanager
    def active(self):
        self._context.push()
        try:
            yield
        except self._driver.Error as err:
            raise _failed(err) from None
        finally:
            self._driver.Context.pop()

    def alloc(self, nbytes):
        owner = self._driver.mem_alloc(nbytes)
        return Memory(int(owner), owner)

    def pinned(self, shape, dtype):
        return self._driver.pagelocked_zeros(shape, dtype)

    def upload(self, memory, array):
        self._driver.memcpy_htod(memory.ptr, array)

    def copy_in(self, memory, array, stream):
        self._driver.memcpy_htod_async(memory.ptr, array, stream)

    def copy_out(self, array, memory, stream):
        self._driver.memcpy_dtoh_async(array, memory.ptr, stream)

    def stream(self):
        return self._driver.Stream()

    @staticmethod
    def handle(stream):
        return stream.handle

    def event(self):
        return self._driver.Event()

    def record(self, event, stream):
        event.record(stream)

    def wait(self, event):
        event.synchronize()

    def capture(self, stream, work):
        raise CourseError("pycuda knows no CUDA graphs: pip install cuda-python, and leave pycuda out.")

    def close(self):
        """pycuda frees an object when nobody holds it."""


class CudaPython:
    """On the CUDA runtime, which uses the primary context of itself, in any thread."""
    name = "cuda-python"
    active = contextlib.ExitStack

    def __init__(self):
        self._rt = importlib.import_module(_runtime_name())
        self._frees = []
        error, facts = self._rt.cudaGetDeviceProperties(0)
        if int(error):
            raise _no_gpu(self._rt.cudaGetErrorString(error)[1].decode())
        self.device = Device(facts.name.decode(), "{}.{}".format(facts.major, facts.minor), facts.totalGlobalMem)

    def _call(self, function, *args):
        error, *values = function(*args)
        if int(error):
            raise _failed(self._rt.cudaGetErrorString(error)[1].decode())
        return values[0] if values else None

    def _keep(self, value, free):
        self._frees.append((free, value))
        return value

    def alloc(self, nbytes):
        return Memory(self._keep(self._call(self._rt.cudaMalloc, nbytes), self._rt.cudaFree), None)

    def pinned(self, shape, dtype):
        count = int(np.prod(shape))
        nbytes = count * np.dtype(dtype).itemsize
        address = self._call(self._rt.cudaMallocHost, nbytes)
        block = (ctypes.c_byte * nbytes).from_address(address)
        weakref.finalize(block, self._rt.cudaFreeHost, address).atexit = False  # arrays on it keep the block alive
        array = np.frombuffer(block, dtype, count).reshape(shape)
        array[...] = 0
        return array

    def upload(self, memory, array):
        self._call(self._rt.cudaMemcpy, memory.ptr, array.ctypes.data, array.nbytes,
                   self._rt.cudaMemcpyKind.cudaMemcpyHostToDevice)

    def copy_in(self, memory, array, stream):
        self._call(self._rt.cudaMemcpyAsync, memory.ptr, array.ctypes.data, array.nbytes,
                   self._rt.cudaMemcpyKind.cudaMemcpyHostToDevice, stream)

    def copy_out(self, array, memory, stream):
        self._call(self._rt.cudaMemcpyAsync, array.ctypes.data, memory.ptr, array.nbytes,
                   self._rt.cudaMemcpyKind.cudaMemcpyDeviceToHost, stream)

    def stream(self):
        return self._keep(self._call(self._rt.cudaStreamCreateWithFlags, self._rt.cudaStreamNonBlocking),
                          self._rt.cudaStreamDestroy)

    @staticmethod
    def handle(stream):
        return int(stream)

    def event(self):
        return self._keep(self._call(self._rt.cudaEventCreate), self._rt.cudaEventDestroy)

    def record(self, event, stream):
        self._call(self._rt.cudaEventRecord, event, stream)

    def wait(self, event):
        self._call(self._rt.cudaEventSynchronize, event)

    def capture(self, stream, work):
        """A graph of what `work()` puts on the stream; `launch` replays it."""
        self._call(self._rt.cudaStreamBeginCapture, stream,
                   self._rt.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal)
        try:
            work()
        except BaseException:
            self._rt.cudaStreamEndCapture(stream)
            raise
        graph = self._call(self._rt.cudaStreamEndCapture, stream)
        replay = self._keep(self._call(self._rt.cudaGraphInstantiate, graph, 0), self._rt.cudaGraphExecDestroy)
        self._call(self._rt.cudaGraphDestroy, graph)
        return replay

    def launch(self, graph, stream):
        self._call(self._rt.cudaGraphLaunch, graph, stream)

    def close(self):
        while self._frees:
            free, value = self._frees.pop()
            free(value)


LIBRARIES = {"pycuda": PyCuda, "cuda-python": CudaPython}


def _runtime_name():
    for name in ("cuda.bindings.runtime", "cuda.cudart"):
        with contextlib.suppress(ImportError):
            if importlib.util.find_spec(name):
                return name
    return None


def open_cuda(library=None):
    """The CUDA calls of pycuda or cuda-python: `library` names one, None takes what is installed."""
    here = [name for name, there in (("pycuda", importlib.util.find_spec("pycuda")), ("cuda-python", _runtime_name()))
            if there]
    if library not in here and (library or not here):
        raise CourseError("TensorRT needs {} for memory and streams, which is not installed: pip install cuda-python "
                          "on a PC, pycuda on a Jetson. The backend cpu runs everywhere.".format(
                              library or "pycuda or cuda-python"))
    return LIBRARIES[library or here[0]]()


def _no_gpu(err):
    return CourseError("No NVIDIA GPU can be used here: {}. Look at nvidia-smi; the backend cpu runs everywhere."
                       .format(err))


def _failed(err):
    advice = "Close other programs that use the GPU, or take a smaller batch." if "memory" in str(err) else \
        "An engine and its buffers belong to the thread that opened it."
    return CourseError("CUDA says: {}. {}".format(err, advice))
