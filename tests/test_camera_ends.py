"""How a camera ends: closed from anywhere, its detector fails, hangs or starts slowly."""

import gc
import os
import random
import re
import threading
import time
from typing import NamedTuple

import psutil
import pytest

from stand_ins.camera import Detector, Gated, Maker, Pulse, Steps, quick
from trt_course import CourseError, TrtSSD
from trt_course.camera import MODES, AsyncCamera, SyncCamera
from waiting import PATIENCE, in_time, started, wait_for


# --- Closing
@pytest.mark.parametrize("mode", MODES)
def test_close_from_another_thread_ends_the_loop(mode):
    """The reader waits for a picture that would come in a quarter of an hour."""
    maker = Maker(0.0)
    source = Pulse(fps=0.001)
    camera = MODES[mode](source, maker, every=1)
    views = []

    def look():
        with camera:
            for view in camera:
                views.append(view)

    reader = started(look)
    wait_for(lambda: views)
    camera.close()
    reader.join(PATIENCE)
    assert not reader.is_alive()
    assert len(views) == 1
    assert maker.made[0].closed
    assert source.handle.closed
    camera.close()
    assert camera.read() is None
    assert len(maker.made) == 1


@pytest.mark.parametrize("mode", MODES)
def test_a_source_that_ends_ends_the_loop(mode):
    views = []
    with MODES[mode](Steps(range(3)), quick, every=1, stall=10 * PATIENCE) as camera:
        assert in_time(lambda: views.extend(camera))
        assert len(views) <= 3
        assert camera.read() is None
    assert camera.source.closed


class ClosesItsCamera(Detector):
    """Another thread closes the camera while it looks at a picture."""

    def detect(self, image, conf_th):
        other = started(self.camera.close)
        other.join(PATIENCE)
        assert not other.is_alive()
        assert not self.closed, "freed while it works"
        return super().detect(image, conf_th)


def test_the_plain_loop_too_closes_its_detector_in_the_thread_that_made_it():
    detector = ClosesItsCamera(0.0)
    with SyncCamera(Steps(range(9)), lambda: detector) as camera:
        detector.camera = camera
        assert len(list(camera)) == 1
        assert not detector.closed
    assert detector.closed
    assert detector.threads == {threading.current_thread().name}


def test_a_plain_loop_that_cannot_close_its_detector_closes_its_source():
    class Stuck(Detector):
        def close(self):
            raise OSError("the driver says no")

    camera = SyncCamera(Steps(range(9)), lambda: Stuck(0.0))
    camera.read()
    with pytest.raises(OSError, match="the driver says no"):
        camera.close()
    assert camera.source.closed
    camera.close()


@pytest.mark.parametrize("mode", ["child", "async"])
def test_a_source_that_cannot_be_closed_leaves_no_detector_behind(mode):
    class Stuck(Pulse):
        def close(self):
            super().close()
            raise OSError("the driver says no")

    maker = Maker(0.01)
    camera = MODES[mode](Stuck(), maker, every=1)
    camera.read()
    with pytest.raises(OSError, match="the driver says no"):
        camera.close()
    camera._child.join(PATIENCE)
    assert not camera._child.is_alive()
    assert maker.made[0].closed


def test_a_detector_that_cannot_be_closed_does_not_disturb_who_still_reads():
    class Stuck(Detector):
        def close(self):
            raise OSError("the driver says no")

    camera = AsyncCamera(Pulse(fps=0.001), lambda: Stuck(0.0))
    views = []
    ends = []

    def look():
        views.append(camera.read())
        ends.append(camera.read())

    reader = started(look)
    wait_for(lambda: views)
    camera.close()
    reader.join(PATIENCE)
    assert ends == [None]
    assert isinstance(camera._error, OSError)


@pytest.mark.parametrize("mode", ["child", "async"])
def test_closing_waits_for_the_answer_that_is_on_its_way(mode):
    """Whoever goes on after it, and ends Python perhaps, finds the GPU's memory freed."""
    detector = Gated()
    camera = MODES[mode](Steps(range(9)), lambda: detector, stall=PATIENCE)
    reader = started(camera.read)
    detector.next_begun()

    def let_when_it_closes():
        wait_for(lambda: camera._stopped)
        time.sleep(0.02)
        detector.let()

    started(let_when_it_closes)
    camera.close()
    assert detector.closed
    reader.join(PATIENCE)


# --- Detectors that fail
class Failing(Detector):
    """Fails at a picture; before that it waits for an event, if there is one."""

    def __init__(self, fail_at=3, wait_for=None):
        super().__init__(0.0)
        self.fail_at = fail_at
        self.wait_for = wait_for

    def detect(self, image, conf_th):
        if len(self.seen) == self.fail_at:
            if self.wait_for is not None:
                assert self.wait_for.wait(PATIENCE)
                time.sleep(0.05)
            raise ZeroDivisionError("nothing to divide by")
        return super().detect(image, conf_th)


