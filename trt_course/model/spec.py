"""ModelSpec: what models/NAME/model.json says about a model, checked, and how a model is found by name or path.

The record decides how a picture becomes a tensor and what the outputs mean; nothing here runs a model. A rule
for each of its fields stands beside its type; fields.py says what rules are.
"""

from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional, Tuple

from ..support.errors import CourseError
from ..support.files import KIT, kit_path, sha256
from .fields import (
    Rules,
    anything,
    count,
    each,
    factor,
    numbers,
    one_of,
    read_fields,
    read_json,
    record_of,
    rule,
    share,
    text,
    texts,
)
from .labels import LABEL_SETS

MODELS = KIT / "models"

# For each output layout: the tensors it must name, and those it may.
LAYOUTS = {
    "nms7": (("rows",), ("count",)),
    "efficient_nms": (("count", "boxes", "scores", "classes"), ()),
    "tf_detection": (("boxes", "scores", "classes"), ("count",)),
    "boxes_scores": (("boxes", "scores"), ()),
    "loc_conf_priors": (("loc", "conf"), ()),
}


_shared_labels = rule(
    "allowed: a list of names, or one of " + ", ".join(sorted(LABEL_SETS)),
    LABEL_SETS.__contains__,
    LABEL_SETS.get,
)


def _labels(value: Any, where: str) -> Tuple[str, ...]:
    """A list of class names, or the name of a shared one."""
    if isinstance(value, str):
        return _shared_labels(value, where)
    return texts(value, where)


