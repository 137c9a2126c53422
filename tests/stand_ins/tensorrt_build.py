"""Of TensorRT's stand-in: what builds an engine. The network and the plan are the ONNX file."""

import json
import time
import types

import numpy as np
import onnx

from .tensorrt_parts import Strict, onnx_dtype, onnx_shape, part_of, plan, type_of, typed
from .tensorrt_run import PLUGINS

_SINCE = {  # ONNX operators that came late
    "NonMaxSuppression": 8.5,
    "QuantizeLinear": 8,
    "DequantizeLinear": 8,
}
_KINDS = {
    "Constant": "CONSTANT",
    "Reshape": "SHUFFLE",
    "Transpose": "SHUFFLE",
    "Slice": "SLICE",
    "Concat": "CONCATENATION",
}


def add_network(trt, version):  # noqa: C901
    """The network definition, and the parser that reads it from an ONNX file."""

    def of_onnx(number):
        if not number:
            return trt.DataType.FLOAT
        return type_of(trt, onnx_dtype(number))

    @part_of(trt)
    class ITensor(Strict):
        name = None
        dtype = None
        shape = None

        def __init__(self, name, dtype, shape=()):
            self.name = name
            self.dtype = dtype
            self.shape = shape

    @part_of(trt)
    class ILayer(Strict):
        name = None
        type = None
        precision = None
        num_inputs = None
        num_outputs = None

        def __init__(self, node, types_by_name):
            self.name = node.name
            self.type = trt.LayerType[_KINDS.get(node.op_type, "OTHER")]
            self.num_inputs = len(node.input)
            self.num_outputs = len(node.output)
            self._inputs = [ITensor(name, None) for name in node.input]
            self._outputs = []
            for name in node.output:
                dtype = of_onnx(types_by_name.get(name))
                self._outputs.append(ITensor(name, dtype))
            self._types = {}

        @typed
        def get_output(self, index: int):
            return self._outputs[index]

        @typed
        def get_input(self, index: int):
            return self._inputs[index]

        @typed
        def set_output_type(self, index: int, dtype: trt.DataType):
            self._types[index] = dtype

    @part_of(trt)
    class INetworkDefinition(Strict):
        num_layers = 0

        def __init__(self, flags):
            self._flags = flags
            self._layers = []
            self._inputs = []
            self._model = b""

        def get_layer(self, index):
            return self._layers[index]

        def get_input(self, index):
            return self._inputs[index]

        def _take(self, model):
            """Take over what an ONNX file describes."""
            graph = onnx.shape_inference.infer_shapes(model).graph
            types_by_name = {
                value.name: value.type.tensor_type.elem_type
                for value in [*graph.value_info, *graph.output]
            }
            self._layers = [ILayer(node, types_by_name) for node in graph.node]
            self.num_layers = len(graph.node)
            for value in graph.input:
                dtype = of_onnx(value.type.tensor_type.elem_type)
                self._inputs.append(ITensor(value.name, dtype, onnx_shape(value)))

    @part_of(trt)
    class OnnxParser(Strict):
        num_errors = 0

        @typed
        def __init__(self, network: INetworkDefinition, logger: trt.ILogger):
            self._network = network
            self._errors = []

        def get_error(self, index):
            return types.SimpleNamespace(desc=lambda: self._errors[index])

        @typed
        def parse(self, model: bytes):
            self._network._model = model
            model = onnx.load_model_from_string(model)
            self._errors += self._complaints(model.graph)
            self.num_errors = len(self._errors)
            if self._errors:
                return False
            self._network._take(model)
            return True

        def _complaints(self, graph):
            if not self._is_explicit():
                yield (
                    "This version of the ONNX parser only supports networks with an explicit batch"
                )
            for node in graph.node:
                if not self._knows(node.op_type):
                    yield f"No importer registered for op: {node.op_type}"
            has_bytes = any(value.type.tensor_type.elem_type == 2 for value in graph.input)
            if version.number < 8.5 and has_bytes:
                yield "Unsupported ONNX data type: UINT8 (2)"

        def _is_explicit(self):
            flags = trt.NetworkDefinitionCreationFlag
            if "EXPLICIT_BATCH" not in flags.__members__:
                return True  # there is no other any more
            return bool(self._network._flags & 1 << flags.EXPLICIT_BATCH)

        @staticmethod
        def _knows(operator):
            if operator.endswith("_TRT"):
                return version.has(PLUGINS.get(operator, (99, 0)))
            return version.number >= _SINCE.get(operator, 0)


