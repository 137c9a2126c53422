"""A video file decoded by PyAV: every kind that FFmpeg knows, at exact times.

The file is opened here and read through Python. So FFmpeg never sees its name, which could look
like an address or not be UTF-8, and it cannot open any other file.
"""

import contextlib
import os
from collections import deque
from typing import Any, Deque, Iterator, List, Optional

import cv2  # noqa: F401  before av: after it, cv2.imshow would hang
import numpy as np

from ..support.errors import CourseError, need
from .bounds import require_pixels
from .deinterlace import Deinterlacer
from .video_decoder import Picture, Showing, VideoDecoder, showing, unreadable

# what FFmpeg would read as a video though it is none: plain text, and lists of other files
_NO_VIDEOS = {"tty", "hls", "concat", "dash", "sdp", "ass", "srt"}
_NO_ADDRESSES = {"protocol_whitelist": "none"}
# kinds of file that state neither their length nor their end
_ENDLESS = {"mpegts", "mpeg", "mpegvideo", "h264", "hevc"}
_REORDERED = 16  # frames that may be shown after the last one in the file

_MOST_FAILURES = 1000  # in a row, with nothing read, before a file counts as ended

_FASTEST = 1000  # frames a second; a file that claims so many states its unit of time, not its rate
_MOST_FRAMES = 1e9  # a file that claims more was written where its writer could not go back
_TOLERANCE = 5  # frames that may be missing where only a length in seconds is stated


def is_here() -> bool:
    """Whether PyAV can be imported and is new enough: a Jetson Nano's Python has no wheel of it."""
    try:
        return hasattr(need("av").VideoFrame, "rotation")
    except CourseError:
        return False


