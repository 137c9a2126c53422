"""The engine's side of a run: how much is under way, when memory is free again, errors."""

import pytest

from throughput_parts import Kept, equal_to_plain, frames
from trt_course import TrtSSD
from trt_course.throughput.batches import Batches, Seen
from trt_course.throughput.many import _EngineSide, places_of
from trt_course.throughput.readers import Filler

SOME = frames(6)


@pytest.fixture
def ssd(cells):
    with TrtSSD(cells, backend="cpu", threads=1, verbose=False) as ssd:
        yield ssd


@pytest.fixture
def full(ssd):
    """A batch for each of some pictures, all of them full; no reader is left."""
    requests = [ssd.engine.new_request() for _ in SOME]
    batches = Batches(requests, places=1, deadline=0.0, readers=1)
    filler = Filler(ssd)
    for frame in SOME:
        batch, first, _ = batches.take(1)
        (placement,) = filler.fill([frame], batch.request, first)
        batches.fill(batch, first, [Seen(0, frame.number, frame.time, 0.0, placement)])
    batches.leave()
    return batches


class UnderWay:
    """Counts the requests that an engine has been given and has not answered yet."""

    def __init__(self, engine, monkeypatch):
        self.now = 0
        self.each = []  # how many there were after each step
        for name, change in (("submit", 1), ("result", -1)):
            monkeypatch.setattr(engine, name, self.counting(getattr(engine, name), change))

    def counting(self, step, change):
        def counted(request):
            self.now += change
            self.each.append(self.now)
            return step(request)

        return counted


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_so_many_batches_are_under_way_at_once(ssd, full, monkeypatch, depth):
    """Fewer would let the network wait for the host between its runs."""
    under_way = UnderWay(ssd.engine, monkeypatch)
    kept = Kept()
    _EngineSide(ssd, full, kept, None, depth).run()
    up = list(range(1, depth + 1))
    turns = [depth - 1, depth] * (len(SOME) - depth)
    down = list(range(depth - 1, -1, -1))
    assert under_way.each == up + turns + down
    equal_to_plain(kept, [SOME], ssd)


def test_readers_have_a_batch_back_before_its_boxes_are_handed_on(ssd, full):
    """What the caller does with boxes must not keep the readers waiting."""
    room = []
    _EngineSide(ssd, full, lambda *_: room.append(full._has_room()), None, 2).run()
    assert room == [True] * len(SOME)


def test_the_threshold_is_the_caller_s(ssd, full):
    kept = Kept()
    _EngineSide(ssd, full, kept, 0.999, 2).run()
    assert [len(found) for _, found in kept.rows] == [0] * len(SOME)


def test_after_an_error_nothing_runs_on(ssd, full, monkeypatch):
    """The detector may be closed then: whatever still ran would read memory that is gone."""
    under_way = UnderWay(ssd.engine, monkeypatch)

    def stop(seen, found):
        raise ZeroDivisionError("the caller's own")

    engine_side = _EngineSide(ssd, full, stop, None, 4)
    with pytest.raises(ZeroDivisionError):
        engine_side.run()
    assert under_way.now == 3

    # The network may have failed, too: that is told already.
    def fail(request):
        result(request)
        raise RuntimeError("bad allocation")

    result = ssd.engine.result
    monkeypatch.setattr(ssd.engine, "result", fail)
    engine_side.abandon()
    assert under_way.now == 0


def test_how_many_pictures_a_batch_has(ssd, monkeypatch):
    assert ssd.engine.max_batch > 1
    assert places_of(ssd.engine, None) == 1
    assert places_of(ssd.engine, 3) == 3
    monkeypatch.setattr(ssd.engine, "on_gpu", True)
    assert places_of(ssd.engine, None) == ssd.engine.max_batch
