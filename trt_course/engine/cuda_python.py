"""The CUDA calls on cuda-python, NVIDIA's own library, which is what a PC usually has."""

import contextlib
import ctypes
import weakref
from typing import Any, Callable, ContextManager, List, Sequence

import numpy as np

from .cuda_base import (
    Cuda,
    Device,
    Event,
    Graph,
    Memory,
    Shape,
    Stream,
    call_failed,
    no_gpu,
)

_BATCHED_COPIES = 12080  # the first driver that knows cudaMemcpyBatchAsync


class CudaPython(Cuda):
    """On the CUDA runtime, which uses the primary context of itself, in any thread."""

    name = "cuda-python"
    modules = ("cuda.bindings.runtime", "cuda.cudart")

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime
        facts = self._call(runtime.cudaGetDeviceProperties, 0, explain=no_gpu)
        super().__init__(Device(facts.name.decode(), f"{facts.major}.{facts.minor}"))
        self._frees = contextlib.ExitStack()  # what `close` frees, the newest first
        self._everywhere = _Everywhere()

        # How copies are told where from and where to
        self._to_device = runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._to_host = runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._anywhere = runtime.cudaMemcpyKind.cudaMemcpyDefault
        self._in_order = self._attributes_of_batched_copies()

    def active(self) -> ContextManager[None]:
        """Nothing to do here: the runtime makes the GPU current, `_call` explains its errors."""
        return self._everywhere

    def close(self) -> None:
        """Free everything that was made, but for page-locked arrays."""
        self._frees.close()

    def alloc(self, nbytes: int) -> Memory:
        """Memory on the GPU, with anything in it."""
        return self._keep(self._runtime.cudaFree, self._runtime.cudaMalloc, nbytes)

    def pinned(self, shape: Shape, dtype: Any) -> np.ndarray:
        """A page-locked array of zeros on the host."""
        items = int(np.prod(shape))
        nbytes = items * np.dtype(dtype).itemsize
        address = self._call(self._runtime.cudaMallocHost, nbytes)

        # Arrays on the block keep it alive, also when this object is closed
        block = (ctypes.c_byte * nbytes).from_address(address)
        release = weakref.finalize(block, self._runtime.cudaFreeHost, address)
        release.atexit = False

        array: np.ndarray = np.ndarray(shape, dtype, block)
        array.fill(0)
        return array

    def upload(self, memory: Memory, array: np.ndarray) -> None:
        """Copy any array to the GPU and wait for it."""
        source = array.ctypes.data
        self._call(self._runtime.cudaMemcpy, memory, source, array.nbytes, self._to_device)

    def copy_in(self, memory: Memory, array: np.ndarray, stream: Stream) -> None:
        """Copy a page-locked array to the GPU."""
        copy = self._runtime.cudaMemcpyAsync
        self._call(copy, memory, array.ctypes.data, array.nbytes, self._to_device, stream)

    def copy_out(self, array: np.ndarray, memory: Memory, stream: Stream) -> None:
        """Copy from the GPU to a page-locked array."""
        copy = self._runtime.cudaMemcpyAsync
        self._call(copy, array.ctypes.data, memory, array.nbytes, self._to_host, stream)

    def copy_on(self, target: int, sources: Sequence[int], nbytes: int, stream: Stream) -> None:
        """Copy blocks of `nbytes` that are on the GPU, one behind the other.

        With one call where CUDA has one, for at each call another thread may take its turn.
        """
        count = len(sources)
        targets = [target + number * nbytes for number in range(count)]
        if self._in_order:
            sizes = [nbytes] * count
            first = [0]  # the copy from which on the attributes hold
            copy = self._runtime.cudaMemcpyBatchAsync
            self._call(copy, targets, sources, sizes, count, self._in_order, first, 1, stream)
            return
        copy = self._runtime.cudaMemcpyAsync
        for place, source in zip(targets, sources):
            self._call(copy, place, source, nbytes, self._anywhere, stream)

    def stream(self) -> Stream:
        """A stream that does not wait for the default stream, where decoders work."""
        create = self._runtime.cudaStreamCreateWithFlags
        flags = self._runtime.cudaStreamNonBlocking
        return self._keep(self._runtime.cudaStreamDestroy, create, flags)

    def handle(self, stream: Stream) -> int:
        """The stream's number, as TensorRT takes it."""
        return int(stream)

    def event(self) -> Event:
        """A mark that is not in any stream yet."""
        return self._keep(self._runtime.cudaEventDestroy, self._runtime.cudaEventCreate)

    def record(self, event: Event, stream: Stream) -> None:
        """Put the mark behind all that is on the stream."""
        self._call(self._runtime.cudaEventRecord, event, stream)

    def wait(self, event: Event) -> None:
        """Wait here until the stream has come to the mark."""
        self._call(self._runtime.cudaEventSynchronize, event)

    def wait_on(self, stream: Stream, event: Event) -> None:
        """What is put on the stream from now on waits for the mark."""
        self._call(self._runtime.cudaStreamWaitEvent, stream, event, 0)

    def seconds(self, first: Event, last: Event) -> float:
        """The time from one mark to another, by the GPU's clock."""
        milliseconds = self._call(self._runtime.cudaEventElapsedTime, first, last)
        return milliseconds / 1e3

    def capture(self, stream: Stream, work: Callable[[], None]) -> Graph:
        """A graph of what `work()` puts on the stream, which is not done now."""
        mode = self._runtime.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        self._call(self._runtime.cudaStreamBeginCapture, stream, mode)
        try:
            work()
        except BaseException:
            self._runtime.cudaStreamEndCapture(stream)
            raise
        graph = self._call(self._runtime.cudaStreamEndCapture, stream)

        # The recorded graph is only needed to make the one that is launched
        instantiate = self._runtime.cudaGraphInstantiate
        replay = self._keep(self._runtime.cudaGraphExecDestroy, instantiate, graph, 0)
        self._call(self._runtime.cudaGraphDestroy, graph)
        return replay

    def launch(self, graph: Graph, stream: Stream) -> None:
        """Do a graph's work in the stream."""
        self._call(self._runtime.cudaGraphLaunch, graph, stream)

    def _attributes_of_batched_copies(self) -> List[Any]:
        """How cudaMemcpyBatchAsync is to read; empty where CUDA or the driver does not know it."""
        if not hasattr(self._runtime, "cudaMemcpyBatchAsync"):
            return []
        if self._call(self._runtime.cudaDriverGetVersion) < _BATCHED_COPIES:
            return []
        attributes = self._runtime.cudaMemcpyAttributes()
        orders = self._runtime.cudaMemcpySrcAccessOrder
        attributes.srcAccessOrder = orders.cudaMemcpySrcAccessOrderStream
        return [attributes]

    def _call(
        self, function: Callable, *args: Any, explain: Callable[[Any], Exception] = call_failed
    ) -> Any:
        """Call the runtime: what it returns besides the error number, or None."""
        error, *values = function(*args)
        if int(error):
            said = self._runtime.cudaGetErrorString(error)[1]
            raise explain(said.decode())
        if values:
            return values[0]
        return None

    def _keep(self, free: Callable, make: Callable, *args: Any) -> Any:
        """What `make` makes; `close` frees it."""
        made = self._call(make, *args)
        self._frees.callback(free, made)
        return made


class _Everywhere:
    """A `with` that does nothing."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        pass
