"""The network on an NVIDIA GPU: a plan file opened with TensorRT 7 to 11 or TensorRT-RTX, run on streams of its own.

Runs plans; building them, and whether one fits here, is the build folder's. A plan is code: open only your own.
"""

import atexit
import collections
import itertools
import json
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..support import trace
from ..support.errors import CourseError
from .api import Bindings, Tensors
from .base import Engine
from .cuda import open_cuda
from .plan import deserialize, load_tensorrt, log_of, product_of


class _Lane:
    """An execution context and its stream. Requests of one lane run one after the other, lanes beside each other.

    A lane among several has a thread, for putting layers on a stream takes long, and some engines let nobody go on
    before their last ones are under way. A graph is one short call and needs none.
    """

    def __init__(self, engine, cuda, thread):
        self.context, self.stream, self.bound = (
            engine.create_execution_context(),
            cuda.stream(),
            None,
        )
        self._thread, self._cuda = thread, cuda
        if self.context is None:
            raise CourseError(
                "TensorRT gives no execution context: the GPU's memory is full. Close other programs, "
                "or build with a smaller batch."
            )

    def do(self, work, *args):
        """A Future of the lane's thread, or None where it has none and the work is done."""
        if self._thread is None:
            return work(*args)
        return self._thread.submit(self._in_thread, work, args)

    def _in_thread(self, work, args):
        with self._cuda.active():
            work(*args)

    def close(self):
        if self._thread is not None:
            self._thread.shutdown()
        end = self._cuda.event()
        self._cuda.record(end, self.stream)
        self._cuda.wait(end)  # a context must outlive the work it started
        self.context = self.bound = None


class Placer:
    """Sends pictures into resident requests, for one thread. The request's run waits for them, on the GPU."""

    def __init__(self, cuda, entry):
        self._cuda, self._entry, self._stream, self._sent = cuda, entry, cuda.stream(), cuda.event()

    def __call__(self, request, first, pictures):
        """GpuFrames, copied on return, or an array in page-locked memory become the pictures from `first` on."""
        target = int(request.memory[self._entry]) + first * request.inputs[self._entry][0].nbytes
        with self._cuda.active():
            if hasattr(pictures, "nbytes"):
                self._cuda.copy_in(target, pictures, self._stream)
                self._cuda.record(self._sent, self._stream)
                request.arrivals[self] = self._sent
            else:
                self._cuda.copy_on(
                    target, [frame.address for frame in pictures], pictures[0].nbytes, self._stream
                )
                self._cuda.record(self._sent, self._stream)
                self._cuda.wait(
                    self._sent
                )  # here: their decoder goes on then, and the engine's thread has less to do

    def wait(self):
        """Until what was sent is no longer read."""
        with self._cuda.active():
            self._cuda.wait(self._sent)


_open = weakref.WeakSet()
atexit.register(lambda: [engine.close() for engine in list(_open)])  # while CUDA is still there


