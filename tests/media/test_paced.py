"""A file behind a camera comes at its own rate, and whoever is late misses frames.

Most of it by a clock that the test sets, which no busy machine can disturb.
"""

import threading

import numpy as np
import pytest

from stand_ins.camera import Detector, Tape, numbers_of, quick
from trt_course.camera import AsyncCamera, SyncCamera
from trt_course.media import paced
from trt_course.media.paced import Paced


class Clock:
    """Stands in for the modules time and threading: waiting takes no time, and moves the clock."""

    Lock = staticmethod(threading.Lock)

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def Event(self):
        event = threading.Event()
        event.wait = lambda seconds: self.sleep(seconds) or event.is_set()
        return event

    def sleep(self, seconds):
        assert seconds >= 0
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(paced, "time", clock)
    monkeypatch.setattr(paced, "threading", clock)
    return clock


class SlowTape(Tape):
    """A file whose frames take 50 ms each to decode."""

    def __init__(self, clock, **options):
        super().__init__(**options)
        self.clock = clock

    def read(self, timeout=None):
        self.clock.sleep(0.05)
        return super().read()


def watch(file, clock, busy=0.0, most=1000):
    """The frames, and the moments at which they came, to a reader busy for a while after each."""
    frames = []
    moments = []
    for frame in file:
        frames.append(frame)
        moments.append(clock.now - 1000.0)
        clock.sleep(busy)
        if len(frames) == most:
            break
    return frames, np.array(moments)


def test_each_frame_comes_when_it_is_due(clock):
    frames, moments = watch(Paced(Tape(31)), clock, busy=0.01)
    assert [frame.number for frame in frames] == list(range(31))
    assert moments == pytest.approx(np.arange(31) / 30)
    assert [frame.time - 1000 for frame in frames] == pytest.approx(moments)


def test_who_is_late_gets_the_newest_frame_and_misses_others(clock):
    frames, moments = watch(Paced(Tape(61)), clock, busy=0.07)
    late = moments - [frame.time - 1000 for frame in frames]
    assert 0 <= late.min() <= late.max() < 1 / 30
    assert frames[-1].number == 60
    assert len(frames) == 30  # in the 2.03 s that a file of 61 lasts, one in 70 ms


def test_a_looping_file_goes_on_at_its_rate(clock):
    frames, moments = watch(Paced(Tape(10, loop=True)), clock, most=35)
    assert [frame.number for frame in frames] == list(range(35))
    assert moments == pytest.approx(np.arange(35) / 30)


def test_a_file_that_decodes_too_slowly_is_shown_all_the_same(clock):
    frames, moments = watch(Paced(SlowTape(clock, frames=50, fps=50.0)), clock)
    assert len(frames) >= 9
    assert np.diff(moments).max() < 0.5
    late = moments - [frame.time - 1000 for frame in frames]
    assert late.max() < 0.5
    assert moments[-1] > 2


def test_pictures_come_two_a_second(clock):
    _, moments = watch(Paced(Tape(3, fps=0.0)), clock)
    assert moments == pytest.approx([0, 0.5, 1])


def test_a_camera_plays_a_file_at_its_own_rate():
    """By the real clock. A busy machine may show fewer frames, and none of them too early."""
    with AsyncCamera(Tape(31), quick) as camera:
        views = list(camera)
    numbers = numbers_of(views)
    assert numbers == sorted(set(numbers))
    assert camera.counts().seconds > (numbers[-1] - numbers[0] - 1) / 30
    times = np.array([view.frame.time for view in views])
    assert times - times[0] == pytest.approx(np.array(numbers) / 30)
    assert camera.source._source.closed


def test_a_camera_that_is_late_counts_what_it_misses():
    with SyncCamera(Tape(61), lambda: Detector(0.1)) as camera:
        numbers = numbers_of(camera)
    assert len(numbers) <= 22  # in the two seconds that it plays
    assert camera.counts().dropped >= numbers[-1] - len(numbers) + 1
