"""detect_one, detect_dir and detect_video of the original course: from a source to files.

They join the package's stops; the work of each stop is in its own module.
"""

import math
import os
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from .detections import CONFIDENCE, Detections
from .draw import BBoxVisualization
from .engine.choose import BATCH
from .media.base import Source, require_whole
from .media.pictures import images_in, read_image
from .media.sources import open_source
from .media.writer import VideoWriter
from .ssd import TrtSSD
from .support.errors import CourseError
from .support.files import AnyPath, kit_path, require_apart
from .support.outputs import Outputs
from .support.progress import progress
from .support.ranges import number, whole
from .video_run import Show, VideoRun, chosen_frames

FORMATS = ("voc", "coco")

STRIDE = whole(1, 10000)  # of a video, every n-th frame
SECONDS = number(0, 10000000)  # a moment in a video, counted from its start
_LONGEST_NAME = 255  # in bytes, on nearly every file system


def detect_one(
    ssd: TrtSSD,
    source: AnyPath,
    out: AnyPath = "out",
    conf_th: Optional[float] = None,
    write: bool = True,
    save_json: bool = False,
    outputs: Optional[Outputs] = None,
) -> Detections:
    """Detect in one picture, print what was found and how long it took.

    Writes the picture with its boxes to out/NAME.jpg (unless `write` is False), the boxes as rows
    of text to out/NAME.txt and, with `save_json`, in COCO's result form to out/NAME.json. `outputs`
    decides, before the work, which files may be replaced (None: the kit's own).
    """
    outputs = outputs or Outputs()
    source = kit_path(source)
    target = Path(str(out)) / (source.stem + ".jpg")
    text_path = target.with_suffix(".txt")
    json_path = target.with_suffix(".json")

    # What will be written
    written = [text_path]
    if write:
        written.append(target)
    if save_json:
        written.append(json_path)
    require_apart(source, *written)
    outputs.claim(*written)

    image = read_image(source)

    started = time.perf_counter()
    found = ssd.detect(image, conf_th)
    milliseconds = (time.perf_counter() - started) * 1e3

    # The files
    rows = found.to_text(ssd.spec.labels)
    if write:
        outputs.write_image(target, BBoxVisualization(ssd.spec.cls_dict()).annotate(image, found))
    if save_json:
        outputs.write_json(json_path, found.to_coco(1, ssd.spec.category_ids()))
    outputs.write_text(text_path, rows)

    # The report
    where = ""
    if write:
        where = f"Picture: {target}"
    print(
        f"{rows}{len(found)} objects in {source.name}, {milliseconds:.1f} ms for preprocessing, "
        f"network and decoding (one run, warm-up included). {where}"
    )
    return found


def detect_dir(
    ssd: TrtSSD,
    source: AnyPath,
    out: AnyPath = "out",
    conf_th: Optional[float] = None,
    formats: Sequence[str] = FORMATS,
    draw_th: float = 0.0,
    write: bool = True,
    outputs: Optional[Outputs] = None,
) -> List[str]:
    """Detect in every picture of a folder or wildcard.

    Returns the complaints about those that could not be read. Writes out/detection-results/NAME.txt
    (empty where nothing is found), out/pictures/NAME.jpg and, for all pictures together,
    out/detections.json in COCO's result form, images numbered from 1 in the order of their names.
    Scoring wants the faint boxes too, looking does not: `draw_th` keeps those below it out of the
    pictures. What is done when the reader presses Ctrl-C is kept. `outputs` is detect_one's.

    >>> import tempfile
    >>> ssd = TrtSSD("ssd_mobilenet_v2_signs", backend="cpu", verbose=False)
    >>> with tempfile.TemporaryDirectory() as out:
    ...     failed = detect_dir(  # doctest: +ELLIPSIS
    ...         ssd, "data/signs/images/00000[3-5].jpg", out, conf_th=0.5, formats=["voc"]
    ...     )
    ...     text = (Path(out) / "detection-results" / "000005.txt").read_text()
    3 of 3 pictures done, results in ...
    >>> [row.split()[0] for row in text.splitlines()]
    ['mandatory']
    >>> ssd.close()
    """
    CONFIDENCE.require(draw_th, "draw_th")
    paths = images_in(kit_path(source))
    out = Path(str(out))
    _require_own_names(paths, source)

    outputs = outputs or Outputs()
    fitting = [path for path in paths if _has_room(path)]
    outputs.claim(*_results_of(fitting, out, formats, write))

    vis = BBoxVisualization(ssd.spec.cls_dict())
    category_ids = ssd.spec.category_ids()
    results: List[Dict[str, Any]] = []
    failed: List[str] = []
    try:
        for number, path in enumerate(progress(paths, desc="detect", unit="image"), 1):
            try:
                _require_room(path)
                image = read_image(path)
            except CourseError as err:
                failed.append(str(err))
                continue

            found = ssd.detect(image, conf_th)
            if "voc" in formats:
                outputs.write_text(_text_path(out, path), found.to_text(ssd.spec.labels))
            if write:
                drawn = vis.annotate(image, found.above(draw_th))
                try:
                    outputs.write_image(_picture_path(out, path), drawn)
                except CourseError as err:  # such as a side too long for JPEG
                    failed.append(str(err))
            for row in found.to_coco(number, category_ids):
                results.append(dict(row, file_name=path.name))
    finally:
        if "coco" in formats:
            outputs.write_json(out / "detections.json", results)

    done = len(paths) - len(failed)
    print(f"{done} of {len(paths)} pictures done, results in {out}")
    return failed


