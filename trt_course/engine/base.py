"""What every engine offers: named tensors, requests that own their buffers, infer, submit and result.

An engine turns input tensors into output tensors. It knows nothing of pictures, boxes or models' records.
"""

from typing import Any, NamedTuple, Tuple

import numpy as np

from ..support import trace
from ..support.errors import CourseError


class TensorInfo(NamedTuple):
    """A tensor of the network; a dynamic batch is -1."""

    name: str
    shape: Tuple[int, ...]
    dtype: Any


class Request:
    """One inference: input arrays to fill and, after `result`, the outputs.

    The request owns its arrays (page-locked where there is a GPU). Outputs stay valid until the same request
    is submitted again; copy what must live longer. Several requests of one engine may be under way at once.
    """

    def __init__(self, inputs):
        self.inputs, self.outputs, self.pending = inputs, None, None


class Engine:
    """The base of the engines, which `_start` a request and `_finish` it. Use one in the thread that opened it."""

    inputs = outputs = ()
    min_batch = max_batch = lanes = 1
    name = "engine"
    on_gpu = False  # it has a `placer`, and requests that stay on the GPU
    precision, threshold = (
        "fp32",
        0.0,
    )  # the confidence below which suppression inside it gives nothing
    _array = staticmethod(np.zeros)

    def _arrays(self, tensors, batch):
        return {t.name: self._array((batch,) + t.shape[1:], t.dtype) for t in tensors}

    def new_request(self, batch=1):
        """A Request for up to `batch` items; its arrays are as long as the engine's smallest batch."""
        if not 1 <= batch <= self.max_batch:
            raise CourseError(
                f"This engine takes batches of 1 to {self.max_batch}; wanted: {batch}"
            )
        return Request(self._arrays(self.inputs, max(batch, self.min_batch)))

    def submit(self, request):
        """Start the inference and return at once."""
        with trace.span("submit"):
            request.pending = self._start(request)

    def result(self, request):
        """Wait for a submitted request; its outputs, by name."""
        if request.pending is None:
            raise CourseError("There is nothing to wait for: submit the request first.")
        with trace.span("wait"):
            request.outputs, request.pending = self._finish(request), None
        return request.outputs

    def infer(self, request):
        """Run the request now; its outputs, by name."""
        self.submit(request)
        return self.result(request)

    def close(self):
        """Free everything. Closing twice is fine."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
