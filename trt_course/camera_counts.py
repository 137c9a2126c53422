"""What is counted of a camera: frames captured, inferred and shown, and how old the boxes were.

docs/camera.md says what each count means.
"""

import threading
import time
from collections import deque
from typing import Deque, NamedTuple, Optional

import numpy as np

from .support.ranges import whole

EVERY = whole(0, 1000000)  # one frame in so many is inferred; 0: as many as possible
_MOST_AGES = 3000  # the last 100 s at 30 FPS


class Counts(NamedTuple):
    """What has become of a camera's frames.

    >>> Counts(captured=91, inferred=30, shown=91, seconds=3.0, age_p50=0.06, age_p95=0.1).report()
    'captured 30.0, inferred 10.0, shown 30.0 FPS, boxes 60 ms old (p95 100)'
    """

    captured: int = 0
    inferred: int = 0
    shown: int = 0
    dropped: int = 0  # captured and never shown
    seconds: float = 0.0  # from the first frame captured to the last one shown
    age_p50: float = 0.0  # seconds: the median
    age_p95: float = 0.0  # of 100 ages 95 are below it

    def report(self, since: Optional["Counts"] = None) -> str:
        """One line of rates, from earlier Counts on or over all."""
        if since is None:
            since = Counts(captured=1, shown=1)  # n frames make n - 1 intervals
        seconds = max(self.seconds - since.seconds, 1e-9)
        captured = max(0, self.captured - since.captured) / seconds
        inferred = max(0, self.inferred - since.inferred) / seconds
        shown = max(0, self.shown - since.shown) / seconds

        ages = "no boxes yet"
        if self.inferred:
            ages = f"boxes {self.age_p50 * 1e3:.0f} ms old (p95 {self.age_p95 * 1e3:.0f})"
        return f"captured {captured:.1f}, inferred {inferred:.1f}, shown {shown:.1f} FPS, {ages}"


class Tally:
    """Counts while a camera runs; its threads may do so at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

        # what the camera made: from the first frame's number to the last one's
        self._first: Optional[int] = None
        self._last = -1
        self._began = 0.0  # when the first was captured

        # what was done with it
        self._inferred = 0
        self._shown = 0
        self._shown_at = 0.0  # when the last was shown
        self._ages: Deque[float] = deque(maxlen=_MOST_AGES)

    def count_captured(self, number: int) -> None:
        """A frame, by the number that the camera gave it."""
        with self._lock:
            if self._first is None:
                self._first = number
                self._began = time.monotonic()
            self._last = number

    def count_inferred(self) -> None:
        """An answer of the detector."""
        with self._lock:
            self._inferred += 1

    def count_shown(self, moment: float, age: Optional[float] = None) -> None:
        """A frame shown at that moment, with the age of its boxes where it has any."""
        with self._lock:
            self._shown += 1
            self._shown_at = moment
            if age is not None:
                self._ages.append(age)

    def counts(self) -> Counts:
        """All of it so far."""
        with self._lock:
            captured = 0
            if self._first is not None:
                captured = self._last + 1 - self._first
            ages = list(self._ages) or [0.0]
            age_p50, age_p95 = np.percentile(ages, [50, 95]).tolist()
            return Counts(
                captured=captured,
                inferred=self._inferred,
                shown=self._shown,
                dropped=captured - self._shown,
                seconds=max(0.0, self._shown_at - self._began),
                age_p50=age_p50,
                age_p95=age_p95,
            )
