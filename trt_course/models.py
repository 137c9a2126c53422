"""ModelSpec: what models/NAME/model.json says about a model, checked, and how a model is found by name or path.

The record decides how a picture becomes a tensor and what the outputs mean; nothing here runs a model.
"""
from pathlib import Path
from typing import Dict, NamedTuple, Optional, Tuple

from . import records
from .errors import CourseError
from .files import KIT, kit_path, sha256
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


class InputSpec(NamedTuple):
    """The input tensor: (pixel - mean) / scale, both in the order of `color`."""
    name: str
    width: int
    height: int
    layout: str
    dtype: str
    color: str
    mean: Tuple[float, ...]
    scale: Tuple[float, ...]
    resize: str
    pad: Tuple[float, ...]


class OutputSpec(NamedTuple):
    """What the output tensors mean; `tensors` maps the layout's roles to the names in the ONNX file.

    `threshold` is the confidence below which the network itself, with suppression inside, gives nothing.
    """
    layout: str
    tensors: Dict[str, str]
    units: str
    activation: str
    priors: Optional[Path]
    variances: Tuple[float, ...]
    threshold: float


class NmsSpec(NamedTuple):
    """Non-maximum suppression on the host: how many of a class enter it, the overlap it allows, how many leave it."""
    iou_threshold: float
    candidates_per_class: int
    max_detections: int


class ModelSpec(NamedTuple):
    name: str
    title: str
    task: str
    folder: Path
    onnx: Path
    input: InputSpec
    output: OutputSpec
    labels: Tuple[str, ...]
    background: Optional[int]
    conf_threshold: float
    nms: NmsSpec
    provenance: Dict[str, str]

    @property
    def reference(self):
        """What find_model finds it by: its name, or its folder where that is not in models/."""
        return self.name if self.folder == MODELS / self.name else str(self.folder)

    def cls_dict(self):
        return dict(enumerate(self.labels))

    def class_ids(self):
        """The ids that a detection can have."""
        return [i for i in range(len(self.labels)) if i != self.background]

    def category_ids(self):
        """Class id -> COCO category id: categories count from 1, and a background at 0 takes no number."""
        first = 0 if self.background == 0 else 1
        return {i: i + first for i in self.class_ids()}

    def changed(self):
        """True where the ONNX file is not the one that the record was written for."""
        return self.provenance.get("sha256", "") not in ("", sha256(self.onnx))


def _read_input(part):
    spec = InputSpec(
        name=part.take("name", records.text),
        width=part.take("width", records.count),
        height=part.take("height", records.count),
        layout=part.take("layout", records.one_of("nchw", "nhwc")),
        dtype=part.take("dtype", records.one_of("float32", "uint8"), "float32"),
        color=part.take("color", records.one_of("BGR", "RGB")),
        mean=part.take("mean", records.numbers(3), (0.0, 0.0, 0.0)),
        scale=part.take("scale", records.numbers(3, nonzero=True), (1.0, 1.0, 1.0)),
        resize=part.take("resize", records.one_of("stretch", "letterbox", "crop"), "stretch"),
        pad=part.take("pad", records.numbers(3), None),
    )
    part.done()
    if spec.dtype == "uint8" and (any(spec.mean) or spec.scale != (1.0, 1.0, 1.0)):
        raise CourseError("{}: input.dtype is uint8, which takes pixels as they are; input.mean must be 0 0 0 and "
                          "input.scale 1 1 1, or input.dtype float32".format(part.file))
    return spec._replace(pad=spec.mean if spec.pad is None else spec.pad)


def _read_tensors(part, layout):
    must, may = LAYOUTS[layout]
    tensors = {role: part.take(role, records.text) for role in must}
    tensors.update((role, part.take(role, records.text)) for role in may if role in part.left)
    part.done()
    return tensors


