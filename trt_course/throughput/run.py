"""What one process does with its sources: detect_here, and the Run that says how it went."""

import collections
import time
from typing import Deque, List, NamedTuple, Optional, Sequence

import numpy as np

from ..detections import Detections
from ..model.oddities import Oddities
from ..ssd import TrtSSD
from ..support.errors import CourseError
from ..support.files import AnyPath
from ..support.outputs import Outputs
from .batches import Seen
from .live import detect_live
from .many import Keep, detect_many, places_of
from .opening import NamedSource, is_live, is_one_camera, source_opener
from .tables import Tables
from .tuning import OpenSsd

# One more than an H200 has decoders. More threads wait for each other, and pictures grow old.
FILES_AT_ONCE = 8

_MOST_DELAYS = 100000  # of a longer run the last are kept


class Run(NamedTuple):
    """What one process did; the milliseconds are from a frame read to its boxes."""

    frames: int
    seconds: float
    p50_ms: float
    p95_ms: float
    complaints: List[str]  # about what was not done
    oddities: Sequence[Oddities] = ()  # of each process
    stop: Optional[KeyboardInterrupt] = None  # what ended it before its end

    @classmethod
    def failed(cls, complaint: str) -> "Run":
        """The Run of a process that did nothing."""
        return cls(0, 0.0, 0.0, 0.0, [complaint])

    @classmethod
    def together(cls, runs: Sequence["Run"]) -> "Run":
        """Several processes at the same time as one Run: all frames, in the times of the slowest.

        >>> runs = [Run(200, 2.0, 10.0, 15.0, []), Run(100, 2.5, 9.0, 16.0, ["b.mp4 is cut off"])]
        >>> Run.together(runs).report()
        '300 frames in 2.5 s: 120.0 FPS; from frame to boxes median 10.0 ms, p95 16.0 ms'
        """
        return cls(
            frames=sum(run.frames for run in runs),
            seconds=max(run.seconds for run in runs),
            p50_ms=max(run.p50_ms for run in runs),
            p95_ms=max(run.p95_ms for run in runs),
            complaints=[complaint for run in runs for complaint in run.complaints],
            oddities=tuple(oddities for run in runs for oddities in run.oddities),
            stop=next((run.stop for run in runs if run.stop is not None), None),
        )

    def report(self) -> str:
        """Frames a second and the delays, on one line."""
        rate = self.frames / max(self.seconds, 1e-9)
        return (
            f"{self.frames} frames in {self.seconds:.1f} s: {rate:.1f} FPS; "
            f"from frame to boxes median {self.p50_ms:.1f} ms, p95 {self.p95_ms:.1f} ms"
        )


class _Keeper:
    """What is done with each picture's boxes: counted, timed, and into the tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._frames = 0
        self._delays: Deque[float] = collections.deque(maxlen=_MOST_DELAYS)

    def keep(self, seen: Seen, found: Detections) -> None:
        self._frames += 1
        self._delays.append(time.perf_counter() - seen.read)
        self._tables.append(seen, found)

    def run(self, seconds: float, complaints: List[str], stop: Optional[KeyboardInterrupt]) -> Run:
        """The Run of all that was kept."""
        p50_ms = p95_ms = 0.0
        if self._delays:
            p50_ms, p95_ms = (np.percentile(self._delays, [50, 95]) * 1e3).tolist()
        return Run(self._frames, seconds, p50_ms, p95_ms, complaints, stop=stop)


def detect_here(
    open_ssd: OpenSsd,
    sources: Sequence[NamedSource],
    out: AnyPath,
    conf_th: Optional[float] = None,
    batch: Optional[int] = None,
    deadline: float = 0.02,
    outputs: Optional[Outputs] = None,
) -> Run:
    """Detect in all frames of the sources, in this process, and write their tables to `out`.

    `open_ssd()` opens the detector; `batch` and `deadline` are detect_many's; `outputs` says which
    files may be replaced (None: the kit's own). Boxes so far are kept when Ctrl-C comes, the
    network fails, or the disk is full: the Run says so.
    """
    names = [source.name for source in sources]
    complaints: List[str] = []
    stop: Optional[KeyboardInterrupt] = None
    with open_ssd() as ssd:
        ssd.warm_up()
        tables = Tables(names, out, ssd.spec.labels, outputs)
        keeper = _Keeper(tables)
        with tables:
            # From here on it counts: the opening of the sources too.
            started = time.perf_counter()
            try:
                _detect(ssd, sources, keeper.keep, conf_th, batch, deadline, complaints)
            except CourseError as err:
                complaints.append(str(err))
            except KeyboardInterrupt as err:
                stop = err.with_traceback(None)
            except Exception as err:  # the network's own, such as memory that is not there
                reason = f"{type(err).__name__}: {err}"
                complaints.append(f"the network failed ({reason}); what was done is in {out}")
            seconds = time.perf_counter() - started
        run = keeper.run(seconds, complaints + tables.complaints, stop)
        return run._replace(oddities=[ssd.oddities])


def _detect(
    ssd: TrtSSD,
    sources: Sequence[NamedSource],
    keep: Keep,
    conf_th: Optional[float],
    batch: Optional[int],
    deadline: float,
    complaints: List[str],
) -> None:
    """By detect_live or detect_many, whichever suits the sources and the engine."""
    openers = [source_opener(ssd, source.uri) for source in sources]

    # A GPU is done before a camera's next picture comes, so that nothing is gained by readers. On a
    # CPU two pictures beside each other make more of the cores.
    one_by_one = ssd.engine.on_gpu and places_of(ssd.engine, batch) == 1
    if one_by_one and is_one_camera(sources):
        detect_live(ssd, openers[0], keep, conf_th, complaints)
        return

    # Live sources stand first, and wait for nobody.
    live = len([source for source in sources if is_live(source.uri)])
    detect_many(
        ssd,
        openers,
        keep,
        conf_th,
        batch=batch,
        deadline=deadline,
        at_once=live + FILES_AT_ONCE,
        complaints=complaints,
    )
