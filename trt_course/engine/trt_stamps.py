"""What the GPU did when, for traces: events behind the steps of a request, told as spans."""

import time
from typing import Optional

from ..support import trace
from .cuda_base import Cuda, Event, Stream
from .trt_request import TrtRequest


class Stamps:
    """Stamps the steps of requests while somebody traces; else each call returns at once.

    The GPU's clock is set to the host's once, when the first traced request is started.
    """

    def __init__(self, cuda: Cuda) -> None:
        self._cuda = cuda
        self._zero: Optional[Event] = None
        self._moment_of_zero = 0.0  # on the host's clock

    def set_clock(self, stream: Stream) -> None:
        """Before a request is put on the stream: set the clock, unless that is done."""
        if trace.current() and self._zero is None:
            zero = self._cuda.event()
            self._moment_of_zero = time.perf_counter()
            self._cuda.record(zero, stream)
            self._zero = zero

    def stamp(self, request: TrtRequest, step: str) -> None:
        """Mark that a step is on the request's stream; step "" marks where the first begins."""
        if trace.current():
            if step not in request.stamps:
                request.stamps[step] = self._cuda.event()
            self._cuda.record(request.stamps[step], request.lane.stream)

    def tell(self, request: TrtRequest) -> None:
        """Write a request's steps into the trace, each from the stamp before it to its own."""
        recording = trace.current()
        if not recording:
            return
        start = None
        for step, event in request.stamps.items():
            end = self._moment_of_zero + self._cuda.seconds(self._zero, event)
            if start is not None:
                recording.add(step, request.lane.name, start, end, {})
            start = end
