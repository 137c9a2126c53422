"""The three arrangements of camera and detector, against a camera that numbers its pictures."""

import gc
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import List, NamedTuple

import numpy as np
import psutil
import pytest

from stand_ins.camera import Detector, Maker, Pulse, Tape, numbers_of, quick
from trt_course import CourseError, TrtSSD
from trt_course.camera import MODES, AsyncCamera, ChildCamera, Counts, SyncCamera, View
from trt_course.media.base import Frame


# --- A 30 FPS camera and a detector that takes 40 ms
class Watched(NamedTuple):
    views: List[View]
    counts: Counts
    held: int  # the most pictures that were held at once


def watch(mode, seconds=20.0, every=1):
    """Look at a 30 FPS camera through an arrangement for a while."""
    views = []
    source = Pulse()
    with MODES[mode](source, Detector, every=every) as camera:
        for view in camera:
            views.append(view._replace(frame=view.frame._replace(image=None)))
            del view
            if time.monotonic() - source.start > seconds:
                break
        return Watched(views, camera.counts(), source.most)


def rate(count, counts):
    return (count - 1) / counts.seconds


def boxes_are_from_the_frame_they_say(views):
    found = [view for view in views if view.found]
    return all(int(view.found.boxes[0, 0]) == view.number % 256 for view in found)


def complaints(sync, free, child):
    """What is wrong with a run of all three (`free` is async's); empty for a good one."""
    numbers = numbers_of(free.views)
    ages = [view.frame.number - view.number for view in free.views if view.found is not None]
    counts = free.counts
    sync_rate = rate(sync.counts.shown, sync.counts)
    child_rate = rate(child.counts.shown, child.counts)
    free_rate = rate(counts.shown, counts)
    all_views = sync.views + free.views + child.views
    checks = {
        "sync shows at most 25 FPS": 15 < sync_rate <= 25,
        "child shows at most 25 FPS": 15 < child_rate <= 25,
        "async shows 29.5 FPS for 20 s": free_rate >= 29.5 and counts.seconds >= 19.8,
        "async captures 29.5 FPS": rate(counts.captured, counts) >= 29.5,
        "no frame is shown twice": numbers == sorted(set(numbers)),
        "boxes are at most 2 frames + 40 ms old": max(ages) <= 2 + 0.04 * 30,
        "so says their age": counts.age_p95 <= 2 / 30 + 0.04,
        "the detector is kept busy": counts.inferred / counts.seconds > 20,
        "the queue never grows": free.held <= 5,
        "each box is from the frame it says": boxes_are_from_the_frame_they_say(all_views),
        "sync shows no old boxes": {view.age_frames for view in sync.views} == {0},
        "child shows no old boxes": {view.age_frames for view in child.views} == {0},
        "sync misses frames and says so": sync.counts.dropped >= 80,
        "async does not": counts.dropped <= 10,
    }
    return [text for text, good in checks.items() if not good]


@pytest.mark.slow
def test_a_30_fps_camera_and_a_detector_that_takes_40_ms():
    for _ in range(3):  # a busy machine may spoil a run, a fault spoils all
        with ThreadPoolExecutor(3) as pool:
            sync, free, child = pool.map(watch, ("sync", "async", "child"))
        wrong = complaints(sync, free, child)
        if not wrong:
            return
    pytest.fail(f"{wrong}: {sync.counts}, {free.counts}, {child.counts}, {free.held} held")


# --- Threads
@pytest.mark.parametrize("mode", MODES)
def test_the_detector_belongs_to_one_thread(mode):
    maker = Maker(0.01)
    with MODES[mode](Pulse(), maker) as camera:
        while camera.counts().inferred < 2:
            camera.read()

    thread = "detector"
    if mode == "sync":
        thread = threading.current_thread().name
    assert maker.made[0].closed
    assert maker.made[0].threads == {thread}


def test_the_plain_loop_too_closes_its_detector_in_the_thread_that_made_it():
    maker = Maker(0.3)
    with SyncCamera(Pulse(), maker) as camera:
        other = threading.Timer(0.1, camera.close)
        other.start()
        assert len(list(camera)) <= 1
        other.join()
        assert not maker.made[0].closed
    assert maker.made[0].closed
    assert maker.made[0].threads == {threading.current_thread().name}


@pytest.mark.parametrize("mode", MODES)
def test_close_from_another_thread_ends_the_loop(mode):
    camera = MODES[mode](Pulse(), lambda: Detector(0.01))
    camera.read()
    threading.Timer(0.1, camera.source.close).start()
    assert len(list(camera)) < 20
    camera.close()
    camera.close()
    assert camera.read() is None


# --- Which frames the detector gets
def test_a_uri_is_opened(monkeypatch):
    sources = {"five": Pulse(until=5)}
    monkeypatch.setattr("trt_course.camera.open_source", lambda uri: sources[uri])
    with ChildCamera("five", quick) as camera:
        assert numbers_of(camera)[-1] == 4


class Gaps(Pulse):
    """A camera whose reader gets only frames of these numbers."""

    def __init__(self, numbers):
        super().__init__()
        self.numbers = numbers

    def read(self, timeout=None):
        if not self.numbers or self.closed.wait(0.1):
            return None
        number = self.numbers.pop(0)
        image = np.full((4, 4, 3), number, np.uint8)
        return Frame(image, number, time.monotonic(), "")


