"""Stages in threads: they overlap, nothing piles up, an exception comes out once, and no thread stays behind."""

import itertools
import threading
import time
from contextlib import closing

import pytest

from trt_course.media.pipeline import Behind, ahead


@pytest.fixture(autouse=True)
def no_thread_stays():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def failing_after(n, error):
    yield from range(n)
    raise error


def test_order_and_end():
    assert list(ahead(range(100))) == list(range(100)) and list(ahead([])) == []
    seen = []
    with Behind(lambda a, b: seen.append((a, b))) as sink:
        for i in range(100):
            sink.put(i, -i)
    assert seen == [(i, -i) for i in range(100)]


def test_it_reads_a_little_ahead_and_no_further():
    taken = []
    with closing(ahead((taken.append(i) or i for i in itertools.count()), 3)) as items:
        assert next(items) == 0
        time.sleep(0.1)
        assert 3 <= len(taken) <= 6
    time.sleep(0.05)
    assert len(taken) <= 7


def test_a_slow_sink_holds_the_caller_back():
    done = []
    with Behind(lambda i: time.sleep(0.02) or done.append(i), 2) as sink:
        for i in range(8):
            sink.put(i)
            assert i - len(done) <= 4
    assert done == list(range(8))


def test_stages_overlap():
    """Three stages of 10 ms: one after the other takes 30 ms a turn, at the same time 10."""

    def source():
        for i in range(30):
            time.sleep(0.01)
            yield i

    for _ in range(5):
        began = time.monotonic()
        with Behind(lambda i: time.sleep(0.01)) as sink, closing(ahead(source())) as items:
            for i in items:
                time.sleep(0.01)
                sink.put(i)
        if time.monotonic() - began < 0.5:
            return
    pytest.fail("the stages took turns")


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), KeyboardInterrupt(), SystemExit(3)])
def test_an_exception_while_reading_comes_after_what_was_read(error):
    got = []
    with pytest.raises(type(error)) as seen, closing(ahead(failing_after(5, error))) as items:
        for i in items:
            got.append(i)
    assert got == [0, 1, 2, 3, 4] and seen.value is error


def test_an_exception_while_writing_stops_the_caller_once():
    calls, puts = [], []

    def write(i):
        calls.append(i)
        raise ZeroDivisionError(i)

    with pytest.raises(ZeroDivisionError), Behind(write, 1) as sink:
        for i in range(1000):
            sink.put(i)
            puts.append(i)
    assert calls == [0] and len(puts) < 5
    with pytest.raises(ZeroDivisionError), Behind(
        write
    ) as sink:  # with the last one, nobody puts any more
        sink.put(1)


def test_an_exception_of_the_caller_stops_both():
    written = []
    with pytest.raises(ZeroDivisionError), Behind(
        lambda i: time.sleep(0.05) or written.append(i), 50
    ) as sink, closing(ahead(itertools.count())) as items:
        for i in items:
            sink.put(i)
            if i == 20:
                raise ZeroDivisionError
    assert len(written) < 5


def test_ctrl_c_lets_the_sink_finish():
    written = []
    with pytest.raises(KeyboardInterrupt), Behind(written.append, 50) as sink:
        for i in range(20):
            sink.put(i)
        raise KeyboardInterrupt
    assert written == list(range(20))
