"""Of TensorRT's stand-in: plugins, and what runs an engine, with both generations of the API."""

import json
import types

import numpy as np
import onnx
import onnxruntime

from .tensorrt_parts import MAGIC, Strict, onnx_dtype, onnx_shape, part_of, type_of, typed

PLUGINS = {
    "FlattenConcat_TRT": (0, 11),
    "NMS_TRT": (0, 11),
    "EfficientNMS_TRT": (8, 11),
    "ROIAlign_TRT": (10, 99),
}


def add_plugins(trt, version):
    """The registry, which is empty until somebody asks for NVIDIA's plugins."""
    creators = []

    @part_of(trt)
    class IPluginRegistry(Strict):
        all_creators = creators
        plugin_creator_list = creators

    registry = IPluginRegistry()

    @typed
    def init_libnvinfer_plugins(logger: trt.ILogger, namespace: str):
        for name, span in PLUGINS.items():
            if version.has(span):
                creators.append(types.SimpleNamespace(name=name))
        return True

    trt.init_libnvinfer_plugins = init_libnvinfer_plugins
    trt.get_plugin_registry = lambda: registry


def add_runtime(trt, card):
    """The runtime, engines and contexts."""
    stage = trt._stage
    context_type = execution_context(trt, card)
    engine_type = cuda_engine(trt, context_type)

    @part_of(trt)
    class Runtime(Strict):
        @typed
        def __init__(self, logger: trt.ILogger):
            self._log = logger

        @typed
        def deserialize_cuda_engine(self, serialized_engine: bytes):
            errors = list(stage.refuse)
            if not errors and not serialized_engine.startswith(MAGIC):
                errors = ["Magic tag does not match"]
            for text in errors:
                self._log.log(trt.ILogger.ERROR, text)
            if errors:
                return None
            return engine_type(serialized_engine, self._log)

        def __del__(self):
            stage.freed.append("runtime")


def cuda_engine(trt, context_type):  # noqa: C901
    """The class of an engine: what an ONNX file says, and ONNX Runtime to run it."""
    stage = trt._stage

    @part_of(trt)
    class ICudaEngine(Strict):
        def __init__(self, data, log):
            head, self._model = data[len(MAGIC) :].split(b"\n", 1)
            _, self._batch, self._implicit = json.loads(head.decode())
            self._log = log

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            self._session = onnxruntime.InferenceSession(
                self._model, options, providers=["CPUExecutionProvider"]
            )

            graph = onnx.load_model_from_string(self._model).graph
            self._layers = [node.name or node.output[0] for node in graph.node]
            self._entry = graph.input[0].name
            self._shapes = {}
            self._dtypes = {}
            for value in [*graph.input, *graph.output]:
                self._shapes[value.name] = onnx_shape(value)
                self._dtypes[value.name] = onnx_dtype(value.type.tensor_type.elem_type)
            self._names = list(self._shapes)

        # Named tensors

        @property
        def num_io_tensors(self):
            return len(self._names)

        @typed
        def get_tensor_name(self, index: int):
            return self._names[index]

        @typed
        def get_tensor_mode(self, name: str):
            if name == self._entry:
                return trt.TensorIOMode.INPUT
            return trt.TensorIOMode.OUTPUT

        @typed
        def get_tensor_shape(self, name: str):
            if self._implicit:
                return self._shapes[name][1:]
            return self._shapes[name]

        @typed
        def get_tensor_dtype(self, name: str):
            return type_of(trt, self._dtypes[name])

        @typed
        def get_tensor_profile_shape(self, name: str, profile_index: int):
            return [(length,) + self._shapes[name][1:] for length in self._batch]

        # Numbered bindings

        @property
        def num_bindings(self):
            return len(self._names)

        @property
        def has_implicit_batch_dimension(self):
            return self._implicit

        @property
        def max_batch_size(self):
            return self._batch[2]

        @typed
        def get_binding_name(self, index: int):
            return self._names[index]

        @typed
        def binding_is_input(self, index: int):
            return self._names[index] == self._entry

        @typed
        def get_binding_shape(self, index: int):
            shape = self._shapes[self._names[index]]
            if self._implicit:
                return shape[1:]
            return shape

        @typed
        def get_binding_dtype(self, index: int):
            return type_of(trt, self._dtypes[self._names[index]])

        @typed
        def get_profile_shape(self, profile_index: int, binding: str):
            return [(length,) + self._shapes[binding][1:] for length in self._batch]

        # What both have

        def create_execution_context(self):
            if stage.no_context:
                return None
            return context_type(self)

        def create_engine_inspector(self):
            layers = [{"Name": name, "LayerType": "kernel", "Outputs": []} for name in self._layers]
            return _Inspector(trt, layers)

        def __del__(self):
            stage.freed.append("engine")

    return ICudaEngine


