"""The few CUDA calls that an engine needs, on pycuda where it is installed, else on cuda-python; both behave alike.

Memory, copies, streams, events, graphs of device 0 (CUDA_VISIBLE_DEVICES chooses another). No kernels, no networks.
`int` of device memory is its address.
"""

import contextlib
import ctypes
import importlib
import importlib.util
import warnings
import weakref
from typing import NamedTuple

import numpy as np

from ..support.errors import CourseError


class Device(NamedTuple):
    name: str
    capability: str


def _no_gpu(err):
    return CourseError(
        f"No NVIDIA GPU can be used here: {err}. Look at nvidia-smi; the backend cpu runs everywhere."
    )


def _failed(err):
    advice = (
        "Close other programs that use the GPU, or take a smaller batch."
        if "memory" in str(err)
        else "An engine and its buffers belong to the thread that opened it."
    )
    return CourseError(f"CUDA says: {err}. {advice}")


class PyCuda:
    """On the primary context, which TensorRT uses too; it is current only inside `with cuda.active():`."""

    name, modules = "pycuda", ("pycuda.driver",)

    def __init__(self, driver):
        warnings.filterwarnings(
            "ignore", ".*out-of-thread context could not be cleaned up"
        )  # at exit, all is freed
        try:
            driver.init()
            device = driver.Device(0)
            self._driver, self._context = driver, device.retain_primary_context()
        except driver.Error as err:
            raise _no_gpu(err) from None
        self.device = Device(device.name(), "{}.{}".format(*device.compute_capability()))
        self.alloc, self.pinned, self.event = (
            driver.mem_alloc,
            driver.pagelocked_zeros,
            driver.Event,
        )
        self.upload, self.copy_in = driver.memcpy_htod, driver.memcpy_htod_async
        self.copy_out = driver.memcpy_dtoh_async

    @contextlib.contextmanager
    def active(self):
        self._context.push()
        try:
            yield
        except self._driver.Error as err:
            raise _failed(err) from None
        finally:
            self._driver.Context.pop()

    def copy_on(self, target, sources, nbytes, stream):
        for source in sources:
            self._driver.memcpy_dtod_async(target, source, nbytes, stream)
            target += nbytes

    def stream(self):
        return self._driver.Stream(1)  # CU_STREAM_NON_BLOCKING: decoders work on the default stream

    def handle(self, stream):
        return stream.handle

    def record(self, event, stream):
        event.record(stream)

    def wait(self, event):
        event.synchronize()

    def wait_on(self, stream, event):
        stream.wait_for_event(event)

    def seconds(self, first, last):
        return first.time_till(last) / 1e3

    def capture(self, stream, work):
        raise CourseError(
            "pycuda knows no CUDA graphs: pip install cuda-python, and leave pycuda out."
        )

    def close(self):
        """pycuda frees an object when nobody holds it."""


