"""A request of the TensorRT engine: a request with memory on the GPU and a lane to run in."""

from typing import Any, Dict

from .base import Arrays, Request
from .cuda_base import Event, Graph, Memory
from .trt_lane import Lane


class TrtRequest(Request):
    """One inference on the GPU.

    A resident request's pictures are put on the GPU by placers, so that they need not be copied in
    when it runs. Only a TrtEngine makes these requests; its placers and its stamps write into them.
    """

    def __init__(
        self,
        inputs: Arrays,
        host: Arrays,
        memory: Dict[str, Memory],
        lane: Lane,
        done: Event,
        resident: bool,
    ) -> None:
        super().__init__(inputs)
        # Where its tensors lie
        self.host = host  # the outputs' arrays on the host, page-locked like the inputs'
        self.memory = memory  # on the GPU, for each input and output
        self.resident = resident  # the pictures are on the GPU already when it runs

        # How it runs
        self.lane = lane  # always the same
        self.done = done  # an event behind its last copy
        self.graph: Graph = None  # what a launch replays, where the engine records graphs
        self.begun: Any = None  # a Future of the lane's thread, where the lane has one

        # What others leave in it
        self.arrivals: Dict[Any, Event] = {}  # by placer, an event behind the pictures it sent
        self.stamps: Dict[str, Event] = {}  # by step, an event behind it, while somebody traces
