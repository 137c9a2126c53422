"""Many sources through one engine: equal boxes in order, back-pressure, bad sources."""

import functools
import os
import queue
import signal
import threading
import time

import numpy as np
import pytest

from conftest import write_sized_model
from throughput_parts import Kept, equal_to_plain, frames, openers, picture
from trt_course import CourseError, TrtSSD
from trt_course.media.base import Frame, Source
from trt_course.throughput import many
from trt_course.throughput.batches import Batches
from trt_course.throughput.live import detect_live
from trt_course.throughput.many import detect_many
from trt_course.throughput.opening import InMemory
from trt_course.throughput.readers import Filler, NumberedOpener, Reader
from waiting import PATIENCE, started, wait_for, waiters


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


def test_a_network_is_told_the_size_in_every_batch(ssd, tmp_path):
    kept = Kept()
    lists = [frames(7, 1), frames(5, 2)]
    folder = write_sized_model(tmp_path / "sized")
    with TrtSSD(folder, backend="cpu", threads=1, verbose=False) as sized:
        assert detect_many(sized, openers(*lists), kept, 0.3, batch=4) == []
    equal_to_plain(kept, lists, ssd, close=True)


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


@pytest.mark.parametrize("options, wanted", [({}, (4, 1)), ({"batch": 3, "depth": 4}, (6, 3))])
def test_how_many_batches_there_are_and_how_large(ssd, monkeypatch, options, wanted):
    """Those under way, one more than the engine's lanes, and two that form or wait."""
    sizes = []
    new_request = ssd.engine.new_request

    def counted(places):
        sizes.append(places)
        return new_request(places)

    monkeypatch.setattr(ssd.engine, "new_request", counted)
    kept = Kept()
    assert detect_many(ssd, openers(frames(5)), kept, **options) == []
    assert len(kept.rows) == 5
    assert (len(sizes), *set(sizes)) == wanted


def test_a_slow_source_is_waited_for(ssd):
    kept = Kept()

    class Slow(InMemory):
        def read(self, timeout=None):
            wait_for(lambda: len(kept.of(0)) == 3)
            time.sleep(0.01)
            return super().read()

    lists = [frames(3, 1), frames(3, 2)]
    many_openers = [*openers(lists[0]), lambda: Slow(lists[1])]
    assert detect_many(ssd, many_openers, kept, deadline=0.0) == []
    equal_to_plain(kept, lists, ssd)


def test_complaints_are_there_also_when_the_run_is_broken_off(ssd):
    def missing():
        raise CourseError("There is no file x.mp4.")

    def stop(seen, found):
        wait_for(lambda: complaints)
        raise KeyboardInterrupt

    complaints = []
    with pytest.raises(KeyboardInterrupt):
        detect_many(ssd, [missing, *openers(frames(3))], stop, complaints=complaints)
    assert complaints == ["There is no file x.mp4."]


def test_a_delay_counts_from_the_moment_a_frame_was_read(ssd):
    """Not from when there was a place for it: a user waits for that, too."""
    read = []  # (before, after) of each

    class Timed(InMemory):
        def read(self, timeout=None):
            before = time.perf_counter()
            frame = super().read()
            read.append((before, time.perf_counter()))
            return frame

    kept = Kept(pause=0.01)
    detect_many(ssd, [lambda: Timed(frames(12))], kept, depth=1)
    before = 0.0
    waited = 0.0
    for seen, _ in kept.rows:
        before += seen.read - read[seen.number][1]
        waited += read[seen.number + 1][0] - seen.read
    assert 0 <= before < waited


def test_a_live_source_is_read_only_when_there_is_room(ssd):
    """A frame that waits in its reader's hand grows old; that of a file does not."""

    class Counted(InMemory):
        def read(self, timeout=None):
            reads.append(1)
            return super().read()

    for live, wanted in ((True, 3), (False, 4)):
        reads = []
        batches = Batches([ssd.engine.new_request() for _ in range(3)], 1, 0.0, readers=1)
        source = Counted(frames(9))
        source.live = live
        waiting = queue.Queue()
        waiting.put(NumberedOpener(0, lambda source=source: source))
        reader = started(Reader(waiting, batches, Filler(ssd), []).run)
        wait_for(lambda batches=batches: waiters(batches._room))
        assert len(reads) == wanted
        batches.stop()
        reader.join(PATIENCE)
        assert not reader.is_alive()