class CudaPython:
    """On the CUDA runtime, which uses the primary context of itself, in any thread."""

    name, modules = "cuda-python", ("cuda.bindings.runtime", "cuda.cudart")
    active, handle = contextlib.ExitStack, int

    def __init__(self, runtime):
        self._rt, self._frees = runtime, contextlib.ExitStack()
        facts = self._call(runtime.cudaGetDeviceProperties, 0, explain=_no_gpu)
        self.device = Device(facts.name.decode(), f"{facts.major}.{facts.minor}")
        self._to_device = runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._to_host = runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._anywhere = runtime.cudaMemcpyKind.cudaMemcpyDefault
        self._in_order = []  # how cudaMemcpyBatchAsync shall read, where CUDA and the driver know it
        if (
            hasattr(runtime, "cudaMemcpyBatchAsync")
            and self._call(runtime.cudaDriverGetVersion) >= 12080
        ):
            self._in_order.append(runtime.cudaMemcpyAttributes())
            self._in_order[
                0
            ].srcAccessOrder = runtime.cudaMemcpySrcAccessOrder.cudaMemcpySrcAccessOrderStream
        self.close = self._frees.close

    def _call(self, function, *args, explain=_failed):
        error, *values = function(*args)
        if int(error):
            raise explain(self._rt.cudaGetErrorString(error)[1].decode())
        return values[0] if values else None

    def _keep(self, free, function, *args):
        """What the function makes, freed by `close`."""
        value = self._call(function, *args)
        self._frees.callback(free, value)
        return value

    def alloc(self, nbytes):
        return self._keep(self._rt.cudaFree, self._rt.cudaMalloc, nbytes)

    def pinned(self, shape, dtype):
        nbytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        address = self._call(self._rt.cudaMallocHost, nbytes)
        block = (ctypes.c_byte * nbytes).from_address(address)
        weakref.finalize(
            block, self._rt.cudaFreeHost, address
        ).atexit = False  # arrays on it keep the block alive
        array = np.ndarray(shape, dtype, block)
        array.fill(0)
        return array

    def upload(self, memory, array):
        self._call(self._rt.cudaMemcpy, memory, array.ctypes.data, array.nbytes, self._to_device)

    def copy_in(self, memory, array, stream):
        self._call(
            self._rt.cudaMemcpyAsync,
            memory,
            array.ctypes.data,
            array.nbytes,
            self._to_device,
            stream,
        )

    def copy_out(self, array, memory, stream):
        self._call(
            self._rt.cudaMemcpyAsync, array.ctypes.data, memory, array.nbytes, self._to_host, stream
        )

    def copy_on(self, target, sources, nbytes, stream):
        """Blocks of `nbytes` on the GPU, one behind the other; with one call, for at each the threads change places."""
        targets, n = [target + i * nbytes for i in range(len(sources))], len(sources)
        if self._in_order:
            self._call(
                self._rt.cudaMemcpyBatchAsync,
                targets,
                sources,
                [nbytes] * n,
                n,
                self._in_order,
                [0],
                1,
                stream,
            )
            return
        for pair in zip(targets, sources):
            self._call(self._rt.cudaMemcpyAsync, *pair, nbytes, self._anywhere, stream)

    def stream(self):
        return self._keep(
            self._rt.cudaStreamDestroy,
            self._rt.cudaStreamCreateWithFlags,
            self._rt.cudaStreamNonBlocking,
        )

    def event(self):
        return self._keep(self._rt.cudaEventDestroy, self._rt.cudaEventCreate)

    def record(self, event, stream):
        self._call(self._rt.cudaEventRecord, event, stream)

    def wait(self, event):
        self._call(self._rt.cudaEventSynchronize, event)

    def wait_on(self, stream, event):
        """What follows on the stream waits for the event, nobody else does."""
        self._call(self._rt.cudaStreamWaitEvent, stream, event, 0)

    def seconds(self, first, last):
        return self._call(self._rt.cudaEventElapsedTime, first, last) / 1e3

    def capture(self, stream, work):
        """A graph of what `work()` puts on the stream; `launch` replays it."""
        self._call(
            self._rt.cudaStreamBeginCapture,
            stream,
            self._rt.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal,
        )
        try:
            work()
        except BaseException:
            self._rt.cudaStreamEndCapture(stream)
            raise
        graph = self._call(self._rt.cudaStreamEndCapture, stream)
        replay = self._keep(self._rt.cudaGraphExecDestroy, self._rt.cudaGraphInstantiate, graph, 0)
        self._call(self._rt.cudaGraphDestroy, graph)
        return replay

    def launch(self, graph, stream):
        self._call(self._rt.cudaGraphLaunch, graph, stream)


def _installed(name):
    with contextlib.suppress(ImportError):  # of the package that the module is in
        return importlib.util.find_spec(name) is not None


def open_cuda(library=None):
    """The CUDA calls of pycuda or cuda-python: `library` names one, None takes what is installed."""
    failed = None
    for kind in (PyCuda, CudaPython):
        for module in filter(_installed, kind.modules if library in (None, kind.name) else ()):
            try:
                return kind(importlib.import_module(module))
            except (ImportError, OSError) as err:  # such as a missing libcuda.so.1
                failed = err
    if failed is not None:
        raise _no_gpu(failed)
    raise CourseError(
        "TensorRT needs {} for memory and streams, which is not installed: pip install cuda-python on a "
        "PC, pycuda on a Jetson. The backend cpu runs everywhere.".format(
            library or "pycuda or cuda-python"
        )
    )
