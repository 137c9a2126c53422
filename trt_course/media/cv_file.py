"""A video file decoded by OpenCV, where PyAV is missing, or by a Jetson's decoder.

What OpenCV would get wrong is refused, as far as it can be known.
"""

import contextlib
import os
import re
import shutil
import subprocess
from typing import Any, Optional

import cv2

from ..support.errors import CourseError, need
from .bounds import require_pixels
from .video_decoder import Picture, Showing, VideoDecoder, showing, unreadable

_DAMAGED = 30  # frames in a row that may be damaged before a video counts as ended
_PATIENCE = 20  # seconds that ffmpeg may take to look at a file
_ADVICE = " (PyAV reads more kinds: pip install av)"
_INTERLACED = re.compile(r"Video: .*\b(top|bottom) (coded )?first")


class CvFile(VideoDecoder):
    """The pictures of a video file; with a `pipeline`, those that GStreamer's elements decode.

    Through a pipeline no time is known: there OpenCV tells how far the decoder is, and that is
    ahead.
    """

    def __init__(self, path: str, pipeline: Optional[str] = None) -> None:
        super().__init__(path)
        self.tells_times = not pipeline

        # OpenCV ends the process at a name that is not UTF-8: it gets the open file's other name
        self._file: Any = None
        self._place = os.path.abspath(path)  # absolute: FFmpeg takes a:b for an address
        if not is_utf8(path):
            self._file = open(os.fsencode(path), "rb")  # noqa: SIM115  closed by `close`
            self._place = f"/proc/self/fd/{self._file.fileno()}"

        if pipeline:
            self._capture = cv2.VideoCapture(pipeline, cv2.CAP_GSTREAMER)
        else:
            self._capture = cv2.VideoCapture(self._place)

        # how far it is
        self._number = 0  # of the next picture of this round
        self._first: Optional[Picture] = None  # read already
        self._showing = Showing()

        try:
            self._learn()
        except BaseException:
            self.close()
            raise

    def read(self) -> Optional[Picture]:
        """The next picture that can be read; None at the end."""
        picture = self._first
        self._first = None
        if picture is None:
            picture = self._next()
        return picture

    def begin_again(self) -> None:
        """Open the file anew."""
        self._capture.open(self._place)
        self._number = 0

    def close(self) -> None:
        """Free the decoder."""
        self._capture.release()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _learn(self) -> None:
        """What the file claims, and how it is to be shown."""
        capture = self._capture
        width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if not capture.isOpened() or width <= 0 or height <= 0:
            raise unreadable(self.path, "OpenCV", _ADVICE)
        if self.tells_times:
            _require_progressive(self.path)

        self.fps = capture.get(cv2.CAP_PROP_FPS)
        claim = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if 0 < claim < 1e9:
            self.frames = int(claim)

        self._showing = showing(self.path, self._stretch(), degrees=0)
        self.size = self._showing.size_of(width, height)
        require_pixels(*self.size, what=self.path)
        is_turned = self._property("CAP_PROP_ORIENTATION_META") != 0
        self.is_plain = self._showing == Showing() and not is_turned

        # OpenCV opens a file also where it lacks the codec
        self._first = self._next()
        if self._first is None:
            raise unreadable(self.path, "OpenCV", _ADVICE)

    def _stretch(self) -> float:
        """A pixel's width over its height, in the picture that OpenCV has turned upright."""
        wide = self._property("CAP_PROP_SAR_NUM")
        high = self._property("CAP_PROP_SAR_DEN")
        if wide <= 0 or high <= 0:
            return 1.0
        if self._property("CAP_PROP_ORIENTATION_META") % 180 == 90:
            return high / wide
        return wide / high

    def _property(self, name: str) -> float:
        """A property of the file; 0 where this OpenCV does not know it."""
        if not hasattr(cv2, name):
            return 0.0
        return self._capture.get(getattr(cv2, name))

    def _next(self) -> Optional[Picture]:
        """Past damaged pictures, as long as the file claims that there are more."""
        for _ in range(_DAMAGED):
            good, image = self._capture.read()
            if good:
                self._number += 1
                return Picture(self._showing.of(image), self._time())
            if self.frames is None or self._number >= self.frames:
                break
        return None

    def _time(self) -> Optional[float]:
        if not self.tells_times:
            return None
        return max(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3, 0.0)


def is_utf8(path: str) -> bool:
    """Whether a name can be given to libraries that end the process at one that is not UTF-8."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _require_progressive(path: str) -> None:
    """Refuse an interlaced video, as far as ffmpeg is here to tell."""
    said = _said_by_ffmpeg(path)
    if _INTERLACED.search(said):
        raise CourseError(
            f"{path} is interlaced: each frame is two halves of different moments, which OpenCV "
            "weaves together or leaves black. pip install av reads it; where that has no wheel: "
            "ffmpeg -i FILE -vf bwdif NEW.mp4"
        )


def _said_by_ffmpeg(path: str) -> str:
    """What ffmpeg says of a file; empty where there is no ffmpeg."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        with contextlib.suppress(CourseError, RuntimeError):  # RuntimeError: it brings none here
            ffmpeg = need("imageio_ffmpeg").get_ffmpeg_exe()
    if ffmpeg is None:
        return ""

    command = [ffmpeg, "-nostdin", "-hide_banner", "-i", "file:" + os.path.abspath(path)]
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _, said = child.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return ""
    return said.decode(errors="replace")