def test_a_late_batch_goes_without_its_last_pictures(ssd, monkeypatch):
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

    decoded = []
    finish = ssd.finish

    def counted(prepared, *args):
        decoded.append(len(prepared.placements))
        return finish(prepared, *args)

    monkeypatch.setattr(ssd, "finish", counted)
    assert detect_many(ssd, [lambda: Slow(frames(4))], keep, batch=8, deadline=0.05) == []
    assert sum(decoded) == 4, "what lies in the other places is of older pictures, or none"
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


def test_a_source_that_breaks_is_told_once_and_not_read_again(ssd):
    class Breaks(InMemory):
        def read(self, timeout=None):
            frame = super().read()
            if frame is not None and frame.number == 1:
                raise CourseError("The cable is out.")
            return frame

    kept = Kept()
    complaints = detect_many(ssd, [lambda: Breaks(frames(4))], kept)
    assert complaints == ["The cable is out."]
    assert [seen.number for seen, _ in kept.rows] == [0]


def test_a_reader_goes_on_after_a_bad_source(ssd):
    def missing():
        raise CourseError("There is no file x.mp4.")

    kept = Kept()
    some = frames(3)
    complaints = detect_many(ssd, [missing, *openers(some)], kept, at_once=1)
    assert complaints == ["There is no file x.mp4."]
    assert [seen.number for seen, _ in kept.of(1)] == [0, 1, 2]


def test_when_a_run_is_broken_off_no_further_source_is_opened(ssd):
    opened = []

    def opener(number):
        def open_source():
            opened.append(number)
            return InMemory(frames(9))

        return open_source

    def stop(seen, found):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detect_many(ssd, [opener(number) for number in range(3)], stop, at_once=1)
    assert opened == [0]


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


def test_one_camera_s_outputs_are_counted_once(ssd, monkeypatch):
    """The last ones are decoded a second time, to warm the caches: what is odd is told once."""
    counted = []
    finish = ssd.finish

    def noted(prepared, outputs, conf_th=None, count=True):
        counted.append(count)
        return finish(prepared, outputs, conf_th, count)

    monkeypatch.setattr(ssd, "finish", noted)
    complaints = []
    assert detect_live(ssd, *openers(frames(3)), Kept(), complaints=complaints) is complaints
    assert counted == [True, False, True, False, True]


def test_an_error_of_the_caller_ends_all_threads(ssd, monkeypatch):
    """And waits for what the engine has begun."""
    abandoned = []
    abandon = many._EngineSide.abandon
    monkeypatch.setattr(many._EngineSide, "abandon", lambda self: abandoned.append(abandon(self)))

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
    assert len(abandoned) == 1


@pytest.mark.parametrize("times, wanted", [(1, [0, 1, 2, 3]), (2, [0, 1])])
def test_after_ctrl_c_what_was_read_is_done_and_after_a_second_one_nothing(ssd, times, wanted):
    reads = []
    kept = []

    class Counted(InMemory):
        def read(self, timeout=None):
            reads.append(1)
            return super().read()

    def keep(seen, found):
        kept.append(seen.number)
        wait_for(lambda: len(reads) == 5)  # three are in batches, the fifth is in the reader's hand
        if seen.number < times:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        detect_many(ssd, [lambda: Counted(frames(9))], keep, depth=1)
    assert kept == wanted


def test_sources_are_closed_when_an_error_comes_out(ssd, monkeypatch):
    """Whoever opens a camera again then finds it free."""
    monkeypatch.setattr(many, "_JOIN_SECONDS", PATIENCE)
    closed = []

    class Slow(InMemory):
        def close(self):
            time.sleep(0.05)
            closed.append(1)

    def stop(seen, found):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detect_many(ssd, [lambda: Slow(frames(9))] * 2, stop)
    assert len(closed) == 2


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
    (reader,) = [each for each in threading.enumerate() if each.name == "reader 1"]
    assert reader.daemon, "Python would wait for it at its end"
    free.set()
    reader.join(PATIENCE)
    assert not reader.is_alive()
