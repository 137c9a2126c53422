"""The commands of `python -m trt_course`, a module for each group; here what several of them share.

A command takes its arguments apart and calls the functions that the lessons call; it does no work of its own. What it
returns is its exit status; nothing stands for 0.
"""

import argparse
import sys

from ..engine.choose import BACKENDS
from ..media.writer import ENCODERS
from ..ssd import TrtSSD
from ..support.files import write_json

_MODEL = dict(
    default="ssd_resnet18_traffic",
    help="a name in models/, a model folder, or an .onnx file beside a "
    "model.json (default: %(default)s)",
)


def confidence(text):
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("wanted: a number from 0 to 1")
    return value


_SHARED = {
    "model": dict(_MODEL, nargs="?"),
    "--model": _MODEL,
    "--conf": dict(
        type=confidence, help="confidence from which a box counts (default: the model's own)"
    ),
    "--data": dict(
        default="data/traffic",
        help="folder with images/, to score also ground-truth/ (default: %(default)s)",
    ),
    "--ignore": dict(nargs="*", default=[], metavar="CLASS", help="classes to leave out"),
    "--out": dict(default="out", help="folder for what is written (default: %(default)s)"),
    "--json": dict(metavar="FILE", help="write the figures there too"),
    "--encoder": dict(
        choices=ENCODERS, default="auto", help="for the video (default: %(default)s)"
    ),
    "--show": dict(action="store_true", help="in a window: q or ESC quits, f full screen, h help"),
    "--trace": dict(
        metavar="FILE", help="write what was done when, a Chrome trace for ui.perfetto.dev"
    ),
    "--backend": dict(choices=BACKENDS, default="auto", help="where the network runs"),
    "--engine": dict(metavar="FILE", help="a TensorRT engine (default: the newest that fits)"),
    "--threads": dict(type=int, default=0, help="CPU threads; 0: one a core"),
}
ENGINE = ("--backend", "--engine", "--threads")


def add_command(commands, name, call, text, *shared):
    """The parser of a command, with those of the shared options that it names."""
    parser = commands.add_parser(name, help=text)
    parser.set_defaults(call=call)
    for option in shared:
        parser.add_argument(option, **_SHARED[option])
    return parser


def open_ssd(args):
    return TrtSSD(args.model, backend=args.backend, threads=args.threads, plan=args.engine)


def tell(args, report, figures):
    """Print a report; its figures go where --json says."""
    print(report)
    if args.json:
        write_json(args.json, figures)


def failures(complaints):
    """Print what was not done; the exit status."""
    for complaint in complaints:
        print("trt_course: not done: " + complaint, file=sys.stderr)
    return 1 if complaints else 0
