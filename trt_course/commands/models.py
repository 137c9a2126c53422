"""The commands doctor and models: what there is, what can be fetched, first records, a check."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..builder import catalogue, draft
from ..builder.catalogue.card import licence, table
from ..draw import BBoxVisualization
from ..measure.check.record import check
from ..measure.check.report import MOST_PICTURES, Samples, samples_of, told
from ..media.pictures import read_image
from ..model.find import find_model, list_models
from ..model.spec import ModelSpec
from ..support import doctor
from ..support.errors import CourseError
from ..support.files import kit_path, require_apart
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
        "the models in models/; `models list` and `models fetch` get you more, `models draft` "
        "writes a first record, `models check` tries one",
    )
    steps = models.add_subparsers(dest="step", metavar="list|fetch|draft|check")
    add_command(steps, "list", _list, "the models that are here, and those that can be fetched")
    _add_fetch(steps)
    _add_draft(steps)
    _add_check(steps)


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


def _list(args: argparse.Namespace) -> int:
    status = _models(args)
    print("\nTo be fetched, by python -m trt_course models fetch NAME:\n")
    print(table(catalogue.catalogue()))
    return status


def _add_fetch(steps: "Commands") -> None:
    purpose = "fetch public models, check them, and make models/NAME of each"
    parser = add_command(steps, "fetch", _fetch, purpose)
    parser.add_argument("names", metavar="NAME", nargs="+", help="a name that models list shows")
    parser.add_argument(
        "--from", dest="given", metavar="FILE", help="a file that you fetched by hand, for one NAME"
    )
    parser.add_argument(
        "--yes", action="store_true", help="take a file whose SHA-256 nobody has published"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="fetch anew; a folder that is in the way and was not fetched is put aside",
    )


def _fetch(args: argparse.Namespace) -> int:
    if args.given is not None and len(args.names) > 1:
        raise CourseError("--from takes the file of one model: name one, not several.")
    rows = [catalogue.find_row(name) for name in dict.fromkeys(args.names)]
    complaints = []
    for row in rows:
        try:
            _fetch_one(row, args)
        except CourseError as err:
            if len(rows) == 1:
                raise
            complaints.append(str(err))
    return status_after(complaints)


def _fetch_one(row: catalogue.Row, args: argparse.Namespace) -> None:
    """Show whose it is, fetch it, and say what to do next."""
    print(f"{row.name}  {row.spec.title}")
    print(f"    source   {row.source.source}")
    print(f"    licence  {licence(row.source)}")
    given = None
    if args.given is None:
        print(f"    address  {row.source.url}", flush=True)
    else:
        given = kit_path(args.given)
    fetched = catalogue.fetch(row, lambda asked: _agrees(asked, args.yes), given, force=args.force)
    state = "is made" if fetched.new else "is there already (--force fetches it anew)"
    print(f"{fetched.folder} {state}. Next: python -m trt_course detect PHOTO --model {row.name}")


def _agrees(asked: str, yes: bool) -> bool:
    """Whether the reader takes a file that nobody can check."""
    print(asked)
    if yes:
        return True
    if not sys.stdin.isatty():
        raise CourseError("Nobody can be asked here. To take such a file, add --yes.")
    return input("Take it? [y/N] ").strip().lower() in ("y", "yes")


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

    pictures = [read_image(path) for path in samples.paths]
    report = check(spec, pictures, samples.truths)
    draw = BBoxVisualization(spec.cls_dict())
    for path, picture, found in zip(drawn, pictures, report.found):
        args.outputs.write_image(path, draw.annotate(picture, found))
    print(told(spec, report, with_truth=samples.truths is not None))
    print(f"Pictures: {args.out}")
    return 1 if report.findings else 0