def add_builder(trt, version, card):  # noqa: C901
    """The builder, and how it is told what to build."""
    stage = trt._stage

    @part_of(trt)
    class IOptimizationProfile(Strict):
        @typed
        def set_shape(self, input: str, min: tuple, opt: tuple, max: tuple):
            self._shapes = {input: (min, opt, max)}

    @part_of(trt)
    class ITimingCache(Strict):
        def __init__(self, known):
            self._known = set(known)

        def serialize(self):
            return memoryview(json.dumps(sorted(self._known)).encode())

    @part_of(trt)
    class IBuilderConfig(Strict):
        max_workspace_size = 0
        builder_optimization_level = 3
        DLA_core = -1
        default_device_type = trt.DeviceType.GPU
        int8_calibrator = None
        profiling_verbosity = None
        progress_monitor = None

        def __init__(self):
            self._flags = {trt.BuilderFlag.TF32}
            self._pools = {}
            self._preview = {}
            self._profiles = []
            self._cache = None

        @typed
        def set_flag(self, flag: trt.BuilderFlag):
            self._flags.add(flag)

        @typed
        def clear_flag(self, flag: trt.BuilderFlag):
            self._flags.discard(flag)

        @typed
        def set_memory_pool_limit(self, pool: trt.MemoryPoolType, pool_size: int):
            self._pools[pool] = pool_size

        @typed
        def set_preview_feature(self, feature: trt.PreviewFeature, enable: bool):
            self._preview[feature] = enable

        @typed
        def add_optimization_profile(self, profile: IOptimizationProfile):
            self._profiles.append(profile)

        @typed
        def create_timing_cache(self, serialized_timing_cache: bytes):
            try:
                return ITimingCache(json.loads(serialized_timing_cache))
            except ValueError:  # none, or one that cannot be read
                return ITimingCache([])

        @typed
        def set_timing_cache(self, cache: ITimingCache, ignore_mismatch: bool):
            assert not ignore_mismatch, "times of another card"
            self._cache = cache
            return True

        def get_timing_cache(self):
            return self._cache

    @part_of(trt)
    class Builder(Strict):
        @typed
        def __init__(self, logger: trt.ILogger):
            self._log = logger

        @typed
        def create_network(self, flags: int = 0):
            return trt.INetworkDefinition(flags)

        def create_builder_config(self):
            return IBuilderConfig()

        def create_optimization_profile(self):
            return IOptimizationProfile()

        @typed
        def build_serialized_network(self, network: trt.INetworkDefinition, config: IBuilderConfig):
            return self._build(network, config)

        @typed
        def build_engine(self, network: trt.INetworkDefinition, config: IBuilderConfig):
            made = self._build(network, config)
            if made is None:
                return None
            return types.SimpleNamespace(serialize=lambda: made)

        def _build(self, network, config):
            # The layers whose times are not in the cache are measured
            measured = {layer.name for layer in network._layers}
            if config._cache:
                measured -= config._cache._known
            stage.builds.append(
                types.SimpleNamespace(network=network, config=config, measured=len(measured))
            )

            # What keeps it from building
            entry = network._inputs[0]
            if entry.shape[0] == -1 and not config._profiles:
                stage.refuse.append(
                    "Network has dynamic inputs, but no optimization profile has been defined."
                )
            for text in stage.refuse:
                self._log.log(trt.ILogger.ERROR, text)
            if stage.refuse or not self._all_steps(getattr(config, "progress_monitor", None)):
                return None

            shapes = [entry.shape] * 3
            if config._profiles:
                shapes = config._profiles[0]._shapes[entry.name]
            calibrator = getattr(config, "int8_calibrator", None)
            if calibrator is not None and trt.BuilderFlag.INT8 in config._flags:
                self._calibrate(calibrator, shapes[1])
            if config._cache:
                config._cache._known |= measured
            batch = [shape[0] for shape in shapes]
            return memoryview(plan(network._model, version.number, batch))

        @staticmethod
        def _all_steps(monitor):
            """Take the time of all steps; False where the monitor stops it."""
            for step in range(stage.steps):
                time.sleep(0.02)
                if monitor is not None and not monitor.step_complete("Building", step):
                    return False
            return True

        @staticmethod
        def _calibrate(source, shape):
            """Reads batches of the profile's usual shape, and swallows what a callback raises."""
            assert source._made
            if source.read_calibration_cache() is not None:
                return
            nbytes = int(np.prod(shape)) * 4
            stage.seen = []
            while True:
                batch = source.get_batch(["input"])
                if batch is None:
                    break
                shown = card.view(batch[0], nbytes).copy()
                stage.seen.append(shown.view(np.float32))
            source.write_calibration_cache(memoryview(b"scales"))
