"""A camera and a detector that is slower than it: three arrangements, one interface, one count.

Threads, not processes: OpenCV, ONNX Runtime and TensorRT let go of Python's lock. Nothing is drawn
or shown here.
"""

import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Callable, Dict, NamedTuple, Optional, Type, Union

from .camera_counts import EVERY, Counts, Tally
from .detections import Detections
from .media.base import Frame, Source, Stream
from .media.paced import Paced
from .media.pipeline import Slot
from .media.sources import open_source
from .support import trace
from .support.children import start_thread
from .support.errors import CourseError


class View(NamedTuple):
    """A frame to show, and the newest boxes there are. All but `frame` and `state` may be None."""

    frame: Frame
    found: Optional[Detections]
    number: Optional[int]  # of the frame that the boxes are from
    age_frames: Optional[int]  # how many frames ago that was
    age: Optional[float]  # seconds since that frame was captured
    state: str  # of the detector: starting, running

    def caption(self) -> str:
        """How many boxes there are, and how old."""
        if self.found is None or self.age is None:
            return f"the detector is {self.state}"
        milliseconds = self.age * 1e3
        return f"{len(self.found)} boxes, {self.age_frames} frames = {milliseconds:.0f} ms old"


class _Answer(NamedTuple):
    """What the detector found, with the number and the time of the frame."""

    found: Detections
    number: int
    time: float


class _Pair(NamedTuple):
    """A frame to show, and the newest answer there is: None before the first."""

    frame: Frame
    answer: Optional[_Answer]


class Camera(Stream[View]):
    """What the three arrangements have in common; they differ in who reads and who infers.

    `source` is a Source, closed with the camera, or what open_source takes. `make_detector` gives
    anything with detect(image, conf_th) and close(). The thread that infers calls it, uses the
    detector and closes it, for an engine and its CUDA context belong to one thread. `conf_th` may
    be set at any time. `every` concerns AsyncCamera only. After `stall` seconds without an answer
    the detector counts as hanging; a SyncCamera cannot notice that.
    """

    def __init__(
        self,
        source: Union[Source, str, int, Path],
        make_detector: Callable[[], Any],
        every: int = 3,
        conf_th: Optional[float] = None,
        stall: float = 1.5,
    ) -> None:
        if isinstance(source, (str, int, Path)):
            source = open_source(source)

        # what the caller decides
        self.source: Stream[Frame] = source if source.live else Paced(source)
        self.make_detector = make_detector
        self.every = max(1, EVERY.require(every, "every"))
        self.conf_th = conf_th
        self.stall = stall

        # the detector
        self.state = "starting"
        self._busy_since: Optional[float] = None  # at work on a frame
        self._answer: Optional[_Answer] = None  # its newest

        self._stopped = False
        self._tally = Tally()

        # the last line of `news`
        self._told: Optional[Counts] = None
        self._told_at = time.monotonic()

    def read(self) -> Optional[View]:
        """The next View; None at the end. A detector that failed or hangs is an error here."""
        if self._stopped:
            return None
        pair = self._next()
        if pair is None:
            return None

        now = time.monotonic()
        frame, answer = pair
        if answer is None:
            self._tally.count_shown(now)
            return View(frame, None, None, None, None, self.state)
        age = now - answer.time
        self._tally.count_shown(now, age)
        age_frames = frame.number - answer.number
        return View(frame, answer.found, answer.number, age_frames, age, self.state)

    def counts(self) -> Counts:
        """The Counts so far."""
        return self._tally.counts()

    def news(self, view: View) -> str:
        """Once a second a line about the time since the line before; else an empty one."""
        now = time.monotonic()
        if now - self._told_at < 1:
            return ""
        before = self._told
        self._told = self.counts()
        self._told_at = now
        return f"{self._told.report(before)}; {view.caption()}"

    def close(self) -> None:
        """End `read`, also from another thread, and close the source."""
        self._stopped = True
        self.source.close()

    def _next(self) -> Optional[_Pair]:
        """What to show next; None at the end."""
        raise NotImplementedError

    def _capture(self) -> Optional[Frame]:
        with trace.span("read"):
            frame = self.source.read()
        if frame is not None:
            self._tally.count_captured(frame.number)
        return frame

    def _infer(self, detector: Any, frame: Frame) -> _Answer:
        self._busy_since = time.monotonic()
        found = detector.detect(frame.image, self.conf_th)
        self._busy_since = None
        self._tally.count_inferred()
        answer = _Answer(found, frame.number, frame.time)
        self._answer = answer
        return answer


