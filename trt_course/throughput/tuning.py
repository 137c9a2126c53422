"""How a detector is opened to make the most pictures a second: as CUDA graphs, or by trying."""

import contextlib
import functools
import itertools
import os
import time
from typing import Any, Callable, Dict, Iterator, List, NamedTuple

from ..detections import Detections
from ..media.base import Frame
from ..media.sources import open_source
from ..ssd import TrtSSD
from ..support.errors import CourseError
from ..support.files import AnyPath
from .batches import Seen
from .many import detect_many
from .opening import InMemory, kind_or_none

OpenSsd = Callable[..., TrtSSD]  # takes TrtSSD's options by their names

_MOST_BYTES = 1 << 28  # of pictures to try with: more large photographs would fill a small machine


class Split(NamedTuple):
    """How the CPU's threads are shared out: so many networks, each with so many threads."""

    lanes: int
    threads: int

    def __str__(self) -> str:
        return f"{self.lanes} x {self.threads}"


def with_graph(open_ssd: OpenSsd, **options: Any) -> TrtSSD:
    """A detector with each batch as one CUDA graph, one call for all layers, warmed up.

    Where CUDA's library or the engine cannot, it is what `open_ssd` opens without the `options`.
    """
    with contextlib.suppress(CourseError), contextlib.ExitStack() as closing:
        ssd = closing.enter_context(open_ssd(backend="tensorrt", graph=True, **options))
        ssd.warm_up()
        closing.pop_all()  # it is good: it stays open
        return ssd
    return open_ssd()


def best_split(open_ssd: OpenSsd, source: AnyPath, frames: int = 24) -> Dict[str, int]:
    """TrtSSD's `lanes` and `threads` that make the most of the CPU, found by trying.

    Few networks of many threads, or many of few: which is best depends on the machine, the network
    and the pictures. So the first `frames` of the source are tried, and what came out is printed.
    Empty where the source gives none.
    """
    pictures = _first_frames(source, frames)
    if not pictures:
        return {}

    rates = {split: _rate(open_ssd, split, pictures) for split in _splits(os.cpu_count() or 1)}
    best = max(rates, key=lambda split: rates[split])
    tried = ", ".join(f"{split} make {rate:.1f} FPS" for split, rate in rates.items())
    print(f"{best} threads for the network, by trying: {tried}.")
    return {"lanes": best.lanes, "threads": best.threads}


def _first_frames(source: AnyPath, most: int) -> List[Frame]:
    """The first frames of a file; none of a live source, or of one that cannot be read."""
    pictures: List[Frame] = []
    if kind_or_none(source) in ("live", None):
        return pictures

    # Without a word on what cannot be read: the run itself says it.
    nbytes = 0
    with contextlib.suppress(Exception), open_source(source) as video:
        for frame in itertools.islice(video, most):
            nbytes += frame.image.nbytes
            if pictures and nbytes >= _MOST_BYTES:
                break
            pictures.append(frame)
    return pictures


def _splits(cores: int) -> Iterator[Split]:
    """One network with all cores, two with half of them, and so on, to one core each."""
    lanes = 1
    while lanes <= cores:
        yield Split(lanes, cores // lanes)
        lanes *= 2


def _rate(open_ssd: OpenSsd, split: Split, pictures: List[Frame]) -> float:
    """Pictures a second with threads shared out like this, from two readers."""
    openers = [functools.partial(InMemory, pictures)] * 2
    with open_ssd(lanes=split.lanes, threads=split.threads) as ssd:
        ssd.warm_up()
        started = time.perf_counter()
        detect_many(ssd, openers, _forget)
        return len(openers) * len(pictures) / (time.perf_counter() - started)


def _forget(seen: Seen, found: Detections) -> None:
    """Keep nothing."""
