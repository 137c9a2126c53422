"""Of TensorRT's stand-in: the network and its parser. The network is the ONNX file."""

import types

import onnx

from .tensorrt_parts import Dims, Strict, onnx_dtype, onnx_shape, part_of, type_of, typed
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
            self.shape = Dims(shape)

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
        num_inputs = 0

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
            self.num_inputs = len(self._inputs)

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
