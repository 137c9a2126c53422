"""The commands evaluate, bench and contest: accuracy, speed, and both of a team."""

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Collection, Dict, List, Tuple

from ..contest.board import board_files, rank, write_board
from ..contest.pack import pack
from ..measure import coco, voc
from ..measure.boxes import Founds, Truths
from ..measure.evaluate import (
    detect_pictures,
    pictures_of,
    plot_files,
    read_folders,
    require_objects,
    save_plots,
    truths_of,
    warn_of_classes,
)
from ..measure.fps import FRAMES, SCOPES, bench
from ..support.errors import CourseError, need
from ..support.files import kit_path
from ..support.words import printable
from . import ENGINE, add_command, open_ssd, print_report

if TYPE_CHECKING:
    from . import Commands


def _voc_score(
    truths: Truths, founds: Founds, ignore: Collection[str], class_iou: Dict[str, float]
) -> voc.Score:
    return voc.score(truths, founds, ignore, class_iou)


def _coco_score(truths: Truths, founds: Founds, *_: object) -> coco.CocoScore:
    """COCO has its own overlaps, and scores every class."""
    return coco.score(*coco.from_voc(truths, founds))


# By the names that --metric takes. Each gives a score with `report()` and `as_dict()`.
METRICS: Dict[str, Callable[..., Any]] = {"voc": _voc_score, "coco": _coco_score}


def add_commands(commands: "Commands") -> None:
    """Add the commands of this group."""
    _add_evaluate(commands)
    _add_bench(commands)

    contest_parser = commands.add_parser(
        "contest", help="pack one run into a hand-in; rank hand-ins"
    )
    steps = contest_parser.add_subparsers(dest="step", metavar="pack|rank")
    steps.required = True
    _add_pack(steps)
    _add_rank(steps)


def _add_evaluate(commands: "Commands") -> None:
    add = add_command(
        commands,
        "evaluate",
        _evaluate,
        "mAP of detections, or of a model on a data folder",
        "--data",
        "--ignore",
        "--json",
        *ENGINE,
    )
    add.add_argument("--gt", help="folder of ground-truth text files")
    add.add_argument("--det", help="folder of detection text files")
    add.add_argument("--model", help="detect first, with this model, in --data")
    add.add_argument(
        "--metric",
        choices=tuple(METRICS),
        default="voc",
        help="mAP at overlap 0.5, or COCO's numbers",
    )
    add.add_argument(
        "--names",
        nargs="*",
        default=[],
        metavar="CLASS",
        help="names with blanks, unquoted in the files",
    )
    add.add_argument(
        "--set-class-iou",
        nargs="*",
        default=[],
        metavar="CLASS IOU",
        help="own overlap for a class",
    )
    add.add_argument(
        "--plots", metavar="DIR", help="write curves, bars and the worst faults there as PNG"
    )


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


def _evaluate(args: argparse.Namespace) -> None:
    _require_sense(args)
    class_iou = _class_overlaps(args.set_class_iou)

    # Whatever can be wrong should be known before the detector has run for long.
    images = None
    if args.model:
        images = kit_path(args.data) / "images"
    if args.plots is not None:
        need("matplotlib")
        args.outputs.claim(*plot_files(args.plots, images is not None))

    truths, founds = _truths_and_founds(args)
    warn_of_classes(truths, founds, args.ignore, class_iou)

    # The figures, and whatever the metric, the plots of VOC's
    score = METRICS[args.metric](truths, founds, args.ignore, class_iou)
    print_report(args, score.report(), score.as_dict())
    if args.plots is not None:
        if not isinstance(score, voc.Score):
            score = voc.score(truths, founds)
        save_plots(args.plots, truths, founds, score, images, args.outputs)


def _require_sense(args: argparse.Namespace) -> None:
    """Refuse arguments of evaluate that are too few, or some of which would be ignored."""
    is_complete = bool(args.gt and args.det)
    if args.model:
        is_complete = not (args.gt or args.det)
    if not is_complete or len(args.set_class_iou) % 2:
        raise CourseError(
            "evaluate needs --gt DIR --det DIR, or --model NAME --data DIR; --set-class-iou takes "
            "pairs of a class and a number"
        )
    if args.metric == "coco" and (args.ignore or args.set_class_iou):
        raise CourseError("--ignore and --set-class-iou are for --metric voc; coco has neither.")


def _truths_and_founds(args: argparse.Namespace) -> Tuple[Truths, Founds]:
    """What is there, and what was found."""
    if not args.model:
        truths, founds = read_folders(args.gt, args.det, args.names)
        require_objects(truths, args.ignore)
        return truths, founds

    data = kit_path(args.data)
    paths = pictures_of(data)
    truths = truths_of(data, paths, args.names)
    require_objects(truths, args.ignore)
    with open_ssd(args) as ssd:
        return truths, detect_pictures(ssd, paths)


def _class_overlaps(words: List[str]) -> Dict[str, float]:
    """The pairs of --set-class-iou: the overlap from which a box of the class counts as found."""
    return {name: _overlap(text) for name, text in zip(words[::2], words[1::2])}


def _overlap(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < float(text) <= 1:
            return float(text)
    raise CourseError(f"--set-class-iou: '{text}' is not an overlap between 0 and 1")


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
