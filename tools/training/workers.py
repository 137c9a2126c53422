"""Processes that render scenes into shared memory, each scene once and in a fixed order.

They are forked, so they must be started before CUDA is. Who gets their images, feed.py decides.
"""

import mmap
import multiprocessing
import os
import signal
from typing import Dict, NamedTuple

import cv2
import numpy as np

from .pool import Source


class Job(NamedTuple):
    """One scene to render."""

    split: str
    scene: int


class Order:
    """Which scene comes when: the held splits whole, then training images without end."""

    def __init__(self, held: Dict[str, int], first: int) -> None:
        self.first = first
        self.held_jobs = [Job(split, i) for split, count in held.items() for i in range(count)]

    def job(self, number: int) -> Job:
        """The scene with this number, counted from 0."""
        if number < len(self.held_jobs):
            return self.held_jobs[number]
        return Job("train", self.first + number - len(self.held_jobs))


NO_ROWS = np.empty((0, 6), np.float32)


class Delivery(NamedTuple):
    """A rendered scene, whose image lies in a slot of the shared memory; or a failure."""

    job: Job
    slot: int = -1
    rows: np.ndarray = NO_ROWS
    error: str = ""  # what went wrong; then there is no image


class Workers:
    """`count` processes and the slots they render into.

    A slot is the taker's until it is handed back with `release`.
    """

    def __init__(self, source: Source, order: Order, count: int, slots: int) -> None:
        self.source = source
        self.order = order
        context = multiprocessing.get_context("fork")

        # the images
        width, height = source.size
        image_bytes = width * height * 3
        self.memory = mmap.mmap(-1, slots * image_bytes)
        flat = np.frombuffer(self.memory, np.uint8)
        self.slots = flat.reshape(slots, height, width, 3)

        # what the processes tell each other: the next scene, slots to fill, slots filled
        self.counter = context.Value("q", 0)
        self.free = context.SimpleQueue()
        self.done = context.SimpleQueue()
        for slot in range(slots):
            self.free.put(slot)

        # every process is a copy of this one as it is now
        self.processes = [context.Process(target=self._work, daemon=True) for _ in range(count)]
        for process in self.processes:
            process.start()

    def take(self) -> Delivery:
        """The next scene that is ready, or the next failure; it waits for one."""
        return self.done.get()

    def release(self, slot: int) -> None:
        """Let a slot be filled again."""
        self.free.put(slot)

    def close(self) -> None:
        """End the processes, whatever they are doing."""
        for process in self.processes:
            process.terminate()

    def _work(self) -> None:
        # Ctrl-C is the parent's; each worker is one of many
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.nice(5)
        cv2.setNumThreads(1)

        while True:
            job = self.order.job(self._next())
            try:
                image, rows = self.source.render(job.split, job.scene)
            except Exception as error:
                self.done.put(Delivery(job, error=repr(error)))
                raise
            slot = self.free.get()
            self.slots[slot] = image
            self.done.put(Delivery(job, slot, rows))

    def _next(self) -> int:
        """The number of the next scene that nobody has begun."""
        with self.counter.get_lock():
            number = self.counter.value
            self.counter.value += 1
        return number
