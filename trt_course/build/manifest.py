"""The record beside each engine: what it was built from and for, so that one which does not fit is refused.

Compares and explains; it opens no engine and builds none.
"""
import time
from pathlib import Path
from typing import List, NamedTuple

from ..errors import CourseError
from ..files import sha256, write_json
from ..models import InputSpec, ModelSpec, OutputSpec
from ..preprocess import placement
from ..records import anything, count, each, load, numbers, one_of, record, share, text

EFFICIENT_NMS = {"count": "num_detections", "boxes": "detection_boxes", "scores": "detection_scores",
                 "classes": "detection_classes"}
ANY_GPU = "any"  # an engine of TensorRT-RTX travels between cards


class Manifest(NamedTuple):
    """`nms` and `preprocess` say where that work is done, engine or host; `source` is the picture size that an engine
    with the preprocessing inside takes."""
    model: text
    model_sha256: anything
    plan_sha256: text
    tensorrt: text
    gpu: text
    capability: text
    precision: text
    batch: numbers(3, count)
    nms: text
    preprocess: text
    source: lambda value, where: value and numbers(2, count)(value, where)
    threshold: share
    route: text
    built: each(anything)
    command: text
    pixels: one_of("bgr", "nv12") = "bgr"
    recipe: anything = ""  # what of model.json is inside the plan

    def misfits(self, spec, plan, tensorrt, device):
        """What differs between the engine and this place, in sentences; an empty list where it fits."""
        found = []
        if self.tensorrt != tensorrt:
            found.append("it was built by TensorRT {}, here is {}".format(self.tensorrt, tensorrt))
        if self.gpu != ANY_GPU and (self.gpu, self.capability) != device:
            found.append("it was built for {} (compute capability {}), here is {} ({})".format(
                self.gpu, self.capability, device.name, device.capability))
        if self.route == "onnx" and (not spec.onnx.is_file() or self.model_sha256 != sha256(spec.onnx)):
            found.append("{} has changed since".format(spec.onnx) if self.model == spec.reference else
                         "it was built from {}, this is {}".format(self.model, spec.reference))
        elif self.recipe not in ("", _recipe(spec, self.nms, self.preprocess)):
            found.append("{} has changed since, and what it says is inside the engine".format(
                spec.folder / "model.json"))
        if self.plan_sha256 != sha256(plan):
            found.append("the file is cut short or damaged: its bytes are not those that were built")
        return found

    def wired(self, spec):
        """The spec's input and output as this engine has them, and the way from its pictures to the network's."""
        entry, inner, output = spec.input, None, spec.output
        if self.preprocess == "engine":
            width, height = self.source
            inner = placement(spec, width, height)
            entry = InputSpec(name="pictures", width=width, height=height, dtype="uint8", color="BGR", pad=(0.0,) * 3,
                              layout="nhwc" if self.pixels == "bgr" else self.pixels)
        if self.nms == "engine":
            output = OutputSpec(layout="efficient_nms", tensors=EFFICIENT_NMS, units=spec.output.units,
                                threshold=self.threshold)
        return entry, inner, output


def _recipe(spec, nms, preprocess):
    inside = [spec.input] * (preprocess == "engine") + [spec.output, spec.nms, spec.background] * (nms == "engine")
    return repr(inside) if inside else ""


def manifest_path(plan):
    return Path(str(plan)).with_suffix(".json")


def read(plan):
    """The Manifest beside a plan file."""
    path = manifest_path(plan)
    if not path.is_file():
        raise CourseError("The engine {} has no record {} beside it, so nobody knows what it was built from and for. "
                          "A plan file is code: build it here, python -m trt_course build MODEL.".format(
                              plan, path.name))
    return record(Manifest)(load(path), str(path))


def write(spec, options, plan, tensorrt, device, route, seconds, command):
    """Write the Manifest of a plan that was just built with these options, by this command."""
    facts = {"seconds": "{:.0f}".format(seconds), "date": time.strftime("%Y-%m-%d"),
             "keep_float": " ".join(options.keep_float), "calibration": str(options.calibration or "")}
    wished = {name: value for name, value in options._asdict().items() if name in Manifest._fields}
    write_json(manifest_path(plan), dict(
        wished, model=spec.reference, model_sha256=sha256(spec.onnx) if spec.onnx.is_file() else "",
        plan_sha256=sha256(plan), tensorrt=tensorrt, gpu=device.name, capability=device.capability, route=route,
        built=facts, command=command, recipe=_recipe(spec, options.nms, options.preprocess)))


def check(plan, spec, tensorrt, device):
    """The Manifest of an engine that fits this place, or a CourseError that says what differs and what to do."""
    if not Path(str(plan)).is_file():
        raise CourseError("There is no engine file {}. Build one: python -m trt_course build {}.".format(
            plan, spec.reference))
    manifest = read(plan)
    found = manifest.misfits(spec, plan, tensorrt, device)
    if found:
        raise CourseError("The engine {} does not fit: {}. Build it again:\n    {}".format(
            plan, "; ".join(found), manifest.command))
    return manifest


def engines_of(spec: ModelSpec) -> List[Path]:
    """The model's engines that have a record, newest first."""
    plans = [p for p in (spec.folder / "engines").glob("*.engine") if manifest_path(p).is_file()]
    return sorted(plans, key=lambda p: p.stat().st_mtime, reverse=True)
