"""The network on an NVIDIA GPU: a plan file opened with TensorRT 7 to 11 or TensorRT-RTX, run on streams of its own.

Runs plans; building them, and knowing whether one fits this machine, is the build folder's. A plan is code: open only
your own.
"""
import atexit
import json
import threading
import weakref

import numpy as np

from ..errors import CourseError
from .base import Engine, TensorInfo
from .cuda import open_cuda
from .plan import describe, deserialize, load_tensorrt, log_of


class _Tensors:
    """The API with named tensors, TensorRT 8.5 on."""

    def __init__(self, trt, engine):
        self.engine = engine
        self.names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
        self.inputs = [n for n in self.names if engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT]

    def info(self, trt, name):
        return TensorInfo(name, tuple(self.engine.get_tensor_shape(name)),
                          np.dtype(trt.nptype(self.engine.get_tensor_dtype(name))))

    def batches(self, name):
        low, _, high = self.engine.get_tensor_profile_shape(name, 0)
        return low[0], high[0]

    def bind(self, context, request):
        for name, array in request.inputs.items():
            context.set_input_shape(name, array.shape)
        for name, memory in request.memory.items():
            context.set_tensor_address(name, memory.ptr)

    def run(self, context, request, stream):
        return context.execute_async_v3(stream)


class _Bindings:
    """The API with numbered bindings, until TensorRT 9. A UFF or older TLT engine has its batch outside the shapes."""

    def __init__(self, trt, engine):
        self.engine, self.implicit = engine, engine.has_implicit_batch_dimension
        self.names = [engine.get_binding_name(i) for i in range(engine.num_bindings)]
        self.inputs = [n for i, n in enumerate(self.names) if engine.binding_is_input(i)]

    def info(self, trt, name):
        index = self.names.index(name)
        shape = tuple(self.engine.get_binding_shape(index))
        return TensorInfo(name, (-1,) + shape if self.implicit else shape,
                          np.dtype(trt.nptype(self.engine.get_binding_dtype(index))))

    def batches(self, name):
        if self.implicit:
            return 1, self.engine.max_batch_size
        low, _, high = self.engine.get_profile_shape(0, name)
        return low[0], high[0]

    def bind(self, context, request):
        request.bindings = [request.memory[name].ptr for name in self.names]
        for name, array in request.inputs.items():
            if not self.implicit:
                context.set_binding_shape(self.names.index(name), array.shape)

    def run(self, context, request, stream):
        if self.implicit:
            batch = len(request.inputs[self.inputs[0]])
            return context.execute_async(batch_size=batch, bindings=request.bindings, stream_handle=stream)
        return context.execute_async_v2(bindings=request.bindings, stream_handle=stream)


class _Lane:
    """An execution context and its stream. Requests of one lane run one after the other, lanes beside each other."""

    def __init__(self, engine, cuda):
        self.context, self.stream, self.bound = engine.create_execution_context(), cuda.stream(), None
        if self.context is None:
            raise CourseError("TensorRT gives no execution context: the GPU's memory is full. Close other programs, "
                              "or build with a smaller batch.")


_open = weakref.WeakSet()
atexit.register(lambda: [engine.close() for engine in list(_open)])  # while CUDA is still there


