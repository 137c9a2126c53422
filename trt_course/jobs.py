"""detect_one, detect_dir and detect_video of the original course: a source, a detector, files with the results.

They join the package's stops; the work of each stop is in its own module.
"""

import itertools
import time
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np

from .draw import BBoxVisualization
from .media.base import check_whole
from .media.pictures import images_in, read_image
from .media.pipeline import Behind, ahead
from .media.sources import open_source
from .media.writer import VideoWriter
from .support.errors import CourseError
from .support.files import require_apart, kit_path, write_image, write_json, write_text
from .support.progress import progress

FORMATS = ("voc", "coco")


def detect_one(ssd, source, out="out", conf_th=None, write=True, save_json=False):
    """Detect in one picture, print what was found and how long it took, write it with its boxes to out/NAME.jpg."""
    source = kit_path(source)
    image = read_image(source)
    started = time.perf_counter()
    found = ssd.detect(image, conf_th)
    seconds = time.perf_counter() - started
    target = Path(str(out)) / (source.stem + ".jpg")
    if write:
        require_apart(source, target)
        write_image(target, BBoxVisualization(ssd.spec.cls_dict()).annotate(image, found))
    if save_json:
        write_json(target.with_suffix(".json"), found.to_coco(1, ssd.spec.category_ids()))
    text = found.to_text(ssd.spec.labels)
    write_text(target.with_suffix(".txt"), text)
    print(
        "{}{} objects in {}, {:.1f} ms for preprocessing, network and decoding (one run, warm-up included). "
        "{}".format(
            text, len(found), source.name, seconds * 1e3, f"Picture: {target}" if write else ""
        )
    )
    return found


def detect_dir(ssd, source, out="out", conf_th=None, formats=FORMATS, draw_th=0.0, write=True):
    """Detect in every picture of a folder or wildcard. Returns the complaints about those that could not be read.

    Writes out/detection-results/NAME.txt (empty where nothing is found), out/pictures/NAME.jpg and, for all pictures
    together, out/detections.json in COCO's result form, images numbered from 1 in the order of their names.
    Scoring wants the faint boxes too, looking does not: `draw_th` keeps those below it out of the pictures.
    What is done when the reader presses Ctrl-C is kept.
    """
    paths, out = images_in(kit_path(source)), Path(str(out))
    twice = len(paths) - len({p.stem for p in paths})
    if twice:
        raise CourseError(
            f"{twice} pictures in {source} share their name with another (a.jpg and a.png): their results would "
            "overwrite each other. Rename them."
        )
    for path in paths if write else ():
        require_apart(path, out / "pictures" / (path.stem + ".jpg"))
    vis, category_ids = BBoxVisualization(ssd.spec.cls_dict()), ssd.spec.category_ids()
    results, failed = [], []
    try:
        for number, path in enumerate(progress(paths, desc="detect", unit="image"), 1):
            try:
                image = read_image(path)
            except CourseError as err:
                failed.append(str(err))
                continue
            found = ssd.detect(image, conf_th)
            if "voc" in formats:
                write_text(
                    out / "detection-results" / (path.stem + ".txt"), found.to_text(ssd.spec.labels)
                )
            if write:
                write_image(
                    out / "pictures" / (path.stem + ".jpg"),
                    vis.annotate(image, found.above(draw_th)),
                )
            results += [dict(r, file_name=path.name) for r in found.to_coco(number, category_ids)]
    finally:
        if "coco" in formats:
            write_json(out / "detections.json", results)
    print(f"{len(paths) - len(failed)} of {len(paths)} pictures done, results in {out}")
    return failed


def _chosen(video, stride, start, end):
    """Every `stride`-th frame between two moments, in seconds from the video's start, or from now; its time from the
    first of them on."""
    begun = time.monotonic() if video.live else 0.0
    late_enough = (frame for frame in video if frame.time - begun >= start)
    between = itertools.takewhile(
        lambda frame: end is None or frame.time - begun < end, late_enough
    )
    first = None
    for frame in itertools.islice(between, 0, None, stride):
        first = frame.time if first is None else first
        yield frame._replace(time=frame.time - first)


def _detected(ssd, frames, batch, conf_th, spent):
    """(frame, Detections) of each; `spent` gets the seconds for each."""
    for group in iter(lambda: list(itertools.islice(frames, batch)), []):
        started = time.perf_counter()
        results = ssd.detect_batch([frame.image for frame in group], conf_th)
        spent += [(time.perf_counter() - started) / len(group)] * len(group)
        yield from zip(group, results)


def detect_video(
    ssd,
    source,
    out="out",
    conf_th=None,
    write=True,
    stride=1,
    start=0.0,
    end=None,
    save_json=False,
    batch=1,
    encoder="auto",
    show=None,
):
    """Detect in the frames of a video file or a live source and write out/NAME.mp4. Returns its path.

    Reading, detecting (here, in the caller's thread) and drawing with writing overlap. A file is read ahead; of a
    live source each frame is the newest. Ctrl-C keeps what is done. `show` gets each picture with its boxes, in the
    caller's thread, and ends the video when it returns False.
    """
    if stride < 1 or batch < 1:
        raise CourseError(
            f"stride and batch are whole numbers from 1 up; given: {stride} and {batch}"
        )
    began, spent, rows = time.perf_counter(), [], []
    vis, category_ids = BBoxVisualization(ssd.spec.cls_dict()), ssd.spec.category_ids()

    def keep(frame, found):
        if write:
            writer.write(vis.annotate(frame.image, found), frame.time)
        rows.extend(
            dict(r, frame=frame.number, time=round(frame.time, 6))
            for r in found.to_coco(frame.number + 1, category_ids)
        )

    with open_source(source) as video:
        target = Path(str(out)) / ("live.mp4" if video.live else Path(video.uri).stem + ".mp4")
        if write and not video.live:
            require_apart(video.uri, target)
        chosen = _chosen(video, stride, start, end)
        total = -(-video.frames // stride) if video.frames and not start and end is None else None
        try:
            with VideoWriter(
                target, video.fps / stride, encoder
            ) if write else ExitStack() as writer, Behind(keep) as sink, closing(
                chosen if video.live else ahead(chosen, 4 + batch)
            ) as frames:
                pairs = _detected(ssd, frames, batch, conf_th, spent)
                for frame, found in progress(pairs, total=total, desc="detect", unit="frame"):
                    sink.put(frame, found)
                    if show and not show(vis.annotate(frame.image, found)):
                        break
        finally:
            if save_json and spent:
                write_json(target.with_suffix(".json"), rows)
    if not spent:
        raise CourseError(
            "{} holds no frame that can be read{}.".format(
                source, " after --start" if start else ""
            )
        )
    print(
        "{} frames, {:.1f} FPS over all; median {:.1f} ms a frame for preprocessing, network and decoding. {}".format(
            len(spent),
            len(spent) / (time.perf_counter() - began),
            np.median(spent) * 1e3,
            f"Video: {target}" if write else "No video written.",
        )
    )
    check_whole(video)
    return target
