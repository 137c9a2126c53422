"""The commands bench and contest: speed, and speed and accuracy of a team."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..contest.board import board_files, rank, write_board
from ..contest.pack import pack
from ..measure.fps import FRAMES, SCOPES, bench
from ..support.errors import CourseError
from ..support.files import kit_path
from ..support.words import printable
from . import ENGINE, add_command, open_ssd, print_report

if TYPE_CHECKING:
    from . import Commands


def add_commands(commands: "Commands") -> None:
    """Add the commands of this group."""
    _add_bench(commands)

    contest_parser = commands.add_parser(
        "contest", help="pack one run into a hand-in; rank hand-ins"
    )
    steps = contest_parser.add_subparsers(dest="step", metavar="pack|rank")
    steps.required = True
    _add_pack(steps)
    _add_rank(steps)


def _add_bench(commands: "Commands") -> None:
    add = add_command(
        commands,
        "bench",
        _bench,
        "frames a second of a model, with the scope beside the figure",
        "model",
        "--out",
        "--json",
        "--trace",
        *ENGINE,
    )
    add.add_argument(
        "--scope",
        choices=sorted(SCOPES),
        default="detect",
        help="; ".join(f"{name}: {text}" for name, text in SCOPES.items()),
    )
    add.add_argument(
        "--source", default="data/street.mp4", help="video or folder (default: %(default)s)"
    )
    add.add_argument(
        "--frames", type=FRAMES, help="how many frames (default: 200, or all there are)"
    )


def _add_pack(steps: "Commands") -> None:
    add = add_command(
        steps,
        "pack",
        _pack,
        "one run of a model over pictures and a video, in one file",
        "--model",
        "--data",
        "--out",
        *ENGINE,
    )
    add.add_argument("--team", required=True)
    add.add_argument(
        "--video", default="data/street.mp4", help="video for the speed (default: %(default)s)"
    )
    add.add_argument(
        "--restructured", action="store_true", help="the inference class was restructured"
    )
    add.add_argument(
        "--other-model", choices=("backbone", "detector"), help="what of the model is another one"
    )


def _add_rank(steps: "Commands") -> None:
    add = add_command(
        steps,
        "rank",
        _rank,
        "check, score and rank a folder of hand-ins; status 1 if one is refused",
        "--ignore",
        "--force",
    )
    add.add_argument("folder", help="folder of hand-ins")
    add.add_argument("--gt", required=True, help="folder of ground-truth text files")
    add.add_argument("--data", help="the organiser's own pictures (a folder with images/)")
    add.add_argument("--video", help="the organiser's own video")
    add.add_argument(
        "--out", default="out/board", help="folder for the board (default: %(default)s)"
    )


def _bench(args: argparse.Namespace) -> None:
    out = Path(args.out) / "bench.mp4"
    if args.scope == "video":
        args.outputs.claim(out)
    with open_ssd(args) as ssd:
        timing = bench(
            ssd,
            kit_path(args.source),
            args.scope,
            frames=args.frames,
            out=out,
            outputs=args.outputs,
        )
    print_report(args, timing.report(), timing.as_dict())


def _pack(args: argparse.Namespace) -> None:
    with open_ssd(args) as ssd:
        path = pack(
            ssd,
            args.team,
            args.data,
            video=args.video,
            out=args.out,
            restructured=args.restructured,
            other_model=args.other_model,
            outputs=args.outputs,
        )
    print(f"The hand-in of {printable(args.team)}: {path}")


def _rank(args: argparse.Namespace) -> int:
    out = Path(args.out).resolve()
    if kit_path(args.folder).resolve() in [out, *out.parents]:
        raise CourseError(
            f"The board does not belong among the hand-ins in {args.folder}: choose another --out."
        )
    args.outputs.claim(*board_files(args.out))
    board = rank(args.folder, args.gt, args.ignore, args.data, args.video)
    paths = write_board(board, args.out, args.outputs)
    written = ", ".join(str(path) for path in paths)
    print(f"{board.report()}\n\nWritten: {written}")
    if board.refused:
        return 1
    return 0
