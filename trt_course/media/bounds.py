"""How much a picture may be, whoever sends it: in bytes, in seconds and in pixels.

What comes from a file or the network may be hostile, broken or merely a mistake. It is refused by
one sentence before it takes the machine's memory or anybody's evening.
"""

import time
from typing import Optional

from ..support.errors import CourseError

MOST_PIXELS = 100 * 1000 * 1000  # of a picture: 300 MB as BGR, and some three times that on the way
MOST_BYTES = 64 << 20  # of a picture as it comes, which is compressed
MOST_SECONDS = 10.0  # that a picture takes to come, from the question to its last byte
SILENCE = 5.0  # seconds after which a connection that sends nothing counts as lost


def require_pixels(width: int, height: int, what: str) -> None:
    """A CourseError for a picture without pixels, or of more than MOST_PIXELS.

    To be asked before it is decoded: `what` names the picture's file or its camera.
    """
    if width < 1 or height < 1:
        raise CourseError(f"{what} says that it is {width} x {height} pixels, which is no picture.")
    if width * height > MOST_PIXELS:
        raise CourseError(
            f"{what} says that it is {width} x {height} pixels; at most "
            f"{MOST_PIXELS // 10**6} million are taken, for more would not fit into memory. "
            "Scale it down first."
        )


class Meter:
    """Counts the bytes and the seconds of one picture, and refuses what is too much.

    >>> meter = Meter("The camera", most_bytes=10)
    >>> meter.count(8)
    >>> meter.count(8)
    Traceback (most recent call last):
    ...
    trt_course.support.errors.CourseError: The camera sends over 10 bytes for one picture: is it a camera?
    """

    def __init__(
        self,
        what: str,
        most_bytes: int = MOST_BYTES,
        most_seconds: float = MOST_SECONDS,
    ) -> None:
        self.what = what
        self.most_bytes = most_bytes
        self.most_seconds = most_seconds
        self.bytes = 0  # of this picture
        self._end: Optional[float] = None  # the time.monotonic() at which it has taken too long

    def begin(self) -> None:
        """The next picture: nothing has come of it."""
        self.bytes = 0
        self._end = time.monotonic() + self.most_seconds

    def count(self, more: int) -> None:
        """So many bytes have come; a CourseError where it is too much, or has taken too long."""
        if self._end is None:
            self.begin()
        self.require_room(more)
        self.bytes += more
        self.require_time()

    def require_room(self, more: int) -> None:
        """A CourseError where so many bytes more would be too much."""
        if self.bytes + more > self.most_bytes:
            raise CourseError(
                f"{self.what} sends over {self.most_bytes} bytes for one picture: is it a camera?"
            )

    def require_time(self) -> None:
        """A CourseError where the picture has taken too long."""
        if self.seconds_left() <= 0:
            raise CourseError(
                f"{self.what} took over {self.most_seconds:g} s for one picture, "
                f"of which {self.bytes} bytes came."
            )

    def seconds_left(self) -> float:
        """How long the picture may still take."""
        if self._end is None:
            return self.most_seconds
        return self._end - time.monotonic()
