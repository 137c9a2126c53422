"""InputSpec: how a picture becomes a network's input tensor, as a record says it, checked."""

from pathlib import Path
from typing import NamedTuple, Optional, Tuple

from ..support.errors import CourseError
from .fields import Rule, Rules, factor, listed, number, one_of, record_of, text, whole_from

_MOST_SIDE = 8192  # pixels: no detector has more, and no machine could handle it


class SizeInput(NamedTuple):
    """A second input, which takes the size of the first one's pictures: two numbers each."""

    name: str
    order: str  # height_width or width_height


class InputSpec(NamedTuple):
    """The input tensor: (pixel - mean) / scale, both in the order of `color`."""

    name: str
    width: int
    height: int
    layout: str  # nchw or nhwc; nv12 where an engine takes frames as a GPU's decoder leaves them
    color: str
    dtype: str = "float32"
    mean: Tuple[float, ...] = (0.0, 0.0, 0.0)
    scale: Tuple[float, ...] = (1.0, 1.0, 1.0)
    resize: str = "stretch"
    pad: Tuple[float, ...] = ()  # read_spec makes it the mean
    size: Optional[SizeInput] = None

    @property
    def channels(self) -> int:
        """How many numbers a pixel has."""
        return 1 if self.color == "GREY" else 3

    @property
    def shape(self) -> Tuple[int, int, int]:
        """The shape of one picture's tensor."""
        height = self.height
        width = self.width
        if self.layout == "nchw":
            return (self.channels, height, width)
        if self.layout == "nhwc":
            return (height, width, self.channels)
        # nv12: brightness, above colours of half the height
        return (height * 3 // 2, width, 1)


def _each_channel(entry: Rule) -> Rule:
    """The rule of a list with a number for each of a pixel's colours, or one for grey."""
    remedy = "wanted: a list of 3 numbers, or of 1 where input.color is GREY"
    return listed(entry, remedy, least=1, most=3)


SIZE_RULES: Rules = {"name": text, "order": one_of("height_width", "width_height")}

INPUT_RULES: Rules = {
    "name": text,
    "width": whole_from(1, _MOST_SIDE),
    "height": whole_from(1, _MOST_SIDE),
    "layout": one_of("nchw", "nhwc"),
    "color": one_of("BGR", "RGB", "GREY"),
    "dtype": one_of("float32", "float16", "uint8"),
    "mean": _each_channel(number),
    "scale": _each_channel(factor),
    "resize": one_of("stretch", "letterbox", "crop"),
    "pad": _each_channel(number),
    "size": record_of(SizeInput, SIZE_RULES),
}


def whole_input(entry: InputSpec, path: Path) -> InputSpec:
    """The input with all its defaults; a CourseError if its words contradict each other.

    `path` is the record's file.
    """
    entry = _for_grey(entry)
    _require_channels(entry, path)
    _require_plain_bytes(entry, path)
    return entry


def _for_grey(entry: InputSpec) -> InputSpec:
    """The input with defaults of one number where a pixel has only one."""
    if entry.channels == 3:
        return entry
    mean = entry.mean
    scale = entry.scale
    if mean == InputSpec._field_defaults["mean"]:
        mean = mean[:1]
    if scale == InputSpec._field_defaults["scale"]:
        scale = scale[:1]
    return entry._replace(mean=mean, scale=scale)


def _require_channels(entry: InputSpec, path: Path) -> None:
    """Refuse lists that have more or fewer numbers than a pixel."""
    for word in ("mean", "scale", "pad"):
        numbers_given = getattr(entry, word)
        if len(numbers_given) != entry.channels and (word != "pad" or numbers_given):
            raise CourseError(
                f"{path}: input.{word} has {len(numbers_given)} numbers; wanted: "
                f"{entry.channels}, as input.color is {entry.color}"
            )


def _require_plain_bytes(entry: InputSpec, path: Path) -> None:
    """Refuse a mean and a scale for an input of bytes, which takes pixels as they are."""
    plain = not any(entry.mean) and set(entry.scale) == {1.0}
    if entry.dtype == "uint8" and not plain:
        raise CourseError(
            f"{path}: input.dtype is uint8, which takes pixels as they are; input.mean must be "
            "0 0 0 and input.scale 1 1 1, or input.dtype float32"
        )
