"""The commands build, inspect and compare: engines made, looked into, and held against the CPU."""

import argparse
import re
import shlex
import time
from pathlib import Path

from ..builder import onnx, precision, tlt
from ..builder.inspect import inspect
from ..engine import manifest
from ..engine.cuda import open_cuda
from ..engine.plan import load_tensorrt, product_of
from ..measure.parity import compare
from ..model.find import find_model
from ..support.errors import CourseError
from ..support.files import kit_path
from . import add_command, tell


def add_commands(commands):
    _add_build(
        add_command(
            commands,
            "build",
            _build,
            "make a TensorRT engine for this machine, from ONNX or .etlt",
            "model",
        )
    )
    add = add_command(
        commands,
        "inspect",
        _inspect,
        "the layers of an engine: fused names, precision, time of each",
        "--json",
    )
    add.add_argument("engine", help="an .engine file that was built here")
    add = add_command(
        commands,
        "compare",
        _compare,
        "boxes and mAP of an engine against those of the CPU",
        "model",
        "--engine",
        "--data",
        "--json",
    )
    add.add_argument("--against", choices=("cpu",), default="cpu", help="the reference")


def _add_build(add):
    add.set_defaults(**dict(onnx.Options()._asdict(), keep_float=[]))
    add.add_argument("--precision", choices=onnx.PRECISIONS, help="(default: %(default)s)")
    add.add_argument("--batch", type=_batch, metavar="N|MIN,OPT,MAX", help="pictures a run")
    add.add_argument("--nms", choices=onnx.PLACES, help="where suppression is done")
    add.add_argument(
        "--nms-threshold",
        type=float,
        dest="threshold",
        help="of --nms engine (default: %(default)s)",
    )
    add.add_argument("--preprocess", choices=onnx.PLACES, help="where pictures become tensors")
    add.add_argument(
        "--source-size", type=_size, dest="source", metavar="WxH", help="for --preprocess engine"
    )
    add.add_argument(
        "--pixels", choices=onnx.PIXELS, help="nv12: of the GPU's decoder (default: %(default)s)"
    )
    add.add_argument(
        "--workspace", type=int, dest="workspace_mib", metavar="MiB", help="a small machine: 256"
    )
    add.add_argument(
        "--calibration", metavar="DIR", help="pictures for INT8, never those that are scored"
    )
    add.add_argument("--method", choices=sorted(precision.METHODS), help="for INT8 ranges")
    add.add_argument(
        "--force", action="store_true", help="calibrate on scored pictures all the same"
    )
    add.add_argument(
        "--keep-float", action="append", metavar="PATTERN", help="nodes that stay FP32"
    )
    add.add_argument(
        "--level",
        type=int,
        choices=range(6),
        help="how long the builder searches (TensorRT 8.6 on)",
    )
    add.add_argument("--dla", type=int, metavar="CORE", help="run on this DLA core of a Jetson")
    add.add_argument("--out", metavar="FILE", help="default: engines/ in the model's folder")
    add.add_argument("--verbose", action="store_true", help="print all that TensorRT says")
    add.add_argument(
        "--from-etlt",
        metavar="FILE",
        help="build with tlt-converter or tao-converter from this file",
    )
    add.add_argument(
        "--key-env", metavar="NAME", help="environment variable that holds the .etlt file's key"
    )


def _batch(text):
    parts = text.split(",")
    if len(parts) not in (1, 3) or not all(p.isdigit() and int(p) for p in parts):
        raise argparse.ArgumentTypeError("wanted: one number such as 8, or three such as 1,4,16")
    return tuple(map(int, parts if len(parts) == 3 else parts * 3))


def _size(text):
    match = re.match(r"(\d+)x(\d+)$", text)
    if not match:
        raise argparse.ArgumentTypeError("wanted: width and height, such as 1280x720")
    return tuple(map(int, match.groups()))


def _build(args):
    spec = find_model(args.model)
    args.keep_float = tuple(args.keep_float)
    options = onnx.Options(*(getattr(args, name) for name in onnx.Options._fields))
    path = (
        _from_etlt(spec, options, args)
        if args.from_etlt
        else onnx.engine_from_onnx(spec, options, args.out)
    )
    print(
        "{}: {:.1f} MB in {} s".format(
            path, path.stat().st_size / 1e6, manifest.read(path).built["seconds"]
        )
    )


def _from_etlt(spec, options, args):
    if not args.key_env:
        raise CourseError(
            "An .etlt file is opened with its key: put the key into an environment variable and name it, "
            "--key-env NAME."
        )
    if "engine" in (options.nms, options.preprocess) or options.keep_float:
        raise CourseError(
            "--nms engine, --preprocess engine and --keep-float change an ONNX file; an .etlt file is "
            "taken as it is: leave them out."
        )
    onnx.require_buildable(
        options._replace(calibration="none"), args.out
    )  # the converter's own check knows its cache
    out = (
        Path(args.out) if args.out else spec.folder / "engines" / (options.name() + "-etlt.engine")
    )
    tensorrt, device, started = product_of(load_tensorrt()), open_cuda().device, time.time()
    tlt.engine_from_etlt(
        spec,
        kit_path(args.from_etlt),
        out,
        args.key_env,
        options.precision,
        options.batch,
        options.workspace_mib,
        options.calibration,
        dla=options.dla,
    )
    manifest.write(
        spec,
        options,
        out,
        tensorrt,
        device,
        "etlt",
        time.time() - started,
        "{} --from-etlt {} --key-env {}".format(
            options.command(spec, args.out), *map(shlex.quote, (args.from_etlt, args.key_env))
        ),
    )
    return out


def _inspect(args):
    tell(args, *inspect(kit_path(args.engine)))


def _compare(args):
    result = compare(find_model(args.model), args.engine, args.data)
    tell(args, result.report(), result._asdict())
