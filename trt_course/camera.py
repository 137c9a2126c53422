"""A camera and a detector that is slower than it: three arrangements of the two, one interface, one set of counts.

Threads, not processes: OpenCV, ONNX Runtime and TensorRT let go of Python's lock. Nothing is drawn or shown here.
"""

import threading
import time
from collections import deque
from contextlib import closing
from typing import Any, NamedTuple, Optional

import numpy as np

from .detections import Detections
from .media.base import Stream
from .media.sources import open_source
from .support import trace
from .support.errors import CourseError


class View(NamedTuple):
    """A frame to show and the newest boxes there are (None: none yet), with the number and age of their frame."""

    frame: Any
    found: Optional[Detections]
    number: Optional[int]
    age_frames: Optional[int]
    age: Optional[float]  # seconds since that frame was captured
    state: str  # of the detector: starting, running

    def caption(self):
        if self.found is None:
            return "the detector is " + self.state
        return f"{len(self.found)} boxes, {self.age_frames} frames = {self.age * 1e3:.0f} ms old"


class Counts(NamedTuple):
    """`dropped` frames were captured and never shown; `seconds` go from the first frame to the last one shown."""

    captured: int = 0
    inferred: int = 0
    shown: int = 0
    dropped: int = 0
    seconds: float = 0.0
    age_p50: float = 0.0
    age_p95: float = 0.0

    def report(self, since=None):
        """One line of rates, from earlier Counts on or over all."""
        since = since or Counts(1, 0, 1)  # n frames make n - 1 intervals
        seconds = max(self.seconds - since.seconds, 1e-9)
        rates = [max(0, now - before) / seconds for now, before in zip(self[:3], since[:3])]
        ages = f"boxes {self.age_p50 * 1e3:.0f} ms old (p95 {self.age_p95 * 1e3:.0f})"
        return "captured {:.1f}, inferred {:.1f}, shown {:.1f} FPS, {}".format(
            *(rates + [ages if self.inferred else "no boxes yet"])
        )


class _Paced:
    """A file played at its own rate, as a camera would give it, pictures at two a second: who is late misses frames."""

    def __init__(self, source):
        self._source, self._closed, self._reading = source, threading.Event(), threading.Lock()
        self._rate, self._start = source.fps or 2.0, None

    def read(self):
        asked = time.monotonic()
        while True:
            with self._reading:  # a decoder must not be freed while it reads
                frame = None if self._closed.is_set() else self._source.read()
            if frame is None:
                return None
            at = frame.time if self._source.fps else frame.number / self._rate
            self._start = time.monotonic() - at if self._start is None else self._start
            due = self._start + at
            if due + 1 / self._rate > asked:
                break
            if (
                time.monotonic() - asked > 0.25
            ):  # it decodes too slowly for its rate: it plays slowly
                self._start, due = asked - at, asked
                break
        return (
            None
            if self._closed.wait(max(0.0, due - time.monotonic()))
            else frame._replace(time=due)
        )

    def close(self):
        self._closed.set()
        with self._reading:
            self._source.close()