class SyncCamera(Camera):
    """The plain loop: read, infer, show. What is captured meanwhile is missed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._detector: Any = None
        self._owner: Optional[int] = None  # the thread that has made the detector

    def close(self) -> None:
        """Stop.

        In another thread it only ends `read`: the thread that reads closes the detector.
        """
        self._stopped = True
        detector = self._detector
        try:
            if detector is not None and self._owner == threading.get_ident():
                self._detector = None
                detector.close()
        finally:
            super().close()

    def _next(self) -> Optional[_Pair]:
        if self._detector is None:
            self._detector = self.make_detector()
            self._owner = threading.get_ident()
            self.state = "running"
        frame = self._capture()
        if frame is None:
            return None
        return _Pair(frame, self._infer(self._detector, frame))


class ChildCamera(Camera):
    """The child thread reads and infers; the caller shows the newest frame that it has finished."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._slot: Slot[Any] = Slot()  # what goes from one thread to the other
        self._error: Optional[BaseException] = None  # what has ended the child
        self._child = threading.Thread(target=self._run, name="detector", daemon=True)
        start_thread(self._child)

    def close(self) -> None:
        """Stop and free all.

        A detector that hangs, or is still starting, is left behind after `stall` seconds.
        """
        # first what ends the child: a source may take its time to close, or fail to
        self._stopped = True
        self._slot.close()
        super().close()
        self._child.join(max(0.0, self.stall - self._silence()))

    def _run(self) -> None:
        try:
            with closing(self.make_detector()) as detector:
                self.state = "running"
                self._work(detector)
        except BaseException as err:  # whatever ends the thread, the caller must hear of it
            self._error = err

    def _work(self, detector: Any) -> None:
        """What the child does while it has its detector."""
        for frame in iter(self._capture, None):
            answer = self._infer(detector, frame)
            self._slot.put(_Pair(frame, answer))

    def _next(self) -> Optional[_Pair]:
        return self._slot.take(worth_waiting=self._is_child_at_work)

    def _is_child_at_work(self) -> bool:
        self._require_answers()
        return self._child.is_alive()

    def _require_answers(self) -> None:
        """A CourseError where the detector has failed or hangs."""
        silence = self._silence()
        if self._error is not None and not self._stopped:
            kind = type(self._error).__name__
            raise CourseError(
                f"The detector's thread has failed. {kind}: {self._error}"
            ) from self._error
        if silence > self.stall:
            raise CourseError(
                f"The detector has not answered for {silence:.1f} s: it hangs, or is too slow for "
                "a camera. Where it may take that long, pass a larger stall=SECONDS."
            )

    def _silence(self) -> float:
        """Seconds that the detector has spent on its present frame."""
        since = self._busy_since
        if since is None:
            return 0.0
        return time.monotonic() - since


class AsyncCamera(ChildCamera):
    """Capture and show in the caller's thread; the child gets the newest of every `every`-th frame.

    With every=0 it gets as many as it can take.

    >>> class Quick:
    ...     def detect(self, image, conf_th):
    ...         return Detections([[0, 0, 64, 48]], [0.9], [1])
    ...     def close(self):
    ...         pass
    >>> with AsyncCamera("data/street.mp4", Quick, every=3) as camera:
    ...     for view in camera:
    ...         if view.found is not None:
    ...             break
    >>> view.frame.image.shape, len(view.found)
    ((720, 1280, 3), 1)
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._offered: Optional[int] = None  # of each `every` frames the first is offered

    def _next(self) -> Optional[_Pair]:
        frame = self._capture()
        if frame is None:
            self._slot.close()
            self._child.join(self.stall)  # its last error must not be lost
            self._require_answers()
            return None

        group = frame.number // self.every
        if group != self._offered:
            self._offered = group
            self._slot.put(frame)
        self._require_answers()
        return _Pair(frame, self._answer)

    def _work(self, detector: Any) -> None:
        for frame in iter(self._slot.take, None):
            self._infer(detector, frame)


MODES: Dict[str, Type[Camera]] = {
    "async": AsyncCamera,
    "child": ChildCamera,
    "sync": SyncCamera,
}
