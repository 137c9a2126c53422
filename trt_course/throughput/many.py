"""Many sources through one engine, and nobody waits: readers fill the next batches while the engine runs the last ones.

A reader, a thread with a source, takes a place in the batch that forms and puts its picture there, on a GPU as far as
the GPU's memory. The engine's thread submits what is full, or late, and decodes what is done. There are only so many
batches: when all are under way the readers wait, and memory stays as it is. What is done with boxes is the caller's.
"""

import collections
import contextlib
import queue
import threading
import time
from typing import NamedTuple

from ..media.base import require_whole
from ..model.placement import Placement
from ..ssd import Prepared
from ..support import trace
from ..support.errors import CourseError


class Seen(NamedTuple):
    """A picture on its way: of which source, its number and time there, when it was read (time.perf_counter), and
    where it lies in the network's input."""

    source: int
    number: int
    time: float
    read: float
    placement: Placement


_NOBODY = Seen(
    -1, 0, 0.0, 0.0, Placement(1.0, 1.0, 0.0, 0.0, 1, 1)
)  # a place whose picture could not be read


class _Batch:
    def __init__(self, request, places):
        self.request, self.places = request, places

    def begin(self, due):
        self.rows, self.taken, self.filled, self.due = [None] * self.places, 0, 0, due
        return self


class Batches:
    """Batches that are free, in line (forming or full, oldest first) or under way; shared by all threads of a run."""

    def __init__(self, requests, places, deadline, readers):
        self._free, self._line = (
            collections.deque(_Batch(r, places) for r in requests),
            collections.deque(),
        )
        self._deadline, self._readers, lock = deadline, readers, threading.Lock()
        self._room, self._news = threading.Condition(lock), threading.Condition(lock)

    def _forming(self):
        return (
            self._line[-1] if self._line and self._line[-1].taken < self._line[-1].places else None
        )

    def _is_room(self):
        return self._readers is None or self._free or self._forming()

    def wait_for_room(self):
        """For a reader: False when the run ends."""
        with self._room:
            self._room.wait_for(self._is_room)
            self._room.notify()  # who finds room wakes the next one: all at once would mostly wake for nothing
            return self._readers is not None

    def take(self, wanted):
        """For a reader: a batch, the first of its places there and how many they are; None when the run ends."""
        with self._room:
            self._room.wait_for(self._is_room)
            if self._readers is None:
                return None
            if not self._forming():
                self._line.append(self._free.popleft().begin(time.monotonic() + self._deadline))
                self._news.notify()
            batch = self._line[-1]
            first, batch.taken = batch.taken, min(batch.places, batch.taken + wanted)
            if self._is_room():
                self._room.notify()
            return batch, first, batch.taken - first

    def fill(self, batch, first, rows):
        with self._news:
            batch.rows[first : first + len(rows)] = rows
            batch.filled += len(rows)
            if batch.filled == batch.taken == batch.places:
                self._news.notify()

    def next(self, block):
        """For the engine's thread: the oldest batch if it is full or late; None if there is none yet or ever."""
        with self._news:
            while self._line or self._readers and block:
                batch, wait = self._line[0] if self._line else None, None
                if batch:
                    wait = batch.due - time.monotonic()
                    if wait <= 0 or not self._readers:
                        batch.places = batch.taken  # nobody joins any more
                    if batch.filled == batch.places:
                        return self._line.popleft()
                if not block:
                    break
                self._news.wait(wait if batch and batch.taken < batch.places else None)
        return None

    def free(self, batch):
        with self._room:
            batch.places = len(batch.rows)
            self._free.append(batch)
            self._room.notify()

    def leave(self):
        """A reader is done."""
        with self._news:
            self._readers = self._readers and self._readers - 1
            self._news.notify()

    def stop(self):
        with self._room:
            self._readers = None
            self._room.notify_all()


class _Putter:
    """For one of the readers: its frames into a request, from the place `first`; their Placements."""

    def __init__(self, ssd):
        self._ssd, self._preprocess, self._entry = (
            ssd,
            ssd.new_preprocessor(),
            ssd.engine.inputs[0].name,
        )
        self._place = ssd.engine.placer() if ssd.engine.on_gpu else None

    def __call__(self, frames, request, first):
        if hasattr(frames[0], "address"):
            self._place(request, first, frames)
            return [self._ssd.inner] * len(frames)
        tensors = request.inputs[self._entry][first : first + len(frames)]
        placements = [
            self._preprocess(frame.image, tensor) for frame, tensor in zip(frames, tensors)
        ]
        if self._place is not None:
            self._place(request, first, tensors)
        return placements

    def settle(self):
        """Before the memory that pictures were sent from is freed."""
        if self._place is not None:
            self._place.wait()


