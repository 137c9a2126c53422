"""The network on an NVIDIA GPU: a plan file, run with TensorRT 7 to 11 or TensorRT-RTX.

It runs plans; the builder builds them, and the manifest says whether one fits this machine. A plan
is code: open only your own.
"""

import atexit
import functools
import itertools
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ContextManager, List, Optional, Tuple

import numpy as np

from ..support.errors import CourseError
from .api import api_of
from .base import Arrays, Engine, require_usable
from .cuda import open_cuda
from .cuda_base import Event
from .plan import deserialize, load_tensorrt, log_of, product_of
from .trt_lane import Lane
from .trt_layers import Row, described_layers, new_profiler, timed_layers
from .trt_placer import Placer
from .trt_request import TrtRequest
from .trt_stamps import Stamps

_open_engines: "weakref.WeakSet[TrtEngine]" = weakref.WeakSet()


class TrtEngine(Engine):
    """A plan file on the GPU; use it in the thread that opened it.

    A request is put on the stream of its lane in three steps: the pictures are copied in, the
    network runs, the outputs are copied out.

    `lanes` contexts run requests beside each other. With `graph`, each request is recorded once
    and then launched as one CUDA graph. `api` "bindings" takes the older API where TensorRT has
    both, and `library` names the CUDA library. `precision` and `threshold` are what the record
    beside the plan says of it.
    """

    def __init__(
        self,
        path: Any,
        lanes: int = 1,
        graph: bool = False,
        api: Optional[str] = None,
        library: Optional[str] = None,
        precision: str = "fp32",
        threshold: float = 0.0,
    ) -> None:
        super().__init__()
        trt = load_tensorrt()
        if graph and library is None:
            library = "cuda-python"  # pycuda has no graphs

        # Where it runs and how it was built
        self.on_gpu = True
        self.precision = precision
        self.threshold = threshold

        # How it is used
        self._thread = threading.get_ident()  # the only one that may use it
        self._graph = graph
        self._closed = False

        # What it holds
        self._cuda = open_cuda(library)
        self._stamps = Stamps(self._cuda)
        self._engine: Any = None  # TensorRT's own
        self._runtime: Any = None
        self._lanes: List[Lane] = []
        self._profiler: Any = None  # TensorRT itself does not hold it

        _open_engines.add(self)
        try:
            with self._cuda.active():
                self._engine, self._runtime = deserialize(trt, path)
                self._api = api_of(trt, self._engine, api)
                self._declare(product_of(trt))
                self._open_lanes(lanes)
        except BaseException:
            self.close()
            raise
        self._turns = itertools.cycle(self._lanes)  # each new request gets the next

    def _declare(self, product: str) -> None:
        """Set the attributes that follow from the plan and the GPU."""
        self.inputs = tuple(self._api.inputs)
        self.outputs = tuple(self._api.outputs)
        require_usable(self.inputs)
        self.min_batch, self.max_batch = self._api.batch_range(self._engine)
        device = self._cuda.device
        self.name = f"TensorRT {product} on {device.name}, with {self._cuda.name}"

    def _open_lanes(self, count: int) -> None:
        """Open so many lanes, or as many as this TensorRT gives a range of batches to."""
        for number in range(1, count + 1):
            thread = None
            if count > 1 and not self._graph:
                thread = ThreadPoolExecutor(1, f"lane {number}")
            lane = Lane(self._engine, self._cuda, f"stream {number}", thread)
            if not self._api.can_run(lane.context):
                lane.close()
                break
            self._lanes.append(lane)
        self.lanes = len(self._lanes)

    def close(self) -> None:
        """Free the contexts, then the engine, its runtime and the memory. Twice is fine."""
        if self._closed:
            return
        self._closed = True
        with self._cuda.active():
            for lane in self._lanes:
                lane.close()
            self._engine = None
            self._runtime = None
            self._cuda.close()

    # Requests ------------------------------------------------------------------------------------

    def new_request(self, batch: int = 1, resident: bool = False) -> TrtRequest:
        """A request for up to `batch` items, with memory on the GPU.

        A resident one's pictures are put there by a `placer`: nothing is copied in when it runs.
        """
        with self._in_use():
            length = self._length(batch)
            inputs = self._arrays(self.inputs, length)
            host = self._arrays(self.outputs, length)
            memory = {}
            for arrays in (inputs, host):
                for name, array in arrays.items():
                    memory[name] = self._cuda.alloc(array.nbytes)

            request = TrtRequest(
                inputs,
                host,
                memory,
                lane=next(self._turns),
                done=self._cuda.event(),
                resident=resident,
            )
            if self._graph:
                self._capture_graph(request)
        return request

    def placer(self) -> Placer:
        """What sends pictures into resident requests, for one other thread."""
        with self._in_use():
            return Placer(self._cuda, self.inputs[0].name)

    def _new_array(self, shape: Tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        return self._cuda.pinned(shape, dtype)

    def _in_use(self) -> ContextManager[None]:
        """A `with` around all that the engine does; it refuses other threads."""
        if self._closed:
            raise CourseError("This engine is closed; open it again to use it.")
        if threading.get_ident() != self._thread:
            raise CourseError(
                "This engine was opened in another thread. Open it in the thread that uses it "
                "(AsyncCamera's make_detector does so), or pass it pictures through a queue."
            )
        return self._cuda.active()

    # Running -------------------------------------------------------------------------------------

    def _start(self, request: Any) -> Event:
        with self._in_use():
            self._stamps.set_clock(request.lane.stream)
            request.begun = request.lane.do(self._enqueue, request)
        return request.done

    def _finish(self, request: Any) -> Arrays:
        with self._in_use():
            if request.begun is not None:
                request.begun.result()
            self._cuda.wait(request.done)
            if request.stamps:
                self._stamps.tell(request)
        return request.host

    def _enqueue(self, request: TrtRequest) -> None:
        """Put a request's work on its stream."""
        lane = request.lane

        # The GPU first waits for the pictures that placers have sent
        for sent in request.arrivals.values():
            self._cuda.wait_on(lane.stream, sent)
        request.arrivals.clear()

        self._stamps.stamp(request, "")
        if request.graph is not None:
            self._cuda.launch(request.graph, lane.stream)
            self._stamps.stamp(request, "graph")
        else:
            self._bind(request)
            self._copy_in(request)
            self._stamps.stamp(request, "copy in")
            self._run_network(request)
            self._stamps.stamp(request, "network")
            self._copy_out(request)
            self._stamps.stamp(request, "copy out")
        self._cuda.record(request.done, lane.stream)

    def _bind(self, request: TrtRequest) -> None:
        """Tell the context about the request, unless it knows already."""
        lane = request.lane
        if lane.bound is not request:
            self._api.bind(lane.context, request)
            lane.bound = request

    def _copy_in(self, request: TrtRequest) -> None:
        pictures = self.inputs[0].name
        for name, array in request.inputs.items():
            if request.resident and name == pictures:
                continue  # they are there
            self._cuda.copy_in(request.memory[name], array, request.lane.stream)

    def _run_network(self, request: TrtRequest) -> None:
        if not self._run(request):
            errors = log_of(load_tensorrt()).errors
            said = errors[-1] if errors else "it does not say why"
            raise CourseError(f"TensorRT could not run the network: {said}")

    def _run(self, request: TrtRequest) -> bool:
        return self._api.run(request.lane.context, request, self._cuda.handle(request.lane.stream))

    def _copy_out(self, request: TrtRequest) -> None:
        for name, array in request.host.items():
            self._cuda.copy_out(array, request.memory[name], request.lane.stream)

    # Graphs --------------------------------------------------------------------------------------

    def _capture_graph(self, request: TrtRequest) -> None:
        """Record a request's steps as a graph, after a first run without one."""
        self._enqueue(request)
        self._cuda.wait(request.done)
        try:
            steps = functools.partial(self._put_steps, request)
            request.graph = self._cuda.capture(request.lane.stream, steps)
        except CourseError as err:
            raise CourseError(
                f"This engine cannot be recorded as a CUDA graph: {err} Leave the graph out. Often "
                "TensorRT's own NMS layer is the cause: build with --nms host."
            ) from None
        request.stamps.clear()

    def _put_steps(self, request: TrtRequest) -> None:
        self._copy_in(request)
        self._run_network(request)
        self._copy_out(request)

    # Measuring -----------------------------------------------------------------------------------

    def compute(self, request: TrtRequest) -> None:
        """The network alone on what a submitted request left on the GPU, to be measured.

        Nothing is copied, and nobody waits.
        """
        with self._in_use():
            request.lane.do(self._run, request)

    def layers(self, runs: int = 20) -> List[Row]:
        """A row for each layer: what TensorRT tells of it, and its mean `microseconds`.

        They are measured in `runs` runs of the largest batch.
        """
        trt = load_tensorrt()
        with self._in_use():
            described = described_layers(trt, self._engine)

        request = self.new_request(self.max_batch)
        self._profiler = new_profiler(trt)
        request.lane.context.profiler = self._profiler
        for _ in range(runs + 1):
            self.infer(request)
        return timed_layers(described, self._profiler.spent)


@atexit.register
def _close_all() -> None:
    """At exit, while CUDA is still there."""
    for engine in list(_open_engines):
        engine.close()
