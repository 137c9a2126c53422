"""The record beside each engine: what it was built from and for.

One that does not fit is refused, with the command that builds it again. This module compares and
explains; it opens no engine and builds none. It stands here, so that running imports no building.
"""

import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from ..model.fields import (
    Rules,
    any_text,
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
from ..model.input_spec import InputSpec
from ..model.old_layouts import efficient_nms
from ..model.output_spec import OutputSpec
from ..model.placement import Placement, placement
from ..model.spec import ModelSpec
from ..support.errors import CourseError
from ..support.files import is_hidden, sha256
from ..support.outputs import Outputs
from .cuda import Device

# The outputs of an engine with the suppression inside: what the decoder calls them, their names
EFFICIENT_NMS = {
    "count": "num_detections",
    "boxes": "detection_boxes",
    "scores": "detection_scores",
    "classes": "detection_classes",
}
ANY_GPU = "any"  # an engine of TensorRT-RTX travels between cards


class Wiring(NamedTuple):
    """How an engine is joined to a model: what it takes and gives, which may not be the model's."""

    input: InputSpec
    inner: Optional[Placement]  # from its pictures to the network's, where it prepares them
    output: OutputSpec


class Manifest(NamedTuple):
    """An engine's record.

    `nms` and `preprocess` say where that work is done: in the engine or on the host.
    """

    # What it was built from
    model: str
    model_sha256: str
    # What it is, and for which place
    plan_sha256: str
    tensorrt: str
    gpu: str
    capability: str
    # How it was built
    precision: str
    batch: Tuple[int, int, int]
    nms: str
    preprocess: str
    source: Optional[Tuple[int, int]]  # the size of the pictures that it prepares itself
    threshold: float  # the confidence below which its own suppression gives nothing
    route: str  # from an ONNX file, or from an .etlt file
    built: Dict[str, Any]
    command: str  # that builds it again
    pixels: str = "bgr"
    recipe: str = ""  # what of model.json is inside the plan

    @property
    def least_confidence(self) -> float:
        """The confidence below which the engine gives nothing; 0 where the host suppresses."""
        if self.nms == "engine":
            return self.threshold
        return 0.0

    def misfits(self, spec: ModelSpec, plan: Any, tensorrt: str, device: Device) -> List[str]:
        """What differs between the engine and this place, in sentences; none where it fits."""
        return list(self._misfits(spec, plan, tensorrt, device))

    def _misfits(self, spec: ModelSpec, plan: Any, tensorrt: str, device: Device) -> Iterator[str]:
        if self.tensorrt != tensorrt:
            yield f"it was built by TensorRT {self.tensorrt}, here is {tensorrt}"

        built_for = Device(self.gpu, self.capability)
        if self.gpu != ANY_GPU and built_for != device:
            yield (
                f"it was built for {self.gpu} (compute capability {self.capability}), "
                f"here is {device.name} ({device.capability})"
            )

        if not self._is_made_from(spec):
            if self.model == spec.reference:
                yield f"{spec.onnx} has changed since"
            else:
                yield f"it was built from {self.model}, this is {spec.reference}"
        elif self.recipe not in ("", _recipe(spec, self.nms, self.preprocess)):
            record = spec.folder / "model.json"
            yield f"{record} has changed since, and what it says is inside the engine"

        if self.plan_sha256 != sha256(plan):
            yield "the file is cut short or damaged: its bytes are not those that were built"

    def _is_made_from(self, spec: ModelSpec) -> bool:
        """Whether the model's file is the one that was built. An .etlt file is not at hand."""
        if self.route != "onnx":
            return True
        return spec.onnx.is_file() and self.model_sha256 == sha256(spec.onnx)

    def wired(self, spec: ModelSpec) -> Wiring:
        """How this engine is joined to the model: what it does inside, nobody does outside."""
        wiring = Wiring(spec.input, None, spec.output)
        if self.preprocess == "engine":
            pictures = self._pictures()
            inner = placement(spec, pictures.width, pictures.height)
            wiring = wiring._replace(input=pictures, inner=inner)
        if self.nms == "engine":
            wiring = wiring._replace(output=self._finished_boxes(spec))
        return wiring

    def _pictures(self) -> InputSpec:
        """The input of an engine that prepares pictures itself: their bytes as they are."""
        assert self.source is not None  # `read` refuses a record without it
        width, height = self.source
        layout = self.pixels
        if self.pixels == "bgr":
            layout = "nhwc"
        return InputSpec(
            name="pictures",
            width=width,
            height=height,
            layout=layout,
            color="BGR",
            dtype="uint8",
            pad=(0.0, 0.0, 0.0),
        )

    def _finished_boxes(self, spec: ModelSpec) -> OutputSpec:
        """The output of an engine that suppresses boxes itself."""
        return efficient_nms(EFFICIENT_NMS, spec.output.units, self.threshold)


def _source(value: Any, where: str) -> Optional[Tuple[int, int]]:
    """Width and height, or null where pictures of any size are taken."""
    if value is None:
        return None
    return numbers(2, count)(value, where)


MANIFEST_RULES: Rules = {
    "model": any_text,
    "model_sha256": any_text,
    "plan_sha256": text,
    "tensorrt": text,
    "gpu": text,
    "capability": text,
    "precision": text,
    "batch": numbers(3, count),
    "nms": one_of("host", "engine"),
    "preprocess": one_of("host", "engine"),
    "source": _source,
    "threshold": share,
    "route": one_of("onnx", "etlt"),
    "built": each(anything),
    "command": any_text,
    "pixels": one_of("bgr", "nv12"),
    "recipe": any_text,
}


def manifest_path(plan: Any) -> Path:
    """Where the record of a plan file is."""
    return Path(str(plan)).with_suffix(".json")


def read(plan: Any) -> Manifest:
    """The record of a plan file."""
    path = manifest_path(plan)
    if not path.is_file():
        raise CourseError(
            f"The engine {plan} has no record {path.name} beside it, so nobody knows what it was "
            "built from and for. A plan file is code: build it here, "
            "python -m trt_course build MODEL."
        )
    record: Manifest = record_of(Manifest, MANIFEST_RULES)(read_json(path), str(path))
    if record.preprocess == "engine" and record.source is None:
        raise CourseError(
            f"{path}: preprocess is engine, and source is null; wanted: the width and height of "
            f"the pictures that the engine prepares. Build it again:\n    {record.command}"
        )
    return record


def write(
    spec: ModelSpec,
    options: Any,
    plan: Any,
    tensorrt: str,
    device: Device,
    route: str,
    seconds: float,
    command: str,
    outputs: Optional[Outputs] = None,
) -> None:
    """Write the record of a plan that was just built, with the builder's Options.

    `route` is onnx or etlt, and `command` what builds the same again. `outputs` says whether a
    record that is there may be replaced (None: if it is the kit's own).
    """
    record = {name: value for name, value in options._asdict().items() if name in Manifest._fields}
    record.update(
        model=spec.reference,
        model_sha256=_sha256_of_model(spec),
        plan_sha256=sha256(plan),
        tensorrt=tensorrt,
        gpu=device.name,
        capability=device.capability,
        route=route,
        command=command,
        recipe=_recipe(spec, options.nms, options.preprocess),
    )
    record["built"] = {
        "seconds": f"{seconds:.0f}",
        "date": time.strftime("%Y-%m-%d"),
        "keep_float": " ".join(options.keep_float),
        "calibration": str(options.calibration or ""),
    }
    outputs = outputs or Outputs()
    outputs.write_json(manifest_path(plan), record)


def require_fit(plan: Any, spec: ModelSpec, tensorrt: str, device: Device) -> Manifest:
    """The record of an engine that fits; a CourseError says what differs and what to do."""
    if not Path(str(plan)).is_file():
        raise CourseError(
            f"There is no engine file {plan}. Build one: python -m trt_course build "
            f"{spec.reference}."
        )
    record = read(plan)
    found = record.misfits(spec, plan, tensorrt, device)
    if found:
        reasons = "; ".join(found)
        raise CourseError(
            f"The engine {plan} does not fit: {reasons}. Build it again:\n    {record.command}"
        )
    return record


def engines_of(spec: ModelSpec) -> List[Path]:
    """The model's engines that have a record, newest first."""
    plans = [
        plan
        for plan in (spec.folder / "engines").glob("*.engine")
        if plan.is_file() and manifest_path(plan).is_file() and not is_hidden(plan)
    ]
    return sorted(plans, key=_time_of_change, reverse=True)


def _time_of_change(path: Path) -> float:
    return path.stat().st_mtime


def _sha256_of_model(spec: ModelSpec) -> str:
    """Of the network's file; "" where it is gone, as after a build from an .etlt file."""
    if not spec.onnx.is_file():
        return ""
    return sha256(spec.onnx)


def _recipe(spec: ModelSpec, nms: str, preprocess: str) -> str:
    """What of the model's record is inside an engine that does this work itself."""
    inside: List[Any] = []
    if preprocess == "engine":
        inside.append(spec.input)
    if nms == "engine":
        inside += [spec.output, spec.nms, spec.background]
    if not inside:
        return ""
    return repr(inside)
