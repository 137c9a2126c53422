"""The frames of a video file, read by OpenCV, each at its own time."""

import os
import sys
from pathlib import Path
from typing import Optional, Union

import cv2
import numpy as np

from ..support.errors import CourseError
from .base import Frame, Source, cut_off

VIDEOS = (".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v", ".ts")
_DAMAGED = 30  # frames in a row that may be damaged before a video counts as ended
_STEP = 0.04  # seconds between frames where the file does not tell its rate


class VideoFile(Source[Frame]):
    """The frames of a video file, in order, at the times that the file gives them.

    Through a `pipeline` of GStreamer's a time is the number over the rate: there OpenCV tells how
    far the decoder is, and that is ahead.
    """

    def __init__(
        self, path: Union[str, Path], loop: bool = False, pipeline: Optional[str] = None
    ) -> None:
        super().__init__(path, loop)
        if not Path(self.uri).is_file():
            raise CourseError(f"There is no file {path}.")

        # absolute: FFmpeg takes a:b for an address
        self._place = os.path.abspath(self.uri)
        if pipeline:
            self._capture = cv2.VideoCapture(pipeline, cv2.CAP_GSTREAMER)
        else:
            self._capture = cv2.VideoCapture(self._place)
        self._tells_times = not pipeline

        # what the file claims
        self.fps = self._capture.get(cv2.CAP_PROP_FPS)
        width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.size = (width, height)
        claim = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if 0 < claim < 1e9:
            self.frames = int(claim)

        if not self._capture.isOpened() or 0 in self.size:
            self.close()
            raise CourseError(
                f"{path} cannot be read as a video: it is damaged, has no pictures, or needs a "
                "codec that this OpenCV lacks."
            )

        # how far it has been read
        self._number = 0  # of the next frame
        self._time = 0.0  # of the last frame
        self._begun = 0.0  # when this round of a loop began
        self._step = _STEP
        if self.fps > 0:
            self._step = 1 / self.fps

    def read(self, timeout: Optional[float] = None) -> Optional[Frame]:
        """The next frame; None at the end. A file that ends too early says so, and is `short`."""
        image = self._next_image()
        if image is None and self.loop and self._number:
            self._begin_again()
            image = self._next_image()
        if image is None:
            self._note_the_end()
            return None

        self._time = self._time_of_frame()
        self._number += 1
        return Frame(image, self._number - 1, self._time, "")

    def close(self) -> None:
        """Free the decoder."""
        self._capture.release()

    def _next_image(self) -> Optional[np.ndarray]:
        """Past damaged frames, as long as the file claims that there are more."""
        for _ in range(_DAMAGED):
            good, image = self._capture.read()
            if good:
                return image
            if self.frames is None or self._number % self.frames == 0:
                break
        return None

    def _begin_again(self) -> None:
        """The times go on: the first frame comes one step after the last."""
        self._capture.open(self._place)
        self._begun = self._time + self._step

    def _time_of_frame(self) -> float:
        """For the frame that was just read."""
        time = self._begun
        if self._tells_times:
            time += max(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3, 0.0)

        # a stream without times, or an OpenCV that does not tell them
        if self._number and time <= self._time:
            time = self._time + self._step
        return time

    def _frames_seen(self) -> float:
        """How much of its claim the file has kept.

        Some kinds of file claim their length times their rate. Where the rate varies, the last
        frame's time says how far they were read, and the number of frames does not.
        """
        if not self._number or not self._tells_times:
            return self._number
        by_time = self._time / self._step + 1
        return max(self._number, by_time)

    def _note_the_end(self) -> None:
        self.short = cut_off(self.frames, self._frames_seen())
        if self.short:
            print(
                f"{self.uri} claims {self.frames} frames, {self._number} could be read: "
                "it is cut off or damaged.",
                file=sys.stderr,
            )
