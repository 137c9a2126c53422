"""The commands doctor and models: what there is, what can be fetched, first records, a check."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..builder import draft
from ..builder.tf_graph import convert
from ..draw import BBoxVisualization
from ..measure.check.record import check
from ..measure.check.report import MOST_PICTURES, Samples, samples_of, told
from ..model.find import find_model
from ..support import doctor
from ..support.files import kit_path, require_apart
from . import add_command, fetch, status_after

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
        fetch.list_here,
        "the models in models/; `models list` and `models fetch` get you more, `models draft` "
        "writes a first record, `models check` tries one",
    )
    steps = models.add_subparsers(dest="step", metavar="list|fetch|draft|check")
    fetch.add_commands(steps)
    _add_draft(steps)
    _add_check(steps)


def _add_draft(steps: "Commands") -> None:
    purpose = "write a first model.json for a network, and ask what cannot be known"
    parser = add_command(steps, "draft", _draft, purpose, "--force")
    parser.add_argument(
        "file",
        metavar="FILE",
        help="the network: an .onnx file, or the frozen graph (.pb) of an SSD made with "
        "TensorFlow's object detection API, which becomes an .onnx file first",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="folder for the record and a copy of the network, such as models/mine "
        "(default: beside the network, which is not copied)",
    )


def _doctor(args: argparse.Namespace) -> None:
    print(doctor.report())


def _draft(args: argparse.Namespace) -> None:
    write = draft.draft
    if Path(args.file).suffix == ".pb":
        write = convert
    drafted = write(args.file, args.out, args.outputs)
    print(draft.report(drafted))


def _add_check(steps: "Commands") -> None:
    add = add_command(
        steps,
        "check",
        _check,
        "run a model on pictures, and say what speaks against its record",
        "--conf",
        "--out",
    )
    add.add_argument("model", help="a name in models/, or a model folder")
    add.set_defaults(out="out/check")
    pictures = add.add_mutually_exclusive_group(required=True)
    pictures.add_argument("--image", metavar="FILE", help="a picture")
    pictures.add_argument(
        "--data",
        metavar="DIR",
        help=f"a folder with images/, of which {MOST_PICTURES} are taken, and perhaps "
        "ground-truth/, which shows wrong labels too",
    )


def _check(args: argparse.Namespace) -> int:
    spec = find_model(args.model)
    if args.conf is not None:
        spec = spec._replace(conf_threshold=args.conf)
    samples = Samples([kit_path(args.image)], None) if args.image else samples_of(args.data, spec)
    drawn = [Path(args.out) / (path.stem + ".jpg") for path in samples.paths]
    for path in samples.paths:
        require_apart(path, *drawn)
    args.outputs.claim(*drawn)

    shown = samples.read()
    report = check(spec, shown.pictures, shown.truths)
    draw = BBoxVisualization(spec.cls_dict())
    for path, picture, found in zip(shown.paths, shown.pictures, report.found):
        target = Path(args.out) / (path.stem + ".jpg")
        args.outputs.write_image(target, draw.annotate(picture, found))
    print(told(spec, report, with_truth=samples.truths is not None))
    print(f"Pictures: {args.out}")
    status = status_after(shown.complaints)
    return 1 if report.findings else status
