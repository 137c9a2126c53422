"""ModelSpec: what models/NAME/model.json, a model's record, says about it, checked.

The record decides how a picture becomes a tensor and what the outputs mean; nothing here runs a
model. Beside each type stand the rules of its fields; fields.py says what rules are.
"""

from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

from ..support.errors import CourseError
from ..support.files import KIT, sha256
from ..support.words import abridged
from .fields import (
    Rule,
    Rules,
    any_text,
    anything,
    each,
    factor,
    file_inside,
    listed,
    number,
    one_of,
    read_json,
    record_of,
    share,
    text,
    whole_from,
)
from .labels import LABEL_SETS
from .output_rules import output
from .output_spec import OutputSpec

MODELS = KIT / "models"  # a folder here is a model that is found by its name

# No detector has more than this, and no machine could handle it.
_MOST_SIDE = 8192  # pixels of an input
_MOST_LABELS = 20000
_MOST_BOXES = 10000  # that suppression may have to compare with each other


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


class NmsSpec(NamedTuple):
    """How non-maximum suppression is done on the host."""

    iou_threshold: float = 0.45  # the overlap that two boxes of a class may have
    candidates_per_class: int = 200  # the surest boxes of each class that enter
    max_detections: int = 100  # the surest boxes of a picture that leave


NMS_RULES: Rules = {
    "iou_threshold": share,
    "candidates_per_class": whole_from(1, _MOST_BOXES),
    "max_detections": whole_from(1, _MOST_BOXES),
}


class ModelSpec(NamedTuple):
    """What a model's record says, checked.

    `knows` says what pictures the model has learned from, where that is less than the world.
    `questions` are what whoever drafted the record could not know and nobody has answered yet.
    `folder` is where the record was found, `onnx` the network beside it.
    """

    name: str
    title: str
    input: InputSpec
    output: OutputSpec
    labels: Tuple[str, ...]
    background: Optional[int]
    task: str = "detection"
    file: str = "model.onnx"
    conf_threshold: float = 0.3
    nms: NmsSpec = NmsSpec()
    knows: str = ""
    questions: Tuple[str, ...] = ()
    provenance: Dict[str, str] = {}
    folder: Path = Path()
    onnx: Path = Path()

    @property
    def reference(self) -> str:
        """What find_model finds this model by: a name, a folder or an .onnx file."""
        if self.onnx != self.folder / self.file:
            return str(self.onnx)
        if self.folder != MODELS / self.name:
            return str(self.folder)
        return self.name

    def cls_dict(self) -> Dict[int, str]:
        """Class id -> class name."""
        return dict(enumerate(self.labels))

    def class_ids(self) -> List[int]:
        """The ids that a detection can have: all but the background's."""
        return [cls for cls in range(len(self.labels)) if cls != self.background]

    def category_ids(self) -> Dict[int, int]:
        """Class id -> COCO category id.

        Categories count from 1. A background at 0 is not counted; anywhere else it takes a number.
        """
        first = 1
        if self.background == 0:
            first = 0
        return {cls: cls + first for cls in self.class_ids()}

    def changed(self) -> bool:
        """Whether the ONNX file is another than the one that the record was written for."""
        wanted = self.provenance.get("sha256", "")
        return wanted != "" and wanted != sha256(self.onnx)


_label_list = listed(text, f"wanted: a list of texts, 1 to {_MOST_LABELS}", 1, _MOST_LABELS)


def _labels(value: Any, where: str) -> Tuple[str, ...]:
    """The rule of the class names: a list of them, or the name of a shared list."""
    if not isinstance(value, str):
        return _label_list(value, where)
    if value not in LABEL_SETS:
        shared = ", ".join(sorted(LABEL_SETS))
        raise CourseError(
            f"{where} is {abridged(value)}; allowed: a list of names, or one of {shared}"
        )
    return LABEL_SETS[value]


MODEL_RULES: Rules = {
    "name": text,
    "title": text,
    "input": record_of(InputSpec, INPUT_RULES),
    "output": output,
    "labels": _labels,
    "background": anything,  # read_spec compares it with the labels
    "task": one_of("detection"),
    "file": file_inside,
    "conf_threshold": share,
    "nms": record_of(NmsSpec, NMS_RULES),
    "knows": text,
    "questions": listed(text, "wanted: a list of texts"),
    "provenance": each(any_text),  # perhaps a whole licence: nothing shows it
}


def read_spec(path: Union[str, Path]) -> ModelSpec:
    """The ModelSpec in a file model.json."""
    path = Path(str(path))
    return spec_of(read_json(path), path)


def spec_of(record: Any, path: Path) -> ModelSpec:
    """The ModelSpec that a record in JSON makes; `path` is the file that it was read from."""
    spec = record_of(ModelSpec, MODEL_RULES, folder=path.parent)(record, str(path))

    # What no field can say by itself.
    spec = spec._replace(input=_for_grey(spec.input))
    _require_channels(spec.input, path)
    _require_plain_bytes(spec.input, path)
    _require_background(spec, path)
    _require_choice(spec, path)
    return _completed(spec, path.parent)


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


def _require_background(spec: ModelSpec, path: Path) -> None:
    """Refuse a background that is not null or the index of a label, or is the only label."""
    if spec.background is None:
        return
    classes = len(spec.labels)
    is_index = type(spec.background) is int and 0 <= spec.background < classes  # and not True
    if not is_index:
        raise CourseError(
            f"{path}: background is {abridged(spec.background)}; wanted: null (no background "
            f"class), or its index in labels, which has {classes} entries"
        )
    if classes == 1:
        raise CourseError(
            f"{path}: labels names only the background, so nothing can be found; add the classes "
            "that the network finds, or make background null"
        )


def _require_choice(spec: ModelSpec, path: Path) -> None:
    """Refuse softmax over one label, which is 1 whatever the network gives."""
    if spec.output.scores.activation == "softmax" and len(spec.labels) == 1:
        raise CourseError(
            f"{path}: output.scores.activation is softmax, which makes 1 of any single score; with "
            "one label wanted: sigmoid, or none. If the network also scores the background, labels "
            "lacks it"
        )


def _completed(spec: ModelSpec, folder: Path) -> ModelSpec:
    """The spec with paths for the names of files, and with a colour for the borders."""
    boxes = spec.output.boxes
    if isinstance(boxes.priors, str):  # a file's name
        boxes = boxes._replace(priors=folder / boxes.priors)

    pad = spec.input.pad
    if not pad:
        pad = spec.input.mean

    return spec._replace(
        onnx=folder / spec.file,
        input=spec.input._replace(pad=pad),
        output=spec.output._replace(boxes=boxes),
    )
