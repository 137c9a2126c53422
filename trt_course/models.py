"""ModelSpec: what models/NAME/model.json says about a model, checked, and how a model is found by name or path.

The record decides how a picture becomes a tensor and what the outputs mean; nothing here runs a model. The annotation
of each of its fields is the check that reads it, as records.py says.
"""
from pathlib import Path
from typing import NamedTuple

from .errors import CourseError
from .files import KIT, kit_path, sha256
from .labels import LABEL_SETS
from .records import anything, check, count, each, factor, fields, load, numbers, one_of, record, share, text, texts

MODELS = KIT / "models"

# For each output layout: the tensors it must name, and those it may.
LAYOUTS = {
    "nms7": (("rows",), ("count",)), "efficient_nms": (("count", "boxes", "scores", "classes"), ()),
    "tf_detection": (("boxes", "scores", "classes"), ("count",)),
    "boxes_scores": (("boxes", "scores"), ()), "loc_conf_priors": (("loc", "conf"), ()),
}


def _labels(value, where):
    shared = check("allowed: a list of names, or one of " + ", ".join(sorted(LABEL_SETS)),
                   LABEL_SETS.__contains__, LABEL_SETS.get)
    return (shared if isinstance(value, str) else texts)(value, where)


class InputSpec(NamedTuple):
    """The input tensor: (pixel - mean) / scale, both in the order of `color`."""
    name: text
    width: count
    height: count
    layout: one_of("nchw", "nhwc")
    color: one_of("BGR", "RGB")
    dtype: one_of("float32", "uint8") = "float32"
    mean: numbers(3) = (0.0, 0.0, 0.0)
    scale: numbers(3, factor) = (1.0, 1.0, 1.0)
    resize: one_of("stretch", "letterbox", "crop") = "stretch"
    pad: numbers(3) = None  # read_spec makes it the mean

    @property
    def shape(self):
        """The shape of one picture's tensor; nv12 is the GPU decoder's layout, brightness above halved colours."""
        h, w = self.height, self.width
        return {"nchw": (3, h, w), "nhwc": (h, w, 3), "nv12": (h * 3 // 2, w, 1)}[self.layout]


class OutputSpec(NamedTuple):
    """What the output tensors mean; `tensors` maps the layout's roles to the names in the ONNX file.

    `threshold` is the confidence below which the network itself, with suppression inside, gives nothing.
    """
    layout: one_of(*LAYOUTS)
    tensors: each(text)
    units: one_of("normalized", "pixels") = "normalized"
    activation: one_of("none", "softmax", "sigmoid") = "none"
    priors: text = None  # read_spec makes it a Path
    variances: numbers(4) = (0.1, 0.1, 0.2, 0.2)
    threshold: share = 0.0


class NmsSpec(NamedTuple):
    """Non-maximum suppression on the host: how many of a class enter it, the overlap it allows, how many leave it."""
    iou_threshold: share = 0.45
    candidates_per_class: count = 200
    max_detections: count = 100


class ModelSpec(NamedTuple):
    """`folder` and `onnx` are where the record was found, and the network beside it."""
    name: text
    title: text
    input: record(InputSpec)
    output: record(OutputSpec)
    labels: _labels
    background: anything  # read_spec checks it against the labels
    task: one_of("detection") = "detection"
    file: text = "model.onnx"
    conf_threshold: share = 0.3
    nms: record(NmsSpec) = NmsSpec()
    provenance: each(text) = {}
    folder: Path = None
    onnx: Path = None

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


def read_spec(path):
    """The ModelSpec in the file model.json: what no field says alone is checked here."""
    path = Path(str(path))
    spec = record(ModelSpec, folder=path.parent, onnx=None)(load(path), str(path))
    pixels, output = spec.input, spec.output
    if pixels.dtype == "uint8" and (any(pixels.mean) or pixels.scale != (1.0, 1.0, 1.0)):
        raise CourseError("{}: input.dtype is uint8, which takes pixels as they are; input.mean must be 0 0 0 and "
                          "input.scale 1 1 1, or input.dtype float32".format(path))
    must, may = LAYOUTS[output.layout]
    fields(output.tensors, dict.fromkeys(must + may, text), may, "{}: output.tensors".format(path))
    if output.layout == "loc_conf_priors" and output.priors is None:
        raise CourseError("{}: output.layout loc_conf_priors needs output.priors, the name of a .npy file with one "
                          "row a prior: centre x, centre y, width, height, normalised".format(path))
    classes = len(spec.labels)
    check("wanted: null (no background class), or its index in labels, which has {} entries".format(classes),
          lambda value: value is None or type(value) is int and 0 <= value < classes)(
              spec.background, "{}: background".format(path))
    return spec._replace(
        onnx=path.parent / spec.file,
        input=pixels._replace(pad=pixels.mean if pixels.pad is None else pixels.pad),
        output=output._replace(priors=path.parent / output.priors if output.priors else None))


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
    raise CourseError("There is no model '{}'. Models here: {}. A path to a folder with model.json works too.".format(
        model, ", ".join(list_models()) or "none"))


def get_cls_dict(name):
    """Class id -> class name, of a model or of a shared class list, as the original course calls it."""
    return dict(enumerate(LABEL_SETS[name] if name in LABEL_SETS else find_model(name).labels))
