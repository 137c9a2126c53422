"""What every source is: frames one after the other, a context manager and an iterator. Kinds of source are elsewhere."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple

import numpy as np

from ..support import trace
from ..support.errors import CourseError


class Frame(NamedTuple):
    """A picture, uint8 BGR, not to be written to. A live source numbers every frame it captured: a gap is what the
    reader missed. `time` in seconds: in a file from its start, live the time.monotonic() of the capture."""

    image: np.ndarray
    number: int
    time: float
    name: str


class Stream(Iterator, AbstractContextManager):
    """A context manager and an iterator over what has `read`, which gives None at the end, and `close`."""

    def __next__(self):
        with trace.span("read"):
            item = self.read()
        if item is None:
            raise StopIteration
        return item

    def __exit__(self, *_):
        self.close()


class Source(Stream):
    """A Stream of frames. `frames` is what the file claims; None where nobody knows."""

    live, fps, frames, size = False, 0.0, None, None
    goes_on = False  # after a frame that cannot be read
    captured = lost = reconnects = 0
    short = False  # it ended before its end, and said so

    def __init__(self, uri, loop=False):
        self.uri, self.loop = str(uri), loop

    def read_some(self):
        """The frames that come together: mostly one; none at the end."""
        frame = self.read()
        return [] if frame is None else [frame]


def cut_off(claim, seen):
    """Whether so many frames are fewer than a file claims; some kinds of file estimate it."""
    return bool(claim) and seen < claim * 0.98 - 1


def require_whole(source):
    """For who has read a source to its end, and made something of what there was."""
    if source.short:
        raise CourseError(f"{source.uri}: not all of it could be read; what could be is done.")