class _Inspector:
    """Tells of an engine's layers."""

    def __init__(self, trt, layers):
        self._trt = trt
        self._layers = layers

    def get_engine_information(self, kind):
        if kind is not self._trt.LayerInformationFormat.JSON:
            return ""
        return json.dumps({"Layers": self._layers})


def execution_context(trt, card):  # noqa: C901
    """The class of a context: it puts ONNX Runtime's run on a stream."""
    stage = trt._stage

    @part_of(trt)
    class IExecutionContext(Strict):
        profiler = None

        def __init__(self, engine):
            # Not the engine itself, which must be free to go before its contexts
            self._session = engine._session
            self._dtypes = engine._dtypes
            self._layers = engine._layers
            self._names = engine._names
            self._entry = engine._entry
            self._batch = engine._batch
            self._log = engine._log

            # What is set before a run
            self._entry_shape = engine._shapes[engine._entry]
            self._shape = None
            if self._entry_shape[0] != -1:
                self._shape = self._entry_shape
            self._addresses = {}
            self._stream = None

        @typed
        def set_input_shape(self, name: str, shape: tuple):
            return self._take(shape)

        @typed
        def set_binding_shape(self, binding: int, shape: tuple):
            return self._take(shape)

        def _take(self, shape):
            fits = self._batch[0] <= shape[0] <= self._batch[2]
            self._shape = shape if fits else None
            return fits

        @typed
        def set_tensor_address(self, name: str, memory: int):
            self._addresses[name] = memory

        @typed
        def execute_async(self, batch_size: int, bindings: list, stream_handle: int):
            self._shape = (batch_size,) + self._entry_shape[1:]
            self._addresses = dict(zip(self._names, bindings))
            return self._enqueue(stream_handle)

        @typed
        def execute_async_v2(self, bindings: list, stream_handle: int):
            self._addresses = dict(zip(self._names, bindings))
            return self._enqueue(stream_handle)

        @typed
        def execute_async_v3(self, stream_handle: int):
            return self._enqueue(stream_handle)

        def _enqueue(self, stream_handle):
            if self._shape is None or set(self._addresses) != set(self._names):
                self._log.log(
                    trt.ILogger.ERROR,
                    "Parameter check failed: an input shape or an address is not set",
                )
                return False
            self._stream = card.get("stream", stream_handle)
            self._stream.add(self._work())
            return True

        def _work(self):
            """The run as it is set now, to be done later; it does not hold the context."""
            session = self._session
            entry = self._entry
            outputs = self._names[1:]
            shape = self._shape
            dtype = self._dtypes[entry]
            nbytes = int(np.prod(shape)) * dtype.itemsize
            addresses = dict(self._addresses)
            profiler = self.profiler
            layers = self._layers

            def work():
                data = card.view(addresses[entry], nbytes)
                pictures = data.view(dtype).reshape(shape)
                values = session.run(outputs, {entry: pictures})
                for name, value in zip(outputs, values):
                    flat = np.ascontiguousarray(value).reshape(-1)
                    card.view(addresses[name], value.nbytes)[:] = flat.view(np.uint8)
                if profiler:
                    for layer in layers:
                        profiler.report_layer_time(layer, 0.5)

            return work

        def __del__(self):
            stage.freed.append("context")
            if self._stream is not None and self._stream.todo:
                card.faults.append("a context is freed while its work is under way")

    return IExecutionContext
