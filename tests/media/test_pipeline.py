"""Stages in threads: they overlap, nothing piles up, errors come out once, no thread stays."""

import itertools
import sys
import threading
import time
from contextlib import closing, suppress

import pytest

from trt_course.media.pipeline import Behind, Slot, ahead

PATIENCE = 60  # seconds until something counts as hanging; a busy machine is slow, and not so slow


def wait_for(condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def no_thread_stays():
    before = threading.active_count()
    yield
    wait_for(lambda: threading.active_count() == before)


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
    taken = []

    def counting():
        for i in itertools.count():
            taken.append(i)
            yield i

    with closing(ahead(counting(), 3)) as items:
        assert next(items) == 0
        wait_for(lambda: len(taken) >= 4)
        time.sleep(0.1)  # it would go on, if nothing held it
        assert len(taken) <= 6
    time.sleep(0.05)
    assert len(taken) <= 7


def test_a_slow_sink_holds_the_caller_back():
    write = Slow(0.02)
    with Behind(write, 2) as sink:
        for i in range(8):
            sink.put(i)
            assert i - len(write.done) <= 4
    assert write.done == list(range(8))


def test_stages_overlap():
    """None of the three goes on before all are at work at once: taking turns, they never are."""
    together = threading.Barrier(3, timeout=PATIENCE)
    rounds = 26

    def source():
        for i in range(rounds + 4):
            if i >= 4:  # the others have nothing to do before
                together.wait()
            yield i

    def write(i):
        if i < rounds:
            together.wait()

    with Behind(write) as sink, closing(ahead(source())) as items:
        for i in items:
            if 2 <= i < rounds + 2:
                together.wait()
            sink.put(i)


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


def test_an_exception_of_the_caller_stops_both():
    failed = threading.Event()
    written = []

    def write(i):
        failed.wait(PATIENCE)
        time.sleep(0.2)
        written.append(i)

    items = ahead(itertools.count())
    with pytest.raises(ZeroDivisionError), Behind(write, 50) as sink, closing(items):
        for i in items:
            sink.put(i)
            if i == 20:
                failed.set()
                raise ZeroDivisionError
    assert len(written) < 20  # what was put is dropped, not written within the next 4 s


def test_ctrl_c_lets_the_sink_finish():
    written = []
    with pytest.raises(KeyboardInterrupt), Behind(written.append, 50) as sink:
        for i in range(20):
            sink.put(i)
        raise KeyboardInterrupt
    assert written == list(range(20))


def in_time(work, seconds=PATIENCE):
    """Whether a thread gets the work done; one that hangs is left behind."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


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