def test_every_third_frame_also_where_frames_are_missed():
    detector = quick()
    gaps = Gaps([0, 1, 2, 3, 5, 7, 8, 11, 12, 16, 17, 19, 20])
    with AsyncCamera(gaps, lambda: detector, every=3) as camera:
        list(camera)
    assert detector.seen == [0, 3, 7, 11, 12, 16, 19]


def test_as_fast_as_it_can():
    detector = quick()
    with AsyncCamera(Pulse(until=20), lambda: detector, every=0) as camera:
        assert len(list(camera)) == 20
    assert len(detector.seen) >= 18


class Asked(Detector):
    """Keeps the thresholds that it was asked for."""

    def __init__(self):
        super().__init__(0.0)
        self.asked = []

    def detect(self, image, conf_th):
        self.asked.append(conf_th)
        return super().detect(image, conf_th)


@pytest.mark.parametrize("mode", MODES)
def test_the_threshold_may_change_on_the_way(mode):
    detector = Asked()
    with MODES[mode](Pulse(), lambda: detector, every=1, conf_th=0.25) as camera:
        for number, _ in enumerate(camera):
            if number == 3:
                camera.conf_th = 0.75
            if number == 9:
                break
    assert detector.asked[0] == 0.25
    assert detector.asked[-1] == 0.75


# --- Detectors that fail
class Failing(Detector):
    def __init__(self, seconds=0.0, fail_at=3):
        super().__init__(seconds)
        self.fail_at = fail_at

    def detect(self, image, conf_th):
        time.sleep(self.seconds)
        if len(self.seen) == self.fail_at:
            raise ZeroDivisionError("nothing to divide by")
        return super().detect(image, conf_th)


@pytest.mark.parametrize("mode", ["async", "child"])
def test_a_dead_child_is_reported_with_its_own_error(mode):
    message = "thread has failed. ZeroDivisionError: nothing to divide"
    with MODES[mode](Pulse(until=300), Failing) as camera:
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
    camera = AsyncCamera(Tape(2, fps=5.0), lambda: Failing(0.5, fail_at=0))
    with pytest.raises(CourseError, match="ZeroDivisionError"), camera:
        list(camera)


# --- Detectors that hang or start slowly
class Hanging(Detector):
    """Does not come back from its fourth picture until it is set free."""

    def __init__(self):
        super().__init__(0.0)
        self.free = threading.Event()
        self.began = None

    def detect(self, image, conf_th):
        if len(self.seen) == 3:
            self.began = time.monotonic()
            self.free.wait(60)
        return super().detect(image, conf_th)


@pytest.mark.parametrize("mode", ["async", "child"])
def test_a_hanging_detector_is_reported_within_2_s_and_does_not_hold_close(mode):
    detector = Hanging()
    camera = MODES[mode](Pulse(until=300), lambda: detector)
    with pytest.raises(CourseError, match=r"has not answered for 1\.[5-9] s: it hangs"):
        list(camera)
    assert time.monotonic() - detector.began < 2

    closing = time.monotonic()
    camera.close()
    assert time.monotonic() - closing < 0.5
    assert camera.source.handle.closed

    detector.free.set()
    camera._child.join(5)
    assert not camera._child.is_alive()


def test_a_slow_camera_is_no_stall():
    with AsyncCamera(Pulse(fps=2.5, until=3), quick, every=1, stall=0.2) as camera:
        assert len(list(camera)) >= 2


def test_a_slow_start_is_no_stall():
    maker = Maker(0.0, before=1.0)
    with AsyncCamera(Pulse(), maker, stall=0.3) as camera:
        view = camera.read()
        assert view.found is None
        assert view.state == "starting"
        assert view.caption() == "the detector is starting"

        waiting = [camera.read() for _ in range(20)]
        assert not maker.made
        assert {view.state for view in waiting} == {"starting"}

        view = next(view for view in camera if view.found)
    assert view.state == "running"
    assert maker.made
    assert view.caption().startswith("1 boxes, ")


def test_closing_while_the_detector_starts_leaves_nothing_behind():
    maker = Maker(0.04, before=0.5)
    camera = AsyncCamera(Pulse(), maker, stall=0.1)
    camera.read()
    started = time.monotonic()
    camera.close()
    assert time.monotonic() - started < 0.4
    camera._child.join(5)
    assert maker.made[0].closed
    assert not camera._child.is_alive()


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
    camera._child.join(5)
    assert not camera._child.is_alive()
    assert maker.made[0].closed


# --- Counts
def test_counts():
    with SyncCamera(Pulse(until=31), lambda: Detector(0.08)) as camera:
        assert camera.counts() == Counts()
        shown = numbers_of(camera)
    counts = camera.counts()
    assert counts.captured == shown[-1] - shown[0] + 1
    assert counts.inferred == counts.shown == len(shown)
    assert counts.dropped == counts.captured - counts.shown > 10
    assert 0.08 <= counts.age_p50 <= counts.age_p95 < 0.5
    assert counts.report().startswith(f"captured {rate(counts.captured, counts):.1f}, inferred")

    later = Counts(130, 60, 100, 30, counts.seconds + 2, 0.05, 0.08)
    report = later.report(counts)
    assert f"inferred {(60 - len(shown)) / 2:.1f}, shown" in report
    assert report.endswith("boxes 50 ms old (p95 80)")


def test_ages_need_bounded_memory():
    with SyncCamera(Pulse(fps=1e5), quick) as camera:
        while camera.counts().shown < 3100:
            for _ in range(100):
                camera.read()
    assert len(camera._tally._ages) == 3000


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
        with MODES[mode](Pulse(fps=200.0), maker, every=1) as camera:
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
