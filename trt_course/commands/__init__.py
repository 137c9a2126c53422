"""The commands of `python -m trt_course`, a module for each group; here what several share.

A command takes its arguments apart and calls the functions that the lessons call; it does no work
of its own. What it returns is its exit status; nothing stands for 0.
"""

import argparse
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Sequence

from ..detections import CONFIDENCE
from ..engine.choose import BACKENDS
from ..engine.cpu import THREADS
from ..media.captures import is_live
from ..media.encoder import ENCODERS
from ..model.find import find_model
from ..ssd import TrtSSD
from ..support.files import KIT, kit_path

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

Command = Callable[[argparse.Namespace], Optional[int]]


_MODEL: Dict[str, Any] = {
    "default": "ssd_resnet18_traffic",
    "help": "a name in models/, a model folder, or an .onnx file beside a model.json "
    "(default: %(default)s)",
}

# What add_argument gets for each of the options that several commands have.
_SHARED: Dict[str, Dict[str, Any]] = {
    "model": dict(_MODEL, nargs="?"),
    "--model": _MODEL,
    "--conf": {
        "type": CONFIDENCE,
        "help": "confidence from which a box counts (default: the model's own)",
    },
    "--data": {
        "default": "data/traffic",
        "help": "folder with images/, to score also ground-truth/ (default: %(default)s)",
    },
    "--ignore": {"nargs": "*", "default": [], "metavar": "CLASS", "help": "classes to leave out"},
    "--out": {"default": "out", "help": "folder for what is written (default: %(default)s)"},
    "--json": {"metavar": "FILE", "help": "write the figures there too"},
    "--force": {
        "action": "store_true",
        "help": "replace files that are in the way, even if this kit did not write them",
    },
    "--encoder": {
        "choices": ENCODERS,
        "default": "auto",
        "help": "for the video (default: %(default)s)",
    },
    "--show": {
        "action": "store_true",
        "help": "in a window: q or ESC quits, f full screen, h help",
    },
    "--trace": {
        "metavar": "FILE",
        "help": "write what was done when, a Chrome trace for ui.perfetto.dev",
    },
    "--backend": {"choices": BACKENDS, "default": "auto", "help": "where the network runs"},
    "--engine": {
        "metavar": "FILE",
        "help": "a TensorRT engine (default: the newest that fits)",
    },
    "--threads": {"type": THREADS, "default": 0, "help": "CPU threads; 0: one a core"},
}

# The options that say how the network runs.
ENGINE = ("--backend", "--engine", "--threads")


# A command with one of these writes files, and has --force too.
_WRITING = ("--out", "--json", "--trace")


def add_command(
    commands: "Commands", name: str, call: Command, purpose: str, *shared: str
) -> argparse.ArgumentParser:
    """Add a command that `call` does; its parser has those of the shared options that it names."""
    parser = commands.add_parser(name, help=purpose)
    parser.set_defaults(call=call)
    for option in shared:
        parser.add_argument(option, **_SHARED[option])
    if any(option in shared for option in _WRITING):
        parser.add_argument("--force", **_SHARED["--force"])
    return parser


def open_ssd(args: argparse.Namespace) -> TrtSSD:
    """The detector that --model, --backend, --engine and --threads ask for."""
    return TrtSSD(args.model, backend=args.backend, threads=args.threads, plan=args.engine)


def say_what_it_knows(model: str, sources: Sequence[str]) -> None:
    """One line, where a model that has seen little of the world is shown something else."""
    spec = find_model(model)
    if not spec.knows or all(map(_is_sample, sources)):
        return
    print(
        f"{spec.name} has seen {spec.knows} only: elsewhere expect misses and false alarms. Models "
        "that know more: python -m trt_course models list. Your own: docs/model_json.md",
        file=sys.stderr,
    )


def _is_sample(source: str) -> bool:
    """Whether a source is one of the kit's own samples."""
    if is_live(source):  # a pipeline may be longer than any path
        return False
    try:
        place = kit_path(source).resolve()
    except (OSError, RuntimeError):  # it cannot be opened either, and that says why
        return False
    return (KIT / "data").resolve() in place.parents


def print_report(args: argparse.Namespace, report: str, figures: Any) -> None:
    """Print a report; its figures go where --json says."""
    print(report)
    if args.json is not None:
        args.outputs.write_json(args.json, figures)


def status_after(complaints: Sequence[str]) -> int:
    """Print what was not done; the exit status after it."""
    for complaint in complaints:
        print("trt_course: not done: " + complaint, file=sys.stderr)
    if complaints:
        return 1
    return 0
