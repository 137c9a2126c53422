"""The batches of a run: who waits for what, and how many wake up for it."""

import time

import pytest

from trt_course.throughput import batches as batches_module
from trt_course.throughput.batches import NOBODY, Batches
from waiting import PATIENCE, in_time, started, wait_for, waiters

FOREVER = 100 * PATIENCE  # seconds


def new_batches(count=1, places=4, deadline=FOREVER, readers=1):
    return Batches([object() for _ in range(count)], places, deadline, readers)


def bring(batches, wanted):
    """What a reader does with so many pictures, as far as they fit; the places that it got."""
    places = batches.take(wanted)
    batches.fill(places.batch, places.first, ["a picture"] * places.length)
    return places


@pytest.fixture
def only_news_wakes(monkeypatch):
    """The engine's thread does not look by itself any more whether something has changed."""
    monkeypatch.setattr(batches_module, "_LOOK", FOREVER)


def asked_for_the_next(batches):
    """A list that gets the next batch, and the thread that waits for it by now."""
    got = []
    thread = started(lambda: got.append(batches.next(block=True)))
    wait_for(lambda: waiters(batches._news))
    return got, thread


def got_in_time(got, thread):
    thread.join(PATIENCE)
    assert not thread.is_alive(), "the engine's thread still waits"
    return got[0]


# --- Readers


def test_only_readers_for_whom_there_is_room_wake_up():
    """All at once they would mostly wake for nothing, and keep the engine's thread waiting."""
    batches = new_batches(count=2, places=16, readers=12)
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
    threads = [started(read) for _ in range(12)]
    for _ in range(60):
        batch = batches.next(block=True)
        time.sleep(0.002)  # so that all that can wait do
        batches.free(batch)
    for thread in threads:
        thread.join(PATIENCE)
    assert took.count((0, 8)) == took.count((8, 8)) == 60
    assert len(woken) < 60 * 4


def test_a_free_batch_is_for_several_readers():
    batches = new_batches(places=16, readers=3)
    bring(batches, 16)
    threads = [started(batches.take, 8) for _ in range(2)]
    wait_for(lambda: waiters(batches._room) == 2)
    batches.free(batches.next(block=True))
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)


def test_all_cameras_are_read_again_when_there_is_room():
    """A live source takes its place only after it was read: all that wait for room may read."""
    batches = new_batches(readers=3)
    bring(batches, 4)
    answers = []
    threads = [started(lambda: answers.append(batches.wait_for_room())) for _ in range(3)]
    wait_for(lambda: waiters(batches._room) == 3)
    batches.free(batches.next(block=True))
    for thread in threads:
        thread.join(PATIENCE)
    assert answers == [True] * 3


def test_a_batch_that_has_places_left_is_room():
    batches = new_batches(count=3)
    bring(batches, 4)
    bring(batches, 3)
    assert batches.wait_for_room()
    assert bring(batches, 3)[1:] == (3, 1)


def test_each_reader_s_pictures_stay_in_its_own_places():
    """Whoever fills them first: else boxes would go to another source."""
    batches = new_batches(readers=2)
    one = batches.take(1)
    other = batches.take(2)
    batches.fill(other.batch, other.first, ["b", "c"])
    batches.fill(one.batch, one.first, ["a"])
    assert one.batch.rows == ["a", "b", "c", NOBODY]


def test_the_end_sends_away_who_waits():
    batches = new_batches(places=1, readers=2)
    batches.take(1)
    answers = []
    threads = [started(lambda: answers.append(batches.take(1))) for _ in range(2)]
    threads.append(started(lambda: answers.append(batches.wait_for_room())))
    wait_for(lambda: waiters(batches._room) == 3)
    assert answers == []
    batches.stop()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(answers, key=str) == [False, None, None]


# --- The engine's thread


