"""The record beside each engine: what it was built from and for, so that one which does not fit is refused.

Compares and explains; it opens no engine and builds none.
"""

import time
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ..model.fields import (
    Rules,
    anything,
    count,
    each,
    numbers,
    one_of,
    read_json,
    record_of,
    share,
    text,
)
from ..model.placement import placement
from ..model.spec import InputSpec, ModelSpec, OutputSpec
from ..support.errors import CourseError
from ..support.files import sha256, write_json

EFFICIENT_NMS = {
    "count": "num_detections",
    "boxes": "detection_boxes",
    "scores": "detection_scores",
    "classes": "detection_classes",
}
ANY_GPU = "any"  # an engine of TensorRT-RTX travels between cards


class Manifest(NamedTuple):
    """`nms` and `preprocess` say where that work is done, engine or host; `source` is the picture size that an engine
    with the preprocessing inside takes."""

    model: str
    model_sha256: str
    plan_sha256: str
    tensorrt: str
    gpu: str
    capability: str
    precision: str
    batch: Tuple[int, int, int]
    nms: str
    preprocess: str
    source: Optional[Tuple[int, int]]
    threshold: float
    route: str
    built: Dict[str, Any]
    command: str
    pixels: str = "bgr"
    recipe: str = ""  # what of model.json is inside the plan

    def misfits(self, spec, plan, tensorrt, device):
        """What differs between the engine and this place, in sentences; an empty list where it fits."""
        found = []
        if self.tensorrt != tensorrt:
            found.append(f"it was built by TensorRT {self.tensorrt}, here is {tensorrt}")
        if self.gpu != ANY_GPU and (self.gpu, self.capability) != device:
            found.append(
                f"it was built for {self.gpu} (compute capability {self.capability}), here is {device.name} ({device.capability})"
            )
        if self.route == "onnx" and (
            not spec.onnx.is_file() or self.model_sha256 != sha256(spec.onnx)
        ):
            found.append(
                f"{spec.onnx} has changed since"
                if self.model == spec.reference
                else f"it was built from {self.model}, this is {spec.reference}"
            )
        elif self.recipe not in ("", _recipe(spec, self.nms, self.preprocess)):
            found.append(
                "{} has changed since, and what it says is inside the engine".format(
                    spec.folder / "model.json"
                )
            )
        if self.plan_sha256 != sha256(plan):
            found.append(
                "the file is cut short or damaged: its bytes are not those that were built"
            )
        return found

    def wired(self, spec):
        """The spec's input and output as this engine has them, and the way from its pictures to the network's."""
        entry, inner, output = spec.input, None, spec.output
        if self.preprocess == "engine":
            width, height = self.source
            inner = placement(spec, width, height)
            entry = InputSpec(
                name="pictures",
                width=width,
                height=height,
                dtype="uint8",
                color="BGR",
                pad=(0.0,) * 3,
                layout="nhwc" if self.pixels == "bgr" else self.pixels,
            )
        if self.nms == "engine":
            output = OutputSpec(
                layout="efficient_nms",
                tensors=EFFICIENT_NMS,
                units=spec.output.units,
                threshold=self.threshold,
            )
        return entry, inner, output


def _source(value: Any, where: str) -> Optional[Tuple[int, int]]:
    """Width and height, or null where pictures of any size are taken."""
    if not value:
        return None
    return numbers(2, count)(value, where)


MANIFEST_RULES: Rules = {
    "model": text,
    "model_sha256": anything,
    "plan_sha256": text,
    "tensorrt": text,
    "gpu": text,
    "capability": text,
    "precision": text,
    "batch": numbers(3, count),
    "nms": text,
    "preprocess": text,
    "source": _source,
    "threshold": share,
    "route": text,
    "built": each(anything),
    "command": text,
    "pixels": one_of("bgr", "nv12"),
    "recipe": anything,
}


def _recipe(spec, nms, preprocess):
    inside = [spec.input] * (preprocess == "engine") + [spec.output, spec.nms, spec.background] * (
        nms == "engine"
    )
    return repr(inside) if inside else ""


def manifest_path(plan):
    return Path(str(plan)).with_suffix(".json")


def read(plan):
    """The Manifest beside a plan file."""
    path = manifest_path(plan)
    if not path.is_file():
        raise CourseError(
            f"The engine {plan} has no record {path.name} beside it, so nobody knows what it was built from and for. "
            "A plan file is code: build it here, python -m trt_course build MODEL."
        )
    return record_of(Manifest, MANIFEST_RULES)(read_json(path), str(path))


def write(spec, options, plan, tensorrt, device, route, seconds, command):
    """Write the Manifest of a plan that was just built with these options, by this command."""
    facts = {
        "seconds": f"{seconds:.0f}",
        "date": time.strftime("%Y-%m-%d"),
        "keep_float": " ".join(options.keep_float),
        "calibration": str(options.calibration or ""),
    }
    wished = {name: value for name, value in options._asdict().items() if name in Manifest._fields}
    write_json(
        manifest_path(plan),
        dict(
            wished,
            model=spec.reference,
            model_sha256=sha256(spec.onnx) if spec.onnx.is_file() else "",
            plan_sha256=sha256(plan),
            tensorrt=tensorrt,
            gpu=device.name,
            capability=device.capability,
            route=route,
            built=facts,
            command=command,
            recipe=_recipe(spec, options.nms, options.preprocess),
        ),
    )


def require_fit(plan, spec, tensorrt, device):
    """The Manifest of an engine that fits this place, or a CourseError that says what differs and what to do."""
    if not Path(str(plan)).is_file():
        raise CourseError(
            f"There is no engine file {plan}. Build one: python -m trt_course build {spec.reference}."
        )
    manifest = read(plan)
    found = manifest.misfits(spec, plan, tensorrt, device)
    if found:
        raise CourseError(
            "The engine {} does not fit: {}. Build it again:\n    {}".format(
                plan, "; ".join(found), manifest.command
            )
        )
    return manifest


def engines_of(spec: ModelSpec) -> List[Path]:
    """The model's engines that have a record, newest first."""
    plans = [p for p in (spec.folder / "engines").glob("*.engine") if manifest_path(p).is_file()]
    return sorted(plans, key=lambda p: p.stat().st_mtime, reverse=True)
