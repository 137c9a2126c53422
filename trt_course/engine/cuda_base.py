"""The few CUDA calls that an engine needs, declared: what each of the two libraries must offer.

Memory, copies, streams, events and graphs of device 0; the variable CUDA_VISIBLE_DEVICES chooses
another. No kernels, no networks. cuda.py opens one of the libraries.
"""

from typing import Any, Callable, ContextManager, NamedTuple, Sequence, Tuple, Union

import numpy as np

from ..support.errors import CourseError

# Objects of the library's own
Memory = Any  # on the GPU; int() of it is its address
Stream = Any  # work put on one is done in order
Event = Any  # a mark in a stream, to wait for
Graph = Any  # recorded work, to be launched again

Shape = Union[int, Tuple[int, ...]]


class Device(NamedTuple):
    """A GPU: its name, and its compute capability, such as 8.7."""

    name: str
    capability: str


class Cuda:
    """The calls of one library, which behave alike whatever the library is.

    They may be made in any thread, inside `with cuda.active():`. What copies, records or launches
    returns at once, and is done in the stream's order; only `upload` and `wait` wait. Everything
    but page-locked arrays is freed by `close`, or before, when nobody holds it.
    """

    name = ""  # the library's, as `open_cuda` takes it
    modules: Tuple[str, ...] = ()  # where the library has its calls: the first that is there

    def __init__(self, device: Device) -> None:
        self.device = device

    def active(self) -> ContextManager[None]:
        """A `with` around calls: the GPU is this thread's, and CUDA's errors are explained."""
        raise NotImplementedError

    def close(self) -> None:
        """Free what was made and is not freed with its Python object."""
        raise NotImplementedError

    # Memory --------------------------------------------------------------------------------------

    def alloc(self, nbytes: int) -> Memory:
        """Memory on the GPU, with anything in it."""
        raise NotImplementedError

    def pinned(self, shape: Shape, dtype: Any) -> np.ndarray:
        """A page-locked array of zeros on the host. It lives as long as an array on it does."""
        raise NotImplementedError

    # Copies --------------------------------------------------------------------------------------

    def upload(self, memory: Memory, array: np.ndarray) -> None:
        """Copy any array to the GPU and wait for it."""
        raise NotImplementedError

    def copy_in(self, memory: Memory, array: np.ndarray, stream: Stream) -> None:
        """Copy a page-locked array to the GPU."""
        raise NotImplementedError

    def copy_out(self, array: np.ndarray, memory: Memory, stream: Stream) -> None:
        """Copy from the GPU to a page-locked array."""
        raise NotImplementedError

    def copy_on(self, target: int, sources: Sequence[int], nbytes: int, stream: Stream) -> None:
        """Copy blocks of `nbytes` that are on the GPU, one behind the other."""
        raise NotImplementedError

    # Streams and events --------------------------------------------------------------------------

    def stream(self) -> Stream:
        """A stream that does not wait for the default stream, where decoders work."""
        raise NotImplementedError

    def handle(self, stream: Stream) -> int:
        """The stream's number, as TensorRT takes it."""
        raise NotImplementedError

    def event(self) -> Event:
        """A mark that is not in any stream yet."""
        raise NotImplementedError

    def record(self, event: Event, stream: Stream) -> None:
        """Put the mark behind all that is on the stream."""
        raise NotImplementedError

    def wait(self, event: Event) -> None:
        """Wait here until the stream has come to the mark."""
        raise NotImplementedError

    def wait_on(self, stream: Stream, event: Event) -> None:
        """What is put on the stream from now on waits for the mark; nobody else does."""
        raise NotImplementedError

    def seconds(self, first: Event, last: Event) -> float:
        """The time from one mark to another, by the GPU's clock."""
        raise NotImplementedError

    # Graphs --------------------------------------------------------------------------------------

    def capture(self, stream: Stream, work: Callable[[], None]) -> Graph:
        """A graph of what `work()` puts on the stream, which is not done now."""
        raise NotImplementedError

    def launch(self, graph: Graph, stream: Stream) -> None:
        """Do a graph's work in the stream."""
        raise NotImplementedError


def no_gpu(reason: Any) -> CourseError:
    """The error to raise where no GPU can be used."""
    return CourseError(
        f"No NVIDIA GPU can be used here: {reason}. Look at nvidia-smi; the backend cpu runs "
        "everywhere."
    )


def call_failed(reason: Any) -> CourseError:
    """The error to raise where a CUDA call went wrong."""
    advice = "An engine and its buffers belong to the thread that opened it."
    if "memory" in str(reason):
        advice = "Close other programs that use the GPU, or take a smaller batch."
    return CourseError(f"CUDA says: {reason}. {advice}")
