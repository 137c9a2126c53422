"""A video file decoded by PyAV: every kind that FFmpeg knows, at exact times.

The file is opened here and read through Python: FFmpeg sees no name, which could be an address or
need not be UTF-8, and can open nothing else.
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

# what FFmpeg takes for a video, and is none: text, drawn; lists of other files
_NO_VIDEOS = {"tty", "hls", "concat", "dash", "sdp", "ass", "srt"}
_NO_ADDRESSES = {"protocol_whitelist": "none"}
# kinds of file that say neither how long they are nor where they end
_ENDLESS = {"mpegts", "mpeg", "mpegvideo", "h264", "hevc"}
_REORDERED = 16  # so many frames that came before the last one may be shown behind it

_DAMAGED = 1000  # failures in a row, with nothing read, after which a file counts as ended

_FASTEST = 1000  # frames a second; what claims more only counts time so finely


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
            with contextlib.suppress(self._errors, ValueError):  # pixels that nobody can convert
                image = self._showing.of(self._bgr(frame))
                return Picture(image, self._time_of(frame))
            frame = self._next_frame()
        return None

    def begin_again(self) -> None:
        """Open the file anew: that is exact for every kind of file."""
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
        except (self._errors, ValueError):  # ValueError: FFmpeg's own errors are some, too
            raise unreadable(self.path, "PyAV") from None
        if self._container.format.name in _NO_VIDEOS:
            raise unreadable(self.path, "PyAV")

        self._stream = self._container.streams.best("video")
        if self._stream is None or self._stream.codec_context is None:
            raise unreadable(self.path, "PyAV")
        codec = self._stream.codec_context
        if codec.width and codec.height:
            require_pixels(codec.width, codec.height, self.path)
        self._stream.thread_type = "AUTO"
        self._reformatter = need("av.video.reformatter").VideoReformatter()
        self._packets = self._container.demux(self._stream)
        self._at_end = False

    def _learn(self) -> None:
        """What the file claims, and from its first frame, how it is to be shown."""
        stream = self._stream
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        if rate <= _FASTEST:
            self.fps = rate
        self.frames = self._claim()

        first = self._next_frame()
        if first is None:
            raise unreadable(self.path, "PyAV")
        self._ready.appendleft(first)

        shape = stream.sample_aspect_ratio or 0
        self._showing = showing(self.path, float(shape), first.rotation)
        self.size = self._showing.size_of(first.width, first.height)
        require_pixels(*self.size, what=self.path)

        is_trimmed = self.frames is not None and stream.frames > self.frames
        is_as_decoded = self._showing == Showing() and self._deinterlacer is None
        self.is_plain = is_as_decoded and not is_trimmed

    def _claim(self) -> Optional[int]:
        """How many frames there are. What a trim has left out at either end is not counted."""
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
        return stream.frames or by_time or None

    # Decoding -------------------------------------------------------------------------------------

    def _next_frame(self) -> Any:
        """The next frame of the decoder's or the deinterlacer's; None at the end."""
        while not self._ready and not self._at_end:
            self._ready.extend(self._deinterlaced(self._decoded()))
        if not self._ready:
            return None
        return self._ready.popleft()

    def _decoded(self) -> List[Any]:
        """The frames of the next packet that can be decoded."""
        for _ in range(_DAMAGED):
            try:
                packet = next(self._packets, None)
                if packet is None:
                    break
                return packet.decode()
            except self._errors:
                # a damaged place, and there may be more behind it
                self._packets = self._container.demux(self._stream)
        self._at_end = True
        return []

    def _deinterlaced(self, frames: List[Any]) -> List[Any]:
        """The frames as they are, until the first one is interlaced."""
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
        """Of a stream without an end of its own, a damaged last frame tells that it was cut."""
        if frame.is_corrupt:
            self._since_damage = 0
        else:
            self._since_damage += 1
        is_endless = self._container.format.name in _ENDLESS
        self.ends_damaged = is_endless and self._since_damage < _REORDERED

    def _bgr(self, frame: Any) -> np.ndarray:
        """The frame's pixels, where FFmpeg has put them: `to_ndarray` would copy them once more."""
        converted = self._reformatter.reformat(frame, format="bgr24")
        (plane,) = converted.planes
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        packed = np.ascontiguousarray(rows[: frame.height, : 3 * frame.width])
        return packed.reshape(frame.height, frame.width, 3)

    def _time_of(self, frame: Any) -> Optional[float]:
        """In seconds from where the stream begins."""
        if frame.pts is None or frame.time_base is None:
            return None
        begin = self._stream.start_time or 0
        return float(frame.pts * frame.time_base - begin * self._stream.time_base)
