"""TrtSSD: a model's record and an engine, joined into a detector. The lessons take it apart.

One object belongs to one thread: its buffers, and on a GPU its engine, are that thread's own.
"""

from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from .detections import CONFIDENCE, Detections
from .engine import Engine, Request, TensorInfo
from .engine.choose import open_engine
from .model.decode import Decoder
from .model.find import Model, find_model
from .model.oddities import Oddities, tell
from .model.placement import Placement
from .model.preprocess import Preprocessor, as_bgr
from .model.shapes import Tensor
from .model.spec import ModelSpec
from .support import trace
from .support.errors import CourseError


class Prepared(NamedTuple):
    """Pictures on their way through the network: `prepare` makes it, `finish` needs it."""

    request: Request  # its input tensors hold the pictures
    placements: List[Placement]  # where each picture lies there: boxes come back by it


class TrtSSD:
    """A detector: it opens `model` on the engine that fits this machine, and says which and why.

    `model` is a name in models/, a folder with a model.json, or an .onnx file beside one.

    >>> from trt_course.media.pictures import read_image
    >>> from trt_course.support.files import kit_path
    >>> image = read_image(kit_path("data/signs/images/000008.jpg"))
    >>> ssd = TrtSSD("ssd_mobilenet_v2_signs", backend="cpu", verbose=False)
    >>> boxes, confs, clss = ssd.detect(image, conf_th=0.5)
    >>> [ssd.spec.labels[cls] for cls in clss]
    ['mandatory', 'prohibitory', 'warning']

    `detect` is three steps, which can be taken one by one and for several pictures at once:

    >>> prepared = ssd.prepare([image])
    >>> outputs = ssd.engine.infer(prepared.request)
    >>> found = ssd.finish(prepared, outputs, conf_th=0.5)
    >>> found == [Detections(boxes, confs, clss)]
    True
    >>> ssd.close()
    """

    def __init__(
        self,
        model: Model,
        input_hw: Optional[Tuple[int, int]] = None,
        backend: str = "auto",
        threads: int = 0,
        verbose: bool = True,
        plan: Union[str, Path, None] = None,
        lanes: int = 1,
        graph: bool = False,
    ) -> None:
        """Open the detector.

        `input_hw` is accepted because the original course passed it; it must agree with the model's
        record, which decides. `backend` is auto, cpu or tensorrt. `threads` is how many the CPU
        engine uses, 0 for all. `plan` names an engine file; `lanes` and `graph` are for TensorRT.
        With `verbose` it says which engine it uses, and on closing what was odd in the outputs.
        """
        self.spec = find_model(model)
        _require_size(self.spec, input_hw)

        # The engine, and why it was taken.
        opened = open_engine(self.spec, backend, threads, plan, lanes, graph)
        self.engine = opened.engine
        self.why = opened.why

        # Some of the work may be inside the engine. The two specs say what is left to do before and
        # after it; `inner` is the Placement from the pictures that it takes to the network's input.
        self.inner = opened.inner
        self._preprocess_spec = self.spec._replace(input=opened.input)
        self._verbose = verbose
        try:
            _require_input(self._preprocess_spec, self.engine)
            self._decoder = Decoder(self.spec._replace(output=opened.output))
            self._decoder.shapes.require_stated(_stated(self.engine), _batch_of(self.engine))

            # Buffers, used again for each picture.
            self._requests: Dict[int, Request] = {}  # by the number of pictures
            self._preprocess = self.new_preprocessor()
        except BaseException:
            self.engine.close()
            raise

        if verbose:
            print(self.why)

    def detect(self, img: np.ndarray, conf_th: Optional[float] = None) -> Detections:
        """Detections of one picture, which unpack as boxes, confs, clss.

        Without a `conf_th` it is the record's.
        """
        return self.detect_batch([img], conf_th)[0]

    def detect_batch(
        self, images: Sequence[np.ndarray], conf_th: Optional[float] = None
    ) -> List[Detections]:
        """Detections of each picture, in as few runs of the network as its batch allows."""
        pictures = [as_bgr(image) for image in images]
        step = self.engine.max_batch

        found: List[Detections] = []
        for start in range(0, len(pictures), step):
            prepared = self.prepare(pictures[start : start + step])
            outputs = self.engine.infer(prepared.request)
            found += self.finish(prepared, outputs, conf_th)
        return found

    def prepare(self, pictures: Sequence[np.ndarray]) -> Prepared:
        """The first third of `detect`: uint8 BGR pictures into a request's input tensor."""
        request = self._request_for(len(pictures))
        tensor = request.inputs[self._preprocess_spec.input.name]  # (n, ...)

        placements = []
        with trace.span("prepare", pictures=len(pictures)):
            for i, picture in enumerate(pictures):
                placements.append(self._preprocess(picture, tensor[i]))
        return Prepared(request, placements)

    def finish(
        self,
        prepared: Prepared,
        outputs: Dict[str, np.ndarray],
        conf_th: Optional[float] = None,
        count: bool = True,
    ) -> List[Detections]:
        """The last third of `detect`: the engine's outputs into Detections of each picture.

        With `count=False` odd outputs are not counted: because they have been already, or because
        the picture is not the reader's.
        """
        if conf_th is None:
            conf_th = self.spec.conf_threshold
        CONFIDENCE.require(conf_th, "conf_th")
        places = len(prepared.request.inputs[self._preprocess_spec.input.name])
        with trace.span("decode"):
            return self._decoder.decode(outputs, prepared.placements, conf_th, places, count)

    def _request_for(self, pictures: int) -> Request:
        """The request for so many pictures, made the first time."""
        if pictures not in self._requests:
            self._requests[pictures] = self.new_request(pictures)
        return self._requests[pictures]

    def new_request(self, pictures: int = 1) -> Request:
        """A request for so many pictures of which nothing but the pictures is missing."""
        request = self.engine.new_request(pictures)
        self.fill_size(request)
        return request

    def fill_size(self, request: Request) -> None:
        """Tell the network how large pictures are, if it asks: as large as its own input.

        Its boxes come back in pixels of that size.
        """
        size = self._preprocess_spec.input.size
        if size is None:
            return
        numbers = [self.spec.input.width, self.spec.input.height]
        if size.order == "height_width":
            numbers.reverse()
        request.inputs[size.name][:] = numbers

    def new_preprocessor(self) -> Preprocessor:
        """A Preprocessor for another thread, which fills places of a request's input tensor."""
        return Preprocessor(self._preprocess_spec, self.inner)

    @property
    def oddities(self) -> Oddities:
        """What has been odd in the network's outputs so far."""
        return self._decoder.oddities

    @property
    def decoded_by_gpu(self) -> Optional[Tuple[int, int]]:
        """Width and height of the frames, where the engine takes them as a GPU's decoder does."""
        entry = self._preprocess_spec.input
        if entry.layout != "nv12":
            return None
        return (entry.width, entry.height)

    def warm_up(self) -> "TrtSSD":
        """Run once: the first run loads the GPU's kernels and is slow. Returns the detector."""
        height = self.spec.input.height
        width = self.spec.input.width
        prepared = self.prepare([np.zeros((height, width, 3), np.uint8)])
        self.finish(prepared, self.engine.infer(prepared.request), count=False)
        return self

    def close(self) -> None:
        """Free the buffers and the engine, and say what was odd. Closing twice is fine."""
        self._requests = {}
        self.engine.close()
        if self._verbose:
            tell([self.oddities])

    def __enter__(self) -> "TrtSSD":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _require_size(spec: ModelSpec, input_hw: Optional[Tuple[int, int]]) -> None:
    """Refuse a size that is not the record's; the two numbers may be in either order."""
    if input_hw is None:
        return
    size = (spec.input.width, spec.input.height)
    if tuple(input_hw) not in (size, size[::-1]):
        raise CourseError(
            f"{spec.name} takes pictures of {size[0]} x {size[1]}, not {tuple(input_hw)}; "
            "its model.json decides"
        )