class SyncCamera(Stream):
    """The plain loop: read, infer, show. What is captured meanwhile is missed; a detector that hangs, hangs the caller.

    `source`: a Source, closed with the camera, or what open_source takes. `make_detector` gives anything with
    detect(image, conf_th) and close(); the thread that infers calls it, uses it and closes it, for an engine and its
    CUDA context belong to one thread. `conf_th` may be set at any time. The other arrangements change `_next`.
    """

    def __init__(self, source, make_detector, every=3, conf_th=None, stall=1.5):
        source = source if hasattr(source, "read") else open_source(source)
        self.source = source if source.live else _Paced(source)
        self.make_detector, self.every, self.conf_th, self.stall = (
            make_detector,
            max(1, every),
            conf_th,
            stall,
        )
        self.state, self._stopped, self._detector, self._since, self._result = (
            "starting",
            False,
            None,
            None,
            None,
        )
        self._turn = threading.Condition()  # guards all that two threads change
        self._first, self._last, self._inferred, self._shown, self._shown_at = None, -1, 0, 0, 0.0
        self._ages = deque(maxlen=3000)  # the last 100 s at 30 FPS
        self._told, self._told_at = None, time.monotonic()

    def read(self):
        """The next View, or None at the end. A detector that failed or hangs is an error here."""
        frame, result = (None, None) if self._stopped else self._next()
        if frame is None:
            return None
        with self._turn:
            self._shown, self._shown_at = self._shown + 1, time.monotonic()
            if result is None:
                return View(frame, None, None, None, None, self.state)
            found, number, captured = result
            self._ages.append(self._shown_at - captured)
            return View(frame, found, number, frame.number - number, self._ages[-1], self.state)

    def _next(self):
        if self._detector is None:
            self._detector, self._owner, self.state = (
                self.make_detector(),
                threading.get_ident(),
                "running",
            )
        frame = self._capture()
        return frame, frame and self._infer(self._detector, frame)

    def _capture(self):
        with trace.span("read"):
            frame = self.source.read()
        if frame is not None:
            with self._turn:
                self._first = self._first or (frame.number, time.monotonic())
                self._last = frame.number
        return frame

    def _infer(self, detector, frame):
        self._since = time.monotonic()
        found = detector.detect(frame.image, self.conf_th)
        self._since = None
        with self._turn:
            self._inferred += 1
            self._result = found, frame.number, frame.time
            return self._result

    def counts(self):
        with self._turn:
            first, began = self._first or (0, 0.0)
            captured, seconds = self._last + 1 - first, max(0.0, self._shown_at - began)
            ages = np.percentile(self._ages or [0.0], [50, 95]).tolist()
            return Counts(
                captured, self._inferred, self._shown, captured - self._shown, seconds, *ages
            )

    def news(self, view):
        """Once a second a line about the time since the line before; else an empty one."""
        if time.monotonic() - self._told_at < 1:
            return ""
        before, self._told, self._told_at = self._told, self.counts(), time.monotonic()
        return self._told.report(before) + "; " + view.caption()

    def close(self):
        """Stop. Called in another thread it only ends `read`; the thread that reads closes the detector."""
        self._stopped = True
        with closing(self.source):
            if self._detector is not None and self._owner == threading.get_ident():
                detector, self._detector = self._detector, None
                detector.close()


class ChildCamera(SyncCamera):
    """The child thread reads and infers; the caller shows the newest frame that it has finished."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self._slot = self._error = (
            None  # the newest item on its way between the threads, never a queue
        )
        self._child = threading.Thread(target=self._run, name="detector", daemon=True)
        self._child.start()

    def _run(self):
        try:
            with closing(self.make_detector()) as detector:
                self.state = "running"
                self._work(detector)
        except BaseException as err:  # whatever ends the thread, the caller must hear of it
            self._error = err

    def _work(self, detector):
        for frame in iter(self._capture, None):
            self._put((frame, self._infer(detector, frame)))

    def _next(self):
        return self._take(self._alive) or (None, None)

    def _put(self, item):
        with self._turn:
            self._slot = item
            self._turn.notify_all()

    def _take(self, worth_waiting=lambda: True):
        with self._turn:
            while self._slot is None and not self._stopped and worth_waiting():
                self._turn.wait(0.1)
            item, self._slot = self._slot, None
            return None if self._stopped else item

    def _alive(self):
        """Whether the child is; one that failed or hangs is an error."""
        silent = time.monotonic() - (self._since or time.monotonic())
        if self._error is not None and not self._stopped:
            raise CourseError(
                f"The detector's thread has failed. {type(self._error).__name__}: {self._error}"
            ) from self._error
        if silent > self.stall:
            raise CourseError(
                f"The detector has not answered for {silent:.1f} s: it hangs, or is too slow for a camera. "
                "Where it may take that long, pass a larger stall=SECONDS."
            )
        return self._child.is_alive()

    def close(self):
        """Stop and free all. A detector that hangs, or is still starting, is left behind after `stall` seconds."""
        super().close()
        since = self._since or time.monotonic()
        self._child.join(max(0.0, since + self.stall - time.monotonic()))


class AsyncCamera(ChildCamera):
    """Capture and show in the caller's thread; the child gets the newest of every `every`-th frame (0: of all)."""

    _offered = None

    def _next(self):
        frame = self._capture()
        if frame is None:
            self._put(False)  # the end: the last error must not be lost
            self._child.join(self.stall)
        elif frame.number // self.every != self._offered:
            self._offered = frame.number // self.every
            self._put(frame)
        self._alive()
        return frame, self._result

    def _work(self, detector):
        for frame in iter(lambda: self._take() or None, None):
            self._infer(detector, frame)


MODES = {"async": AsyncCamera, "child": ChildCamera, "sync": SyncCamera}
