"""What every source is: frames one after the other, an iterator and a context manager.

The kinds of source are elsewhere: files in pictures.py, video_file.py and nvdec.py, cameras and
streams in live.py.
"""

from typing import Generic, List, NamedTuple, Optional, Tuple, TypeVar

import numpy as np

from ..support import trace
from ..support.errors import CourseError
from ..support.words import printable, without_secrets

Item = TypeVar("Item")
Self = TypeVar("Self", bound="Stream")


class Frame(NamedTuple):
    """A picture and where it comes from; the picture is shared, so nobody writes to it.

    A live source numbers every frame that it captured: a gap is what the reader missed.
    """

    image: np.ndarray  # (height, width, 3), uint8, BGR
    number: int
    time: float  # seconds: in a file from its start, live the time.monotonic() of the capture
    name: str  # of a picture's file, without its ending; else empty


class Stream(Generic[Item]):
    """Items one after the other: an iterator and a context manager.

    A subclass says how it reads and closes.
    """

    def read(self) -> Optional[Item]:
        """The next item; None at the end."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop, and free what the stream holds. May be called again."""
        raise NotImplementedError

    def __iter__(self: Self) -> Self:
        return self

    def __next__(self) -> Item:
        with trace.span("read"):
            item = self.read()
        if item is None:
            raise StopIteration
        return item

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Source(Stream[Item]):
    """A stream of frames from a file, a camera or the network.

    A subclass sets what it learns about its frames and says how it reads and closes.
    """

    def __init__(self, uri: object, loop: bool = False) -> None:
        # which source it is, to open it and to show it, and whether it begins again at its end
        self.uri = str(uri)
        self.shown = printable(without_secrets(self.uri))  # a password is only in `uri`
        self.loop = loop

        # what is known of its frames
        self.size: Optional[Tuple[int, int]] = None  # width, height
        self.fps = 0.0  # as the file or the camera claims; 0.0 where nobody knows
        self.frames: Optional[int] = None  # as the file claims; None where nobody knows

        # how it behaves
        self.live = False  # it does not wait for its reader
        self.goes_on = False  # after a frame that cannot be read, the next one may be

        # what has happened to it: the first three are counted by live sources only
        self.captured = 0  # frames that came
        self.lost = 0  # frames that nobody took in time
        self.reconnects = 0  # connections that broke and were made again
        self.short = False  # it ended before its end, and said so

    def read(self, timeout: Optional[float] = None) -> Optional[Item]:
        """The next frame; None at the end. Only a live source makes use of `timeout`."""
        raise NotImplementedError

    def read_some(self) -> List[Item]:
        """The frames that come together: mostly one; none at the end."""
        frame = self.read()
        if frame is None:
            return []
        return [frame]


def cut_off(claim: Optional[int], seen: float) -> bool:
    """Whether a file gave clearly fewer frames than it claims: some kinds only estimate them."""
    if not claim:
        return False
    return seen < claim * 0.98 - 1


def require_whole(source: Source) -> None:
    """To be called after reading a source to its end: a CourseError if that came too early."""
    if source.short:
        raise CourseError(f"{source.shown}: not all of it could be read; what could be is done.")