class TrtEngine(Engine):
    """A plan file on the GPU; use it in the thread that opened it.

    `lanes` contexts run requests beside each other; `graph` replays a request as one CUDA graph; `api` "bindings"
    takes the older API where both exist; `library` names the CUDA library.
    """

    on_gpu = True

    def __init__(self, path, lanes=1, graph=False, api=None, library=None):
        trt = load_tensorrt()
        self._thread, self._graph, self._closed, self._lanes = (
            threading.get_ident(),
            graph,
            False,
            [],
        )
        self.lanes = lanes
        self._zero = None  # an event and its moment on the host's clock, for traces
        self._cuda = open_cuda(library or ("cuda-python" if graph else None))
        self._array = self._cuda.pinned
        _open.add(self)
        try:
            with self._cuda.active():
                self._engine, self._runtime = deserialize(trt, path)
                modern = api != "bindings" and hasattr(self._engine, "num_io_tensors")
                self._api = (Tensors if modern else Bindings)(trt, self._engine)
                for i in range(lanes):
                    thread = (
                        ThreadPoolExecutor(1, f"lane {i + 1}") if lanes > 1 and not graph else None
                    )
                    self._lanes.append(_Lane(self._engine, self._cuda, thread))
        except BaseException:
            self.close()
            raise
        self._turns = itertools.cycle(self._lanes)
        self.inputs = tuple(t for t in self._api.infos if t.name in self._api.inputs)
        self.outputs = tuple(t for t in self._api.infos if t.name not in self._api.inputs)
        first = self.inputs[0]
        shapes = self._api.batches(first.name) if first.shape[0] == -1 else [first.shape] * 3
        self.min_batch, self.max_batch = shapes[0][0], shapes[2][0]
        self.name = (
            f"TensorRT {product_of(trt)} on {self._cuda.device.name}, with {self._cuda.name}"
        )

    def _enter(self):
        if self._closed:
            raise CourseError("This engine is closed; open it again to use it.")
        if threading.get_ident() != self._thread:
            raise CourseError(
                "This engine was opened in another thread. Open it in the thread that uses it "
                "(AsyncCamera's make_detector does so), or pass it pictures through a queue."
            )
        return self._cuda.active()

    def new_request(self, batch=1, resident=False):
        """`resident`: the pictures are put on the GPU by a `placer`, nothing is copied in."""
        with self._enter():
            request = super().new_request(batch)
            request.resident, request.stamps, request.arrivals = resident, {}, {}
            request.host = self._arrays(self.outputs, len(request.inputs[self.inputs[0].name]))
            request.memory = {
                name: self._cuda.alloc(array.nbytes)
                for name, array in {**request.inputs, **request.host}.items()
            }
            request.lane, request.done, request.graph = next(self._turns), self._cuda.event(), None
            if self._graph:
                self._record(request)
        return request

    def _record(self, request):
        self._enqueue(request)
        self._cuda.wait(request.done)
        try:
            request.graph = self._cuda.capture(request.lane.stream, lambda: self._work(request))
            request.stamps = {}
        except CourseError as err:
            raise CourseError(
                f"This engine cannot be recorded as a CUDA graph: {err} Leave the graph out. Often "
                "TensorRT's own NMS layer is the cause: build with --nms host."
            ) from None

    def _start(self, request):
        with self._enter():
            if trace.current() and self._zero is None:
                self._zero = self._cuda.event(), time.perf_counter()
                self._cuda.record(self._zero[0], request.lane.stream)
            request.begun = request.lane.do(self._enqueue, request)
        return request.done

    def _finish(self, request):
        with self._enter():
            if request.begun is not None:
                request.begun.result()
            self._cuda.wait(request.done)
            if request.stamps and trace.current():
                self._tell(request)
        return request.host

    def _enqueue(self, request):
        lane = request.lane
        for sent in request.arrivals.values():
            self._cuda.wait_on(lane.stream, sent)
        request.arrivals.clear()
        self._stamp(request, "")
        if request.graph is not None:
            self._cuda.launch(request.graph, lane.stream)
            self._stamp(request, "graph")
        else:
            if lane.bound is not request:
                self._api.bind(lane.context, request)
                lane.bound = request
            self._work(request, self._stamp)
        self._cuda.record(request.done, lane.stream)

    def _stamp(self, request, name):
        """While someone traces, an event behind what was put on the stream."""
        if trace.current():
            if name not in request.stamps:
                request.stamps[name] = self._cuda.event()
            self._cuda.record(request.stamps[name], request.lane.stream)

    def _tell(self, request):
        """The stamps as spans; the GPU's clock is set to the host's at the first stamp."""
        moments = [
            (name, self._zero[1] + self._cuda.seconds(self._zero[0], stamp))
            for name, stamp in request.stamps.items()
        ]
        for (_, start), (name, end) in zip(moments, moments[1:]):
            trace.current().add(
                name, f"stream {self._lanes.index(request.lane) + 1}", start, end, {}
            )

    def _work(self, request, stamp=lambda *_: None):
        for name, array in request.inputs.items() if not request.resident else ():
            self._cuda.copy_in(request.memory[name], array, request.lane.stream)
        stamp(request, "copy in")
        if not self._run(request):
            raise CourseError(
                "TensorRT could not run the network: {}".format(
                    " ".join(log_of(load_tensorrt()).errors[-1:]) or "it does not say why"
                )
            )
        stamp(request, "network")
        for name, array in request.host.items():
            self._cuda.copy_out(array, request.memory[name], request.lane.stream)
        stamp(request, "copy out")

    def placer(self):
        """A Placer for one other thread."""
        with self._enter():
            return Placer(self._cuda, self.inputs[0].name)

    def _run(self, request):
        return self._api.run(request.lane.context, request, self._cuda.handle(request.lane.stream))

    def compute(self, request):
        """The network alone on what a submitted request left on the GPU, without copies and waiting: to be measured."""
        with self._enter():
            request.lane.do(self._run, request)

    def layers(self, runs=20):
        """A row a layer: what TensorRT tells of it, and its mean microseconds over `runs` runs of the largest batch."""
        trt, spent, told = load_tensorrt(), collections.defaultdict(list), []

        class Profiler(trt.IProfiler):
            def report_layer_time(self, layer_name, ms):
                spent[layer_name].append(ms * 1e3)

        with self._enter():
            if hasattr(self._engine, "create_engine_inspector"):
                told = self._engine.create_engine_inspector().get_engine_information(
                    trt.LayerInformationFormat.JSON
                )
                told = json.loads(told, strict=False)["Layers"]  # names hold line ends
        request = self.new_request(self.max_batch)
        self._profiler = request.lane.context.profiler = Profiler()
        for _ in range(runs + 1):
            self.infer(request)
        rows = {name: {"Name": name} for name in spent}
        rows.update(
            (row["Name"], row) if isinstance(row, dict) else (row, {"Name": row}) for row in told
        )
        return [
            dict(row, microseconds=float(np.mean(spent[name][1:] or 0)))
            for name, row in rows.items()
        ]

    def close(self):
        """Contexts first, then the engine, its runtime, and the memory."""
        if not self._closed:
            self._closed = True
            with self._cuda.active():
                for lane in self._lanes:
                    lane.close()
                self._api = self._engine = self._runtime = None
                self._cuda.close()
