"""The command line: `python -m trt_course COMMAND`. Each command calls the functions that the lessons call.

Exit status: 0 all done, 1 some items failed, 2 bad input, 130 stopped with Ctrl-C.
"""
import argparse
import sys
from pathlib import Path

from . import doctor
from .detect import FORMATS, detect_dir, detect_one, detect_video
from .engine import BACKENDS
from .errors import CourseError
from .files import kit_path, write_json
from .measure import coco, contest, voc
from .measure.evaluate import detect_folder, read_folders, save_plots
from .measure.fps import SCOPES, bench
from .media.sources import kind_of
from .models import find_model, list_models
from .ssd import TrtSSD

DEFAULT_MODEL = "ssd_resnet18_traffic"


def _doctor(args):
    print(doctor.report())
    return 0


def _models(args):
    complaints = []
    for name in list_models():
        try:
            print(_describe(find_model(name)))
        except CourseError as err:
            complaints.append(str(err))
    return _failures(complaints)


def _describe(spec):
    if not spec.onnx.is_file():
        raise CourseError("{}: the file {} is missing".format(spec.name, spec.onnx))
    ids = spec.class_ids()
    note = "\n    note: the ONNX file is not the one that model.json describes" if spec.changed() else ""
    return "{}  {}\n    {} x {} {}, {} classes: {}{}".format(
        spec.name, spec.title, spec.input.width, spec.input.height, spec.input.color, len(ids),
        ", ".join(spec.labels[i] for i in ids), note)


def _open(args):
    return TrtSSD(args.model, backend=args.backend, threads=args.threads)


def _detect(args):
    source = kit_path(args.source)
    kind = kind_of(source)
    with _open(args) as ssd:
        if kind == "image":
            detect_one(ssd, source, args.out, args.conf)
        elif kind == "video":
            detect_video(ssd, source, args.out, args.conf)
        else:
            return _failures(detect_dir(ssd, source, args.out, args.conf, [args.format] if args.format else FORMATS))
    return 0


def _failures(failed):
    for complaint in failed:
        print("trt_course: not done: " + complaint, file=sys.stderr)
    return 1 if failed else 0


def _evaluate(args):
    if not (args.model or args.gt and args.det) or len(args.set_class_iou) % 2:
        raise CourseError("evaluate needs --gt DIR --det DIR, or --model NAME --data DIR; --set-class-iou takes pairs "
                          "of a class and a number")
    class_iou = {name: _iou(value) for name, value in zip(args.set_class_iou[::2], args.set_class_iou[1::2])}
    if args.model:
        with _open(args) as ssd:
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


def _bench(args):
    source = kit_path(args.source)
    with _open(args) as ssd:
        timing = bench(ssd, source, args.scope, args.frames, Path(args.out) / "bench.mp4")
    print(timing.report())
    if args.json:
        write_json(args.json, timing.as_dict())
    return 0


def _pack(args):
    with _open(args) as ssd:
        path = contest.pack(ssd, args.team, args.data, args.video, args.out, args.restructured, args.other_model)
    print("The hand-in of {}: {}".format(args.team, path))
    return 0


def _rank(args):
    board = contest.rank(args.folder, args.gt, args.ignore, args.data, args.video)
    paths = contest.write_board(board, args.out)
    print("{}\n\nWritten: {}".format(board.report(), ", ".join(map(str, paths))))
    return 1 if board.refused else 0


def _iou(text):
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 1:
        raise CourseError("--set-class-iou: '{}' is not an overlap between 0 and 1".format(text))
    return value


def _confidence(text):
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("wanted: a number from 0 to 1")
    return value


def _add_engine_options(parser):
    parser.add_argument("--backend", choices=BACKENDS, default="auto", help="where the network runs")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: one a core")


