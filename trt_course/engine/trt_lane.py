"""A lane of the TensorRT engine: an execution context and a stream, where requests run in turn."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Callable, Optional

from ..support.errors import CourseError
from .base import Request
from .cuda_base import Cuda


class Lane:
    """An execution context and its stream.

    The requests of one lane run one after the other, those of several lanes beside each other.

    Putting layers on a stream takes long, and some engines return only when their last layers are
    under way: so a lane among several has a thread. A graph is one short call and needs none.
    """

    def __init__(
        self, engine: Any, cuda: Cuda, name: str, thread: Optional[ThreadPoolExecutor]
    ) -> None:
        self.name = name  # in traces
        self.context = engine.create_execution_context()
        self.stream = cuda.stream()
        self.bound: Optional[Request] = None  # the request whose memory the context knows
        self._cuda = cuda
        self._thread = thread
        if self.context is None:
            raise CourseError(
                "TensorRT gives no execution context: the GPU's memory is full. Close other "
                "programs, or build with a smaller batch."
            )

    def do(self, work: Callable[[Any], Any], request: Request) -> "Optional[Future[None]]":
        """Work on a request: a Future of the lane's thread, or None where it was done here."""
        if self._thread is not None:
            return self._thread.submit(self._in_thread, work, request)
        work(request)
        return None

    def _in_thread(self, work: Callable[[Any], Any], request: Request) -> None:
        with self._cuda.active():
            work(request)

    def close(self) -> None:
        """Wait for the work on the stream, which a context must outlive, and let the context go."""
        if self._thread is not None:
            self._thread.shutdown()
        end = self._cuda.event()
        self._cuda.record(end, self.stream)
        self._cuda.wait(end)
        self.context = None
        self.bound = None