class AvFile(VideoDecoder):
    """The pictures of a video file, deinterlaced, upright, with square pixels."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._av = need("av")
        self._errors = self._av.error.FFmpegError

        # what is open
        self._file: Any = None
        self._container: Any = None
        self._stream: Any = None
        self._packets: Iterator[Any] = iter(())
        self._deinterlacer: Optional[Deinterlacer] = None
        self._reformatter: Any = None
        self._form = (0, 0)  # width, height of the first frame as it is stored
        self._begin: Any = 0  # the time of the first frame, in the stream's units

        # what is decoded and waits to be read
        self._ready: Deque[Any] = deque()
        self._at_end = False
        self._since_damage = _REORDERED  # frames since the last damaged one
        self._showing = Showing()

        try:
            self._open()
            self._learn()
        except BaseException:
            self.close()
            raise

    def read(self) -> Optional[Picture]:
        """The next picture that can be read; None at the end."""
        frame = self._next_frame()
        while frame is not None:
            self._note_damage(frame)
            with contextlib.suppress(self._errors, ValueError):  # pixels that cannot be converted
                image = self._showing.of(self._bgr(frame))
                return Picture(image, self._time_of(frame))
            frame = self._next_frame()
        return None

    def begin_again(self) -> None:
        """Open the file again: seeking is not exact in every kind of file."""
        self.close()
        self._open()

    def close(self) -> None:
        """Free the decoder and the file."""
        self._ready.clear()
        self._packets = iter(())
        self._deinterlacer = None
        self._reformatter = None
        self._stream = None
        if self._container is not None:
            self._container.close()
            self._container = None
        self._since_damage = _REORDERED
        if self._file is not None:
            self._file.close()
            self._file = None

    # Opening --------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._file = open(os.fsencode(self.path), "rb")  # noqa: SIM115  closed by `close`
        try:
            self._container = self._av.open(
                self._file, options=_NO_ADDRESSES, metadata_errors="replace"
            )
        except (self._errors, ValueError):
            raise unreadable(self.path, "PyAV") from None
        if self._container.format.name in _NO_VIDEOS:
            raise unreadable(self.path, "PyAV")

        self._stream = self._container.streams.best("video")
        if self._stream is None or self._stream.codec_context is None or self._is_cover():
            raise unreadable(self.path, "PyAV")
        codec = self._stream.codec_context
        if codec.width and codec.height:
            require_pixels(codec.width, codec.height, self.path)
        self._stream.thread_type = "AUTO"
        self._reformatter = need("av.video.reformatter").VideoReformatter()
        self._packets = self._container.demux(self._stream)
        self._at_end = False

    def _is_cover(self) -> bool:
        """Whether all that there is to see is the picture on a piece of music."""
        return bool(self._stream.disposition & self._av.stream.Disposition.attached_pic)

    def _learn(self) -> None:
        """Find out what the file claims and, from its first frame, how it is to be shown."""
        stream = self._stream
        for rate in (stream.average_rate, stream.guessed_rate):
            if rate and rate < _FASTEST:
                self.fps = float(rate)
                break
        self.frames = self._claim()
        self.least_frames = self._least()

        first = self._next_frame()
        if first is None:
            raise unreadable(self.path, "PyAV")
        self._ready.appendleft(first)
        self._form = (first.width, first.height)
        self._begin = stream.start_time or 0
        if self._is_avi():
            self._begin = first.pts or 0

        shape = stream.sample_aspect_ratio or 0
        self._showing = showing(self.path, float(shape), first.rotation, _is_mirrored(first))
        self.size = self._showing.size_of(first.width, first.height)
        require_pixels(*self.size, what=self.path)

        is_trimmed = self.frames is not None and stream.frames > self.frames
        is_as_decoded = self._showing == Showing() and self._deinterlacer is None
        self.is_plain = is_as_decoded and not is_trimmed

    def _claim(self) -> Optional[int]:
        """How many frames there are, without those that a trim has left out at either end."""
        stream = self._stream
        seconds = 0.0
        if stream.duration:
            seconds = float(stream.duration * stream.time_base)
        elif self._container.duration:
            seconds = self._container.duration / self._av.time_base

        by_time = int(round(seconds * self.fps))
        has_edit_list = "mp4" in self._container.format.name
        if has_edit_list and by_time and stream.frames > by_time + 1:
            return by_time
        if max(stream.frames, by_time) > _MOST_FRAMES:
            return None
        return stream.frames or by_time or None

    def _least(self) -> float:
        """How many frames a whole file has, as far as it says.

        A length is mostly that of the longest stream: the sound may go on behind the pictures.
        """
        claim = self.frames or 0
        if self._stream.frames:
            return claim * 0.98 - 1
        if len(self._container.streams) > 1:
            return 0
        return claim * 0.98 - _TOLERANCE

    def _is_avi(self) -> bool:
        return bool(self._container.format.name == "avi")

    # Decoding -------------------------------------------------------------------------------------

    def _next_frame(self) -> Any:
        """The next frame from the decoder or the deinterlacer; None at the end."""
        while not self._ready and not self._at_end:
            frames = self._decoded()
            try:
                self._ready.extend(self._deinterlaced(frames))
            except self._errors:  # frames of a form that nobody can deinterlace
                raise unreadable(self.path, "PyAV") from None
        if not self._ready:
            return None
        return self._ready.popleft()

    def _decoded(self) -> List[Any]:
        """The frames in the next packet that can be decoded."""
        for _ in range(_MOST_FAILURES):
            try:
                packet = next(self._packets, None)
                if packet is None:
                    break
                return self._timed(packet.decode())
            except self._errors:
                # the file is damaged here, but may go on after it
                self._packets = self._container.demux(self._stream)
        self._at_end = True
        return []

    def _timed(self, frames: List[Any]) -> List[Any]:
        """An AVI does not say when its pictures are shown, only the order in which they come."""
        if self._is_avi():
            for frame in frames:
                frame.pts = frame.dts
        return frames

    def _deinterlaced(self, frames: List[Any]) -> List[Any]:
        """The frames, deinterlaced from the first interlaced one on."""
        if self._deinterlacer is None:
            if not any(frame.interlaced_frame for frame in frames):
                return frames
            self._deinterlacer = Deinterlacer(self._stream.time_base)

        ready = []
        for frame in frames:
            ready += self._deinterlacer.push(frame)
        if self._at_end:
            ready += self._deinterlacer.flush()
        return ready

    def _note_damage(self, frame: Any) -> None:
        """In a stream that does not mark its end, a damaged last frame shows that it was cut."""
        if frame.is_corrupt:
            self._since_damage = 0
        else:
            self._since_damage += 1
        is_endless = self._container.format.name in _ENDLESS
        self.ends_damaged = is_endless and self._since_damage < _REORDERED

    def _bgr(self, frame: Any) -> np.ndarray:
        """The frame's pixels, used where FFmpeg put them: `to_ndarray` would copy them again.

        Recordings of television change their size on the way: all frames get that of the first.
        """
        width, height = self._form
        converted = self._reformatter.reformat(frame, width, height, format="bgr24")
        (plane,) = converted.planes
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        packed = np.ascontiguousarray(rows[:height, : 3 * width])
        return packed.reshape(height, width, 3)

    def _time_of(self, frame: Any) -> Optional[float]:
        """In seconds from where the stream begins."""
        if frame.pts is None or frame.time_base is None:
            return None
        return float(frame.pts * frame.time_base - self._begin * self._stream.time_base)


def _is_mirrored(frame: Any) -> bool:
    """Whether what is above is to go below before the picture is turned."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return False
    matrix = np.frombuffer(data, np.int32).reshape(3, 3).astype(float)
    return bool(np.linalg.det(matrix[:2, :2]) < 0)
