"""The commands detect, camera and transcode: from pictures to boxes, from video to video."""

import argparse
import contextlib
import time
from typing import TYPE_CHECKING, Iterator, Optional, Sequence

import numpy as np

from ..camera import MODES, Camera, View
from ..camera_counts import EVERY
from ..draw import BBoxVisualization
from ..engine.choose import BATCH
from ..jobs import FORMATS, SECONDS, STRIDE, detect_dir, detect_one, detect_video
from ..media.sources import kind_of
from ..media.transcode import transcode
from ..media.window import Window
from ..model.find import find_model
from ..support.errors import CourseError
from ..support.ranges import number
from ..throughput.batches import DEADLINE
from ..throughput.fast import detect_fast
from ..throughput.gpus import GPUS
from . import ENGINE, add_command, open_ssd, print_report, say_what_it_knows, status_after

if TYPE_CHECKING:
    from . import Commands

_MILLISECONDS = number(0, 1000 * DEADLINE.most)  # that a batch may wait
_WATCHED = number(0.001, SECONDS.most)  # seconds that a camera is watched


def add_commands(commands: "Commands") -> None:
    """Add the commands of this group."""
    _add_detect(commands)
    _add_camera(commands)
    _add_transcode(commands)


def _add_detect(commands: "Commands") -> None:
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
    _add_output_options(add)
    _add_video_options(add)
    _add_fast_options(add)


def _add_output_options(add: argparse.ArgumentParser) -> None:
    """What is written."""
    add.add_argument(
        "--format",
        choices=FORMATS,
        help="for a folder: text files or detections.json (default: both)",
    )
    add.add_argument("--no-write", action="store_true", help="no pictures, no video")
    add.add_argument(
        "--save-json", action="store_true", help="the boxes as COCO results, for a video NAME.json"
    )


def _add_video_options(add: argparse.ArgumentParser) -> None:
    """Which frames of a video, and how many at once."""
    add.add_argument("--stride", type=STRIDE, default=1, help="of a video: every n-th frame only")
    add.add_argument("--start", type=SECONDS, default=0.0, help="of a video: seconds")
    add.add_argument("--end", type=SECONDS, help="of a video: seconds")
    add.add_argument("--batch", type=BATCH, help="of a video: frames a run")


def _add_fast_options(add: argparse.ArgumentParser) -> None:
    """Many sources at once."""
    add.add_argument(
        "--fast",
        action="store_true",
        help="all sources at once, as fast as this machine allows, tables of boxes: "
        "docs/throughput.md",
    )
    add.add_argument(
        "--deadline",
        type=_MILLISECONDS,
        default=20,
        metavar="MS",
        help="--fast: a batch waits so long for its last picture (default: %(default)s)",
    )
    add.add_argument(
        "--gpus", type=GPUS, default=1, help="--fast: a process on each of so many GPUs"
    )


def _add_camera(commands: "Commands") -> None:
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
        help="async: the detector in a thread of its own; child: reading there too; "
        "sync: the plain loop (default: %(default)s)",
    )
    add.add_argument(
        "--every",
        type=EVERY,
        default=3,
        help="async: infer every N-th frame; 0: as fast as the detector can (default: %(default)s)",
    )
    add.add_argument(
        "--seconds", type=_WATCHED, help="stop after that time (default: at the end, or Ctrl-C)"
    )


def _add_transcode(commands: "Commands") -> None:
    add = add_command(
        commands,
        "transcode",
        _transcode,
        "any video file as an MP4 that a browser plays, without sound",
        "--out",
        "--encoder",
    )
    add.add_argument("source", help="video file")


@contextlib.contextmanager
def _window(wanted: bool) -> Iterator[Optional[Window]]:
    """The window that --show asks for; None without it."""
    if not wanted:
        yield None
        return
    with Window("trt_course") as window:
        yield window


def _detect(args: argparse.Namespace) -> int:
    if len(args.source) > 1 and not args.fast:
        raise CourseError(
            "Several sources at once are for --fast, which writes tables of boxes. "
            "(A wildcard in quotes is one source.)"
        )
    if args.fast:
        return _detect_fast(args)
    return _detect_source(args, args.source[0])


def _detect_source(args: argparse.Namespace, source: str) -> int:
    kind = kind_of(source)
    write = not args.no_write
    with open_ssd(args) as ssd, _window(args.show) as window:
        say_what_it_knows(args.model, [source])
        if kind == "image":
            detect_one(
                ssd,
                source,
                args.out,
                conf_th=args.conf,
                write=write,
                save_json=args.save_json,
                outputs=args.outputs,
            )
            return 0

        if kind == "folder":
            formats: Sequence[str] = FORMATS
            if args.format and not args.save_json:
                formats = (args.format,)
            complaints = detect_dir(
                ssd,
                source,
                args.out,
                conf_th=args.conf,
                formats=formats,
                write=write,
                outputs=args.outputs,
            )
            return status_after(complaints)

        detect_video(
            ssd,
            source,
            args.out,
            conf_th=args.conf,
            write=write,
            stride=args.stride,
            start=args.start,
            end=args.end,
            save_json=args.save_json,
            batch=args.batch or 1,
            encoder=args.encoder,
            show=window.show if window else None,
            outputs=args.outputs,
        )
        return 0


def _detect_fast(args: argparse.Namespace) -> int:
    if args.show or args.save_json or args.start or args.end or args.stride != 1:
        raise CourseError(
            "--fast writes tables of the boxes of all frames: leave out --show, --save-json, "
            "--start, --end and --stride."
        )
    say_what_it_knows(args.model, args.source)
    complaints = detect_fast(
        args.model,
        args.source,
        args.out,
        conf_th=args.conf,
        batch=args.batch,
        deadline=args.deadline / 1e3,
        gpus=args.gpus,
        backend=args.backend,
        plan=args.engine,
        threads=args.threads,
        outputs=args.outputs,
    )
    return status_after(complaints)


def _camera(args: argparse.Namespace) -> None:
    vis = BBoxVisualization(find_model(args.model).cls_dict())
    arrangement = MODES[args.mode]
    with _window(args.show) as window, arrangement(
        args.source, lambda: open_ssd(args).warm_up(), every=args.every, conf_th=args.conf
    ) as camera:
        say_what_it_knows(args.model, [args.source])
        try:
            _watch(camera, args.seconds, window, vis)
        finally:
            _report_counts(args, camera)


def _watch(
    camera: Camera, seconds: Optional[float], window: Optional[Window], vis: BBoxVisualization
) -> None:
    """A line a second, until the end of the source, of the time, or of the reader's patience."""
    started = time.monotonic()
    for view in camera:
        since = time.monotonic() - started
        if window is not None and not window.show(_drawn(view, vis)):
            return
        news = camera.news(view)
        if news:
            print(f"{since:4.0f} s  {news}", flush=True)
        if seconds and since >= seconds:
            return


def _drawn(view: View, vis: BBoxVisualization) -> np.ndarray:
    """The view's picture, with its boxes where there are any yet."""
    if view.found is None:
        return view.frame.image
    return vis.annotate(view.frame.image, view.found)


def _report_counts(args: argparse.Namespace, camera: Camera) -> None:
    counts = camera.counts()
    print_report(
        args,
        f"{counts.captured} captured, {counts.shown} shown, {counts.dropped} dropped, "
        f"{counts.inferred} inferred in {counts.seconds:.1f} s: {counts.report()}",
        dict(counts._asdict(), mode=args.mode, every=args.every),
    )


def _transcode(args: argparse.Namespace) -> None:
    print(transcode(args.source, args.out, args.encoder, args.outputs))