def _frames(number, source, wait_for_room, complain):
    """(moment of reading, frames). A live source is read when there is room: its frame shall be new."""
    while not source.live or wait_for_room():
        try:
            with trace.span("read", source=number):
                frames = source.read_some()
        except CourseError as err:
            if not source.goes_on:
                raise
            complain(number, err)
            continue
        if not frames:
            require_whole(source)
            return
        yield time.perf_counter(), frames


def _told(number, err):
    return (
        str(err)
        if isinstance(err, CourseError)
        else f"source {number + 1}: {type(err).__name__}: {err}"
    )


def _life(waiting, batches, put, complain):
    """A reader's: one source after the other."""
    try:
        while _read(*waiting.get_nowait(), batches, put, complain):
            pass
    except queue.Empty:
        pass
    finally:
        batches.leave()


def _read(number, opener, batches, put, complain):
    """One source to its end. False when the run ends."""
    try:
        with opener() as source, contextlib.ExitStack() as stack:
            stack.callback(put.settle)
            for moment, frames in _frames(number, source, batches.wait_for_room, complain):
                while frames:
                    places = batches.take(len(frames))
                    if places is None:
                        return False
                    batch, first, count = places
                    some, frames, rows = frames[:count], frames[count:], [None] * count
                    try:
                        with trace.span("fill", source=number, frame=some[0].number):
                            rows = [
                                Seen(number, frame.number, frame.time, moment, placed)
                                for frame, placed in zip(some, put(some, batch.request, first))
                            ]
                    finally:
                        batches.fill(batch, first, rows)
    except Exception as err:  # also a decoder's own: the other sources go on
        complain(number, err)
    return True


def detect_many(
    ssd, openers, keep, conf_th=None, batch=None, depth=None, deadline=0.02, at_once=None
):
    """Detect in all frames of several sources; keep(Seen, Detections) gets each source's in order. Returns complaints.

    `openers` are functions, each called in a reader's thread, that open a Source; `at_once` of them are open at the
    same time, all where it is None. A batch goes when it is full or `deadline` seconds after its first picture;
    `depth` batches are under way at once, one more than the engine's lanes.
    """
    resident, complaints = {"resident": True} if ssd.engine.on_gpu else {}, []

    def complain(number, err):
        complaints.append(_told(number, err))

    depth = depth or ssd.engine.lanes + 1
    places = batch or (ssd.engine.max_batch if resident else 1)  # batches buy nothing on a CPU
    readers, waiting = min(at_once or len(openers), len(openers)), queue.Queue()
    for numbered in enumerate(openers):
        waiting.put(numbered)
    count = (
        depth + 2 + -(depth + 2) % ssd.engine.lanes
    )  # as many for each lane: the requests go round in turns
    batches = Batches(
        [ssd.engine.new_request(places, **resident) for _ in range(count)],
        places,
        deadline,
        readers,
    )
    threads = [
        threading.Thread(
            target=_life,
            args=(waiting, batches, _Putter(ssd), complain),
            daemon=True,
            name=f"reader {n + 1}",
        )
        for n in range(readers)
    ]
    for thread in threads:
        thread.start()
    flying = collections.deque()
    try:
        while True:
            new = batches.next(block=not flying)
            if new is not None:
                ssd.engine.submit(new.request)
                flying.append(new)
            if flying and (new is None or len(flying) == depth):
                _finish(ssd, flying.popleft(), batches, keep, conf_th)
            elif new is None:
                return complaints
    finally:
        batches.stop()
        for done in flying:
            with contextlib.suppress(Exception):  # the first error counts
                ssd.engine.result(done.request)
        for thread in threads:
            thread.join(2)


def _finish(ssd, batch, batches, keep, conf_th):
    outputs = ssd.engine.result(batch.request)
    rows = [row or _NOBODY for row in batch.rows[: batch.taken]]
    prepared = Prepared(batch.request, [row.placement for row in rows])
    found = ssd.finish(prepared, outputs, conf_th)
    batches.free(batch)
    for row, boxes in zip(rows, found):
        if row is not _NOBODY:
            keep(row, boxes)


def detect_live(ssd, opener, keep, conf_th=None):
    """The same for one camera, with the least delay: all in this thread, no picture waits for another."""
    complaints, outputs = [], None
    with opener() as source:
        for moment, frames in _frames(
            0, source, lambda: True, lambda *row: complaints.append(_told(*row))
        ):
            for frame in frames:
                prepared = ssd.prepare([frame.image])
                ssd.engine.submit(prepared.request)
                if (
                    outputs is not None
                ):  # once more, for nothing: what decoding needs is in the caches then
                    ssd.finish(prepared, outputs, conf_th)
                outputs = ssd.engine.result(prepared.request)
                (found,) = ssd.finish(prepared, outputs, conf_th)
                keep(Seen(0, frame.number, frame.time, moment, prepared.placements[0]), found)
    return complaints