@pytest.mark.parametrize("mode", ["async", "child"])
def test_a_dead_child_is_reported_with_its_own_error(mode):
    message = "thread has failed. ZeroDivisionError: nothing to divide"
    with MODES[mode](Pulse(fps=200.0), Failing, every=1) as camera:
        for _ in range(2):
            with pytest.raises(CourseError, match=message) as told:
                list(camera)
            assert isinstance(told.value.__cause__, ZeroDivisionError)
        assert camera.counts().inferred == 3
    assert not camera._child.is_alive()
    assert camera.read() is None


def test_the_plain_loop_raises_the_error_itself():
    with pytest.raises(ZeroDivisionError), SyncCamera(Pulse(), Failing) as camera:
        list(camera)
    assert camera.source.handle.closed


@pytest.mark.parametrize("mode", ["async", "child"])
def test_a_detector_that_cannot_be_made(mode):
    camera = MODES[mode](Pulse(), lambda: TrtSSD("nix"))
    with pytest.raises(CourseError, match="There is no model 'nix'"), camera:
        list(camera)


def test_an_error_at_the_last_frame_is_not_lost():
    ended = threading.Event()
    detector = Failing(fail_at=0, wait_for=ended)

    def before(number):
        if number is None:
            wait_for(lambda: camera._busy_since)
            ended.set()

    camera = AsyncCamera(Steps([0, 1], before), lambda: detector, stall=PATIENCE)
    with pytest.raises(CourseError, match="ZeroDivisionError"), camera:
        list(camera)


# --- Detectors that hang or start slowly
class Hanging(Detector):
    """Does not come back from its fourth picture until it is set free."""

    def __init__(self):
        super().__init__(0.0)
        self.free = threading.Event()
        self.waited = []  # whether it was set free, when it has come back

    def detect(self, image, conf_th):
        if len(self.seen) == 3:
            self.waited.append(self.free.wait(PATIENCE))
        return super().detect(image, conf_th)


@pytest.mark.parametrize("mode", ["async", "child"])
def test_a_hanging_detector_is_reported_and_does_not_hold_close(mode):
    detector = Hanging()
    camera = MODES[mode](Pulse(fps=100.0), lambda: detector, every=1)
    with pytest.raises(CourseError, match="it hangs") as told:
        list(camera)
    silence = float(re.search(r"not answered for (\d+\.\d) s", str(told.value)).group(1))
    assert 1.5 <= silence < PATIENCE

    # It has had its time: closing gives it no more.
    waits = []
    join = camera._child.join
    camera._child.join = lambda seconds: waits.append(seconds) or join(seconds)
    camera.close()
    assert waits == [0.0]
    assert camera.source.handle.closed
    assert detector.waited == []
    assert camera._child.daemon, "Python would wait for it at its end"

    detector.free.set()
    join(PATIENCE)
    assert not camera._child.is_alive()
    assert detector.closed


def test_a_slow_camera_is_no_stall():
    with AsyncCamera(Steps(range(9)), quick, every=100) as camera:
        camera.read()
        wait_for(lambda: camera.counts().inferred == 1)
        camera.stall = 0.0
        time.sleep(0.01)
        assert camera.read().number == 0


class Late(Maker):
    """Makes its detectors when it is let."""

    def __init__(self):
        super().__init__(0.0)
        self.let = threading.Event()

    def __call__(self):
        assert self.let.wait(PATIENCE)
        return super().__call__()


def test_a_slow_start_is_no_stall():
    maker = Late()
    with AsyncCamera(Pulse(fps=200.0), maker, stall=0.05) as camera:
        view = camera.read()
        assert view.found is None
        assert view.number is None
        assert view.state == "starting"
        assert view.caption() == "the detector is starting"

        waiting = [camera.read() for _ in range(20)]
        assert not maker.made
        assert {view.state for view in waiting} == {"starting"}

        camera.stall = PATIENCE
        maker.let.set()
        view = next(view for view in camera if view.found)
    assert view.state == "running"
    assert view.caption().startswith("1 boxes, ")


def test_closing_while_the_detector_starts_leaves_nothing_behind():
    maker = Late()
    camera = AsyncCamera(Pulse(), maker, stall=0.1)
    camera.read()
    camera.close()
    assert not maker.made, "close has waited for it"
    maker.let.set()
    camera._child.join(PATIENCE)
    assert maker.made[0].closed
    assert not camera._child.is_alive()


# --- Nothing is left behind
class Left(NamedTuple):
    threads: int
    files: int


def left():
    gc.collect()
    return Left(threading.active_count(), len(os.listdir("/proc/self/fd")))


@pytest.mark.slow
def test_200_starts_and_stops_leave_nothing_behind(cells):
    process = psutil.Process()
    rng = random.Random(1)

    def maker():
        return TrtSSD(cells, threads=1, verbose=False)

    def start_and_stop():
        mode = rng.choice(("async", "async", "child"))
        with MODES[mode](Pulse(fps=200.0), maker, every=1, stall=PATIENCE) as camera:
            time.sleep(rng.choice((0, 0, 0.01)))
            for _ in range(rng.choice((0, 1, 3, 10))):
                camera.read()

    for _ in range(10):  # the first ones load libraries
        start_and_stop()
    before = left()
    memory = process.memory_info().rss

    for _ in range(200):
        start_and_stop()
    assert left() == before
    assert process.memory_info().rss - memory < 8 << 20