class InputSpec(NamedTuple):
    """The input tensor: (pixel - mean) / scale, both in the order of `color`."""

    name: str
    width: int
    height: int
    layout: str
    color: str
    dtype: str = "float32"
    mean: Tuple[float, ...] = (0.0, 0.0, 0.0)
    scale: Tuple[float, ...] = (1.0, 1.0, 1.0)
    resize: str = "stretch"
    pad: Tuple[float, ...] = ()  # read_spec makes it the mean

    @property
    def shape(self) -> Tuple[int, int, int]:
        """The shape of one picture's tensor."""
        height = self.height
        width = self.width
        if self.layout == "nchw":
            return (3, height, width)
        if self.layout == "nhwc":
            return (height, width, 3)
        # nv12, as a GPU's decoder leaves it: brightness above colours of half the height
        return (height * 3 // 2, width, 1)


INPUT_RULES: Rules = {
    "name": text,
    "width": count,
    "height": count,
    "layout": one_of("nchw", "nhwc"),
    "color": one_of("BGR", "RGB"),
    "dtype": one_of("float32", "uint8"),
    "mean": numbers(3),
    "scale": numbers(3, factor),
    "resize": one_of("stretch", "letterbox", "crop"),
    "pad": numbers(3),
}


class OutputSpec(NamedTuple):
    """What the output tensors mean; `tensors` maps the layout's roles to the names in the ONNX file.

    `threshold` is the confidence below which the network itself, with suppression inside, gives nothing.
    """

    layout: str
    tensors: Dict[str, str]
    units: str = "normalized"
    activation: str = "none"
    priors: Optional[Path] = None
    variances: Tuple[float, ...] = (0.1, 0.1, 0.2, 0.2)
    threshold: float = 0.0


OUTPUT_RULES: Rules = {
    "layout": one_of(*LAYOUTS),
    "tensors": each(text),
    "units": one_of("normalized", "pixels"),
    "activation": one_of("none", "softmax", "sigmoid"),
    "priors": text,  # a file's name; read_spec makes it a Path
    "variances": numbers(4),
    "threshold": share,
}


class NmsSpec(NamedTuple):
    """Non-maximum suppression on the host: how many boxes of a class enter it, the overlap it allows, how many leave."""

    iou_threshold: float = 0.45
    candidates_per_class: int = 200
    max_detections: int = 100


NMS_RULES: Rules = {
    "iou_threshold": share,
    "candidates_per_class": count,
    "max_detections": count,
}


class ModelSpec(NamedTuple):
    """What a model's record says, checked. `folder` is where it was found, `onnx` the network beside it."""

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
    provenance: Dict[str, str] = {}
    folder: Path = Path()
    onnx: Path = Path()

    @property
    def reference(self):
        """What find_model finds it by: its name, or its folder where that is not in models/, or another .onnx."""
        if self.onnx != self.folder / self.file:
            return str(self.onnx)
        return self.name if self.folder == MODELS / self.name else str(self.folder)

    def cls_dict(self):
        return dict(enumerate(self.labels))

    def class_ids(self):
        """The ids that a detection can have."""
        return [i for i in range(len(self.labels)) if i != self.background]

    def category_ids(self):
        """Class id -> COCO category id: categories count from 1, and a background at 0 takes no number."""
        return {i: i + (self.background != 0) for i in self.class_ids()}

    def changed(self):
        """True where the ONNX file is not the one that the record was written for."""
        return self.provenance.get("sha256", "") not in ("", sha256(self.onnx))


MODEL_RULES: Rules = {
    "name": text,
    "title": text,
    "input": record_of(InputSpec, INPUT_RULES),
    "output": record_of(OutputSpec, OUTPUT_RULES),
    "labels": _labels,
    "background": anything,  # read_spec holds it against the labels
    "task": one_of("detection"),
    "file": text,
    "conf_threshold": share,
    "nms": record_of(NmsSpec, NMS_RULES),
    "provenance": each(text),
}


def read_spec(path):
    """The ModelSpec in the file model.json: what no field says alone is checked here."""
    path = Path(str(path))
    spec = record_of(ModelSpec, MODEL_RULES, folder=path.parent)(read_json(path), str(path))
    pixels, output = spec.input, spec.output
    if pixels.dtype == "uint8" and (any(pixels.mean) or pixels.scale != (1.0, 1.0, 1.0)):
        raise CourseError(
            f"{path}: input.dtype is uint8, which takes pixels as they are; input.mean must be 0 0 0 and "
            "input.scale 1 1 1, or input.dtype float32"
        )
    must, may = LAYOUTS[output.layout]
    read_fields(output.tensors, dict.fromkeys(must + may, text), may, f"{path}: output.tensors")
    if output.layout == "loc_conf_priors" and output.priors is None:
        raise CourseError(
            f"{path}: output.layout loc_conf_priors needs output.priors, the name of a .npy file with one "
            "row a prior: centre x, centre y, width, height, normalised"
        )
    classes = len(spec.labels)
    rule(
        f"wanted: null (no background class), or its index in labels, which has {classes} entries",
        lambda value: value is None or type(value) is int and 0 <= value < classes,
    )(spec.background, f"{path}: background")
    return spec._replace(
        onnx=path.parent / spec.file,
        input=pixels._replace(pad=pixels.pad or pixels.mean),
        output=output._replace(priors=path.parent / output.priors if output.priors else None),
    )


def list_models():
    return sorted(path.parent.name for path in MODELS.glob("*/model.json"))


def find_model(model):
    """A ModelSpec from a name in models/, a model folder, its model.json, or an .onnx file beside a model.json."""
    if isinstance(model, ModelSpec):
        return model
    path = kit_path(model)
    for record_file in (MODELS / str(model) / "model.json", path):
        if record_file.suffix == ".json" and record_file.is_file():
            return read_spec(record_file)
    if path.is_dir():
        return read_spec(path / "model.json")
    if path.suffix == ".onnx" and path.is_file():
        spec = read_spec(path.with_name("model.json"))
        same = spec.onnx.exists() and spec.onnx.samefile(str(path))
        return spec if same else spec._replace(onnx=path, provenance={})
    raise CourseError(
        "There is no model '{}'. Models here: {}. A path to a folder with model.json works too.".format(
            model, ", ".join(list_models()) or "none"
        )
    )


def get_cls_dict(name):
    """Class id -> class name, of a model or of a shared class list, as the original course calls it."""
    return dict(enumerate(LABEL_SETS[name] if name in LABEL_SETS else find_model(name).labels))