def test_batches_go_in_the_order_in_which_they_were_begun():
    """Each source's boxes come in the order of its frames only if they do."""
    batches = new_batches(count=3)
    begun = [bring(batches, 4).batch for _ in range(3)]
    gone = [batches.next(block=False) for _ in range(3)]
    assert gone == begun
    batches.free(gone[1])
    batches.free(gone[0])
    assert [bring(batches, 4).batch for _ in range(2)] == [gone[1], gone[0]]


def test_a_late_batch_is_closed_and_waits_for_the_places_that_are_taken():
    batches = new_batches(count=2, deadline=0.0, readers=2)
    late, first, length = batches.take(3)
    assert batches.next(block=False) is None  # three pictures are on their way
    other, _, _ = batches.take(1)
    assert other is not late
    batches.fill(late, first, ["a picture"] * length)
    assert batches.next(block=True) is late
    assert late.taken == 3


def test_a_batch_that_went_small_is_whole_again_the_next_time():
    """Else one slow moment would make every later batch as small, and the run slow for good."""
    batches = new_batches(deadline=0.0)
    late = bring(batches, 3).batch
    assert batches.next(block=False) is late
    batches.free(late)
    assert batches.take(9) == (late, 0, 4)
    assert late.rows == [NOBODY] * 4


def test_a_batch_that_is_not_late_waits_for_more_pictures():
    batches = new_batches()
    bring(batches, 3)
    assert batches.next(block=False) is None
    bring(batches, 1)
    assert batches.next(block=False) is not None


def test_a_late_batch_goes_though_nothing_happens(only_news_wakes):
    """The engine's thread sleeps until the deadline, and not until somebody wakes it."""
    batches = new_batches(deadline=0.05)
    batch = bring(batches, 1).batch
    got = []
    assert in_time(lambda: got.append((batches.next(block=True), time.monotonic())))
    ((gone, moment),) = got
    assert gone is batch
    assert moment >= batch.due, "it has gone too early"


@pytest.mark.parametrize("deadline, wanted", [(FOREVER, 4), (0.0, 1)])
def test_what_is_full_or_late_wakes_the_engine_s_thread(only_news_wakes, deadline, wanted):
    batches = new_batches(deadline=deadline)
    waiting = asked_for_the_next(batches)
    batch = bring(batches, wanted).batch
    assert got_in_time(*waiting) is batch


def test_the_engine_s_thread_sleeps_while_a_late_picture_is_copied(only_news_wakes):
    """Places that are taken will be filled: to look again and again would take a core from that."""
    batches = new_batches(deadline=0.0)
    batch, first, length = batches.take(4)
    waits = []
    wait = batches._news.wait

    def counted_wait(seconds):
        waits.append(seconds)
        wait(seconds)

    batches._news.wait = counted_wait
    waiting = asked_for_the_next(batches)
    time.sleep(0.02)
    batches.fill(batch, first, ["a picture"] * length)
    assert got_in_time(*waiting) is batch
    assert waits == [FOREVER]


# --- The end of a run


def test_the_last_readers_batch_goes_at_once():
    """With a long deadline too: nobody is left who could fill it."""
    batches = new_batches(count=2, readers=2)
    batch = bring(batches, 1).batch
    batches.leave()
    assert batches.next(block=False) is None
    batches.leave()
    assert batches.next(block=False) is batch
    assert batches.next(block=True) is None


def test_the_engine_s_thread_hears_that_the_last_reader_has_left(only_news_wakes):
    batches = new_batches()
    batch = bring(batches, 1).batch
    waiting = asked_for_the_next(batches)
    batches.leave()
    assert got_in_time(*waiting) is batch


def test_after_ctrl_c_what_was_read_goes_at_once_and_nothing_is_waited_for():
    batches = new_batches(readers=2)
    batch = bring(batches, 1).batch
    waiting = asked_for_the_next(batches)
    batches.ask_to_stop()
    assert got_in_time(*waiting) is batch
    assert batches.next(block=True) is None
    assert batches.take(1) is None
    assert not batches.wait_for_room()
