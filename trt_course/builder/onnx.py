"""engine_from_onnx: a model's ONNX file becomes an engine for this machine, with TensorRT 7 to 11.

TensorRT-RTX is one of them. The model is made ready here, and what comes out is put in its place:
engine, record and caches lie in the model's folder, under engines/. options.py holds what can be
asked for, build.py has TensorRT build it.
"""

import time
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Union

from ..engine import manifest
from ..engine.cuda import Device, open_cuda
from ..engine.plan import load_tensorrt, log_of, plugins, product_of
from ..model.spec import ModelSpec
from ..support.errors import CourseError
from ..support.outputs import Outputs
from . import graph, inside, precision
from .build import Build, Prepared, as_file_name
from .features import builds_for_any_gpu, chooses_types, reads_pairs
from .options import PIXELS, PLACES, PRECISIONS, Options, require_buildable
from .worker import in_thread

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = [
    "PIXELS",
    "PLACES",
    "PRECISIONS",
    "Options",
    "engine_from_onnx",
    "require_buildable",
]


def engine_from_onnx(spec: ModelSpec, options: Options, out: Union[str, Path, None] = None) -> Path:
    """Build an engine file and the record beside it; the engine's path.

    `out` names another place than the model's engines/. Where TensorRT cannot run suppression
    inside the engine, it says so and leaves that to the host.
    """
    require_buildable(options, out)
    trt = load_tensorrt()
    device = _device(trt)
    path = _engine_path(spec, options, out)
    outputs = outputs_for(options, path, out)

    # Prepare the model; build in a thread of its own, so that Ctrl-C works.
    started = time.time()
    try:
        prepared = _prepare(trt, spec, options)
        timing_cache = path.with_name(_timing_cache_name(trt, device, options))
        build = Build(trt, spec, options, prepared=prepared, timing_cache=timing_cache)
        plan = in_thread(build.run, f"build {path.name}")
    except CourseError as err:
        if options.nms == "host" or not _blames_suppression(trt, err):
            raise
        print(
            f"TensorRT {product_of(trt)} cannot run suppression inside the engine: "
            "it stays on the host."
        )
        return engine_from_onnx(spec, options._replace(nms="host"), out)

    # Write the engine, and beside it what it is.
    outputs.write_bytes(path, plan)
    manifest.write(
        spec,
        options,
        path,
        tensorrt=product_of(trt),
        device=device,
        route="onnx",
        seconds=time.time() - started,
        command=options.command(spec, out),
        outputs=outputs,
    )
    return path


def outputs_for(options: Options, path: Path, out: Union[str, Path, None]) -> Outputs:
    """Whether the engine and its record may be written; asked before the build.

    A model's engines/ is the kit's own. Elsewhere a file of somebody else may be in the way.
    """
    outputs = Outputs(force=options.force or not out)
    outputs.claim(path, manifest.manifest_path(path))
    return outputs


def _device(trt: ModuleType) -> Device:
    """The GPU that the engine is for."""
    if builds_for_any_gpu(trt):
        return Device(manifest.ANY_GPU, manifest.ANY_GPU)
    return open_cuda().device


def _engine_path(spec: ModelSpec, options: Options, out: Union[str, Path, None]) -> Path:
    """Where the engine goes. One of another network than the record's has that network's name."""
    if out:
        return Path(str(out))
    name = options.name() + ".engine"
    if spec.onnx.name != spec.file:
        name = f"{spec.onnx.stem}-{name}"
    return spec.folder / "engines" / name


def _timing_cache_name(trt: ModuleType, device: Device, options: Options) -> str:
    """What was measured holds for one TensorRT, one GPU and one precision."""
    known_by = as_file_name(f"{product_of(trt)} {device.name} {options.precision}")
    return f"timing-{known_by}.cache"


def _blames_suppression(trt: ModuleType, err: CourseError) -> bool:
    """Whether a build failed for ONNX's operator for suppression."""
    said = log_of(trt).errors + [str(err)]
    return any("NonMaxSuppression" in text for text in said)


def _prepare(trt: ModuleType, spec: ModelSpec, options: Options) -> Prepared:
    """The model as this TensorRT is to build it."""
    model = graph.load_plain(spec.onnx)

    # INT8 and FP16 go into the file where this builder takes its types from there.
    if options.precision == "int8" and reads_pairs(trt):
        assert options.calibration is not None  # require_buildable has seen to it
        model = precision.int8(
            spec,
            model,
            options.calibration,
            method=options.method,
            keep=options.keep_float,
            force=options.force,
        )
    floats = precision.float_nodes(model, options.keep_float)
    if options.precision == "fp16" and not chooses_types(trt):
        model = precision.fp16(model, options.keep_float)

    # The work around the network goes inside where that was asked for.
    if options.nms == "engine":
        model = _with_nms(trt, model, spec, options=options)
    if options.preprocess == "engine":
        model = _with_preprocess(trt, model, spec, options=options)

    fewest, _, most = options.batch
    if fewest == most:
        graph.fix_batch(model, most)
    return Prepared(model, floats)


def _with_nms(
    trt: ModuleType, model: "ModelProto", spec: ModelSpec, options: Options
) -> "ModelProto":
    """The model with suppression behind it, by NVIDIA's plugin where this TensorRT has it."""
    plugin = "EfficientNMS_TRT" in plugins(trt)
    if not plugin:
        print(
            f"TensorRT {product_of(trt)} has no EfficientNMS. Its own NMS layer goes in, at which "
            "the host has to wait: where many pictures count, compare --nms host."
        )
    return inside.add_nms(model, spec, options.threshold, plugin=plugin)


def _with_preprocess(
    trt: ModuleType, model: "ModelProto", spec: ModelSpec, options: Options
) -> "ModelProto":
    """The model with its recipe in front, where this TensorRT takes pictures as bytes."""
    if not hasattr(trt.DataType, "UINT8"):
        raise CourseError(
            f"TensorRT {product_of(trt)} takes no pictures as bytes, 8.5 and later do: "
            "--preprocess host."
        )
    assert options.source is not None  # require_buildable has seen to it
    return inside.add_preprocess(model, spec, options.source, pixels=options.pixels)
