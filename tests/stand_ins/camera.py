"""Cameras, a file and detectors that keep to their times, or do what the test says when it says."""

import os
import queue
import threading
import time
import weakref

import numpy as np

from trt_course import Detections
from trt_course.media.base import Frame, Source
from waiting import PATIENCE


class Pulse(Source):
    """A live camera: picture n exists from start + n / fps on, and holds n.

    Whoever comes late gets the newest.
    """

    def __init__(self, fps=30.0, until=None):
        super().__init__("pulse")
        self.live = True
        self.size = (64, 48)
        self.fps = fps
        self.until = until

        self.start = time.monotonic()
        self.last = -1
        self.closed = threading.Event()
        self.handle = open(os.devnull)  # noqa: SIM115, it is closed with the camera

        # the pictures that somebody still holds, and the most there ever were
        self.alive = weakref.WeakSet()
        self.most = 0

    def read(self, timeout=None):
        seconds = time.monotonic() - self.start
        number = max(self.last + 1, int(seconds * self.fps))
        due = self.start + number / self.fps
        if self.closed.wait(max(0.0, due - time.monotonic())):
            return None
        if self.until is not None and number >= self.until:
            return None

        self.last = number
        image = np.full((48, 64, 3), number % 256, np.uint8).view(Picture)
        self.alive.add(image)
        self.most = max(self.most, len(self.alive))
        return Frame(image, number, due, "")

    def close(self):
        self.closed.set()
        self.handle.close()


class Steps(Source):
    """A live camera without a clock: it shows pictures of these numbers as fast as they are read.

    `before(number)` is called before each of them: there a test may wait for what must come first.
    """

    def __init__(self, numbers, before=None):
        super().__init__("steps")
        self.live = True
        self.numbers = iter(numbers)
        self.before = before
        self.closed = False
        self.alive = weakref.WeakSet()  # the pictures that somebody still holds

    def read(self, timeout=None):
        number = next(self.numbers, None)
        if self.before is not None:
            self.before(number)
        if number is None or self.closed:
            return None
        image = np.full((48, 64, 3), number % 256, np.uint8).view(Picture)
        self.alive.add(image)
        return Frame(image, number, time.monotonic(), "")

    def close(self):
        self.closed = True


class Picture(np.ndarray):
    """An array that a WeakSet takes: the pictures still held are counted."""

    __hash__ = object.__hash__

    def __eq__(self, other):
        return self is other


class Tape(Source):
    """A file: frames as fast as they are asked for, each with its time from the start."""

    def __init__(self, frames=30, fps=30.0, loop=False):
        super().__init__("tape", loop)
        self.size = (64, 48)
        self.frames = frames
        self.fps = fps
        self.number = 0
        self.closed = False

    def read(self, timeout=None):
        assert not self.closed, "read after close"
        if self.number >= self.frames and not self.loop:
            return None

        number = self.number
        self.number += 1
        moment = 0.0
        if self.fps:
            moment = number / self.fps
        return Frame(np.zeros((48, 64, 3), np.uint8), number, moment, "")

    def close(self):
        self.closed = True


class Detector:
    """Waits as a GPU would, and answers with a box whose place is the number in the picture."""

    def __init__(self, seconds=0.04):
        self.seconds = seconds
        self.seen = []  # the numbers in the pictures
        self.threads = {threading.current_thread().name}
        self.closed = False

    def detect(self, image, conf_th):
        self.threads.add(threading.current_thread().name)
        number = int(image[0, 0, 0])
        time.sleep(self.seconds)
        self.seen.append(number)
        return Detections([[number, 0, number + 1, 1]], [0.9], [0])

    def close(self):
        self.threads.add(threading.current_thread().name)
        self.closed = True


class Gated(Detector):
    """Answers when it is let; `begun` has the numbers of the pictures that it has begun with."""

    def __init__(self):
        super().__init__(0.0)
        self.begun = queue.Queue()
        self._gate = threading.Semaphore(0)

    def detect(self, image, conf_th):
        self.begun.put(int(image[0, 0, 0]))
        assert self._gate.acquire(timeout=PATIENCE)
        return super().detect(image, conf_th)

    def next_begun(self):
        """The number of the next picture that it begins with."""
        return self.begun.get(timeout=PATIENCE)

    def let(self, answers=1000):
        """Let it give so many answers."""
        for _ in range(answers):
            self._gate.release()


class Maker:
    """Makes detectors and keeps them."""

    def __init__(self, seconds, before=0.0):
        self.seconds = seconds
        self.before = before  # seconds that making one takes
        self.made = []

    def __call__(self):
        time.sleep(self.before)
        self.made.append(Detector(self.seconds))
        return self.made[-1]


def quick():
    return Detector(0.0)


def numbers_of(views):
    return [view.frame.number for view in views]
