"""Stages in threads: they overlap, nothing piles up, errors come out once, no thread stays."""

import itertools
import sys
import threading
import time
from contextlib import closing, suppress

import pytest

from trt_course import CourseError
from trt_course.media import pipeline
from trt_course.media.pipeline import Behind, Slot, ahead
from waiting import PATIENCE, in_time, started, wait_for, waiters


@pytest.fixture(autouse=True)
def no_thread_stays():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def failing_after(n, error):
    yield from range(n)
    raise error


class Slow:
    """Takes its time for each call, and keeps what it was called with."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.done = []

    def __call__(self, item):
        time.sleep(self.seconds)
        self.done.append(item)


def test_order_and_end():
    assert list(ahead(range(100))) == list(range(100))
    assert list(ahead([])) == []

    seen = []
    with Behind(lambda a, b: seen.append((a, b))) as sink:
        for i in range(100):
            sink.put(i, -i)
    assert seen == [(i, -i) for i in range(100)]


def test_it_reads_a_little_ahead_and_no_further():
    """What a reader has no place for would fill the memory."""
    taken = []

    def counting():
        for i in itertools.count():
            taken.append(i)
            yield i

    with closing(ahead(counting(), 3)) as items:
        assert next(items) == 0
        wait_for(lambda: len(taken) == 5)  # three wait, and one is in the thread's hand
        (reader,) = [each for each in threading.enumerate() if each.name == "ahead"]
        assert reader.daemon, "Python would wait for it at its end"
        time.sleep(0.02)
        assert len(taken) == 5
    assert len(taken) == 5


class Gated:
    """Writes an item when it is let, and keeps what it has written."""

    def __init__(self):
        self.gate = threading.Semaphore(0)
        self.done = []

    def __call__(self, item):
        assert self.gate.acquire(timeout=PATIENCE)
        self.done.append(item)


def test_a_slow_sink_holds_the_caller_back():
    write = Gated()
    puts = []

    def put_all():
        with Behind(write, 2) as sink:
            for i in range(8):
                sink.put(i)
                puts.append(i)

    caller = started(put_all)
    for done in range(3):
        wait_for(lambda done=done: len(puts) == done + 3)  # two wait, one is being written
        time.sleep(0.01)
        assert len(puts) == done + 3
        write.gate.release()
        wait_for(lambda done=done: len(write.done) == done + 1)
    for _ in range(8):
        write.gate.release()
    caller.join(PATIENCE)
    assert write.done == list(range(8))


def test_stages_overlap():
    """While an item is written the caller has the next one, and the one after that is read."""
    together = threading.Barrier(3)

    def meet(item, wanted):
        if item == wanted:
            together.wait(PATIENCE)

    def source():
        for i in range(4):
            meet(i, 2)
            yield i

    with Behind(lambda i: meet(i, 0)) as sink, closing(ahead(source())) as items:
        for i in items:
            meet(i, 1)
            sink.put(i)


def test_whoever_waits_is_woken_and_need_not_look(monkeypatch):
    """To look is for what Ctrl-C may break: at each item it would cost half a second."""
    monkeypatch.setattr(pipeline, "_LOOK", 100 * PATIENCE)
    written = []

    def work():
        with Behind(written.append, 1) as sink, closing(ahead(range(200), 1)) as items:
            for i in items:
                sink.put(i)

    assert in_time(work)
    assert written == list(range(200))


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), KeyboardInterrupt(), SystemExit(3)])
def test_an_exception_while_reading_comes_after_what_was_read(error):
    got = []
    with pytest.raises(type(error)) as seen, closing(ahead(failing_after(5, error))) as items:
        for i in items:
            got.append(i)
    assert got == [0, 1, 2, 3, 4]
    assert seen.value is error


def test_an_exception_while_writing_stops_the_caller_once():
    calls = []
    puts = []

    def write(i):
        calls.append(i)
        raise ZeroDivisionError(i)

    with pytest.raises(ZeroDivisionError), Behind(write, 1) as sink:
        for i in range(1000):
            sink.put(i)
            puts.append(i)
    assert calls == [0]
    assert len(puts) < 5

    # with the last one, nobody puts any more
    with pytest.raises(ZeroDivisionError), Behind(write) as sink:
        sink.put(1)


def test_what_comes_after_a_picture_that_could_not_be_written_is_not_written():
    """Else a video would have a hole in it that nobody is told of."""
    gate = threading.Event()
    calls = []

    def write(i):
        assert gate.wait(PATIENCE)
        calls.append(i)
        raise ZeroDivisionError(i)

    with pytest.raises(ZeroDivisionError), Behind(write) as sink:
        for i in range(4):
            sink.put(i)
        gate.set()
    assert calls == [0]


def test_an_exception_of_the_caller_stops_both():
    write = Slow(0.01)
    items = ahead(itertools.count())
    with pytest.raises(ZeroDivisionError), Behind(write, 500) as sink, closing(items):
        for i in items:
            sink.put(i)
            if i == 300:
                raise ZeroDivisionError
    assert len(write.done) < 300


def test_ctrl_c_lets_the_sink_finish():
    written = []
    with pytest.raises(KeyboardInterrupt), Behind(written.append, 50) as sink:
        for i in range(20):
            sink.put(i)
        raise KeyboardInterrupt
    assert written == list(range(20))


class Polls:
    """A clock on which ten seconds pass each time somebody looks; `then(look)` is called before."""

    def __init__(self, then=lambda look: None):
        self.looks = 0
        self.then = then

    def monotonic(self):
        assert self.looks < 200, "it looks for ever"
        self.then(self.looks)
        self.looks += 1
        return 10.0 * self.looks


def let_one(write, sink):
    """One call of `write` comes to its end."""
    calls = sink._calls
    write.gate.release()
    wait_for(lambda: sink._calls > calls or not sink._thread.is_alive())


def test_a_sink_that_is_slow_but_goes_on_is_not_given_up(monkeypatch):
    """A long video's last pictures may take minutes on a small machine."""
    write = Gated()
    sink = Behind(write, 20)

    def each_half_minute(look):
        if look % 3 == 0:
            let_one(write, sink)

    monkeypatch.setattr(pipeline, "_LOOK", 0.002)
    with sink:
        for i in range(20):
            sink.put(i)
        monkeypatch.setattr(pipeline, "time", Polls(each_half_minute))
    assert write.done == list(range(20))


