"""What can be seen of a network that comes without a record: what it takes, and what it gives.

It is run once, on noise, because a file need not state the shapes of its outputs, and because
values tell more than shapes: pixels from shares, logits from scores.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from ..engine import CpuEngine, TensorInfo
from ..model.network_file import require_network
from ..support.errors import CourseError, need
from .entry import Pictures, in_words, pictures_of, size_input
from .head import Head, head_of

if TYPE_CHECKING:
    from onnx import ModelProto

Arrays = Dict[str, np.ndarray]  # by the tensors' names

# Sides that are tried where a network leaves them open: many work with some sizes only.
_SIDES = (640, 416, 320, 300, 512)
_NOISE = 10007  # numbers, again and again: of no size that pictures have
_MOST_NUMBERS = 1 << 28  # of an output
# By the numbers of ONNX's TensorProto
_NUMPY = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 10: "float16"}


class Look(NamedTuple):
    """What was seen of a network.

    Where it could not be run here, `ran` is False and the outputs are zeros of the stated shapes.
    """

    path: Path
    pictures: Pictures
    outputs: Arrays
    ran: bool = True
    inputs: Tuple[TensorInfo, ...] = ()  # as the file states them
    size: Optional[Dict[str, str]] = None  # the second input, in a record's words
    notes: Dict[str, str] = {}  # what its maker wrote into the file
    stated: Tuple[TensorInfo, ...] = ()  # the outputs, as the file states them
    head: Optional[Head] = None
    scattered: bool = False  # whether some of its weights are in other files

    def cells(self, strides: Sequence[int]) -> int:
        """How many cells grids of these strides have together; those at the edges may stand over.

        >>> pictures = Pictures("x", "nchw", 3, height=416, width=416, dtype="float32")
        >>> Look(Path("a.onnx"), pictures, {}).cells([8, 16, 32])
        3549
        """
        height = self.pictures.height
        width = self.pictures.width
        return sum(-(-width // stride) * -(-height // stride) for stride in strides)


def look_at(path: Union[str, Path]) -> Look:
    """What can be seen of the network in an .onnx file; a CourseError if it is no detector's."""
    path = Path(str(path))
    require_network(path)
    model = _peek(path)
    try:
        engine = CpuEngine(path)
    except CourseError:
        if model is None or not _has_plugins(model):
            raise
        look = _from_statements(path, model)
    else:
        with engine:
            look = _from_run(path, engine)
        if model is not None:
            look = look._replace(head=head_of(model, look.pictures.name))
    if model is None:
        return look
    scattered = any(tensor.external_data for tensor in model.graph.initializer)
    return look._replace(scattered=scattered)


# What comes out ---------------------------------------------------------------------------------


def _from_run(path: Path, engine: CpuEngine) -> Look:
    inputs = engine.inputs
    pictures = pictures_of(path, inputs)
    size = size_input(path, inputs)
    pictures, outputs = _first_run(engine, pictures, size, noted_sides(engine.notes))
    words = None
    if size is not None:
        words = {"name": size, "order": _size_order(engine, pictures, size)}
    return Look(
        path,
        pictures,
        outputs,
        inputs=inputs,
        size=words,
        notes=engine.notes,
        stated=engine.outputs,
    )


def _first_run(
    engine: CpuEngine, pictures: Pictures, size: Optional[str], noted: Sequence[Tuple[int, int]]
) -> Tuple[Pictures, Arrays]:
    """The outputs, and the pictures' size that was taken if the network leaves it open."""
    if not pictures.free:
        return pictures, _run(engine, pictures, size)
    complaint = CourseError("")
    for height, width in [*noted, *[(side, side) for side in _SIDES]]:
        tried = pictures._replace(
            height=height if pictures.height == -1 else pictures.height,
            width=width if pictures.width == -1 else pictures.width,
        )
        try:
            return tried, _run(engine, tried, size)
        except CourseError as err:
            complaint = err
    raise CourseError(
        f"The network leaves the size of its pictures open and ran with none of those that were "
        f"tried. Export it with a fixed size. {complaint}"
    )


