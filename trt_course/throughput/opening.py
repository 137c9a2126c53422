"""The sources of one run: their names, and which decoder opens each."""

import collections
import contextlib
import functools
import importlib.util
import os
from pathlib import Path
from typing import Callable, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from ..media import gstreamer
from ..media.base import Frame, Source
from ..media.nvdec import GpuVideoFile
from ..media.sources import kind_of, open_source
from ..media.video_file import VideoFile
from ..ssd import TrtSSD
from ..support.errors import CourseError
from ..support.files import AnyPath, kit_path
from .readers import Opener

_LONGEST_STEM = 240  # bytes: a file's name has at most 255


class NamedSource(NamedTuple):
    """A source as the reader typed it, and the name of its table, which no other source has."""

    uri: AnyPath
    name: str


class InMemory(Source):
    """Frames that were read before.

    >>> import numpy as np
    >>> black = Frame(np.zeros((2, 2, 3), np.uint8), number=0, time=0.0, name="")
    >>> with InMemory([black]) as source:
    ...     [frame.number for frame in source]
    [0]
    """

    def __init__(self, frames: Iterable[Frame]) -> None:
        super().__init__("memory")
        self._frames = iter(frames)

    def read(self, timeout: Optional[float] = None) -> Optional[Frame]:
        """The next frame; None at the end."""
        return next(self._frames, None)

    def close(self) -> None:
        """Let go of the frames."""
        self._frames = iter(())


def kind_or_none(uri: AnyPath) -> Optional[str]:
    """What kind_of says; None where there is nothing to read.

    The source's reader will say so, and the other sources go on. A name may be too long for the
    system, or hold what no name can.
    """
    with contextlib.suppress(CourseError, OSError, ValueError):
        return kind_of(uri)
    return None


def is_live(uri: AnyPath) -> bool:
    """Whether it is a camera or a stream, which does not wait for its reader."""
    return kind_or_none(uri) == "live"


def is_one_camera(sources: Sequence[NamedSource]) -> bool:
    """Whether there is one source, and it is live."""
    return len(sources) == 1 and is_live(sources[0].uri)


def named(sources: Iterable[AnyPath]) -> List[NamedSource]:
    """The sources, live ones first, each with a name of its own: the file's, or `live`.

    Of several that would have the same name, each gets its number in the list behind it.
    """
    uris = list(sources)
    stems = [_stem(uri) for uri in uris]
    numbered = [f"{stem}-{number}" for number, stem in enumerate(stems, 1)]

    counts = collections.Counter(stems)
    names = []
    for stem, with_number in zip(stems, numbered):
        if counts[stem] == 1:
            names.append(stem)
        else:
            names.append(with_number)
    if len(set(names)) < len(names):
        names = numbered  # a file clip-1 stands beside two that are called clip

    result = [NamedSource(uri, name) for uri, name in zip(uris, names)]
    return sorted(result, key=lambda source: not is_live(source.uri))


def _stem(uri: AnyPath) -> str:
    """The table's name: the file's, as far as a number and an ending fit behind it."""
    if is_live(uri):
        return "live"
    path = Path(str(uri))
    stem = path.stem or path.resolve().name or "root"  # `.` has no stem, `/` not even a name
    stem = stem.replace("\0", "0")  # which no file's name can hold
    while len(os.fsencode(stem)) > _LONGEST_STEM:
        stem = stem[:-1]
    return stem


def source_opener(ssd: TrtSSD, uri: AnyPath) -> Opener:
    """A function that opens this source for this detector, by the fastest decoder that can.

    That is a decoder of the GPU or the Jetson where there is one, else the CPU. Nothing is asked
    about the source until it is called, in its reader's thread, where trouble is that source's own.
    """
    return functools.partial(_open_fastest, ssd.decoded_by_gpu, uri)


def _open_fastest(gpu_size: Optional[Tuple[int, int]], uri: AnyPath) -> Source:
    """The source, opened; `gpu_size` is that of the frames that the GPU may decode, if any."""
    decoders: List[Opener] = []
    if kind_or_none(uri) == "video":
        path = kit_path(uri)
        if gpu_size and importlib.util.find_spec("PyNvVideoCodec"):
            decoders.append(functools.partial(GpuVideoFile, path, size=gpu_size))
        if gstreamer.in_opencv() and gstreamer.has_element("nvv4l2decoder"):
            pipeline = gstreamer.video_file(path)
            decoders.append(functools.partial(VideoFile, path, pipeline=pipeline))

    # Last the CPU, which decodes more kinds of file, and resizes.
    decoders.append(functools.partial(open_source, uri))
    return _open_first(decoders)


def _open_first(openers: Sequence[Callable[[], Source]]) -> Source:
    """What the first opener that can opens; the last one's error where none can."""
    *fast, last = openers
    for opener in fast:
        with contextlib.suppress(CourseError):
            return opener()
    return last()
