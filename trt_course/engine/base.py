"""What every engine offers: named tensors, requests that own their arrays, submit, result, infer.

An engine turns input tensors into output tensors. It knows nothing of pictures, boxes or the
models' records.
"""

from typing import Any, Dict, NamedTuple, Optional, Sequence, Tuple, TypeVar

import numpy as np

from ..support import trace
from ..support.errors import CourseError

Arrays = Dict[str, np.ndarray]  # by the tensors' names
AnyEngine = TypeVar("AnyEngine", bound="Engine")

_MOST_BYTES = 2 << 30  # of an input: no picture is so large, but a damaged file may say so


class TensorInfo(NamedTuple):
    """A tensor of the network. In its shape, -1 is a batch or a side that may vary."""

    name: str
    shape: Tuple[int, ...]
    dtype: np.dtype


class Request:
    """One inference: input arrays to fill and, after `result`, the outputs.

    The request owns its arrays, which are page-locked where there is a GPU. Outputs stay valid
    until the same request is submitted again; copy what must live longer. Several requests of one
    engine may be under way at once.
    """

    def __init__(self, inputs: Arrays) -> None:
        self.inputs = inputs  # to be filled before `submit`
        self.outputs: Optional[Arrays] = None  # there after `result`
        self.pending: Any = None  # what the engine waits for while it is under way


class Engine:
    """The base of the engines: it takes requests in and gives their outputs back.

    Make a request once, fill its inputs and run it as often as you like: with `infer`, or with
    `submit` and later `result`, so that you can do something else meanwhile. Use an engine in the
    thread that opened it, and close it, or open it in a `with`.

    A kind of engine sets the attributes below, starts a request in `_start` and waits for it in
    `_finish`. It may free what it holds in `close`, and take the memory for tensors from somewhere
    else in `_new_array`. This one doubles numbers:

    >>> class Doubler(Engine):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.inputs = (TensorInfo("x", (-1, 3), np.dtype("float32")),)
    ...         self.max_batch = 4
    ...
    ...     def _start(self, request):
    ...         return 2 * request.inputs["x"]
    ...
    ...     def _finish(self, request):
    ...         return {"y": request.pending}
    >>> with Doubler() as engine:
    ...     request = engine.new_request(batch=2)
    ...     request.inputs["x"][:] = [1, 2, 3]
    ...     engine.infer(request)["y"]
    array([[2., 4., 6.],
           [2., 4., 6.]], dtype=float32)
    """

    def __init__(self) -> None:
        # What the network takes and gives
        self.inputs: Tuple[TensorInfo, ...] = ()
        self.outputs: Tuple[TensorInfo, ...] = ()
        self.min_batch = 1  # shorter batches are filled up to this
        self.max_batch = 1

        # Where it runs
        self.name = "engine"  # the library and the processor, for a message
        self.lanes = 1  # so many requests run beside each other
        self.on_gpu = False  # it has a `placer`, and requests that stay on the GPU

        # How it was built
        self.precision = "fp32"
        self.threshold = 0.0  # the confidence below which suppression inside it gives nothing

    # What a kind of engine must do ---------------------------------------------------------------

    def _start(self, request: Request) -> Any:
        """Start the inference and return at once; the answer becomes `request.pending`."""
        raise NotImplementedError

    def _finish(self, request: Request) -> Arrays:
        """Wait for `request.pending`; the outputs, by name."""
        raise NotImplementedError

    # What it may do ------------------------------------------------------------------------------

    def close(self) -> None:
        """Free everything. Closing twice is fine."""

    def _new_array(self, shape: Tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """Memory for one tensor, filled with zeros."""
        return np.zeros(shape, dtype)

    # What all of them offer ----------------------------------------------------------------------

    def settle(self, name: str, item: Tuple[int, ...]) -> None:
        """Make this input the first, and set the shape of one of its items.

        A network may leave the sides of its pictures open. Without this such a network gets no
        requests, since their arrays need a size.
        """
        others = tuple(tensor for tensor in self.inputs if tensor.name != name)
        (pictures,) = (tensor for tensor in self.inputs if tensor.name == name)
        settled = pictures._replace(shape=pictures.shape[:1] + tuple(item))
        self.inputs = (settled, *others)
        require_usable(self.inputs)

    def new_request(self, batch: int = 1) -> Request:
        """A Request for up to `batch` items; its arrays are as long as the smallest batch."""
        return Request(self._arrays(self.inputs, self._length(batch)))

    def submit(self, request: Request) -> None:
        """Start the inference and return at once."""
        with trace.span("submit"):
            request.pending = self._start(request)

    def result(self, request: Request) -> Arrays:
        """Wait for a submitted request; its outputs, by name."""
        if request.pending is None:
            raise CourseError("There is nothing to wait for: submit the request first.")
        with trace.span("wait"):
            request.outputs = self._finish(request)
            request.pending = None
        return request.outputs

    def infer(self, request: Request) -> Arrays:
        """Run the request now; its outputs, by name."""
        self.submit(request)
        return self.result(request)

    def __enter__(self: AnyEngine) -> AnyEngine:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _length(self, batch: int) -> int:
        """How long the arrays of a request for `batch` items are."""
        if not 1 <= batch <= self.max_batch:
            raise CourseError(
                f"This engine takes batches of 1 to {self.max_batch}; wanted: {batch}"
            )
        return max(batch, self.min_batch)

    def _arrays(self, tensors: Sequence[TensorInfo], length: int) -> Arrays:
        """An array for each of the tensors, with a batch of this length."""
        arrays = {}
        for tensor in tensors:
            shape = _shape_of(tensor, length)
            try:
                arrays[tensor.name] = self._new_array(shape, tensor.dtype)
            except MemoryError:
                raise CourseError(
                    f"There is not enough memory for the tensor {tensor.name}, {shape} of "
                    f"{tensor.dtype}: close other programs, or take smaller batches"
                ) from None
        return arrays


def require_usable(inputs: Sequence[TensorInfo]) -> None:
    """Refuse inputs for which no arrays can be made."""
    if not inputs:
        raise CourseError("The network has no input; wanted: one for pictures")
    for tensor in inputs:
        shape = tensor.shape
        if not shape or 0 in shape or min(shape) < -1:
            raise CourseError(
                f"The network's input {tensor.name} states the shape {shape}; wanted: the batch "
                "and the sides of a picture, none of them 0"
            )

        # In Python's own numbers, which do not overflow
        nbytes = tensor.dtype.itemsize
        for side in shape:
            nbytes *= abs(side)
        if nbytes > _MOST_BYTES:
            raise CourseError(
                f"The network's input {tensor.name} states the shape {shape}, which takes "
                f"{nbytes / 2**30:.1f} GiB; at most {_MOST_BYTES >> 30} GiB are allowed"
            )


def _shape_of(tensor: TensorInfo, length: int) -> Tuple[int, ...]:
    """The shape of a tensor's array with a batch of this length."""
    shape = tensor.shape
    if shape and shape[0] == -1:
        shape = (length,) + shape[1:]
    if -1 in shape:
        raise CourseError(
            f"The tensor {tensor.name} has the shape {tensor.shape}, where -1 is a side that is "
            "known only after a run, but memory is needed before: export the network with fixed "
            "sides"
        )
    return shape
