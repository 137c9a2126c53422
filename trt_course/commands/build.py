"""The commands build, inspect and compare: engines made, looked into, and held against the CPU."""

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Tuple

from ..builder import draft, onnx, precision
from ..builder.from_etlt import build_from_etlt
from ..builder.inspect import inspect
from ..builder.options import DLA, LEVEL, SIDE, WORKSPACE
from ..builder.tf_graph import convert_once
from ..detections import CONFIDENCE
from ..engine import manifest
from ..engine.choose import BATCH
from ..measure.parity import compare
from ..model.find import find_model
from ..model.spec import ModelSpec
from ..support.errors import CourseError
from ..support.files import kit_path
from ..support.outputs import Outputs
from . import add_command, print_report

if TYPE_CHECKING:
    from . import Commands


def add_commands(commands: "Commands") -> None:
    """Add the commands of this group."""
    _add_build(commands)
    _add_inspect(commands)
    _add_compare(commands)


def _add_build(commands: "Commands") -> None:
    add = add_command(
        commands,
        "build",
        _build,
        "make a TensorRT engine for this machine, from ONNX, .etlt or a frozen graph (FILE.pb)",
        "model",
    )

    # An option that is not given is what Options says; the names are its own.
    add.set_defaults(**onnx.Options()._asdict())
    add.set_defaults(keep_float=[])

    _add_network_options(add)
    _add_inside_options(add)
    _add_int8_options(add)
    _add_builder_options(add)
    add.add_argument("--out", metavar="FILE", help="default: engines/ in the model's folder")
    add.add_argument(
        "--from-etlt",
        metavar="FILE",
        help="build with tlt-converter or tao-converter from this file",
    )
    add.add_argument(
        "--key-env", metavar="NAME", help="environment variable that holds the .etlt file's key"
    )


def _add_network_options(add: argparse.ArgumentParser) -> None:
    """How the network's layers compute, and how many pictures at once."""
    add.add_argument("--precision", choices=onnx.PRECISIONS, help="(default: %(default)s)")
    add.add_argument("--batch", type=_batch, metavar="N|MIN,OPT,MAX", help="pictures a run")
    add.add_argument(
        "--keep-float", action="append", metavar="PATTERN", help="nodes that stay FP32"
    )


def _add_inside_options(add: argparse.ArgumentParser) -> None:
    """What goes into the engine with the network."""
    add.add_argument("--nms", choices=onnx.PLACES, help="where suppression is done")
    add.add_argument(
        "--nms-threshold",
        type=CONFIDENCE,
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


def _add_int8_options(add: argparse.ArgumentParser) -> None:
    """What INT8's ranges are taken from."""
    add.add_argument(
        "--calibration", metavar="DIR", help="pictures for INT8, never those that are scored"
    )
    add.add_argument("--method", choices=sorted(precision.METHODS), help="for INT8 ranges")
    add.add_argument(
        "--force",
        action="store_true",
        help="calibrate even on scored pictures, and replace any file that --out names",
    )


def _add_builder_options(add: argparse.ArgumentParser) -> None:
    """How TensorRT's builder works, and for which processor."""
    add.add_argument(
        "--workspace",
        type=WORKSPACE,
        dest="workspace_mib",
        metavar="MiB",
        help="a small machine: 256",
    )
    add.add_argument(
        "--level",
        type=LEVEL,
        metavar="0-5",
        help="how long the builder searches (TensorRT 8.6 on)",
    )
    add.add_argument("--dla", type=DLA, metavar="CORE", help="run on this DLA core of a Jetson")
    add.add_argument("--verbose", action="store_true", help="print all that TensorRT says")


def _add_inspect(commands: "Commands") -> None:
    add = add_command(
        commands,
        "inspect",
        _inspect,
        "the layers of an engine: fused names, precision, time of each",
        "--json",
    )
    add.add_argument("engine", help="an .engine file that was built here")


def _add_compare(commands: "Commands") -> None:
    add_command(
        commands,
        "compare",
        _compare,
        "boxes and mAP of an engine against those of the CPU",
        "model",
        "--engine",
        "--data",
        "--json",
    )


def _batch(text: str) -> Tuple[int, ...]:
    """The smallest, the usual and the largest batch; one number is all three."""
    parts = [BATCH(part) for part in text.split(",")]
    if len(parts) not in (1, 3):
        raise argparse.ArgumentTypeError("wanted: one number such as 8, or three such as 1,4,16")
    if len(parts) == 1:
        parts = parts * 3
    return tuple(parts)


def _size(text: str) -> Tuple[int, int]:
    """Width and height."""
    match = re.match(r"(\d+)x(\d+)$", text)
    if match is None:
        raise argparse.ArgumentTypeError("wanted: width and height, such as 1280x720")
    return SIDE(match.group(1)), SIDE(match.group(2))


def _build(args: argparse.Namespace) -> None:
    spec = _model(args.model)
    args.keep_float = tuple(args.keep_float)
    options = onnx.Options(**{name: getattr(args, name) for name in onnx.Options._fields})
    if args.from_etlt:
        if not args.key_env:
            raise CourseError(
                "An .etlt file is opened with its key: put the key into an environment variable "
                "and name it, --key-env NAME."
            )
        path = build_from_etlt(spec, options, args.from_etlt, args.key_env, args.out)
    else:
        path = onnx.engine_from_onnx(spec, options, args.out)

    megabytes = path.stat().st_size / 1e6
    seconds = manifest.read(path).built["seconds"]
    print(f"{path}: {megabytes:.1f} MB in {seconds} s")


def _model(model: str) -> ModelSpec:
    """The model; a frozen graph of TensorFlow becomes one first, unless it has already."""
    graph = Path(model)
    if graph.suffix != ".pb":
        return find_model(model)
    # Without force, which is for the engine: a record there may hold somebody's answers.
    drafted = convert_once(graph, Outputs())
    if drafted is not None:
        print(draft.report(drafted))
    return find_model(str(kit_path(graph).resolve().parent))


def _inspect(args: argparse.Namespace) -> None:
    report, layers = inspect(kit_path(args.engine))
    print_report(args, report, layers)


def _compare(args: argparse.Namespace) -> None:
    result = compare(find_model(args.model), args.engine, args.data)
    print_report(args, result.report(), result._asdict())