def _require_input(spec: ModelSpec, engine: Engine) -> None:
    """Refuse a network whose inputs are not those that the record describes."""
    wanted = spec.input
    names = [wanted.name]
    if wanted.size is not None:
        names.append(wanted.size.name)
    inputs = {tensor.name: tensor for tensor in engine.inputs}
    if sorted(inputs) != sorted(names):
        raise CourseError(
            f"{spec.name}: model.json names the input {' and '.join(names)}; "
            f"the network's inputs are: {', '.join(inputs)}"
        )

    tensor = inputs[wanted.name]
    given = tuple(tensor.shape[1:])  # without the batch
    if not _fits(given, wanted.shape) or tensor.dtype != wanted.dtype:
        raise CourseError(
            f"{spec.name}: model.json describes an input of {wanted.dtype} {wanted.shape}; "
            f"the network wants {tensor.dtype} {given}"
        )
    if wanted.size is not None:
        _require_size_input(spec, inputs[wanted.size.name])
    engine.settle(wanted.name, wanted.shape)


def _require_size_input(spec: ModelSpec, tensor: TensorInfo) -> None:
    """Refuse a second input that cannot take two numbers for each picture."""
    holds_pixels = tensor.dtype.kind in "fiu" and tensor.dtype.itemsize > 1
    if tensor.shape[-1] != 2 or not holds_pixels:
        raise CourseError(
            f"{spec.name}: the input {tensor.name}, input.size.name in model.json, is of "
            f"{tensor.dtype} {tensor.shape}; wanted: two numbers for each picture, height and width"
        )


def _fits(given: Tuple[int, ...], wanted: Tuple[int, ...]) -> bool:
    """Whether two shapes are the same; -1 is any length."""
    if len(given) != len(wanted):
        return False
    return all(a in (-1, b) for a, b in zip(given, wanted))


def _stated(engine: Engine) -> Dict[str, Tensor]:
    """What the network states about its outputs, by name."""
    stated = {}
    for info in engine.outputs:
        shape = info.shape or None  # an empty shape means that none is stated
        stated[info.name] = Tensor(shape, info.dtype)
    return stated


def _batch_of(engine: Engine) -> int:
    """How many pictures the network's batch has; -1 if that varies."""
    if engine.min_batch == engine.max_batch:
        return engine.max_batch
    return -1
