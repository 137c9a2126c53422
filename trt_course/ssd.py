"""TrtSSD: a model's record and an engine, joined to a detector. The class that the lessons take apart.

One object belongs to one thread: its buffers, and on a GPU its engine, are that thread's own.
"""

from typing import List, NamedTuple

import numpy as np

from .engine import Request
from .engine.choose import open_engine
from .model.decode import decode
from .model.placement import Placement
from .model.preprocess import Preprocessor, as_bgr
from .model.spec import find_model
from .support import trace
from .support.errors import CourseError


def _check(spec, engine):
    """The record's names, shape and type against those of the opened network."""
    given, wanted = {t.name: t for t in engine.inputs}, spec.input
    if wanted.name not in given or len(given) != 1:
        raise CourseError(
            "{}: model.json calls the input '{}'; the network's inputs are: {}".format(
                spec.name, wanted.name, ", ".join(given)
            )
        )
    missing = set(spec.output.tensors.values()) - {t.name for t in engine.outputs}
    if missing:
        raise CourseError(
            "{}: model.json names the output {}; the network's outputs are: {}".format(
                spec.name, ", ".join(sorted(missing)), ", ".join(t.name for t in engine.outputs)
            )
        )
    tensor = given[wanted.name]
    fits = len(tensor.shape) == 4 and all(
        a in (-1, b) for a, b in zip(tensor.shape[1:], wanted.shape)
    )
    if not fits or tensor.dtype != wanted.dtype:
        raise CourseError(
            f"{spec.name}: model.json describes an input of {wanted.dtype} {wanted.shape}; the network wants {tensor.dtype} {tuple(tensor.shape[1:])}"
        )


class Prepared(NamedTuple):
    """Pictures on their way: a filled request, and what decoding must know of them."""

    request: Request
    placements: List[Placement]


class TrtSSD:
    """Opens `model` (a name in models/, a folder, an .onnx) on the engine that fits this machine, and says which.

    `input_hw` is accepted as the original course passed it; the model's record decides, and must agree. `plan` names
    an engine file, `lanes` and `graph` are the TensorRT engine's.
    """

    def __init__(
        self,
        model,
        input_hw=None,
        backend="auto",
        threads=0,
        verbose=True,
        plan=None,
        lanes=1,
        graph=False,
    ):
        self.spec = find_model(model)
        size = (self.spec.input.width, self.spec.input.height)
        if input_hw is not None and tuple(input_hw) not in (size, size[::-1]):
            raise CourseError(
                f"{self.spec.name} takes pictures of {size[0]} x {size[1]}, not {tuple(input_hw)}; its model.json decides"
            )
        opened = open_engine(self.spec, backend, threads, plan, lanes, graph)
        self.engine, self.why, self.inner = opened.engine, opened.why, opened.inner
        wired = self.spec._replace(input=opened.input, output=opened.output)
        try:
            _check(wired, self.engine)
        except CourseError:
            self.engine.close()
            raise
        self._wired, self._decoded = wired, self.spec._replace(output=opened.output)
        self._requests, self._preprocess = {}, self.new_preprocessor()
        if verbose:
            print(self.why)

    def detect(self, img, conf_th=None):
        """Detections of one picture; unpacks as boxes, confs, clss. `conf_th` None is the record's (0.3)."""
        return self.detect_batch([img], conf_th)[0]

    def detect_batch(self, images, conf_th=None):
        """Detections of each picture of a list, in as few runs of the network as its batch allows."""
        pictures, step, found = [as_bgr(image) for image in images], self.engine.max_batch, []
        for start in range(0, len(pictures), step):
            prepared = self.prepare(pictures[start : start + step])
            found += self.finish(prepared, self.engine.infer(prepared.request), conf_th)
        return found

    def prepare(self, pictures):
        """The first third of `detect`: uint8 BGR pictures into a request's input buffer."""
        n = len(pictures)
        if n not in self._requests:
            self._requests[n] = self.engine.new_request(n)
        request = self._requests[n]
        with trace.span("prepare", pictures=n):
            tensor = request.inputs[self._wired.input.name]
            placements = [
                self._preprocess(picture, tensor[i]) for i, picture in enumerate(pictures)
            ]
        return Prepared(request, placements)

    def new_preprocessor(self):
        """A Preprocessor for one other thread: it writes a picture into a place of a request's input tensor."""
        return Preprocessor(self._wired, self.inner)

    def finish(self, prepared, outputs, conf_th=None):
        """The last third of `detect`: the engine's outputs into Detections of each picture."""
        threshold = self.spec.conf_threshold if conf_th is None else conf_th
        with trace.span("decode"):
            return decode(self._decoded, outputs, prepared.placements, threshold)

    @property
    def decoded_by_gpu(self):
        """The size of the frames that the engine takes as a GPU's decoder leaves them; None where it takes none."""
        entry = self._wired.input
        return (entry.width, entry.height) if entry.layout == "nv12" else None

    def warm_up(self):
        """Run once, for the first run loads the GPU's kernels and takes longer. Returns the detector."""
        self.detect(np.zeros((self.spec.input.height, self.spec.input.width, 3), np.uint8))
        return self

    def close(self):
        self._requests = {}
        self.engine.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
