"""Of TensorRT's stand-in: plugins, the runtime and engines, with both generations of the API.

What an engine refuses is what the headers of TensorRT's versions say (NvInferRuntime.h).
"""

import json
import types

import onnx
import onnxruntime

from .tensorrt_context import Profile, execution_context
from .tensorrt_parts import MAGIC, Dims, Strict, onnx_dtype, onnx_shape, part_of, type_of, typed

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


def add_runtime(trt, version, card):
    """The runtime, engines and contexts."""
    stage = trt._stage
    context_type = execution_context(trt, card)
    engine_type = cuda_engine(trt, version, context_type)

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


def cuda_engine(trt, version, context_type):  # noqa: C901
    """The class of an engine: what an ONNX file says, and ONNX Runtime to run it."""
    stage = trt._stage

    @part_of(trt)
    class ICudaEngine(Strict):
        def __init__(self, data, log):
            head, self._model = data[len(MAGIC) :].split(b"\n", 1)
            _, self._batch, self._implicit, shared = json.loads(head.decode())
            self._profile = Profile(self._batch, shared=version.shares_profiles(shared))
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
                self._shapes[value.name] = self._shape_of(value)
                self._dtypes[value.name] = onnx_dtype(value.type.tensor_type.elem_type)
            self._names = list(self._shapes)

        def _shape_of(self, value):
            """The shape in the ONNX file. A batch that the profile leaves no choice is fixed."""
            shape = onnx_shape(value)
            least, _, most = self._batch
            if shape[:1] == (-1,) and least == most and not self._implicit:
                shape = (most,) + shape[1:]
            return shape

        def _seen_shape(self, name):
            shape = self._shapes[name]
            return Dims(shape[1:] if self._implicit else shape)

        def _profile_shapes(self, name):
            if name != self._entry:
                return [Dims([])] * 3
            return [Dims((length,) + self._shapes[name][1:]) for length in self._batch]

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
            return self._seen_shape(name)

        @typed
        def get_tensor_dtype(self, name: str):
            return type_of(trt, self._dtypes[name])

        @typed
        def get_tensor_profile_shape(self, name: str, profile_index: int):
            return self._profile_shapes(name)

        # Numbered bindings

        @property
        def num_bindings(self):
            return len(self._names)

        @property
        def has_implicit_batch_dimension(self):
            return self._implicit

        @property
        def max_batch_size(self):
            return self._batch[2] if self._implicit else 1

        @typed
        def get_binding_name(self, index: int):
            return self._names[index]

        @typed
        def binding_is_input(self, index: int):
            return self._names[index] == self._entry

        @typed
        def get_binding_shape(self, index: int):
            return self._seen_shape(self._names[index])

        @typed
        def get_binding_dtype(self, index: int):
            return type_of(trt, self._dtypes[self._names[index]])

        @typed
        def get_profile_shape(self, profile_index: int, binding: str):
            return self._profile_shapes(binding)

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
