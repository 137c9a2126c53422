"""A file as if it were a camera."""

import threading
import time
from typing import Optional

from .base import Frame, Source, Stream

_PICTURES_RATE = 2.0  # frames a second of what has no rate
_TOO_SLOW = 0.25  # seconds that a reader waits while frames are skipped to catch up


class Paced(Stream[Frame]):
    """A file played at its own rate, pictures at two a second: whoever is late misses frames.

    A frame's time is the time.monotonic() at which a camera would have captured it. Closed with its
    source, also by another thread.
    """

    def __init__(self, source: Source[Frame]) -> None:
        self._source = source
        self._rate = source.fps or _PICTURES_RATE
        self._start: Optional[float] = None  # the time.monotonic() of the file's beginning

        self._closed = threading.Event()
        self._reading = threading.Lock()  # a decoder must not be freed while it reads

    def read(self) -> Optional[Frame]:
        """The frame that is due, waited for; None at the end."""
        asked = time.monotonic()
        while True:
            frame = self._next_frame()
            if frame is None:
                return None
            moment = self._moment_in_file(frame)
            if self._start is None:
                self._start = time.monotonic() - moment
            due = self._start + moment

            # a camera's newest frame stays that until the next one is due
            if due + 1 / self._rate > asked:
                break

            # it decodes too slowly for its rate, and will never catch up: it plays slowly
            if time.monotonic() - asked > _TOO_SLOW:
                self._start = asked - moment
                due = asked
                break

        if self._closed.wait(max(0.0, due - time.monotonic())):
            return None
        return frame._replace(time=due)

    def close(self) -> None:
        """End a `read` that waits, and close the source."""
        self._closed.set()
        with self._reading:
            self._source.close()

    def _next_frame(self) -> Optional[Frame]:
        with self._reading:
            if self._closed.is_set():
                return None
            return self._source.read()

    def _moment_in_file(self, frame: Frame) -> float:
        """Seconds from the beginning."""
        if self._source.fps:
            return frame.time
        return frame.number / self._rate
