"""detect_many: many sources through one engine, and nobody waits who need not.

Readers fill the next batches while the engine runs the last ones. The engine's thread, which is the
caller's, submits what is full, or late, and decodes what is done. What is done with boxes is the
caller's business.
"""

import collections
import contextlib
import math
import queue
import threading
import time
from typing import Callable, Deque, List, Optional, Sequence, cast

from ..detections import Detections
from ..engine import Engine, Request
from ..engine.choose import BATCH
from ..engine.trt import TrtEngine
from ..ssd import Prepared, TrtSSD
from ..support.children import start_thread
from ..support.signals import postponed
from .batches import DEADLINE, NOBODY, Batch, Batches, Seen
from .readers import Filler, NumberedOpener, Opener, Reader

Keep = Callable[[Seen, Detections], object]

_JOIN_SECONDS = 2  # readers may hang in cameras that give nothing; they are left behind then


def detect_many(
    ssd: TrtSSD,
    openers: Sequence[Opener],
    keep: Keep,
    conf_th: Optional[float] = None,
    batch: Optional[int] = None,
    depth: Optional[int] = None,
    deadline: float = 0.02,
    at_once: Optional[int] = None,
    complaints: Optional[List[str]] = None,
) -> List[str]:
    """Detect in all frames of several sources; returns the complaints about what was not done.

    `openers` are functions, each called in a reader's thread, that open a Source; `at_once` of them
    are open at the same time, all where it is None. `keep(seen, found)` is called in this thread
    and gets each source's pictures in order.

    A batch of `batch` pictures (None: the engine's most; on a CPU one) goes when it is full, or
    `deadline` seconds after its first picture. `depth` batches are under way at once (None: one
    more than the engine's lanes). Ctrl-C is raised when what has been read is done, a second one at
    once. A list of `complaints` gets them also when the run is broken off.
    """
    DEADLINE.require(deadline, "deadline")
    if batch is not None:
        BATCH.require(batch, "batch")
    if complaints is None:
        complaints = []
    if not depth:
        depth = ssd.engine.lanes + 1
    places = places_of(ssd.engine, batch)
    readers = len(openers)
    if at_once:
        readers = min(at_once, readers)

    # What all threads share.
    waiting: "queue.Queue[NumberedOpener]" = queue.Queue()
    for number, opener in enumerate(openers):
        waiting.put(NumberedOpener(number, opener))
    requests = _new_requests(ssd, places, _batch_count(depth, ssd.engine.lanes))
    batches = Batches(requests, places, deadline, readers)

    # The readers' threads; the engine's side is here. And the end of it all, however it comes.
    threads = []
    for n in range(readers):
        reader = Reader(waiting, batches, Filler(ssd), complaints)
        threads.append(threading.Thread(target=reader.run, daemon=True, name=f"reader {n + 1}"))
    engine_side = _EngineSide(ssd, batches, keep, conf_th, depth)
    try:
        with postponed(batches.ask_to_stop):
            for thread in threads:
                start_thread(thread)
            engine_side.run()
    finally:
        batches.stop()
        engine_side.abandon()
        _join(threads)
    return complaints


def _join(threads: Sequence[threading.Thread]) -> None:
    """Wait for those that were started, but not long."""
    until = time.monotonic() + _JOIN_SECONDS
    for thread in threads:
        if thread.ident is not None:
            thread.join(max(0.0, until - time.monotonic()))


class _EngineSide:
    """Submits the batches that are ready, decodes those that are done, and hands on their boxes."""

    def __init__(
        self, ssd: TrtSSD, batches: Batches, keep: Keep, conf_th: Optional[float], depth: int
    ) -> None:
        self._ssd = ssd
        self._batches = batches
        self._keep = keep
        self._conf_th = conf_th
        self._depth = depth  # so many batches may be under way

        # Submitted, oldest first.
        self._under_way: Deque[Batch] = collections.deque()

    def run(self) -> None:
        """Until the readers are done and all boxes are handed on."""
        while True:
            # While something is under way there is always something better to do than to wait.
            batch = self._batches.next(block=not self._under_way)
            if batch is not None:
                self._ssd.engine.submit(batch.request)
                self._under_way.append(batch)
                if len(self._under_way) == self._depth:
                    self._finish_oldest()
            elif self._under_way:
                self._finish_oldest()
            else:
                return

    def abandon(self) -> None:
        """After an error: wait for what is under way, so that nothing runs on; drop its boxes."""
        for batch in self._under_way:
            with contextlib.suppress(Exception):  # the first error counts
                self._ssd.engine.result(batch.request)

    def _finish_oldest(self) -> None:
        batch = self._under_way.popleft()
        outputs = self._ssd.engine.result(batch.request)
        rows = batch.rows[: batch.taken]
        prepared = Prepared(batch.request, [row.placement for row in rows])
        found = self._ssd.finish(prepared, outputs, self._conf_th)

        # The boxes are out of its memory: readers may have it while the caller works with them.
        self._batches.free(batch)
        for row, boxes in zip(rows, found):
            if row is not NOBODY:
                self._keep(row, boxes)


def places_of(engine: Engine, batch: Optional[int]) -> int:
    """How many pictures a batch has: as asked, or as many as pay."""
    if batch:
        return batch
    if engine.on_gpu:
        return engine.max_batch
    return 1  # batches buy nothing on a CPU


def _batch_count(depth: int, lanes: int) -> int:
    """`depth` batches under way, two that form or wait, and more until each lane has as many.

    Requests go to the lanes in turns, so each lane gets its own.
    """
    for_each_lane = math.ceil((depth + 2) / lanes)
    return for_each_lane * lanes


def _new_requests(ssd: TrtSSD, places: int, count: int) -> List[Request]:
    """The batches' requests; on a GPU those whose pictures the readers bring into its memory."""
    if not ssd.engine.on_gpu:
        return [ssd.new_request(places) for _ in range(count)]

    engine = cast(TrtEngine, ssd.engine)
    requests: List[Request] = [engine.new_request(places, resident=True) for _ in range(count)]
    for request in requests:
        ssd.fill_size(request)
    return requests
