"""The two generations of TensorRT's API for running an engine: named tensors and numbered bindings.

This is the place to change when another version of TensorRT runs engines differently: what an
engine tells of its tensors and how a context is started stands here and nowhere else. Which
generation an engine has is asked of the engine itself, never of a version number. Memory, streams
and requests are the same in both.
"""

from typing import Any, Iterator, List, NamedTuple, Optional, Tuple

from ..support.errors import CourseError
from .base import TensorInfo
from .plan import numpy_type
from .trt_request import TrtRequest


class BatchRange(NamedTuple):
    """The smallest and the largest batch of an engine."""

    least: int
    most: int


class Api:
    """What both generations offer: what an engine's tensors are, and the run of a context."""

    def __init__(self) -> None:
        self.names: List[str] = []  # of all tensors, in TensorRT's order
        self.inputs: List[TensorInfo] = []
        self.outputs: List[TensorInfo] = []

    def batch_range(self, engine: Any) -> BatchRange:
        """The batches that the engine's first input takes."""
        first = self.inputs[0]
        if first.shape[0] != -1:
            return BatchRange(first.shape[0], first.shape[0])
        return self._profile_range(engine, first.name)

    def can_run(self, context: Any) -> bool:
        """Whether a context has the engine's range of batches: until 8.5 only the first has it."""
        ranges = any(-1 in info.shape for info in self.inputs)
        return not ranges or context.active_optimization_profile != -1

    def bind(self, context: Any, request: TrtRequest) -> None:
        """Tell a context a request's shapes and, where a context keeps it, where its memory is."""
        raise NotImplementedError

    def run(self, context: Any, request: TrtRequest, stream: int) -> bool:
        """Put the network on the stream, for the request bound last; False: TensorRT refuses."""
        raise NotImplementedError

    def _profile_range(self, engine: Any, name: str) -> BatchRange:
        """The batches of an input whose batch may vary."""
        raise NotImplementedError

    def _add(self, is_input: bool, info: TensorInfo) -> None:
        """Take one more tensor into the lists."""
        self.names.append(info.name)
        if is_input:
            self.inputs.append(info)
        else:
            self.outputs.append(info)

    def _open_shapes(self, request: TrtRequest) -> Iterator[Tuple[str, Tuple[int, ...]]]:
        """Name and shape of the inputs whose shape may vary; older versions let no other be set."""
        for info in self.inputs:
            if -1 in info.shape:
                yield info.name, request.inputs[info.name].shape


class Tensors(Api):
    """The API with named tensors, from TensorRT 8.5 on."""

    def __init__(self, trt: Any, engine: Any) -> None:
        super().__init__()
        for number in range(engine.num_io_tensors):
            name = engine.get_tensor_name(number)
            shape = tuple(engine.get_tensor_shape(name))
            dtype = numpy_type(trt, engine.get_tensor_dtype(name))
            is_input = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
            self._add(is_input, TensorInfo(name, shape, dtype))

    def bind(self, context: Any, request: TrtRequest) -> None:
        """Tell a context a request's shapes and where its memory is."""
        for name, shape in self._open_shapes(request):
            accepted = context.set_input_shape(name, shape)
            _require_accepted(accepted, name, shape)
        for name, memory in request.memory.items():
            context.set_tensor_address(name, int(memory))

    def run(self, context: Any, request: TrtRequest, stream: int) -> bool:
        """Put the network on the stream, for the request bound last; False: TensorRT refuses."""
        return context.execute_async_v3(stream)

    def _profile_range(self, engine: Any, name: str) -> BatchRange:
        least, _, most = engine.get_tensor_profile_shape(name, 0)
        return BatchRange(least[0], most[0])


class Bindings(Api):
    """The API with numbered bindings, until TensorRT 9.

    A UFF or older TLT engine has its batch outside the shapes: it is implicit.
    """

    def __init__(self, trt: Any, engine: Any) -> None:
        super().__init__()
        self.implicit = engine.has_implicit_batch_dimension
        for number in range(engine.num_bindings):
            name = engine.get_binding_name(number)
            shape = tuple(engine.get_binding_shape(number))
            if self.implicit:
                shape = (-1,) + shape
            dtype = numpy_type(trt, engine.get_binding_dtype(number))
            self._add(engine.binding_is_input(number), TensorInfo(name, shape, dtype))

    def can_run(self, context: Any) -> bool:
        """Whether a context has the engine's range of batches; an implicit batch needs none."""
        return self.implicit or super().can_run(context)

    def bind(self, context: Any, request: TrtRequest) -> None:
        """Tell a context a request's shapes; `run` tells it where the memory is."""
        if self.implicit:
            return
        for name, shape in self._open_shapes(request):
            accepted = context.set_binding_shape(self.names.index(name), shape)
            _require_accepted(accepted, name, shape)

    def run(self, context: Any, request: TrtRequest, stream: int) -> bool:
        """Put the network on the stream; False: TensorRT refuses."""
        bindings = [int(request.memory[name]) for name in self.names]
        if self.implicit:
            batch = len(request.inputs[self.inputs[0].name])
            return context.execute_async(batch_size=batch, bindings=bindings, stream_handle=stream)
        return context.execute_async_v2(bindings=bindings, stream_handle=stream)

    def _profile_range(self, engine: Any, name: str) -> BatchRange:
        if self.implicit:
            return BatchRange(1, engine.max_batch_size)
        least, _, most = engine.get_profile_shape(0, name)
        return BatchRange(least[0], most[0])


def api_of(trt: Any, engine: Any, wanted: Optional[str] = None) -> Api:
    """The generation that an engine has.

    Where it has both, `wanted` "bindings" takes the older, and so does an implicit batch, which
    named tensors do not know.
    """
    if not hasattr(engine, "num_io_tensors"):
        return Bindings(trt, engine)
    has_both = hasattr(engine, "get_binding_name")
    if has_both and (wanted == "bindings" or engine.has_implicit_batch_dimension):
        return Bindings(trt, engine)
    return Tensors(trt, engine)


def _require_accepted(accepted: bool, name: str, shape: Tuple[int, ...]) -> None:
    if not accepted:
        raise CourseError(
            f"TensorRT refuses the shape {shape} for {name}, which the engine was not built for. "
            "Build one that takes it: --batch MIN,OPT,MAX."
        )
