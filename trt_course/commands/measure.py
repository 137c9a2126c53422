"""The commands evaluate, bench and contest."""
import contextlib
from pathlib import Path

from ..errors import CourseError
from ..files import kit_path, write_json
from ..measure import coco, contest, voc
from ..measure.evaluate import detect_folder, read_folders, save_plots
from ..measure.fps import SCOPES, bench
from . import DEFAULT_MODEL, add_engine_options, add_trace_option, open_ssd


def add_commands(commands):
    add = commands.add_parser("evaluate", help="mAP of detections, or of a model on a data folder")
    add.add_argument("--gt", help="folder of ground-truth text files")
    add.add_argument("--det", help="folder of detection text files")
    add.add_argument("--model", help="detect first, with this model ...")
    add.add_argument("--data", default="data/traffic", help="... on this folder with images/ and ground-truth/")
    add.add_argument("--metric", choices=("voc", "coco"), default="voc", help="mAP at overlap 0.5, or COCO's numbers")
    add.add_argument("--names", nargs="*", default=[], metavar="CLASS", help="names with blanks, unquoted in the files")
    add.add_argument("--ignore", nargs="*", default=[], metavar="CLASS", help="classes to leave out")
    add.add_argument("--set-class-iou", nargs="*", default=[], metavar="CLASS IOU", help="own overlap for a class")
    add.add_argument("--json", metavar="FILE", help="write the figures there too")
    add.add_argument("--plots", metavar="DIR", help="write curves, bars and the worst faults there as PNG")
    add_engine_options(add)
    add.set_defaults(call=_evaluate)

    add = commands.add_parser("bench", help="frames a second of a model, with the scope beside the figure")
    add.add_argument("model", nargs="?", default=DEFAULT_MODEL, help="as for detect (default: %(default)s)")
    add.add_argument("--scope", choices=sorted(SCOPES), default="detect", help="; ".join(
        "{}: {}".format(name, text) for name, text in SCOPES.items()))
    add.add_argument("--source", default="data/street.mp4", help="video or folder (default: %(default)s)")
    add.add_argument("--frames", type=int, help="how many frames (default: 200, or all there are)")
    add.add_argument("--out", default="out", help="where scope video writes its video (default: %(default)s)")
    add.add_argument("--json", metavar="FILE", help="write the figures there too")
    add_trace_option(add)
    add_engine_options(add)
    add.set_defaults(call=_bench)
    _add_contest(commands.add_parser("contest", help="pack one run into a hand-in; rank hand-ins"))


def _add_contest(parser):
    steps = parser.add_subparsers(dest="step", metavar="pack|rank")
    steps.required = True
    add = steps.add_parser("pack", help="one run of a model over pictures and a video, in one file")
    add.add_argument("--team", required=True)
    add.add_argument("--model", default=DEFAULT_MODEL, help="as for detect (default: %(default)s)")
    add.add_argument("--data", default="data/traffic", help="folder with images/ (default: %(default)s)")
    add.add_argument("--video", default="data/street.mp4", help="video for the speed (default: %(default)s)")
    add.add_argument("--restructured", action="store_true", help="the inference class was restructured")
    add.add_argument("--other-model", choices=("backbone", "detector"), help="what of the model is another one")
    add.add_argument("--out", default="out", help="folder for the file (default: %(default)s)")
    add_engine_options(add)
    add.set_defaults(call=_pack)

    add = steps.add_parser("rank", help="check, score and rank a folder of hand-ins; status 1 if one is refused")
    add.add_argument("folder", help="folder of hand-ins")
    add.add_argument("--gt", required=True, help="folder of ground-truth text files")
    add.add_argument("--data", help="the organiser's own pictures (a folder with images/)")
    add.add_argument("--video", help="the organiser's own video")
    add.add_argument("--ignore", nargs="*", default=[], metavar="CLASS", help="classes to leave out")
    add.add_argument("--out", default="out/board", help="folder for the board (default: %(default)s)")
    add.set_defaults(call=_rank)


def _evaluate(args):
    if not (args.model or args.gt and args.det) or len(args.set_class_iou) % 2:
        raise CourseError("evaluate needs --gt DIR --det DIR, or --model NAME --data DIR; --set-class-iou takes pairs "
                          "of a class and a number")
    class_iou = {name: _iou(value) for name, value in zip(args.set_class_iou[::2], args.set_class_iou[1::2])}
    if args.model:
        with open_ssd(args) as ssd:
            truths, founds = detect_folder(ssd, args.data)
    else:
        truths, founds = read_folders(args.gt, args.det, args.names)
    if args.metric == "coco":
        result = coco.score(*coco.from_voc(truths, founds))
    else:
        result = voc.score(truths, founds, args.ignore, class_iou)
    print(result.report())
    if args.plots:
        shown = result if args.metric == "voc" else voc.score(truths, founds)
        save_plots(args.plots, truths, founds, shown, kit_path(args.data) / "images" if args.model else None)
    if args.json:
        write_json(args.json, result.as_dict())
    return 0


def _iou(text):
    with contextlib.suppress(ValueError):
        if 0 < float(text) <= 1:
            return float(text)
    raise CourseError("--set-class-iou: '{}' is not an overlap between 0 and 1".format(text))


def _bench(args):
    with open_ssd(args) as ssd:
        timing = bench(ssd, kit_path(args.source), args.scope, args.frames, Path(args.out) / "bench.mp4")
    print(timing.report())
    if args.json:
        write_json(args.json, timing.as_dict())
    return 0


def _pack(args):
    with open_ssd(args) as ssd:
        path = contest.pack(ssd, args.team, args.data, args.video, args.out, args.restructured, args.other_model)
    print("The hand-in of {}: {}".format(args.team, path))
    return 0


def _rank(args):
    board = contest.rank(args.folder, args.gt, args.ignore, args.data, args.video)
    paths = contest.write_board(board, args.out)
    print("{}\n\nWritten: {}".format(board.report(), ", ".join(map(str, paths))))
    return 1 if board.refused else 0
