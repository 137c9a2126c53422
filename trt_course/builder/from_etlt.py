"""build_from_etlt: an .etlt file becomes an engine with a record beside it, like one from ONNX."""

import shlex
import time
from pathlib import Path
from typing import Optional

from ..engine import manifest
from ..engine.cuda import open_cuda
from ..engine.plan import load_tensorrt, product_of
from ..model.spec import ModelSpec
from ..support.errors import CourseError
from ..support.files import AnyPath, kit_path
from .onnx import Options, outputs_for, require_buildable
from .tlt import engine_from_etlt


def build_from_etlt(
    spec: ModelSpec, options: Options, etlt: AnyPath, key_env: str, out: Optional[AnyPath] = None
) -> Path:
    """Build the engine of an .etlt file, with NVIDIA's converter; returns the engine's path.

    The environment variable named `key_env` holds the file's key. Beside the engine stands its
    record. Of the `options` only those count that the converter has.
    """
    _require_untouched(options)
    # The converter has its own check of calibration, which is a cache there.
    require_buildable(options._replace(calibration="none"), out)
    path = spec.folder / "engines" / (options.name() + "-etlt.engine")
    if out:
        path = Path(out)
    outputs = outputs_for(options, path, out)

    # What it is built by and for; asked first, for without them it would be built for nothing.
    tensorrt = product_of(load_tensorrt())
    device = open_cuda().device

    started = time.time()
    engine_from_etlt(
        spec,
        kit_path(etlt),
        path,
        key_env,
        precision=options.precision,
        batch=options.batch,
        workspace_mib=options.workspace_mib,
        calibration_cache=options.calibration,
        dla=options.dla,
        outputs=outputs,
    )
    seconds = time.time() - started

    command = "{} --from-etlt {} --key-env {}".format(
        options.command(spec, out), shlex.quote(str(etlt)), shlex.quote(key_env)
    )
    manifest.write(
        spec,
        options,
        path,
        tensorrt=tensorrt,
        device=device,
        route="etlt",
        seconds=seconds,
        command=command,
        outputs=outputs,
    )
    return path


def _require_untouched(options: Options) -> None:
    """Refuse the options that change the network: an .etlt file cannot be changed."""
    inside = "engine" in (options.nms, options.preprocess)
    if inside or options.keep_float:
        raise CourseError(
            "--nms engine, --preprocess engine and --keep-float change an ONNX file; an .etlt file "
            "is taken as it is: leave them out."
        )