def _require_own_names(paths: Sequence[Path], source: AnyPath) -> None:
    """Refuse pictures whose results would have the same names."""
    stems = {path.stem for path in paths}
    twice = len(paths) - len(stems)
    if twice:
        raise CourseError(
            f"{twice} pictures in {source} share their name with another (a.jpg and a.png): their "
            "results would overwrite each other. Rename them."
        )


def _has_room(path: Path) -> bool:
    """Whether the picture's name leaves room for the endings of its results, four bytes long."""
    return len(os.fsencode(path.stem)) + 4 <= _LONGEST_NAME


def _require_room(path: Path) -> None:
    """Refuse a picture whose name leaves no room for the endings of its results."""
    if not _has_room(path):
        raise CourseError(
            f"The results of {path} would have names longer than {_LONGEST_NAME} bytes, which no "
            "file system allows. Rename it."
        )


def _results_of(
    paths: Sequence[Path], out: Path, formats: Sequence[str], write: bool
) -> List[Path]:
    """All files that detect_dir will write; a CourseError if one of them is a picture's own."""
    of_all = []
    if "coco" in formats:
        of_all.append(out / "detections.json")

    results = []
    for path in paths:
        of_one = []
        if "voc" in formats:
            of_one.append(_text_path(out, path))
        if write:
            of_one.append(_picture_path(out, path))
        require_apart(path, *of_one, *of_all)
        results += of_one
    return results + of_all


def _text_path(out: Path, path: Path) -> Path:
    """Where the boxes of a folder's picture go as text."""
    return out / "detection-results" / (path.stem + ".txt")


def _picture_path(out: Path, path: Path) -> Path:
    """Where a folder's picture goes with its boxes."""
    return out / "pictures" / (path.stem + ".jpg")


def detect_video(
    ssd: TrtSSD,
    source: AnyPath,
    out: AnyPath = "out",
    conf_th: Optional[float] = None,
    write: bool = True,
    stride: int = 1,
    start: float = 0.0,
    end: Optional[float] = None,
    save_json: bool = False,
    batch: int = 1,
    encoder: str = "auto",
    show: Optional[Show] = None,
    outputs: Optional[Outputs] = None,
) -> Path:
    """Detect in the frames of a video file or a live source and write out/NAME.mp4.

    Returns its path. Every `stride`-th frame from `start` until before `end` (seconds) is taken,
    `batch` of them go through the network at once, and `save_json` writes their boxes to
    out/NAME.json too. `encoder` is VideoWriter's.

    Reading, detecting (here, in the caller's thread) and drawing with writing overlap. A file is
    read ahead; of a live source each frame is the newest. Ctrl-C keeps what is done. `show` gets
    each picture with its boxes, in the caller's thread, and ends the video when it returns False.
    `outputs` is detect_one's.
    """
    STRIDE.require(stride, "stride")
    BATCH.require(batch, "batch")
    SECONDS.require(start, "start")
    if end is not None:
        SECONDS.require(end, "end")
    outputs = outputs or Outputs()
    started = time.perf_counter()
    run = VideoRun(ssd, conf_th, batch, show)
    with open_source(source) as video:
        target = _video_path(video, out)
        chosen = chosen_frames(video, stride, start, end)
        total = None
        if video.frames and not start and end is None:
            total = math.ceil(video.frames / stride)

        # What will be written
        json_path = target.with_suffix(".json")
        written = []
        if save_json:
            written.append(json_path)
        if write:
            written.append(target)
        if not video.live:
            require_apart(video.uri, *written)
        outputs.claim(*written)

        writer = None
        if write:
            writer = VideoWriter(target, video.fps / stride, encoder, outputs)
        try:
            run.go(chosen, live=video.live, total=total, writer=writer)
        finally:
            if save_json and run.seconds:
                outputs.write_json(json_path, run.rows)

    if not run.seconds:
        after = " after --start" if start else ""
        raise CourseError(f"{source} holds no frame that can be read{after}.")
    where = f"Video: {target}" if write else "No video written."
    print(f"{run.report(time.perf_counter() - started)} {where}")
    require_whole(video)
    return target


def _video_path(video: Source, out: AnyPath) -> Path:
    """Where a video goes with its boxes."""
    if video.live:
        return Path(str(out)) / "live.mp4"
    return Path(str(out)) / (Path(video.uri).stem + ".mp4")
