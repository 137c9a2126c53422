"""Images without end: workers render scenes, and a thread moves them into the pool on the GPU.

Training draws at random from the pool, so the GPU never waits for a renderer; when the pool is
full the oldest images give way. With no workers, `Feed` renders in this process, for tests.
"""

import threading
from typing import Callable, Dict, List, Optional

import numpy as np

from .pool import Pool, Source
from .workers import Job, Order, Workers

Recorder = Callable[[np.ndarray, np.ndarray], None]

NOT_YET = np.empty(0)  # in the place of what has not come


class Held:
    """A split that is kept whole, for evaluation: numpy images and rows by index."""

    def __init__(self, count: int) -> None:
        self.images: List[np.ndarray] = [NOT_YET] * count
        self.rows: List[np.ndarray] = [NOT_YET] * count

    def add(self, index: int, image: np.ndarray, rows: np.ndarray) -> None:
        """Keep a copy of the image, whose memory is used again."""
        self.images[index] = image.copy()
        self.rows[index] = rows

    def complete(self) -> bool:
        """Whether every image has come."""
        return all(image is not NOT_YET for image in self.images)


class Feed:
    """Fills the held splits, {"val": 300} say, then a pool with training images from `first` on.

    Its workers begin at once, `start` says where their images go, and `close` ends them.
    """

    def __init__(
        self, source: Source, held: Dict[str, int], workers: int, first: int = 0, slots: int = 8
    ) -> None:
        self.source = source
        self.order = Order(held, first)

        # where images go
        self.held = {split: Held(count) for split, count in held.items()}
        self.pool: Optional[Pool] = None
        self.recorder: Optional[Recorder] = None

        # the thread that moves them, and what it has to say
        self.thread: Optional[threading.Thread] = None
        self.closing = threading.Event()
        self.ready = threading.Condition()
        self.failure = ""

        self.workers: Optional[Workers] = None
        if workers:
            self.workers = Workers(source, self.order, workers, workers * slots)

    def start(self, pool: Pool, recorder: Optional[Recorder] = None) -> None:
        """Begin to fill `pool`; `recorder(image, rows)` sees every training image once."""
        self.pool = pool
        self.recorder = recorder
        if self.workers:
            self.thread = threading.Thread(target=self._collect, args=(self.workers,), daemon=True)
            self.thread.start()
            return

        # no workers: render one pool full, here and now
        for number in range(len(self.order.held_jobs) + pool.capacity):
            job = self.order.job(number)
            image, rows = self.source.render(job.split, job.scene)
            self._take(job, image, rows)

    def _collect(self, workers: Workers) -> None:
        """The thread: move what the workers deliver."""
        while not self.closing.is_set():
            delivery = workers.take()
            job = delivery.job
            if delivery.error:
                place = f"{self.source.task} {job.split} {job.scene}"
                self.failure = f"rendering {place} failed: {delivery.error}"
            else:
                self._take(job, workers.slots[delivery.slot], delivery.rows)
                workers.release(delivery.slot)
            with self.ready:
                self.ready.notify_all()

    def _take(self, job: Job, image: np.ndarray, rows: np.ndarray) -> None:
        if job.split in self.held:
            self.held[job.split].add(job.scene, image, rows)
            return

        assert self.pool is not None, "start the feed before it takes images"
        self.pool.add(np.ascontiguousarray(image), rows)
        if self.recorder:
            self.recorder(image, rows)

    def wait(self, images: int) -> None:
        """Wait until the held splits are complete and the pool has `images` images."""
        with self.ready:
            while not (self.failure or self._enough(images)):
                self.ready.wait(1)
        if self.failure:
            raise RuntimeError(self.failure)

    def _enough(self, images: int) -> bool:
        assert self.pool is not None, "start the feed before you wait for it"
        wanted = min(images, self.pool.capacity)
        held = all(split.complete() for split in self.held.values())
        return len(self.pool) >= wanted and held

    def close(self) -> None:
        """Stop the thread and the workers; what has come stays."""
        self.closing.set()
        if self.workers:
            self.workers.close()
