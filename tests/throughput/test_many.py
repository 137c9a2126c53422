"""Many sources through one engine: equal boxes in order, back-pressure, bad sources."""

import functools
import threading
import time

import numpy as np
import pytest

from throughput_parts import Kept, equal_to_plain, frames, openers, picture
from trt_course import CourseError, TrtSSD
from trt_course.media.base import Frame, Source
from trt_course.throughput import many
from trt_course.throughput.live import detect_live
from trt_course.throughput.many import detect_many
from trt_course.throughput.opening import InMemory
from waiting import PATIENCE, wait_for


@pytest.fixture
def ssd(cells):
    with TrtSSD(cells, backend="cpu", threads=1, verbose=False) as ssd:
        yield ssd


@pytest.mark.parametrize("batch, depth", [(None, 1), (1, 2), (3, 2), (8, 4)])
def test_boxes_equal_the_plain_path_in_each_source_s_order(ssd, batch, depth):
    kept = Kept()
    lists = [frames(40, 1), frames(7, 2, height=77, width=200), frames(23, 3)]
    assert detect_many(ssd, openers(*lists), kept, batch=batch, depth=depth) == []
    equal_to_plain(kept, lists, ssd)


def test_readers_wait_for_the_engine(ssd):
    read = []
    ahead = []
    kept = Kept(0.002)

    class Counted(InMemory):
        def read(self, timeout=None):
            read.append(1)
            return super().read()

    def keep(seen, found):
        ahead.append(len(read) - len(kept.rows))
        kept(seen, found)

    detect_many(ssd, [lambda: Counted(frames(100))] * 2, keep, batch=2, depth=2)
    assert len(kept.rows) == 200
    # all batches, and a frame in each reader's hand
    assert max(ahead) <= 2 * (2 + 2) + 2 + 2


def test_a_late_batch_goes_without_its_last_pictures(ssd):
    go = threading.Event()
    came = []

    class Slow(InMemory):
        def read(self, timeout=None):
            frame = super().read()
            assert frame is None or frame.number < 2 or go.wait(PATIENCE)
            return frame

    def keep(seen, found):
        came.append((seen.number, go.is_set()))
        if seen.number == 1:
            go.set()

    assert detect_many(ssd, [lambda: Slow(frames(4))], keep, batch=8, deadline=0.05) == []
    assert came == [(0, False), (1, False), (2, True), (3, True)]


def test_one_bad_source_does_not_stop_the_others(ssd):
    class Breaks(InMemory):
        def read(self, timeout=None):
            frame = super().read()
            if frame.number == 3:
                raise ValueError("the cable is out")
            return frame

    def missing():
        raise CourseError("There is no file x.mp4.")

    odd = frames(5)
    odd[2] = odd[2]._replace(image=np.zeros((4, 4), np.float32))
    good = frames(20, 4)
    kept = Kept()
    complaints = detect_many(
        ssd, [missing, lambda: Breaks(frames(9)), *openers(odd, good)], kept, batch=4
    )

    assert len(complaints) == 3
    assert "There is no file x.mp4." in complaints
    assert "source 2: ValueError: the cable is out" in complaints
    assert any(complaint.startswith("source 3: ") for complaint in complaints)
    assert [len(kept.of(n)) for n in range(4)] == [0, 3, 2, 20]
    assert len(kept.rows) == 25, "boxes of pictures that nobody has read"
    assert all(found == ssd.detect(good[seen.number].image) for seen, found in kept.of(3))


def test_only_so_many_sources_are_open_at_once(ssd):
    now = set()
    most = []

    class Counted(InMemory):
        def __enter__(self):
            now.add(self)
            most.append(len(now))
            return self

        def __exit__(self, *_):
            now.discard(self)

    kept = Kept()
    lists = [frames(3 + n, n) for n in range(9)]
    counted = [functools.partial(Counted, some) for some in lists]
    assert detect_many(ssd, counted, kept, batch=4, at_once=3) == []
    equal_to_plain(kept, lists, ssd)
    assert len(most) == 9
    assert max(most) == 3
    assert not now


def test_one_camera_s_pictures_are_done_as_they_come(ssd):
    class Camera(InMemory):
        def __init__(self, some):
            super().__init__(some)
            self.live = True
            self.goes_on = True

        def read(self, timeout=None):
            frame = super().read()
            if frame is not None and frame.number == 4:
                raise CourseError("x.png cannot be read as a picture.")
            return frame

    kept = Kept()
    some = frames(12)
    assert detect_live(ssd, lambda: Camera(some), kept) == ["x.png cannot be read as a picture."]
    equal_to_plain(kept, [some[:4] + some[5:]], ssd)
    assert all(0 <= time.perf_counter() - seen.read < 60 for seen, _ in kept.rows)


def test_an_error_of_the_caller_ends_all_threads(ssd):
    class Endless(Source):
        def read(self, timeout=None):
            return Frame(picture(1), 0, 0.0, "")

        def close(self):
            pass

    def stop(seen, found):
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        detect_many(ssd, [lambda: Endless("x")] * 3, stop, batch=2)
    assert threading.active_count() <= before + 1  # ONNX Runtime's worker is the engine's


def test_a_camera_that_hangs_holds_up_no_end(ssd, monkeypatch):
    monkeypatch.setattr(many, "_JOIN_SECONDS", 0.05)
    free = threading.Event()
    came_back = []

    class Hanging(InMemory):
        def read(self, timeout=None):
            frame = super().read()
            if frame.number == 1:
                came_back.append(free.wait(PATIENCE))
            return frame

    def stop(seen, found):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detect_many(ssd, [lambda: Hanging(frames(3))], stop)
    assert came_back == []
    free.set()
    wait_for(lambda: not [each for each in threading.enumerate() if each.name == "reader 1"])
