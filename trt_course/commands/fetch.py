"""The commands models list and models fetch: which models there are, here and to be fetched."""

import argparse
import sys
from typing import TYPE_CHECKING

from ..builder import catalogue
from ..builder.catalogue.card import licence, table
from ..model.find import find_model, list_models
from ..model.spec import ModelSpec
from ..support.errors import CourseError
from ..support.files import kit_path
from . import add_command, status_after

if TYPE_CHECKING:
    from . import Commands


def add_commands(steps: "Commands") -> None:
    """Add the commands of this group, which are steps of `models`."""
    add_command(steps, "list", _list, "the models that are here, and those that can be fetched")
    _add_fetch(steps)


def list_here(args: argparse.Namespace) -> int:
    """Print the models in models/."""
    complaints = []
    for name in list_models():
        try:
            print(_summary(find_model(name)))
        except CourseError as err:
            complaints.append(str(err))
    return status_after(complaints)


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


def _list(args: argparse.Namespace) -> int:
    status = list_here(args)
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
    if sys.stdin is None or not sys.stdin.isatty():
        raise CourseError("Nobody can be asked here. To take such a file, add --yes.")
    try:
        answer = input("Take it? [y/N] ")
    except EOFError:  # Ctrl-D
        return False
    return answer.strip().lower() in ("y", "yes")