class TrtEngine(Engine):
    """A plan file on the GPU; use it in the thread that opened it.

    `lanes` contexts run requests beside each other; `graph` replays a request as one CUDA graph; `api` "bindings"
    takes the older API where both exist; `library` names the CUDA library.
    """

    def __init__(self, path, lanes=1, graph=False, api=None, library=None):
        trt = load_tensorrt()
        self._thread, self._graph, self._closed = threading.get_ident(), graph, False
        self._cuda = open_cuda(library or ("cuda-python" if graph else None))
        self._lanes, self._next, self._engine, self._runtime = [], 0, None, None
        _open.add(self)
        try:
            with self._cuda.active():
                self._engine, self._runtime = deserialize(trt, path)
                modern = api != "bindings" and hasattr(self._engine, "num_io_tensors")
                self._api = (_Tensors if modern else _Bindings)(trt, self._engine)
                self._lanes = [_Lane(self._engine, self._cuda) for _ in range(lanes)]
        except BaseException:
            self.close()
            raise
        infos = [self._api.info(trt, name) for name in self._api.names]
        self.inputs = tuple(t for t in infos if t.name in self._api.inputs)
        self.outputs = tuple(t for t in infos if t.name not in self._api.inputs)
        first = self.inputs[0]
        self.min_batch, self.max_batch = self._api.batches(first.name) if first.shape[0] == -1 else first.shape[:1] * 2
        self.name = "TensorRT {} on {}, with {}".format(describe(trt), self._cuda.device.name, self._cuda.name)

    def _enter(self):
        if self._closed:
            raise CourseError("This engine is closed; open it again to use it.")
        if threading.get_ident() != self._thread:
            raise CourseError("This engine was opened in another thread. An engine belongs to one thread: open it in "
                              "the thread that uses it (AsyncCamera's make_detector does so), or pass it pictures "
                              "through a queue.")
        return self._cuda.active()

    def new_request(self, batch=1):
        with self._enter():
            request = super().new_request(batch)
            batch = len(next(iter(request.inputs.values())))
            arrays = {t.name: self._input_array((batch,) + t.shape[1:], t.dtype) for t in self.outputs}
            request.host = arrays
            request.memory = {name: self._cuda.alloc(a.nbytes) for name, a in {**request.inputs, **arrays}.items()}
            request.lane = self._lanes[self._next % len(self._lanes)]
            self._next += 1
            request.done, request.graph = self._cuda.event(), None
            if self._graph:
                self._enqueue(request)
                self._cuda.wait(request.done)
                request.graph = self._cuda.capture(request.lane.stream, lambda: self._work(request))
        return request

    def _input_array(self, shape, dtype):
        return self._cuda.pinned(shape, dtype)

    def submit(self, request):
        with self._enter():
            self._enqueue(request)
        request.pending = True

    def _enqueue(self, request):
        lane = request.lane
        if request.graph is not None:
            self._cuda.launch(request.graph, lane.stream)
        else:
            if lane.bound is not request:
                self._api.bind(lane.context, request)
                lane.bound = request
            self._work(request)
        self._cuda.record(request.done, lane.stream)

    def _work(self, request):
        stream = request.lane.stream
        for name, array in request.inputs.items():
            self._cuda.copy_in(request.memory[name], array, stream)
        if not self._api.run(request.lane.context, request, self._cuda.handle(stream)):
            raise CourseError("TensorRT could not run the network: {}".format(
                " ".join(log_of(load_tensorrt()).errors[-1:]) or "it does not say why"))
        for name, array in request.host.items():
            self._cuda.copy_out(array, request.memory[name], stream)

    def compute(self, request):
        """The network alone on what a submitted request left on the GPU, without copies and waiting: to be measured."""
        with self._enter():
            self._api.run(request.lane.context, request, self._cuda.handle(request.lane.stream))

    def result(self, request):
        if request.pending is None:
            raise CourseError("There is nothing to wait for: submit the request first.")
        with self._enter():
            self._cuda.wait(request.done)
        request.pending, request.outputs = None, request.host
        return request.outputs

    def layers(self, runs=20):
        """A row a layer: what TensorRT tells of it, and its mean microseconds over `runs` runs of the largest batch."""
        trt, spent = load_tensorrt(), {}

        class Profiler(trt.IProfiler):
            def report_layer_time(self, layer_name, ms):
                spent.setdefault(layer_name, []).append(ms * 1e3)

        with self._enter():
            rows = []
            if hasattr(self._engine, "create_engine_inspector"):
                told = self._engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
                rows = json.loads(told, strict=False)["Layers"]  # names hold line ends
        request = self.new_request(self.max_batch)
        request.lane.context.profiler = profiler = Profiler()
        for _ in range(runs + 1):
            self.infer(request)
        del profiler
        known = {row["Name"] if isinstance(row, dict) else row for row in rows}
        rows = [row if isinstance(row, dict) else {"Name": row} for row in rows]
        rows += [{"Name": name} for name in spent if name not in known]
        return [dict(row, microseconds=float(np.mean(spent.get(row["Name"], [0])[1:] or [0]))) for row in rows]

    def close(self):
        """Contexts first, then the engine, its runtime, and the memory."""
        if not self._closed:
            self._closed = True
            with self._cuda.active():
                for lane in self._lanes:
                    end = self._cuda.event()
                    self._cuda.record(end, lane.stream)
                    self._cuda.wait(end)  # a context must outlive the work it started
                    lane.context = lane.bound = None
                self._api = self._engine = self._runtime = None
                self._cuda.close()