@pytest.mark.parametrize("error, message", [(CourseError, "for 30 s"), (KeyboardInterrupt, "mine")])
def test_a_sink_that_hangs_is_given_up_after_half_a_minute(monkeypatch, error, message):
    write = Gated()
    sink = Behind(write)

    def first_only(look):
        if look == 0:
            let_one(write, sink)

    clock = Polls(first_only)
    monkeypatch.setattr(pipeline, "_LOOK", 0.002)
    monkeypatch.setattr(pipeline, "time", clock)
    with pytest.raises(error, match=message), sink:
        sink.put(0)
        sink.put(1)
        if error is KeyboardInterrupt:
            raise KeyboardInterrupt("mine")
    assert (
        clock.looks == 6
    )  # at the beginning, when one was written, and until more than 30 s after
    assert write.done == [0]
    assert sink._thread.daemon, "Python would wait for it at its end"
    write.gate.release()
    sink._thread.join(PATIENCE)


class CtrlC:
    """Raises KeyboardInterrupt at the nth line of Python that a thread executes in some modules."""

    FILES = ("threading.py", "queue.py", "pipeline.py")

    def __init__(self, nth):
        self.left = nth

    def __call__(self, frame, event, _):
        if not frame.f_code.co_filename.endswith(self.FILES):
            return None
        if event == "line":
            self.left -= 1
            if self.left == 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self


@pytest.mark.parametrize("depth", [1, 4])
def test_ctrl_c_anywhere_within_the_line_leaves_nobody_asleep(depth):
    """Within each line of `put` and of `get` in turn, also while they wait."""
    for nth in range(1, 60):

        def work(nth=nth):
            items = ahead(itertools.count(), depth)
            sink = Behind(Slow(0.001), depth)
            with suppress(KeyboardInterrupt), sink, closing(items):
                next(items)
                try:
                    sys.settrace(CtrlC(nth))
                    for i in items:
                        sink.put(i)
                finally:
                    sys.settrace(None)
                    time.sleep(0.003)  # the others wait again

        assert in_time(work), nth


def test_a_slot_gives_the_newest_once_and_until_it_is_closed():
    slot = Slot()
    for i in range(3):
        slot.put(i)
    assert slot.take() == 2
    assert slot.take(worth_waiting=lambda: False) is None

    threading.Timer(0.05, slot.put, (4,)).start()
    assert slot.take() == 4

    slot.put(5)
    slot.close()
    assert slot.take() is None


def test_a_new_item_wakes_who_waits_for_it():
    """Whoever looked by himself every tenth of a second would show ten frames a second."""
    slot = Slot()
    woken = []
    wait = slot._changed.wait
    slot._changed.wait = lambda seconds: woken.append(wait(seconds))
    for i in range(10):
        taker = started(slot.take)
        wait_for(lambda: waiters(slot._changed))
        slot.put(i)
        taker.join(PATIENCE)
        assert not taker.is_alive()
    assert any(woken)


def test_closing_a_slot_wakes_who_waits():
    slot = Slot()
    taken = []
    taker = started(lambda: taken.append(slot.take()))
    wait_for(lambda: waiters(slot._changed))
    slot.close()
    taker.join(PATIENCE)
    assert taken == [None]


def test_a_slot_asks_again_whether_to_wait():
    """A thread that waits for a detector must see that it has died."""
    answers = [True, True, True, False]
    slot = Slot()
    assert in_time(slot.take, lambda: answers.pop(0))
    assert answers == []
