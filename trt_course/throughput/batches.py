"""The batches of one run: which are free, in line or under way, and who waits for what.

Readers take places in the newest batch and fill them. The engine's thread takes the oldest batch
when it is full, or late, and gives it back when its boxes are decoded. There are only so many
batches: when all are in use the readers wait, and memory stays as it is.
"""

import collections
import threading
import time
from typing import Deque, Iterable, List, NamedTuple, Optional

from ..engine import Request
from ..model.placement import Placement
from ..support.ranges import number

DEADLINE = number(0, 3600)  # seconds that a batch may wait for its last picture

_LOOK = 0.2  # seconds after which the engine's thread looks whether the run was told to stop


class Seen(NamedTuple):
    """A picture on its way through the engine; the picture itself lies in the engine's memory.

    It is what the caller of detect_many gets with the picture's boxes.
    """

    source: int  # of the run, from 0
    number: int  # of the frame in its source, from 0
    time: float  # of the frame in its source, in seconds
    read: float  # the time.perf_counter() when it had been read: the boxes' delay counts from there
    placement: Placement  # where it lies in the network's input: the boxes come home by it


# Stands in a place whose picture could not be put there; its boxes are nobody's.
NOBODY = Seen(
    source=-1, number=0, time=0.0, read=0.0, placement=Placement(1.0, 1.0, 0.0, 0.0, 1, 1)
)


class Batch:
    """A request of the engine, and who has which of its places."""

    def __init__(self, request: Request, size: int) -> None:
        self.request = request
        self.size = size

        # Since it was begun.
        self.places = size  # that can be had; fewer than `size` once it is closed
        self.taken = 0  # by readers, who may still be filling them
        self.filled = 0
        self.rows: List[Seen] = []
        self.due = 0.0  # the time.monotonic() at which it goes, full or not

    def begin(self, due: float) -> None:
        """Make it empty, to go at `due`."""
        self.places = self.size
        self.taken = 0
        self.filled = 0
        self.rows = [NOBODY] * self.size
        self.due = due

    def close(self) -> None:
        """Nobody else joins; who has taken a place still fills it."""
        self.places = self.taken


class Places(NamedTuple):
    """What a reader has taken: places of a batch that lie side by side."""

    batch: Batch
    first: int
    length: int


class Batches:
    """All batches of a run, shared by its threads.

    A batch goes round: it is free, then in line while readers fill it, then under way, where the
    engine's thread alone has it, and free again.

    >>> batches = Batches([Request({})], places=2, deadline=60, readers=1)
    >>> batch, first, length = batches.take(wanted=5)
    >>> first, length
    (0, 2)
    >>> batches.fill(batch, first, [NOBODY] * length)
    >>> batches.next(block=True) is batch
    True
    >>> batches.free(batch)
    """

    def __init__(
        self, requests: Iterable[Request], places: int, deadline: float, readers: int
    ) -> None:
        self._deadline = deadline  # seconds from a batch's first picture until it goes

        # The batches that nobody has, and those that form or are full, oldest first.
        self._free: Deque[Batch] = collections.deque(Batch(each, places) for each in requests)
        self._line: Deque[Batch] = collections.deque()

        # Who may still bring pictures, and whether the run ends before they are through.
        self._readers = readers
        self._stopped = False

        # One lock for all of it. Readers wait for room, the engine's thread for news of the line.
        lock = threading.Lock()
        self._room = threading.Condition(lock)
        self._news = threading.Condition(lock)

    # For the readers

    def wait_for_room(self) -> bool:
        """Wait until there is a place to take; False when the run ends."""
        with self._room:
            self._room.wait_for(self._has_room)
            # Who finds room wakes the next one: all at once would mostly wake for nothing.
            self._room.notify()
            return not self._stopped

    def take(self, wanted: int) -> Optional[Places]:
        """Wait for places in one batch and take them, at most `wanted`; None when the run ends."""
        with self._room:
            self._room.wait_for(self._has_room)
            if self._stopped:
                return None

            # Join the batch that forms; where none does, begin the next one.
            batch = self._forming()
            if batch is None:
                batch = self._free.popleft()
                batch.begin(due=time.monotonic() + self._deadline)
                self._line.append(batch)
                self._news.notify()

            first = batch.taken
            length = min(wanted, batch.places - first)
            batch.taken += length

            # Who finds room wakes the next one, as in wait_for_room.
            if self._has_room():
                self._room.notify()
            return Places(batch, first, length)

    def fill(self, batch: Batch, first: int, rows: List[Seen]) -> None:
        """Say what lies in places that were taken, from `first` on."""
        with self._news:
            batch.rows[first : first + len(rows)] = rows
            batch.filled += len(rows)
            if batch.filled == batch.taken == batch.places:
                self._news.notify()

    def leave(self) -> None:
        """Say that this reader brings nothing more."""
        with self._news:
            self._readers -= 1
            self._news.notify()

    # For the engine's thread

    def next(self, block: bool) -> Optional[Batch]:
        """The oldest batch, where it is full or late; else None, or with `block` wait for it.

        With `block`, None means that there will be no more.
        """
        with self._news:
            while self._line or (block and self._more_may_come()):
                seconds = _LOOK  # to wait for news
                if self._line:
                    oldest = self._line[0]
                    until_due = oldest.due - time.monotonic()
                    if until_due <= 0 or not self._more_may_come():
                        oldest.close()
                    if oldest.filled == oldest.places:
                        return self._line.popleft()

                    # Once all its places are taken, being late changes nothing: it is waited for.
                    if oldest.taken < oldest.places:
                        seconds = min(until_due, _LOOK)
                if not block:
                    return None
                self._news.wait(seconds)
        return None

    def free(self, batch: Batch) -> None:
        """Give a batch back whose boxes are decoded."""
        with self._room:
            self._free.append(batch)
            self._room.notify()

    def ask_to_stop(self) -> None:
        """End the run soon. It takes no lock: a signal's handler may call it at any moment."""
        self._stopped = True

    def stop(self) -> None:
        """End the run: readers that wait, or come for a place, are sent away."""
        with self._room:
            self._stopped = True
            self._room.notify_all()

    # Asked with the lock held

    def _forming(self) -> Optional[Batch]:
        """The batch that still has places; only the newest in line may."""
        if self._line:
            newest = self._line[-1]
            if newest.taken < newest.places:
                return newest
        return None

    def _has_room(self) -> bool:
        """Whether a reader need not wait any longer."""
        return self._stopped or bool(self._free) or self._forming() is not None

    def _more_may_come(self) -> bool:
        return self._readers > 0 and not self._stopped
