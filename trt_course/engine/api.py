"""The two generations of TensorRT's API for running, with one face: named tensors and numbered bindings.

Names, shapes and types of an engine's tensors, and a context's run. Memory, streams and requests are trt.py's.
"""

from ..support.errors import CourseError
from .base import TensorInfo
from .plan import numpy_type


class Tensors:
    """The API with named tensors, TensorRT 8.5 on."""

    def __init__(self, trt, engine):
        self.engine, self.names = (
            engine,
            [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)],
        )
        self.inputs = [n for n in self.names if engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT]
        self.infos = [
            _info(trt, n, engine.get_tensor_shape(n), engine.get_tensor_dtype(n))
            for n in self.names
        ]

    def batches(self, name):
        return self.engine.get_tensor_profile_shape(name, 0)

    def bind(self, context, request):
        for name, shape in _open_shapes(self, request):
            _taken(context.set_input_shape(name, shape), name, shape)
        for name, memory in request.memory.items():
            context.set_tensor_address(name, int(memory))

    def run(self, context, request, stream):
        return context.execute_async_v3(stream)


class Bindings:
    """The API with numbered bindings, until TensorRT 9. A UFF or older TLT engine has its batch outside the shapes."""

    def __init__(self, trt, engine):
        self.engine, self.implicit = engine, engine.has_implicit_batch_dimension
        self.names = [engine.get_binding_name(i) for i in range(engine.num_bindings)]
        self.inputs = [n for i, n in enumerate(self.names) if engine.binding_is_input(i)]
        self.infos = [
            _info(
                trt,
                n,
                (-1,) * self.implicit + tuple(engine.get_binding_shape(i)),
                engine.get_binding_dtype(i),
            )
            for i, n in enumerate(self.names)
        ]

    def batches(self, name):
        return (
            [[1], [], [self.engine.max_batch_size]]
            if self.implicit
            else self.engine.get_profile_shape(0, name)
        )

    def bind(self, context, request):
        for name, shape in _open_shapes(self, request) if not self.implicit else ():
            _taken(context.set_binding_shape(self.names.index(name), shape), name, shape)

    def run(self, context, request, stream):
        bindings = [int(request.memory[name]) for name in self.names]
        if self.implicit:
            batch = len(request.inputs[self.inputs[0]])
            return context.execute_async(batch_size=batch, bindings=bindings, stream_handle=stream)
        return context.execute_async_v2(bindings=bindings, stream_handle=stream)


def _info(trt, name, shape, dtype):
    return TensorInfo(name, tuple(shape), numpy_type(trt, dtype))


def _open_shapes(api, request):
    """Of the inputs that have no shape of their own, the request's; older builders refuse to set any other."""
    return [
        (info.name, request.inputs[info.name].shape)
        for info in api.infos
        if info.name in api.inputs and -1 in info.shape
    ]


def _taken(answer, name, shape):
    if not answer:
        raise CourseError(
            f"TensorRT refuses the shape {shape} for {name}. Until 8.5 a range of batches is for one context: "
            "build for one size, --batch N, or open with lanes=1."
        )
