"""Live sources: a thread reads a camera or a stream, and whoever asks gets the newest frame, once.

What nobody asked for in time is counted and dropped: a slow reader misses frames and never falls
behind. After a loss the thread connects again, at growing intervals. captures.py opens the cameras.
"""

import atexit
import sys
import threading
import time
import weakref
from typing import Any, Optional

import cv2
import numpy as np

from ..support.children import start_thread
from ..support.errors import CourseError
from .base import Frame, Source
from .bounds import MOST_SECONDS
from .captures import Capture, open_capture
from .web_cameras import Still

_FIRST_PAUSE = 0.25  # seconds before connecting again; twice as many after each failure
_LONGEST_PAUSE = 2.0
_HIGHEST_RATE = 1000.0  # some drivers claim nonsense
_PATIENCE = MOST_SECONDS + 1  # seconds that closing waits for the picture that is on its way

# by address: a notebook's cell, run again, closes what it opened before
_open: "weakref.WeakValueDictionary[str, LiveSource]" = weakref.WeakValueDictionary()


@atexit.register
def _close_all() -> None:
    for source in list(_open.values()):
        source.close()


class LiveSource(Source[Frame]):
    """A camera or a stream, read in a thread of its own.

    `limit`: seconds that opening, and every `read` without a timeout of its own, waits for a frame.
    The other options are those of the function in captures.py that opens this kind.
    """

    def __init__(self, uri: object, limit: float = 10.0, **options: Any) -> None:
        if str(uri).isdecimal():
            uri = f"/dev/video{uri}"
        super().__init__(uri)
        self.live = True
        self.limit = limit
        self._options = options

        # shared with the thread, guarded by `_changed`
        self._changed = threading.Condition()
        self._newest: Optional[Frame] = None  # nobody has taken it yet
        self._trouble: Optional[CourseError] = None  # what went wrong since the last frame

        if self.uri in _open:
            _open[self.uri].close()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live " + self.shown, daemon=True)
        start_thread(self._thread)
        _open[self.uri] = self
        self._wait_for_first()

    def read(self, timeout: Optional[float] = None) -> Optional[Frame]:
        """A frame newer than the last one handed out; None once the source is closed."""
        if timeout is None:
            timeout = self.limit
        with self._changed:
            if not self._changed.wait_for(self._has_news, timeout):
                trouble = self._trouble or ""
                raise CourseError(f"{self.shown}: no new frame in {timeout:g} s. {trouble}")
            frame = self._newest
            self._newest = None

        if self._stop.is_set():
            return None
        return frame

    def close(self) -> None:
        """End the thread, which lets go of the camera. A driver that hangs is left behind."""
        with self._changed:
            self._stop.set()
            self._changed.notify_all()

        self._thread.join(_PATIENCE)
        if self._thread.is_alive():
            print(
                f"{self.shown} cannot be closed: its driver has not answered for {_PATIENCE:g} s, "
                "and may hold the device until Python exits.",
                file=sys.stderr,
            )

    def _has_news(self) -> bool:
        return self._newest is not None or self._stop.is_set()

    def _has_begun(self) -> bool:
        return self.captured > 0 or self._trouble is not None

    def _wait_for_first(self) -> None:
        """Until the first frame is there; a CourseError where none comes."""
        with self._changed:
            self._changed.wait_for(self._has_begun, self.limit)
            trouble = self._trouble
        if self.captured:
            return
        self.close()
        raise trouble or CourseError(f"{self.shown} sent no frame in {self.limit:g} s.")

    def _run(self) -> None:
        """The thread: connect and hand on frames, again and again, until the source is closed."""
        pause = _FIRST_PAUSE
        while not self._stop.is_set():
            before = self.captured
            try:
                self._follow()
            except Exception as err:  # whatever it is, the thread lives on and the reader is told
                self._complain(err)

            if not self.captured:  # it never gave a frame: opening it has failed
                return
            pause = min(2 * pause, _LONGEST_PAUSE)
            if self.captured > before:  # this time it was connected
                pause = _FIRST_PAUSE
            self._stop.wait(pause)

    def _follow(self) -> None:
        """Connect, and hand on frames until the source ends or is closed."""
        capture = open_capture(self.uri, **self._options)
        connected = False
        try:
            while not self._stop.is_set():
                good, image = capture.read()
                if not good or image is None:
                    raise CourseError(
                        f"{self.shown} has stopped: it has ended, or the connection is lost."
                    )
                if not connected:
                    connected = True
                    self._note_connection(capture)
                self._hand_on(image)

                # a camera makes its reader wait for the next picture, a Still does not
                if isinstance(capture, Still):
                    self._stop.wait(capture.seconds_left())
        finally:
            capture.release()

    def _note_connection(self, capture: Capture) -> None:
        """At its first frame: until then the rate may be unknown."""
        rate = capture.get(cv2.CAP_PROP_FPS)
        self.fps = min(max(0.0, rate), _HIGHEST_RATE)  # in this order 0 where it is no number
        if self.captured:
            self.reconnects += 1

    def _hand_on(self, image: np.ndarray) -> None:
        """Put a frame where the reader finds it, in the place of one that nobody has taken."""
        height, width = image.shape[:2]
        with self._changed:
            if self._newest is not None:
                self.lost += 1
            self._newest = Frame(image, self.captured, time.monotonic(), "")
            self._trouble = None
            self.size = (width, height)
            self.captured += 1
            self._changed.notify_all()

    def _complain(self, err: Exception) -> None:
        """Keep an error for the reader."""
        if not isinstance(err, CourseError):
            err = CourseError(f"{self.shown}: {err}")
        with self._changed:
            self._trouble = err
            self._changed.notify_all()