def _run(
    engine: CpuEngine,
    pictures: Pictures,
    size: Optional[str],
    numbers: Optional[Tuple[int, int]] = None,
) -> Arrays:
    """The outputs for noise, with `numbers` for the pictures' size."""
    engine.settle(pictures.name, pictures.item)
    request = engine.new_request()
    tensor = request.inputs[pictures.name]
    noise = np.random.RandomState(0).random_sample(_NOISE)
    if pictures.dtype == "uint8":
        noise *= 255
    tensor[:] = np.resize(noise.astype(tensor.dtype), tensor.shape)
    if size is not None:
        request.inputs[size][:] = numbers or (pictures.width, pictures.height)
    return engine.infer(request)


def _size_order(engine: CpuEngine, pictures: Pictures, size: str) -> str:
    """Whether the network takes the width first: what doubles when the first number is doubled."""
    numbers = (pictures.width, pictures.height)
    plain = _run(engine, pictures, size, numbers)
    wide = _run(engine, pictures, size, (2 * numbers[0], numbers[1]))
    for name, array in plain.items():
        if array.shape[-1:] in ((4,), (6,)) and array.shape == wide[name].shape:
            corners = slice(array.shape[-1] - 4, None)  # after a class and a confidence, if any
            moved = np.abs(wide[name].astype(float) - array)[..., corners].reshape(-1, 4)
            if moved[:, [1, 3]].sum() > moved[:, [0, 2]].sum():
                return "height_width"
    return "width_height"


# The file itself --------------------------------------------------------------------------------


def _peek(path: Path) -> Optional["ModelProto"]:
    """The file as ONNX's own library reads it, without weights from other files."""
    try:
        return need("onnx").load(str(path), load_external_data=False)
    except Exception:  # ONNX Runtime has better words for what is wrong with it
        return None


def _has_plugins(model: "ModelProto") -> bool:
    """Whether TensorRT's plugins are in it, with which ONNX Runtime cannot run it."""
    return any(node.op_type.endswith("_TRT") for node in model.graph.node)


def _from_statements(path: Path, model: "ModelProto") -> Look:
    """What the file states, where nothing here can run it."""
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = [_stated(entry) for entry in model.graph.input if entry.name not in stored]
    pictures = pictures_of(path, inputs)
    if pictures.free:
        side = _SIDES[0]
        pictures = pictures._replace(height=side, width=side)
    stated = [_stated(entry) for entry in model.graph.output]
    outputs = {}
    for tensor in stated:
        shape = [max(1, length) for length in tensor.shape]
        if np.prod(shape, dtype=float) > _MOST_NUMBERS:
            raise CourseError(f"{path} states an output that no network has: {in_words(tensor)}")
        outputs[tensor.name] = np.zeros(shape, tensor.dtype)
    return Look(
        path,
        pictures,
        outputs,
        ran=False,
        inputs=tuple(inputs),
        stated=tuple(stated),
    )


def _stated(entry: Any) -> TensorInfo:
    """An input or output as the file states it."""
    kind = entry.type.tensor_type
    shape = [side.dim_value or -1 for side in kind.shape.dim]
    return TensorInfo(entry.name, tuple(shape), np.dtype(_NUMPY.get(kind.elem_type, "float32")))


def noted_sides(notes: Dict[str, str]) -> Sequence[Tuple[int, int]]:
    """Height and width that the file's maker noted, as Ultralytics does."""
    match = re.match(
        r"\s*[\[(]\s*([1-9]\d{0,3})\s*,\s*([1-9]\d{0,3})\s*[\])]", notes.get("imgsz", "")
    )
    if match is None:
        return []
    return [(int(match.group(1)), int(match.group(2)))]
