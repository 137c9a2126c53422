"""Images without end: worker processes render scenes into shared memory, a thread moves them into a pool on the GPU.

Training draws at random from the pool, so the GPU never waits for a renderer; when the pool is full the oldest images
give way. The workers are forked before CUDA starts. With no workers, `Feed` renders in this process, for tests.
"""

import itertools
import mmap
import multiprocessing
import os
import signal
import threading
from typing import NamedTuple

import cv2
import numpy as np
import torch

from .augment import Targets


class Source(NamedTuple):
    """Where samples come from: `sample(task, split, index, seed)` gives image, boxes, classes,
    difficult.
    """

    sample: object
    task: str
    size: tuple  # width, height of the scenes
    max_boxes: int
    seed: int = 0

    def render(self, split, index):
        """One scene as image and rows (max_boxes, 6) of x1 y1 x2 y2 class difficult.

        Class -1 where there is none.
        """
        found = self.sample(self.task, split, index, self.seed)
        rows = np.full((self.max_boxes, 6), -1, np.float32)
        count = min(len(found.boxes), self.max_boxes)
        rows[:count, :4] = found.boxes[:count]
        rows[:count, 4] = found.classes[:count]
        rows[:count, 5] = found.difficult[:count]
        return found.image, rows


class Pool:
    """The newest `capacity` images on the device, as uint8, with their rows."""

    def __init__(self, source, capacity, device):
        width, height = source.size
        self.images = torch.empty(capacity, height, width, 3, dtype=torch.uint8, device=device)
        self.rows = torch.empty(capacity, source.max_boxes, 6, device=device)
        self.capacity = capacity
        self.added = 0
        self.stream = torch.cuda.Stream(device) if self.rows.is_cuda else None

    def __len__(self):
        return min(self.added, self.capacity)

    def add(self, image, rows):
        """On a stream of its own:
        on the training's stream each copy would wait for all steps queued before it.
        """
        place = self.added % self.capacity
        with torch.cuda.stream(self.stream):
            self.images[place].copy_(torch.from_numpy(image))
            self.rows[place].copy_(torch.from_numpy(rows))
        if self.stream:
            self.stream.synchronize()
        self.added += 1

    def draw(self, count):
        return self.at(torch.randint(len(self), (count,)))

    def at(self, index):
        """Slice by slice: the pool has more elements than 32-bit indices reach."""
        images = torch.stack([self.images[i] for i in index.tolist()])
        return images, to_targets(self.rows[index.to(self.rows.device)])


def to_targets(rows):
    return Targets(rows[..., :4], rows[..., 4].long(), rows[..., 5] > 0)


class Held:
    """A split that is kept whole, for evaluation: numpy images and rows by index."""

    def __init__(self, count):
        self.images = [None] * count
        self.rows = [None] * count

    def add(self, index, image, rows):
        self.images[index] = image.copy()
        self.rows[index] = rows

    def complete(self):
        return all(image is not None for image in self.images)


class Feed:
    """`held` splits are rendered first, {"val": 300} say; then training images from `first` on."""

    def __init__(self, source, held, workers, first=0, slots=8):
        self.source = source
        self.workers = workers
        self.held = {split: Held(count) for split, count in held.items()}
        self.order = [(split, index) for split, count in held.items() for index in range(count)]
        self.first = first
        self.pool = None
        self.recorder = None
        self.failure = None
        self.closing = threading.Event()
        self.ready = threading.Condition()
        if workers:
            self._fork(workers, workers * slots)

    def job(self, number):
        held = len(self.order)
        return self.order[number] if number < held else ("train", self.first + number - held)

    def _fork(self, workers, slots):
        context = multiprocessing.get_context("fork")
        width, height = self.source.size
        self.memory = mmap.mmap(-1, slots * width * height * 3)
        self.slots = np.frombuffer(self.memory, np.uint8).reshape(slots, height, width, 3)
        self.counter = context.Value("q", 0)
        self.free = context.SimpleQueue()
        self.done = context.SimpleQueue()
        for slot in range(slots):
            self.free.put(slot)
        self.processes = [context.Process(target=self._work, daemon=True) for _ in range(workers)]
        for process in self.processes:
            process.start()

    def _work(self):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.nice(5)
        cv2.setNumThreads(1)  # each worker is one of many
        while True:
            with self.counter.get_lock():
                number = self.counter.value
                self.counter.value += 1
            split, index = self.job(number)
            try:
                image, rows = self.source.render(split, index)
            except Exception as error:
                self.done.put((None, split, index, repr(error)))
                raise
            slot = self.free.get()
            self.slots[slot] = image
            self.done.put((slot, split, index, rows))

    def start(self, pool, recorder=None):
        """Begin to fill `pool`; `recorder(image, rows)` sees every training image once."""
        self.pool = pool
        self.recorder = recorder
        if self.workers:
            self.thread = threading.Thread(target=self._collect, daemon=True)
            self.thread.start()
            return
        for split, index in self.order:
            self._take(split, index, *self.source.render(split, index))
        for index in itertools.islice(itertools.count(self.first), pool.capacity):
            self._take("train", index, *self.source.render("train", index))

    def _collect(self):
        while not self.closing.is_set():
            slot, split, index, rows = self.done.get()
            if slot is None:
                self.failure = f"rendering {self.source.task} {split} {index} failed: {rows}"
            else:
                self._take(split, index, self.slots[slot], rows)
                self.free.put(slot)
            with self.ready:
                self.ready.notify_all()

    def _take(self, split, index, image, rows):
        if split in self.held:
            self.held[split].add(index, image, rows)
            return
        self.pool.add(np.ascontiguousarray(image), rows)
        if self.recorder:
            self.recorder(image, rows)

    def wait(self, images):
        """Until the held splits are complete and the pool has `images` images."""
        with self.ready:
            while not (self.failure or self._enough(images)):
                self.ready.wait(1)
        if self.failure:
            raise RuntimeError(self.failure)

    def _enough(self, images):
        return len(self.pool) >= min(images, self.pool.capacity) and all(
            h.complete() for h in self.held.values()
        )

    def close(self):
        self.closing.set()
        for process in getattr(self, "processes", ()):
            process.terminate()


class PoolFile:
    """Training images appended to a file of equal records,
    so that the next command need not render them again.
    """

    def __init__(self, path, source, limit):
        width, height = source.size
        self.kind = np.dtype(
            [("image", "u1", (height, width, 3)), ("rows", "f4", (source.max_boxes, 6))]
        )
        self.path = path
        self.limit = limit
        self.count = os.path.getsize(path) // self.kind.itemsize if os.path.exists(path) else 0
        self.file = None

    def load(self, pool):
        """Put what the file holds into the pool; the number of images."""
        with open(self.path, "rb") if self.count else open(os.devnull, "rb") as file:
            for _ in range(self.count):
                record = np.fromfile(file, self.kind, 1)[0]
                pool.add(record["image"], record["rows"])
        return self.count

    def __call__(self, image, rows):
        if self.count >= self.limit:
            return
        if self.file is None:
            self.file = open(self.path, "ab")  # noqa: SIM115 - open for the whole run
            self.file.truncate(self.count * self.kind.itemsize)
        record = np.empty(1, self.kind)
        record["image"] = image
        record["rows"] = rows
        record.tofile(self.file)
        self.count += 1

    def close(self):
        if self.file:
            self.file.close()
