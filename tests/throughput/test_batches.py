"""The batches of a run: who waits for what, and how many wake up for it."""

import threading
import time

from trt_course.throughput.batches import Batches


def started(target, count, args=()):
    """So many threads of the same work."""
    threads = [threading.Thread(target=target, args=args, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def test_only_readers_for_whom_there_is_room_wake_up():
    """All at once they would mostly wake for nothing, and keep the engine's thread waiting."""
    batches = Batches([object(), object()], 16, 60, readers=12)
    woken = []
    took = []
    wait = batches._room.wait

    def counted_wait(*args):
        wait(*args)
        woken.append(1)

    def read():
        for _ in range(10):
            batch, first, length = batches.take(8)
            took.append((first, length))
            batches.fill(batch, first, [None] * length)

    batches._room.wait = counted_wait
    threads = started(read, 12)
    for _ in range(60):
        batch = batches.next(block=True)
        time.sleep(0.002)  # so that all that can wait do
        batches.free(batch)
    for thread in threads:
        thread.join(20)
    assert took.count((0, 8)) == took.count((8, 8)) == 60
    assert len(woken) < 60 * 4


def test_a_free_batch_is_for_several_readers():
    batches = Batches([object()], 16, 60, readers=3)
    batch, _, _ = batches.take(16)
    threads = started(batches.take, 2, args=(8,))
    batches.fill(batch, 0, [None] * 16)
    time.sleep(0.05)
    batches.free(batches.next(block=True))
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


def test_a_late_batch_is_closed_and_waits_for_the_places_that_are_taken():
    batches = Batches([object(), object()], 4, 0.0, readers=2)
    late, first, length = batches.take(3)
    assert batches.next(block=False) is None  # three pictures are on their way
    other, _, _ = batches.take(1)
    assert other is not late
    batches.fill(late, first, [None] * length)
    assert batches.next(block=True) is late
    assert late.taken == 3


def test_the_last_readers_batch_goes_at_once():
    batches = Batches([object()], 4, 60, readers=1)
    batch, first, length = batches.take(1)
    batches.fill(batch, first, [None] * length)
    assert batches.next(block=False) is None
    batches.leave()
    assert batches.next(block=True) is batch
    assert batches.next(block=True) is None


def test_the_end_sends_away_who_waits():
    batches = Batches([object()], 1, 60, readers=2)
    batches.take(1)
    answers = []
    threads = started(lambda: answers.append(batches.take(1)), 2)
    threads += started(lambda: answers.append(batches.wait_for_room()), 1)
    time.sleep(0.05)
    assert answers == []
    batches.stop()
    for thread in threads:
        thread.join(10)
    assert sorted(answers, key=str) == [False, None, None]
