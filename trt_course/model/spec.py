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
    Rules,
    any_text,
    anything,
    each,
    file_inside,
    listed,
    one_of,
    read_json,
    record_of,
    share,
    text,
    whole_from,
)
from .input_spec import INPUT_RULES, InputSpec, whole_input
from .labels import LABEL_SETS
from .output_rules import output
from .output_spec import OutputSpec

MODELS = KIT / "models"  # a folder here is a model that is found by its name

# No detector has more than this, and no machine could handle it.
_MOST_LABELS = 20000
_MOST_BOXES = 10000  # that suppression may have to compare with each other


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
    spec = spec._replace(input=whole_input(spec.input, path))
    _require_background(spec, path)
    _require_choice(spec, path)
    return _completed(spec, path.parent)


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
