"""A video file decoded by OpenCV, for machines without PyAV, or by a Jetson's own decoder.

What OpenCV would get wrong is refused, as far as one can tell.
"""

import os
import re
import subprocess
from typing import Any, Optional

import cv2

from ..support.errors import CourseError
from .bounds import require_pixels
from .containers import kind_of_video
from .ffmpeg import ffmpeg_path
from .video_decoder import Picture, Showing, VideoDecoder, showing, unreadable

# kinds of file that do not count their frames: OpenCV computes them from the longest stream's time
_BY_TIME = {"matroska", "flv", "asf", "ogg", "mpeg", "mpegts"}
_MOST_DAMAGED = 30  # frames in a row that may be damaged before a video counts as ended
_PATIENCE = 20  # seconds that ffmpeg may take to look at a file
_ADVICE = " (PyAV reads more kinds: pip install av)"
_FASTEST = 1000  # frames a second; a file that claims so many states its unit of time, not its rate
# as ffmpeg puts it for a file, and its filter showinfo for a frame
_INTERLACED = re.compile(r"Video: .*\b(top|bottom) (coded )?first|showinfo.* i:[TB] ")


class CvFile(VideoDecoder):
    """The pictures of a video file; with a `pipeline`, as GStreamer's elements decode them.

    A pipeline gives no times: OpenCV then says how far the decoder is, which is further ahead.
    """

    def __init__(self, path: str, pipeline: Optional[str] = None) -> None:
        super().__init__(path)
        self.tells_times = not pipeline

        # A name that is not UTF-8 makes OpenCV crash, so it gets a different name of the open file
        self._file: Any = None
        self._place = os.path.abspath(path)  # absolute, because FFmpeg takes a:b for an address
        if not is_utf8(path):
            self._file = open(os.fsencode(path), "rb")  # noqa: SIM115  closed by `close`
            self._place = f"/proc/self/fd/{self._file.fileno()}"

        if pipeline:
            self._capture = cv2.VideoCapture(pipeline, cv2.CAP_GSTREAMER)
        else:
            self._capture = cv2.VideoCapture(self._place)

        # how far it has been read
        self._number = 0  # of the next picture in this round of a loop
        self._first: Optional[Picture] = None  # the first picture, until somebody reads it
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
        """Find out what the file claims, and how it is to be shown."""
        capture = self._capture
        width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if not capture.isOpened() or width <= 0 or height <= 0:
            raise unreadable(self.path, "OpenCV", _ADVICE)
        if self.tells_times:
            _require_progressive(self.path)

        rate = capture.get(cv2.CAP_PROP_FPS)
        if rate < _FASTEST:
            self.fps = rate
        claim = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if 0 < claim < 1e9 and self.fps:
            self.frames = int(claim)
            if kind_of_video(self.path) not in _BY_TIME:
                self.least_frames = claim * 0.98 - 1

        self._showing = showing(self.path, self._stretch(), degrees=0)
        self.size = self._showing.size_of(width, height)
        require_pixels(*self.size, what=self.path)
        is_turned = self._property("CAP_PROP_ORIENTATION_META") != 0
        self.is_plain = self._showing == Showing() and not is_turned

        # OpenCV opens a file even when it lacks the codec
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
        """A property of the file; 0 if this OpenCV does not know it."""
        if not hasattr(cv2, name):
            return 0.0
        return self._capture.get(getattr(cv2, name))

    def _next(self) -> Optional[Picture]:
        """The next good picture; damaged ones are skipped while the file claims to have more."""
        for _ in range(_MOST_DAMAGED):
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
    """Whether a name is safe for libraries that crash when one is not UTF-8."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _require_progressive(path: str) -> None:
    """Refuse an interlaced video, if there is an ffmpeg to tell."""
    said = _said_by_ffmpeg(path)
    if _INTERLACED.search(said):
        raise CourseError(
            f"{path} is interlaced: each frame is two halves of different moments, which OpenCV "
            "weaves together or leaves black. PyAV reads it (pip install av); where there is no "
            "wheel of PyAV, convert it: ffmpeg -i FILE -vf bwdif NEW.mp4"
        )


def _said_by_ffmpeg(path: str) -> str:
    """What ffmpeg prints about a file and its first frame; empty if there is no ffmpeg."""
    try:
        ffmpeg = ffmpeg_path()
    except CourseError:
        return ""

    # some files do not say that they are interlaced, but their frames do
    look = ["-map", "0:V:0", "-frames:v", "1", "-vf", "showinfo", "-f", "null", "-"]
    command = [ffmpeg, "-nostdin", "-hide_banner", "-i", "file:" + os.path.abspath(path)]
    try:
        run = subprocess.run(
            command + look,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return ""
    return run.stderr.decode(errors="replace")
