"""The CUDA calls on pycuda, which is what a Jetson usually has."""

import warnings
from typing import Any, Callable, ContextManager, Sequence

import numpy as np

from ..support.errors import CourseError
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


class PyCuda(Cuda):
    """On the primary context, which TensorRT uses, too; it is current inside `active()` only.

    pycuda's objects free themselves when nobody holds them.
    """

    name = "pycuda"
    modules = ("pycuda.driver",)

    def __init__(self, driver: Any) -> None:
        # At exit everything is freed anyway
        warnings.filterwarnings("ignore", ".*out-of-thread context could not be cleaned up")
        try:
            driver.init()
            device = driver.Device(0)
            context = device.retain_primary_context()
        except driver.Error as err:
            raise no_gpu(err) from None

        major, minor = device.compute_capability()
        super().__init__(Device(device.name(), f"{major}.{minor}"))
        self._driver = driver
        self._current = _Current(driver, context)

    def active(self) -> ContextManager[None]:
        """A `with` around calls: the GPU is this thread's, and CUDA's errors are explained."""
        return self._current

    def close(self) -> None:
        """Nothing: pycuda's objects free themselves."""

    def alloc(self, nbytes: int) -> Memory:
        """Memory on the GPU, with anything in it."""
        return self._driver.mem_alloc(nbytes)

    def pinned(self, shape: Shape, dtype: Any) -> np.ndarray:
        """A page-locked array of zeros on the host."""
        return self._driver.pagelocked_zeros(shape, dtype)

    def upload(self, memory: Memory, array: np.ndarray) -> None:
        """Copy any array to the GPU and wait for it."""
        self._driver.memcpy_htod(memory, array)

    def copy_in(self, memory: Memory, array: np.ndarray, stream: Stream) -> None:
        """Copy a page-locked array to the GPU."""
        self._driver.memcpy_htod_async(memory, array, stream)

    def copy_out(self, array: np.ndarray, memory: Memory, stream: Stream) -> None:
        """Copy from the GPU to a page-locked array."""
        self._driver.memcpy_dtoh_async(array, memory, stream)

    def copy_on(self, target: int, sources: Sequence[int], nbytes: int, stream: Stream) -> None:
        """Copy blocks of `nbytes` that are on the GPU, one behind the other."""
        for source in sources:
            self._driver.memcpy_dtod_async(target, source, nbytes, stream)
            target += nbytes

    def stream(self) -> Stream:
        """A stream that does not wait for the default stream, where decoders work."""
        return self._driver.Stream(1)  # CU_STREAM_NON_BLOCKING

    def handle(self, stream: Stream) -> int:
        """The stream's number, as TensorRT takes it."""
        return stream.handle

    def event(self) -> Event:
        """A mark that is not in any stream yet."""
        return self._driver.Event()

    def record(self, event: Event, stream: Stream) -> None:
        """Put the mark behind all that is on the stream."""
        event.record(stream)

    def wait(self, event: Event) -> None:
        """Wait here until the stream has come to the mark."""
        event.synchronize()

    def wait_on(self, stream: Stream, event: Event) -> None:
        """What is put on the stream from now on waits for the mark."""
        stream.wait_for_event(event)

    def seconds(self, first: Event, last: Event) -> float:
        """The time from one mark to another, by the GPU's clock."""
        milliseconds = first.time_till(last)
        return milliseconds / 1e3

    def capture(self, stream: Stream, work: Callable[[], None]) -> Graph:
        """An error: pycuda has no graphs."""
        raise CourseError(
            "pycuda knows no CUDA graphs: pip install cuda-python, and leave pycuda out."
        )


class _Current:
    """Makes the context current in a thread. It keeps nothing, so that any thread may use it."""

    def __init__(self, driver: Any, context: Any) -> None:
        self._driver = driver
        self._context = context

    def __enter__(self) -> None:
        self._context.push()

    def __exit__(self, kind: Any, err: Any, _: Any) -> None:
        self._driver.Context.pop()
        if isinstance(err, self._driver.Error):
            raise call_failed(err) from None