def _read_output(part, folder):
    layout = part.take("layout", records.one_of(*LAYOUTS))
    priors = part.take("priors", records.text, None)
    spec = OutputSpec(
        layout=layout,
        tensors=_read_tensors(part.part("tensors"), layout),
        units=part.take("units", records.one_of("normalized", "pixels"), "normalized"),
        activation=part.take("activation", records.one_of("none", "softmax", "sigmoid"), "none"),
        priors=folder / priors if priors else None,
        variances=part.take("variances", records.numbers(4), (0.1, 0.1, 0.2, 0.2)),
        threshold=part.take("threshold", records.share, 0.0),
    )
    part.done()
    if layout == "loc_conf_priors" and spec.priors is None:
        raise CourseError("{}: output.layout loc_conf_priors needs output.priors, the name of a .npy file with one "
                          "row a prior: centre x, centre y, width, height, normalised".format(part.file))
    return spec


def _read_nms(part):
    spec = NmsSpec(
        iou_threshold=part.take("iou_threshold", records.share, 0.45),
        candidates_per_class=part.take("candidates_per_class", records.count, 200),
        max_detections=part.take("max_detections", records.count, 100),
    )
    part.done()
    return spec


def _labels(value):
    if not isinstance(value, str):
        return records.texts(value)
    if value not in LABEL_SETS:
        raise ValueError("allowed: a list of names, or one of " + ", ".join(sorted(LABEL_SETS)))
    return LABEL_SETS[value]


def _read_background(record, labels):
    def check(value):
        if value is not None and (type(value) is not int or not 0 <= value < len(labels)):
            raise ValueError("wanted: null (no background class), or its index in labels, which has {} entries"
                             .format(len(labels)))
        return value
    return record.take("background", check)


def read_spec(path):
    """The ModelSpec in the file model.json."""
    record = records.Record.load(path)
    folder = Path(str(path)).parent
    labels = record.take("labels", _labels)
    provenance = record.part("provenance", default={})
    spec = ModelSpec(
        name=record.take("name", records.text),
        title=record.take("title", records.text),
        task=record.take("task", records.one_of("detection"), "detection"),
        folder=folder,
        onnx=folder / record.take("file", records.text, "model.onnx"),
        input=_read_input(record.part("input")),
        output=_read_output(record.part("output"), folder),
        labels=labels,
        background=_read_background(record, labels),
        conf_threshold=record.take("conf_threshold", records.share, 0.3),
        nms=_read_nms(record.part("nms", default={})),
        provenance={key: provenance.take(key, records.text) for key in list(provenance.left)},
    )
    record.done()
    return spec


def list_models():
    """The names of the models in the kit's models/ folder."""
    return sorted(path.parent.name for path in MODELS.glob("*/model.json"))


def find_model(model):
    """A ModelSpec from a name in models/, a model folder, its model.json, or an .onnx file beside a model.json."""
    if isinstance(model, ModelSpec):
        return model
    named = MODELS / str(model) / "model.json"
    if named.is_file():
        return read_spec(named)
    path = kit_path(model)
    if path.is_dir():
        return read_spec(path / "model.json")
    if path.suffix == ".json" and path.is_file():
        return read_spec(path)
    if path.suffix == ".onnx" and path.is_file():
        return _spec_beside(path)
    raise CourseError("There is no model '{}'. Models here: {}. A path to a folder with model.json works too.".format(
        model, ", ".join(list_models()) or "none"))


def _spec_beside(onnx):
    record = onnx.parent / "model.json"
    if not record.is_file():
        raise CourseError("{} has no model.json beside it. The record says how pictures go in and what comes out; "
                          "copy one from {} and change it.".format(onnx, MODELS))
    spec = read_spec(record)
    same = spec.onnx.exists() and spec.onnx.samefile(str(onnx))
    return spec if same else spec._replace(onnx=onnx, provenance={})


def get_cls_dict(name):
    """Class id -> class name, of a model or of a shared class list, as the original course calls it."""
    if name in LABEL_SETS:
        return dict(enumerate(LABEL_SETS[name]))
    return find_model(name).cls_dict()
