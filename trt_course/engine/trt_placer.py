"""Pictures sent to the GPU while the engine works: from a reader's thread into a request."""

from typing import Any, Sequence, Union

import numpy as np

from .cuda_base import Cuda
from .trt_request import TrtRequest


class Placer:
    """Sends pictures into resident requests, for one thread.

    The request's run waits for them, on the GPU. This thread waits only where it sends a decoder's
    frames.
    """

    def __init__(self, cuda: Cuda, entry: str) -> None:
        self._cuda = cuda
        self._entry = entry  # the input's name
        self._stream = cuda.stream()
        self._sent = cuda.event()

    def __call__(
        self, request: TrtRequest, first: int, pictures: Union[np.ndarray, Sequence[Any]]
    ) -> None:
        """Make the pictures those of the request from place `first` on.

        They are an array in page-locked memory, which must not change before `wait` returns, or a
        decoder's frames on the GPU (with `address` and `nbytes`), which are copied on return.
        """
        picture = request.inputs[self._entry][0]
        target = int(request.memory[self._entry]) + first * picture.nbytes
        with self._cuda.active():
            if isinstance(pictures, np.ndarray):
                self._cuda.copy_in(target, pictures, self._stream)
                self._cuda.record(self._sent, self._stream)
                request.arrivals[self] = self._sent
            else:
                addresses = [frame.address for frame in pictures]
                self._cuda.copy_on(target, addresses, pictures[0].nbytes, self._stream)
                self._cuda.record(self._sent, self._stream)
                # Wait here: the decoder may go on then, and the engine's thread has less to do
                self._cuda.wait(self._sent)

    def wait(self) -> None:
        """Wait until the pictures that were sent are not read any more."""
        with self._cuda.active():
            self._cuda.wait(self._sent)
