"""How large a picture may be, wherever it comes from: in bytes, in seconds and in pixels.

What comes from a file or the network may be hostile, broken or merely a mistake. It is refused with
one sentence before it uses up the machine's memory or somebody's evening.
"""

import contextlib
import ctypes
import time
from pathlib import Path
from typing import Optional, Set

from ..support.errors import CourseError

MOST_PIXELS = 100 * 1000 * 1000  # of a picture: 300 MB as BGR, about three times that on the way
MOST_BYTES = 64 << 20  # of a picture as it is sent, compressed
MOST_SECONDS = 10.0  # that a picture may take to arrive, from the request to its last byte
SILENCE = 5.0  # seconds after which a connection that sends nothing counts as lost

_MOST_MEMORY = 3 * MOST_PIXELS + (1 << 20)  # bytes, with what FFmpeg adds around a picture


def require_pixels(width: int, height: int, what: str) -> None:
    """Refuse a picture without pixels, or with more than MOST_PIXELS, before it is decoded.

    `what` names the picture's file or its camera.
    """
    if width < 1 or height < 1:
        raise CourseError(f"{what} claims to be {width} x {height} pixels, which is no picture.")
    if width * height > MOST_PIXELS:
        raise CourseError(
            f"{what} claims to be {width} x {height} pixels; at most "
            f"{MOST_PIXELS // 10**6} million are allowed, since more might not fit into memory. "
            "Scale it down first."
        )


def bound_ffmpeg() -> None:
    """Limit how much memory FFmpeg may allocate in one piece, in every copy of it loaded here.

    It collects a picture from a stream in one piece of memory, however much the sender sends, and
    decodes it into others. The largest that we allow is a picture of MOST_PIXELS as BGR; one that
    would need more counts as damaged. Only Linux tells which libraries are loaded, so elsewhere
    nothing is limited.
    """
    for path in _loaded_libraries("libavutil"):
        # It may be a different library of that name, or its file may have been replaced since.
        with contextlib.suppress(AttributeError, OSError):
            library = ctypes.CDLL(path)
            library.av_max_alloc.restype = None
            library.av_max_alloc.argtypes = [ctypes.c_size_t]
            library.av_max_alloc(_MOST_MEMORY)


def _loaded_libraries(name: str) -> Set[str]:
    """The shared libraries that this process has loaded whose names begin with `name`."""
    found = set()
    with contextlib.suppress(OSError):  # not Linux
        for line in Path("/proc/self/maps").read_text(errors="surrogateescape").splitlines():
            _, slash, rest = line.partition("/")
            path = slash + rest
            if Path(path).name.startswith(name) and ".so" in path:
                found.add(path)
    return found


class Meter:
    """Counts the bytes and the seconds of one picture, and refuses too many.

    >>> meter = Meter("The camera")
    >>> meter.count(1000)
    >>> meter.count(MOST_BYTES)
    Traceback (most recent call last):
    ...
    trt_course.support.errors.CourseError: The camera sends over 64 MiB for one picture.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self.bytes = 0  # of this picture
        self._end: Optional[float] = None  # the time.monotonic() at which it has taken too long

    def begin(self) -> None:
        """Start counting anew, for the next picture."""
        self.bytes = 0
        self._end = time.monotonic() + MOST_SECONDS

    def count(self, more: int) -> None:
        """Count `more` bytes that have arrived; a CourseError if too many, or too late."""
        if self._end is None:
            self.begin()
        self.require_room(more)
        self.bytes += more
        self.require_time()

    def require_room(self, more: int) -> None:
        """A CourseError if `more` bytes would be too much."""
        if self.bytes + more > MOST_BYTES:
            raise CourseError(f"{self.what} sends over {MOST_BYTES >> 20} MiB for one picture.")

    def require_time(self) -> None:
        """A CourseError if the picture has taken too long."""
        if self.seconds_left() <= 0:
            raise CourseError(
                f"{self.what} took over {MOST_SECONDS:g} s for one picture, "
                f"of which only {self.bytes} bytes arrived."
            )

    def seconds_left(self) -> float:
        """How long the picture may still take."""
        if self._end is None:
            return MOST_SECONDS
        return self._end - time.monotonic()