def _parser():
    parser = argparse.ArgumentParser(prog="python -m trt_course", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.required = True

    add = commands.add_parser("doctor", help="what this machine has, and what to do about what it lacks")
    add.set_defaults(call=_doctor)

    add = commands.add_parser("models", help="the models in models/")
    add.set_defaults(call=_models)

    add = commands.add_parser("detect", help="detect objects in a picture, a folder of pictures or a video file")
    add.add_argument("source", help="picture, folder or video file")
    add.add_argument("--model", default=DEFAULT_MODEL, help="a name in models/, a model folder, or an .onnx file "
                                                            "beside a model.json (default: %(default)s)")
    add.add_argument("--conf", type=_confidence, help="confidence from which a box counts (default: the model's own)")
    add.add_argument("--out", default="out", help="folder for the results (default: %(default)s)")
    add.add_argument("--format", choices=FORMATS, help="for a folder: text files or detections.json (default: both)")
    _add_engine_options(add)
    add.set_defaults(call=_detect)

    add = commands.add_parser("evaluate", help="mAP of detections, or of a model on a data folder")
    add.add_argument("--gt", help="folder of ground-truth text files")
    add.add_argument("--det", help="folder of detection text files")
    add.add_argument("--model", help="detect first, with this model ...")
    add.add_argument("--data", default="data/traffic", help="... on this folder with images/ and ground-truth/")
    add.add_argument("--metric", choices=("voc", "coco"), default="voc", help="mAP at overlap 0.5, or COCO's numbers")
    add.add_argument("--names", nargs="*", default=[], metavar="CLASS", help="class names with blanks that "
                                                                             "the files do not quote")
    add.add_argument("--ignore", nargs="*", default=[], metavar="CLASS", help="classes to leave out")
    add.add_argument("--set-class-iou", nargs="*", default=[], metavar="CLASS IOU", help="own overlap for a class")
    add.add_argument("--json", metavar="FILE", help="write the figures there too")
    add.add_argument("--plots", metavar="DIR", help="write curves, bars and the worst faults there as PNG")
    _add_engine_options(add)
    add.set_defaults(call=_evaluate)

    add = commands.add_parser("bench", help="frames a second of a model, with the scope beside the figure")
    add.add_argument("model", nargs="?", default=DEFAULT_MODEL, help="as for detect (default: %(default)s)")
    add.add_argument("--scope", choices=sorted(SCOPES), default="detect", help="; ".join(
        "{}: {}".format(name, text) for name, text in SCOPES.items()))
    add.add_argument("--source", default="data/street.mp4", help="video or folder (default: %(default)s)")
    add.add_argument("--frames", type=int, help="how many frames (default: 200, or all there are)")
    add.add_argument("--out", default="out", help="where scope video writes its video (default: %(default)s)")
    add.add_argument("--json", metavar="FILE", help="write the figures there too")
    _add_engine_options(add)
    add.set_defaults(call=_bench)
    _add_contest(commands.add_parser("contest", help="pack one run into a hand-in; rank hand-ins"))
    return parser


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
    _add_engine_options(add)
    add.set_defaults(call=_pack)

    add = steps.add_parser("rank", help="check, score and rank a folder of hand-ins; status 1 if one is refused")
    add.add_argument("folder", help="folder of hand-ins")
    add.add_argument("--gt", required=True, help="folder of ground-truth text files")
    add.add_argument("--data", help="the organiser's own pictures (a folder with images/)")
    add.add_argument("--video", help="the organiser's own video")
    add.add_argument("--ignore", nargs="*", default=[], metavar="CLASS", help="classes to leave out")
    add.add_argument("--out", default="out/board", help="folder for the board (default: %(default)s)")
    add.set_defaults(call=_rank)


def main(argv=None):
    args = _parser().parse_args(argv)
    try:
        return args.call(args)
    except CourseError as err:
        print("trt_course: {}".format(err), file=sys.stderr)
        return 2
    except OSError as err:
        print("trt_course: {}: {}".format(err.strerror or err, err.filename or "a file"), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped. What was finished is kept.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
