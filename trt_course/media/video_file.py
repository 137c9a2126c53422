"""The frames of a video file, read by OpenCV, each at its own time."""

import os
import sys
from pathlib import Path

import cv2

from ..support.errors import CourseError
from .base import Frame, Source, cut_off

VIDEOS = (".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v", ".ts")
_DAMAGED = 30  # frames in a row that may be damaged before a video counts as ended


class VideoFile(Source):
    """The frames of a video file, in order, at the times that the file gives them.

    Through a `pipeline` of GStreamer's a time is the number over the rate: OpenCV tells how far the decoder is.
    """

    def __init__(self, path, loop=False, pipeline=None):
        super().__init__(path, loop)
        if not Path(self.uri).is_file():
            raise CourseError(f"There is no file {path}.")
        self._place, self._told = (
            os.path.abspath(self.uri),
            not pipeline,
        )  # FFmpeg takes a:b for an address
        self._capture = (
            cv2.VideoCapture(pipeline, cv2.CAP_GSTREAMER)
            if pipeline
            else cv2.VideoCapture(self._place)
        )
        claim, self.fps, w, h = (
            self._capture.get(p)
            for p in (
                cv2.CAP_PROP_FRAME_COUNT,
                cv2.CAP_PROP_FPS,
                cv2.CAP_PROP_FRAME_WIDTH,
                cv2.CAP_PROP_FRAME_HEIGHT,
            )
        )
        self.frames, self.size = int(claim) if 0 < claim < 1e9 else None, (int(w), int(h))
        if not self._capture.isOpened() or not all(self.size):
            self.close()
            raise CourseError(
                f"{path} cannot be read as a video: it is damaged, has no pictures, or needs a codec that "
                "this OpenCV lacks."
            )
        self._number, self._time, self._begun, self._step = (
            0,
            0.0,
            0.0,
            1 / self.fps if self.fps > 0 else 0.04,
        )

    def read(self, timeout=None):
        image = self._next_image()
        if image is None and self.loop and self._number:
            self._capture.open(self._place)
            self._begun = self._time + self._step
            image = self._next_image()
        if image is None:
            # some kinds of file tell their length times their rate: where the rate varies, the time says how far it is
            seen = max(
                self._number, self._told * (self._time / self._step + 1) if self._number else 0
            )
            self.short = cut_off(self.frames, seen)
            if self.short:
                print(
                    f"{self.uri} claims {self.frames} frames, {self._number} could be read: it is cut off or damaged.",
                    file=sys.stderr,
                )
            return None
        time = self._begun + self._told * max(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3, 0.0)
        if (
            self._number and time <= self._time
        ):  # a stream without times, or an OpenCV that does not tell them
            time = self._time + self._step
        self._number, self._time = self._number + 1, time
        return Frame(image, self._number - 1, time, "")

    def _next_image(self):
        """Past damaged frames, as long as the file claims that there are more."""
        for _ in range(_DAMAGED):
            good, image = self._capture.read()
            if good:
                return image
            if self.frames is None or self._number % self.frames == 0:
                break
        return None

    def close(self):
        self._capture.release()
