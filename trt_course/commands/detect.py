"""The commands doctor, models, detect, camera and transcode."""

import time
from contextlib import ExitStack

from ..camera import MODES
from ..draw import BBoxVisualization
from ..jobs import FORMATS, detect_dir, detect_one, detect_video
from ..media.sources import kind_of
from ..media.transcode import transcode
from ..media.window import Window
from ..model.find import find_model, list_models
from ..support import doctor
from ..support.errors import CourseError
from ..throughput import run as fast
from . import ENGINE, add_command, failures, open_ssd, tell


def add_commands(commands):
    add_command(
        commands, "doctor", _doctor, "what this machine has, and what to do about what it lacks"
    )
    add_command(commands, "models", _models, "the models in models/")
    add = add_command(
        commands,
        "detect",
        _detect,
        "detect objects in pictures, a video or a live source",
        "--model",
        "--conf",
        "--out",
        "--encoder",
        "--show",
        "--trace",
        *ENGINE,
    )
    add.add_argument(
        "source",
        nargs="+",
        help="picture, folder, wildcard, video, camera or stream: docs/video.md; "
        "several with --fast",
    )
    add.add_argument(
        "--format",
        choices=FORMATS,
        help="for a folder: text files or detections.json (default: both)",
    )
    add.add_argument("--no-write", action="store_true", help="no pictures, no video")
    add.add_argument(
        "--save-json", action="store_true", help="the boxes as COCO results, for a video NAME.json"
    )
    for name, kind, default, text in (
        ("stride", int, 1, "every n-th frame only"),
        ("start", float, 0.0, "seconds"),
        ("end", float, None, "seconds"),
        ("batch", int, None, "frames a run"),
    ):
        add.add_argument("--" + name, type=kind, default=default, help="of a video: " + text)
    add.add_argument(
        "--fast",
        action="store_true",
        help="all sources at once, as fast as this machine allows, tables "
        "of boxes: docs/throughput.md",
    )
    add.add_argument(
        "--deadline",
        type=float,
        default=20,
        metavar="MS",
        help="--fast: a batch waits so long for its last picture (default: %(default)s)",
    )
    add.add_argument(
        "--gpus", type=int, default=1, help="--fast: a process on each of so many GPUs"
    )
    add = add_command(
        commands,
        "camera",
        _camera,
        "detect in a camera's pictures as they come, count what is missed",
        "--model",
        "--conf",
        "--json",
        "--show",
        "--trace",
        *ENGINE,
    )
    add.add_argument(
        "source", help="csi://0, /dev/video0 or 0, rtsp://..., http://..., gst:..., or a file"
    )
    add.add_argument(
        "--mode",
        choices=list(MODES),
        default="async",
        help="async: the detector in a thread of its own; "
        "child: reading there too; sync: the plain loop (default: %(default)s)",
    )
    add.add_argument(
        "--every",
        type=int,
        default=3,
        help="async: infer every N-th frame; 0: as fast as the detector can (default: %(default)s)",
    )
    add.add_argument(
        "--seconds", type=float, help="stop after that time (default: at the end, or Ctrl-C)"
    )
    add = add_command(
        commands,
        "transcode",
        _transcode,
        "any video file as an MP4 that a browser plays, without sound",
        "--out",
        "--encoder",
    )
    add.add_argument("source", help="video file")


def _doctor(args):
    print(doctor.report())


def _models(args):
    complaints = []
    for name in list_models():
        try:
            print(_describe(find_model(name)))
        except CourseError as err:
            complaints.append(str(err))
    return failures(complaints)


def _describe(spec):
    if not spec.onnx.is_file():
        raise CourseError(f"{spec.name}: the file {spec.onnx} is missing")
    ids = spec.class_ids()
    note = (
        "\n    note: the ONNX file is not the one that model.json describes"
        if spec.changed()
        else ""
    )
    return "{}  {}\n    {} x {} {}, {} classes: {}{}".format(
        spec.name,
        spec.title,
        spec.input.width,
        spec.input.height,
        spec.input.color,
        len(ids),
        ", ".join(spec.labels[i] for i in ids),
        note,
    )


def _detect(args):
    if min(args.gpus, args.batch or 1) < 1 or args.batch == 0 or not 0 <= args.deadline <= 3.6e6:
        raise CourseError(
            "--gpus and --batch are whole numbers from 1 up, --deadline is 0 to 3600000 milliseconds; "
            f"given: {args.gpus}, {args.batch} and {args.deadline:g}"
        )
    if args.fast:
        return failures(fast.detect(args))
    if len(args.source) > 1:
        raise CourseError(
            "Several sources at once are for --fast, which writes tables of boxes. (A wildcard in quotes "
            "is one source.)"
        )
    (args.source,) = args.source
    kind, write = kind_of(args.source), not args.no_write
    with open_ssd(args) as ssd, Window("trt_course") if args.show else ExitStack() as window:
        if kind == "image":
            detect_one(ssd, args.source, args.out, args.conf, write, args.save_json)
        elif kind == "folder":
            formats = [args.format] if args.format and not args.save_json else FORMATS
            return failures(detect_dir(ssd, args.source, args.out, args.conf, formats, write=write))
        else:
            detect_video(
                ssd,
                args.source,
                args.out,
                args.conf,
                write,
                args.stride,
                args.start,
                args.end,
                args.save_json,
                args.batch or 1,
                args.encoder,
                args.show and window.show,
            )
    return 0


def _camera(args):
    vis = BBoxVisualization(find_model(args.model).cls_dict())
    with Window("trt_course") if args.show else ExitStack() as window, MODES[args.mode](
        args.source, lambda: open_ssd(args).warm_up(), args.every, args.conf
    ) as camera:
        try:
            _watch(camera, args.seconds or float("inf"), args.show and window, vis)
        finally:
            counts = camera.counts()
            tell(
                args,
                f"{counts.captured} captured, {counts.shown} shown, {counts.dropped} dropped, {counts.inferred} inferred in "
                f"{counts.seconds:.1f} s: {counts.report()}",
                dict(counts._asdict(), mode=args.mode, every=args.every),
            )


def _watch(camera, seconds, window, vis):
    """A line a second, until the end of the source, of the time, or of the reader's patience."""
    started = time.monotonic()
    for view in camera:
        image, now = view.frame.image, time.monotonic()
        if window and not window.show(
            image if view.found is None else vis.annotate(image, view.found)
        ):
            return
        news = camera.news(view)
        if news:
            print(f"{now - started:4.0f} s  {news}", flush=True)
        if now - started >= seconds:
            return


def _transcode(args):
    print(transcode(args.source, args.out, args.encoder))
