"""Where training images come from and where they wait: the source, the pool on the GPU, its file.

Nothing here decides when a scene is rendered; feed.py does.
"""

import os
from typing import BinaryIO, Callable, NamedTuple, Optional, Protocol, Tuple

import numpy as np
import torch

from .targets import Targets, to_targets


class Sample(Protocol):
    """A rendered scene; tools/scenes and standin.py make such objects."""

    @property
    def image(self) -> np.ndarray:
        """The picture, (h, w, 3) BGR."""

    @property
    def boxes(self) -> np.ndarray:
        """The objects' corners, (n, 4)."""

    @property
    def classes(self) -> np.ndarray:
        """Their 0-based classes, (n,)."""

    @property
    def difficult(self) -> np.ndarray:
        """Whether each is too hard to count, (n,)."""


Sampler = Callable[[str, str, int, int], Sample]


class Source(NamedTuple):
    """Where scenes come from: `sample(task, split, index, seed)` renders one."""

    sample: Sampler
    task: str
    size: Tuple[int, int]  # width, height of the scenes
    max_boxes: int
    seed: int = 0

    def render(self, split: str, index: int) -> Tuple[np.ndarray, np.ndarray]:
        """One scene as image and rows (max_boxes, 6) of x1 y1 x2 y2 class difficult.

        Rows without an object have class -1.
        """
        found = self.sample(self.task, split, index, self.seed)
        count = min(len(found.boxes), self.max_boxes)

        rows = np.full((self.max_boxes, 6), -1, np.float32)
        rows[:count, :4] = found.boxes[:count]
        rows[:count, 4] = found.classes[:count]
        rows[:count, 5] = found.difficult[:count]
        return found.image, rows


class Pool:
    """The newest `capacity` images on the device, as uint8, with their rows."""

    def __init__(self, source: Source, capacity: int, device: torch.device) -> None:
        self.capacity = capacity
        self.added = 0  # images so far, those that gave way included

        width, height = source.size
        self.images = torch.empty(capacity, height, width, 3, dtype=torch.uint8, device=device)
        self.rows = torch.empty(capacity, source.max_boxes, 6, device=device)

        # copies go on a stream of their own
        self.stream: Optional[torch.cuda.Stream] = None
        if self.rows.is_cuda:
            self.stream = torch.cuda.Stream(device)

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    def add(self, image: np.ndarray, rows: np.ndarray) -> None:
        """Put an image in, in the place of the oldest one if the pool is full.

        On the training's own stream each copy would wait for all steps queued before it.
        """
        place = self.added % self.capacity
        with torch.cuda.stream(self.stream):
            self.images[place].copy_(torch.from_numpy(image))
            self.rows[place].copy_(torch.from_numpy(rows))
        if self.stream:
            self.stream.synchronize()
        self.added += 1

    def draw(self, count: int) -> Tuple[torch.Tensor, Targets]:
        """A random batch; an image may come twice."""
        return self.at(torch.randint(len(self), (count,)))

    def at(self, index: torch.Tensor) -> Tuple[torch.Tensor, Targets]:
        """The images (b, h, w, 3) at these places, and what they show.

        They are copied one by one: the pool has more elements than 32-bit indices reach.
        """
        images = torch.stack([self.images[i] for i in index.tolist()])
        rows = self.rows[index.to(self.rows.device)]
        return images, to_targets(rows)


class PoolFile:
    """A file of equal records that keeps training images for the next command.

    It is called with each new image, and appends until it holds `limit` of them.
    """

    def __init__(self, path: str, source: Source, limit: int) -> None:
        self.path = path
        self.limit = limit
        self.file: Optional[BinaryIO] = None

        width, height = source.size
        image = ("image", "u1", (height, width, 3))
        rows = ("rows", "f4", (source.max_boxes, 6))
        self.kind = np.dtype([image, rows])

        # whole records so far
        self.count = 0
        if os.path.exists(path):
            self.count = os.path.getsize(path) // self.kind.itemsize

    def load(self, pool: Pool) -> int:
        """Put what the file holds into the pool; the number of images."""
        if self.count == 0:
            return 0
        with open(self.path, "rb") as file:
            for _ in range(self.count):
                record = np.fromfile(file, self.kind, 1)[0]
                pool.add(record["image"], record["rows"])
        return self.count

    def __call__(self, image: np.ndarray, rows: np.ndarray) -> None:
        if self.count >= self.limit:
            return

        # a command that was killed may have left half a record
        if self.file is None:
            self.file = open(self.path, "ab")  # noqa: SIM115 - open for the whole run
            self.file.truncate(self.count * self.kind.itemsize)

        record = np.empty(1, self.kind)
        record["image"] = image
        record["rows"] = rows
        record.tofile(self.file)
        self.count += 1

    def close(self) -> None:
        """Close the file, if it was written to."""
        if self.file:
            self.file.close()
