"""The commands doctor and models: what there is, a first draft of a record, a check of one."""

import argparse
from typing import TYPE_CHECKING

from ..builder import draft
from ..model.find import find_model, list_models
from ..model.spec import ModelSpec
from ..support import doctor
from ..support.errors import CourseError
from . import add_command, status_after

if TYPE_CHECKING:
    from . import Commands


def add_commands(commands: "Commands") -> None:
    """Add the commands of this group."""
    add_command(
        commands, "doctor", _doctor, "what this machine has, and what to do about what it lacks"
    )
    models = add_command(
        commands,
        "models",
        _models,
        "the models in models/; `models draft` writes a first record, `models check` tries one",
    )
    steps = models.add_subparsers(dest="step", metavar="draft|check")
    _add_draft(steps)


def _add_draft(steps: "Commands") -> None:
    purpose = "write a first model.json for an .onnx file, and ask what cannot be known"
    parser = add_command(steps, "draft", _draft, purpose, "--force")
    parser.add_argument("file", metavar="FILE.onnx", help="the network")
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="folder for the record and a copy of the network, such as models/mine "
        "(default: beside the network, which is not copied)",
    )


def _doctor(args: argparse.Namespace) -> None:
    print(doctor.report())


def _models(args: argparse.Namespace) -> int:
    complaints = []
    for name in list_models():
        try:
            print(_summary(find_model(name)))
        except CourseError as err:
            complaints.append(str(err))
    return status_after(complaints)


def _draft(args: argparse.Namespace) -> None:
    drafted = draft.draft(args.file, args.out, args.outputs)
    print(draft.report(drafted))


def _summary(spec: ModelSpec) -> str:
    """A model in two lines, and in a third what is wrong with its file."""
    if not spec.onnx.is_file():
        raise CourseError(f"{spec.name}: the file {spec.onnx} is missing")
    entry = spec.input
    labels = [spec.labels[cls] for cls in spec.class_ids()]
    lines = [
        f"{spec.name}  {spec.title}",
        f"    {entry.width} x {entry.height} {entry.color}, "
        f"{len(labels)} classes: {', '.join(labels)}",
    ]
    if spec.changed():
        lines.append("    note: the ONNX file is not the one that model.json describes")
    return "\n".join(lines)
