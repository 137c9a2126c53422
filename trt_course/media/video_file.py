"""The frames of a video file, each at its own time: by PyAV if it is installed, else by OpenCV."""

import contextlib
import sys
from pathlib import Path
from typing import Optional, Union

from ..support.errors import CourseError
from . import av_file
from .base import Frame, Source
from .containers import is_cut
from .cv_file import CvFile, is_utf8
from .video_decoder import Picture, VideoDecoder

_STEP = 0.04  # seconds between frames if the file does not state its rate


class VideoFile(Source[Frame]):
    """The frames of a video file, in order, at the times that the file gives them.

    They are upright, with square pixels, and not interlaced. With a `pipeline` for GStreamer the
    time of a frame is its number over the rate.
    """

    def __init__(
        self, path: Union[str, Path], loop: bool = False, pipeline: Optional[str] = None
    ) -> None:
        super().__init__(path, loop)
        if not Path(self.uri).is_file():
            raise CourseError(f"There is no file {path}.")
        if pipeline:
            require_plain(self.uri)
        try:
            self._decoder = open_decoder(self.uri, pipeline)
        except OSError as err:
            raise CourseError(f"{path} cannot be read: {err.strerror}.") from None

        # what the file claims
        self.size = self._decoder.size
        self.fps = self._decoder.fps
        self.frames = self._decoder.frames

        # how far it has been read
        self._number = 0  # of the next frame
        self._time = 0.0  # of the last frame
        self._begun = 0.0  # when this round of a loop began
        self._step = _STEP
        if self.fps > 0:
            self._step = 1 / self.fps
        self._closed = False

    def read(self, timeout: Optional[float] = None) -> Optional[Frame]:
        """The next frame; None at the end. If that comes too early, it says so and sets `short`."""
        if self._closed:
            return None
        picture = self._decoder.read()
        if picture is None and self.loop and self._number:
            self._begin_again()
            picture = self._decoder.read()
        if picture is None:
            self._note_the_end()
            return None

        self._time = self._time_of(picture)
        self._number += 1
        return Frame(picture.image, self._number - 1, self._time, "")

    def close(self) -> None:
        """Free the decoder."""
        self._closed = True
        self._decoder.close()

    def _begin_again(self) -> None:
        """Go back to the first frame. Times go on: it comes one step after the last frame."""
        self._decoder.begin_again()
        self._begun = self._time + self._step

    def _time_of(self, picture: Picture) -> float:
        time = self._begun + max(picture.time or 0.0, 0.0)

        # a stream without times, or a decoder that does not tell them
        if self._number and time <= self._time:
            time = self._time + self._step
        return time

    def _note_the_end(self) -> None:
        """Say, once, if the end came too early."""
        if self.short or not self._ends_early():
            return
        self.short = True
        if self.frames and self._number < self._decoder.least_frames:
            what = f"claims {self.frames} frames, but only {self._number} could be read"
        else:
            what = f"breaks off after {self._number} frames"
        print(f"{self.uri} {what}: it is cut off or damaged.", file=sys.stderr)

    def _ends_early(self) -> bool:
        """Whether frames are missing, its last part is cut, or its last picture is damaged."""
        if self._frames_seen() < self._decoder.least_frames:
            return True
        return self._decoder.ends_damaged or is_cut(self.uri)

    def _frames_seen(self) -> float:
        """How many of the claimed frames have been seen.

        Some kinds of file claim their length times their rate. If the rate varies, the time of the
        last frame tells how far the file was read, and the number of frames does not. The last
        frame is assumed to last as long as the others do on average.
        """
        if self._number < 2 or not self._decoder.tells_times:
            return self._number
        steps = self._time / self._step
        last = max(1.0, steps / (self._number - 1))
        return max(self._number, steps + last)


def open_decoder(path: str, pipeline: Optional[str] = None) -> VideoDecoder:
    """PyAV's decoder if it is installed, else OpenCV's; a GStreamer pipeline needs OpenCV."""
    if pipeline or not av_file.is_here():
        return CvFile(path, pipeline)
    return av_file.AvFile(path)


def require_plain(path: str) -> None:
    """Refuse a file that the decoder of a GPU or a Jetson would show wrong without a word."""
    why = ""
    try:
        if not is_utf8(path):
            why = "its name is not UTF-8"
        elif is_cut(path):
            why = "it is cut off"
        else:
            with contextlib.closing(open_decoder(path)) as decoder:
                if not decoder.is_plain:
                    why = "it is interlaced, turned or trimmed, or its pixels are not square"
    except OSError as err:
        why = str(err.strerror)
    if why:
        raise CourseError(f"{path} is left to the CPU: {why}.")
