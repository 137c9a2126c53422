"""VideoRun: the frames of one detect_video on their way from reading to writing."""

import contextlib
import itertools
import time
from typing import Any, Callable, Dict, Generator, Iterable, Iterator, List, Optional, Tuple

import numpy as np

from .detections import Detections
from .draw import BBoxVisualization
from .media.base import Frame, Source
from .media.pipeline import Behind, ahead
from .media.writer import VideoWriter
from .ssd import TrtSSD
from .support.progress import progress

Show = Callable[[np.ndarray], bool]  # gets a picture with its boxes; False ends the video
Frames = Generator[Frame, None, None]  # can be closed before its end


def chosen_frames(video: Source, stride: int, start: float, end: Optional[float]) -> Frames:
    """Every `stride`-th frame between two moments; its time counts from the first of them.

    The moments are seconds from the video's start; of a live source from now.
    """
    zero = 0.0
    if video.live:
        zero = time.monotonic()

    first_time = None
    number = 0  # among the frames between the two moments
    for frame in video:
        at = frame.time - zero
        if at < start:
            continue
        if end is not None and at >= end:
            return
        if number % stride == 0:
            if first_time is None:
                first_time = frame.time
            yield frame._replace(time=frame.time - first_time)
        number += 1


class VideoRun:
    """One run of detect_video: frames become boxes, and both become a video, rows and a window."""

    def __init__(
        self, ssd: TrtSSD, conf_th: Optional[float], batch: int, show: Optional[Show]
    ) -> None:
        # How boxes are found
        self._ssd = ssd
        self._conf_th = conf_th
        self._batch = batch

        # What becomes of them
        self._vis = BBoxVisualization(ssd.spec.cls_dict())
        self._category_ids = ssd.spec.category_ids()
        self._show = show
        self._writer: Optional[VideoWriter] = None

        # What was done
        self.seconds: List[float] = []  # of each frame: preprocessing, network and decoding
        self.rows: List[Dict[str, Any]] = []  # a box each, in COCO's result form

    def go(
        self,
        frames: Frames,
        live: bool,
        total: Optional[int],
        writer: Optional[VideoWriter],
    ) -> None:
        """Take all frames from reading to writing; `total` is how many there will be."""
        with contextlib.ExitStack() as stages:
            if writer is not None:
                self._writer = stages.enter_context(writer)
            sink = stages.enter_context(Behind(self._keep))

            # A live source is not read ahead: each of its frames must be new.
            if not live:
                frames = ahead(frames, 4 + self._batch)
            stages.enter_context(contextlib.closing(frames))

            pairs = self._detected(frames)
            for frame, found in progress(pairs, total=total, desc="detect", unit="frame"):
                sink.put(frame, found)
                if self._show is None:
                    continue
                goes_on = self._show(self._vis.annotate(frame.image, found))
                if not goes_on:
                    break

    def _detected(self, frames: Iterator[Frame]) -> Iterator[Tuple[Frame, Detections]]:
        """Each frame with its boxes."""
        for group in _groups(frames, self._batch):
            started = time.perf_counter()
            results = self._ssd.detect_batch([frame.image for frame in group], self._conf_th)
            seconds = time.perf_counter() - started
            self.seconds += [seconds / len(group)] * len(group)
            yield from zip(group, results)

    def _keep(self, frame: Frame, found: Detections) -> None:
        """Write a frame and its boxes. Runs in the thread that writes."""
        if self._writer is not None:
            self._writer.write(self._vis.annotate(frame.image, found), frame.time)
        for row in found.to_coco(frame.number + 1, self._category_ids):
            self.rows.append(dict(row, frame=frame.number, time=round(frame.time, 6)))

    def report(self, seconds: float) -> str:
        """What was done in so many seconds, in a sentence."""
        frames = len(self.seconds)
        milliseconds = np.median(self.seconds) * 1e3
        return (
            f"{frames} frames, {frames / seconds:.1f} FPS over all; median {milliseconds:.1f} ms "
            "a frame for preprocessing, network and decoding."
        )


def _groups(frames: Iterable[Frame], size: int) -> Iterator[List[Frame]]:
    """The frames in groups of `size`; the last may be smaller."""
    iterator = iter(frames)
    group = list(itertools.islice(iterator, size))
    while group:
        yield group
        group = list(itertools.islice(iterator, size))
