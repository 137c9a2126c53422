"""Of TensorRT's stand-in: an engine's contexts, and what the versions refuse in them."""

import numpy as np

from .tensorrt_parts import Strict, part_of, typed


class Profile:
    """An engine's range of batches. Where it is not shared, only one context has it at a time."""

    def __init__(self, batch, shared):
        self.batch = batch  # the smallest, the usual and the largest
        self.shared = shared
        self.taken = False

    def take(self):
        """Its number, for a new context; -1 where another has it."""
        if self.taken and not self.shared:
            return -1
        self.taken = True
        return 0

    def fits(self, length):
        """Whether it is a batch in the range."""
        return self.batch[0] <= length <= self.batch[2]


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
            self._implicit = engine._implicit
            self._log = engine._log

            # What is set before a run
            self._entry_shape = engine._shapes[engine._entry]
            self._open = -1 in self._entry_shape and not self._implicit
            self._shape = None
            if not self._open:
                self._shape = self._entry_shape
            self._profile = engine._profile
            self._number = self._profile.take() if self._open else 0
            self._addresses = {}
            self._stream = None

        @property
        def active_optimization_profile(self):
            return self._number

        @typed
        def set_input_shape(self, name: str, shape: tuple):
            return self._take(name, shape)

        @typed
        def set_binding_shape(self, binding: int, shape: tuple):
            if not self._open:
                return self._refuse("only the wildcard dimension -1 can be replaced")
            return self._take(self._names[binding], shape)

        def _take(self, name, shape):
            self._shape = None
            if self._implicit or name != self._entry:
                return self._refuse(f"{name} is no input with an explicit batch")
            if self._number == -1:
                return self._refuse("no valid optimization profile is selected")
            if len(shape) != len(self._entry_shape):
                return self._refuse("engineDims.nbDims == dimensions.nbDims")
            for side, own in zip(shape, self._entry_shape):
                if side != own and own != -1:
                    return self._refuse(f"static dimension mismatch: {shape}")
            if self._entry_shape[0] == -1 and not self._profile.fits(shape[0]):
                return self._refuse(f"{shape} exceeds the range of the profile")
            self._shape = shape
            return True

        def _refuse(self, why):
            self._log.log(trt.ILogger.ERROR, f"Parameter check failed: {why}")
            return False

        @typed
        def set_tensor_address(self, name: str, memory: int):
            self._addresses[name] = memory

        @typed
        def execute_async(self, batch_size: int, bindings: list, stream_handle: int):
            most = self._profile.batch[2] if self._implicit else 1
            if not 0 < batch_size <= most:
                return self._refuse(f"batch size was {batch_size}, engine max batch size {most}")
            if self._implicit:
                self._shape = (batch_size,) + self._entry_shape[1:]
            return self._enqueue_bindings(bindings, stream_handle)

        @typed
        def execute_async_v2(self, bindings: list, stream_handle: int):
            if self._implicit:
                return self._refuse("this method only works for full dimension networks")
            return self._enqueue_bindings(bindings, stream_handle)

        @typed
        def execute_async_v3(self, stream_handle: int):
            if self._implicit:
                return self._refuse("this method only works for full dimension networks")
            return self._enqueue(stream_handle)

        def _enqueue_bindings(self, bindings, stream_handle):
            if not all(type(address) is int for address in bindings):
                raise TypeError(f"incompatible function arguments: bindings={bindings!r}")
            self._addresses = dict(zip(self._names, bindings))
            return self._enqueue(stream_handle)

        def _enqueue(self, stream_handle):
            if self._shape is None or set(self._addresses) != set(self._names):
                return self._refuse("an input shape or an address is not set")
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
            if self._open and self._number == 0:
                self._profile.taken = False
            if self._stream is not None and self._stream.todo:
                card.faults.append("a context is freed while its work is under way")

    return IExecutionContext
