"""Which of a network's inputs takes pictures, and of what kind; which takes their size."""

from pathlib import Path
from typing import NamedTuple, Optional, Sequence, Tuple

from ..engine import TensorInfo
from ..support.errors import CourseError

_PICTURE_TYPES = ("float32", "float16", "uint8")
_CHANNELS = (3, 1)


class Pictures(NamedTuple):
    """The input for pictures; `free` says whether the network leaves a side of them open."""

    name: str
    layout: str  # nchw or nhwc
    channels: int
    height: int
    width: int
    dtype: str
    free: bool = False

    @property
    def item(self) -> Tuple[int, int, int]:
        """The shape of one picture's tensor."""
        if self.layout == "nchw":
            return (self.channels, self.height, self.width)
        return (self.height, self.width, self.channels)


def pictures_of(path: Path, inputs: Sequence[TensorInfo]) -> Pictures:
    """The input that takes pictures; sides that it leaves open are -1."""
    ranked = [tensor for tensor in inputs if len(tensor.shape) == 4]
    if len(ranked) == 1:
        return _read(path, ranked[0])
    told = "; ".join(in_words(tensor) for tensor in inputs)
    advice = ""
    if [len(tensor.shape) for tensor in inputs] == [3]:
        advice = " Export it again with a batch of pictures for its input, 1 x 3 x height x width."
    raise CourseError(
        f"{path} has {len(ranked)} inputs of rank 4, which a batch of pictures has; wanted: one. "
        f"Its inputs are: {told}.{advice}"
    )


def _read(path: Path, tensor: TensorInfo) -> Pictures:
    """What the shape of the input says."""
    if str(tensor.dtype) not in _PICTURE_TYPES:
        raise CourseError(
            f"{path} takes pictures of type {tensor.dtype}; this kit gives "
            f"{', '.join(_PICTURE_TYPES)}. Export it again with one of them."
        )
    _, second, third, last = tensor.shape
    dtype = str(tensor.dtype)
    free = False
    if second in _CHANNELS or (second == -1 and last not in _CHANNELS):
        free = -1 in (third, last)
        channels = 3 if second == -1 else second
        return Pictures(tensor.name, "nchw", channels, third, last, dtype, free)
    if last in _CHANNELS:
        free = -1 in (second, third)
        return Pictures(tensor.name, "nhwc", last, second, third, dtype, free)
    raise CourseError(
        f"{path} has an input of the shape {sides(tensor.shape)}, which is no picture of 1 or 3 "
        "colours: neither its second nor its last side is 1 or 3"
    )


def size_input(path: Path, inputs: Sequence[TensorInfo]) -> Optional[str]:
    """The name of a second input that takes two numbers for each picture."""
    others = [tensor for tensor in inputs if len(tensor.shape) != 4]
    if not others:
        return None
    if len(others) == 1 and len(others[0].shape) == 2 and others[0].shape[1] == 2:
        return others[0].name
    told = "; ".join(in_words(tensor) for tensor in others)
    raise CourseError(
        f"{path} wants more than pictures and their size: {told}. A record cannot say what to put "
        "there; export the network without it."
    )


def in_words(tensor: TensorInfo) -> str:
    """A tensor for a sentence: its name, type and shape."""
    return f"{tensor.name}, {tensor.dtype} {sides(tensor.shape)}"


def sides(shape: Sequence[int]) -> str:
    """A shape in words, with a question mark for what is open.

    >>> sides((-1, 3, 640, 640))
    '? x 3 x 640 x 640'
    """
    if not len(shape):
        return "one number"
    return " x ".join("?" if side == -1 else str(side) for side in shape)
