"""Frames a second that say of what: the engine alone, `detect`, or a video from file to file.

Warm-up is left out, every frame is another one, and a spread comes with each figure. Scopes are
never mixed.
"""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, TypeVar, Union

import numpy as np

from ..detections import Detections
from ..draw import BBoxVisualization
from ..media.base import Frame, Source
from ..media.sources import open_source
from ..media.writer import VideoWriter
from ..ssd import TrtSSD
from ..support import machine, trace
from ..support.errors import CourseError
from ..support.outputs import Outputs
from ..support.progress import progress

SCOPES = {
    "engine": "input tensor to output tensors",
    "detect": "picture in memory to boxes",
    "video": "file to file: read, detect, draw, write",
}
# The stages whose times are part of each scope.
_STAGES = {
    "engine": ("infer",),
    "detect": ("preprocess", "infer", "decode"),
    "video": ("read", "preprocess", "infer", "decode", "draw", "write"),
}

WARM_UP = 10  # frames that are not counted
LEAST = 200  # frames that are measured where nobody says how many
BLOCKS = 10  # parts of a run that are compared for its spread

_Result = TypeVar("_Result")


class Timing(NamedTuple):
    """Milliseconds of each frame, the median of each stage, and what they were measured on.

    >>> timing = Timing("detect", "a net on a clip", np.array([10.0, 10.0, 10.0]), {}, {})
    >>> timing.fps, timing.spread
    (100.0, 0.0)
    """

    scope: str
    subject: str
    times: np.ndarray  # (n,) ms
    stages: Dict[str, float]
    context: Dict[str, str]

    @property
    def fps(self) -> float:
        """Frames a second over the whole run."""
        return float(1e3 / self.times.mean())

    @property
    def spread(self) -> float:
        """The share by which parts of the run differ from the whole, and another run may too."""
        parts = np.array_split(self.times, min(BLOCKS, len(self.times)))
        distances = [abs(1e3 / part.mean() - self.fps) for part in parts]
        return float(max(distances) / self.fps)

    def report(self) -> str:
        """All of it as text, for a person."""
        p50, p95 = self._percentiles()
        rows = [
            self.subject,
            f"{self.fps:.1f} FPS +- {100 * self.spread:.0f} %, "
            f"scope {self.scope} ({SCOPES[self.scope]})",
            f"  a frame: p50 {p50:.2f} ms, p95 {p95:.2f} ms, "
            f"{len(self.times)} intervals after {WARM_UP} frames of warm-up",
        ]
        rows += [f"  {name:<12}{value:8.2f} ms" for name, value in self.stages.items()]
        rows += [f"  {name}: {value}" for name, value in sorted(self.context.items())]
        return "\n".join(rows)

    def as_dict(self) -> Dict[str, Any]:
        """The figures without the single times, for JSON."""
        p50, p95 = self._percentiles()
        return {
            "scope": self.scope,
            "subject": self.subject,
            "fps": self.fps,
            "spread": self.spread,
            "p50_ms": p50,
            "p95_ms": p95,
            "intervals": len(self.times),
            "warm_up": WARM_UP,
            "stages_ms": self.stages,
            "context": self.context,
        }

    def _percentiles(self) -> List[float]:
        """Half of the frames took no longer than the first, 95 of 100 no longer than the second."""
        return np.percentile(self.times, [50, 95]).tolist()


class _Stopwatch:
    """Keeps the milliseconds of each call, by stage, in the order of the calls."""

    def __init__(self) -> None:
        self.times: Dict[str, List[float]] = {}

    def run(self, stage: str, call: Callable[..., _Result], *args: Any) -> _Result:
        """The result of a call, which is timed, and is a span of the trace if there is one."""
        started = time.perf_counter()
        with trace.span(stage):
            result = call(*args)
        spent = (time.perf_counter() - started) * 1e3
        self.times.setdefault(stage, []).append(spent)
        return result


def bench(
    ssd: TrtSSD,
    source: Union[str, Path],
    scope: str = "detect",
    frames: Optional[int] = None,
    out: Optional[Union[str, Path]] = None,
    outputs: Optional[Outputs] = None,
) -> Timing:
    """The Timing of a scope over a source's frames: `frames` of them, else 200, or all it has.

    The scope `video` writes to `out`, by default out/bench.mp4.
    """
    if scope not in SCOPES:
        raise CourseError(f"There is no scope '{scope}'; allowed: {', '.join(SCOPES)}")

    watch = _Stopwatch()
    ends = _run(ssd, source, scope, most=frames or LEAST, watch=watch, out=out, outputs=outputs)
    if len(ends) < WARM_UP + 2:
        raise CourseError(
            f"{source} gives {len(ends)} frames; {WARM_UP} are warm-up, and at least two more "
            "are needed: a video, or a folder of pictures."
        )

    # A video is finished frame by frame; the other scopes are the sum of their stages.
    counted = {stage: np.array(watch.times[stage][WARM_UP:]) for stage in _STAGES[scope]}
    if scope == "video":
        times = np.diff(ends[WARM_UP - 1 :]) * 1e3  # (n,)
    else:
        times = np.sum(list(counted.values()), axis=0)  # (n,)

    return Timing(
        scope=scope,
        subject=f"{ssd.spec.name} on {Path(str(source)).name}",
        times=times,
        stages={stage: float(np.median(spent)) for stage, spent in counted.items()},
        context=_context(ssd),
    )


def _run(
    ssd: TrtSSD,
    source: Union[str, Path],
    scope: str,
    most: int,
    watch: _Stopwatch,
    out: Optional[Union[str, Path]],
    outputs: Optional[Outputs],
) -> List[float]:
    """Up to `most` frames through the stages; the moment at which each was finished."""
    drawer = BBoxVisualization(ssd.spec.cls_dict())
    ends = []
    with ExitStack() as opened:
        video = opened.enter_context(open_source(source))
        writer = None
        if scope == "video":
            target = out or "out/bench.mp4"
            writer = opened.enter_context(VideoWriter(target, video.fps, outputs=outputs))

        total = min(most, video.frames or most)
        for frame in progress(_frames(video, total, watch), total=total, desc=scope):
            found = _detect(ssd, frame.image, watch)
            if writer is not None:
                drawn = watch.run("draw", drawer.annotate, frame.image, found)
                watch.run("write", writer.write, drawn)
            ends.append(time.perf_counter())
    return ends


def _frames(video: Source, most: int, watch: _Stopwatch) -> Iterator[Frame]:
    """Up to so many frames of a source; the time to read each is kept."""
    for _ in range(most):
        frame = watch.run("read", video.read)
        if frame is None:
            return
        yield frame


def _detect(ssd: TrtSSD, image: np.ndarray, watch: _Stopwatch) -> Detections:
    """What `ssd.detect` does, a stage at a time."""
    prepared = watch.run("preprocess", ssd.prepare, [image])
    outputs = watch.run("infer", ssd.engine.infer, prepared.request)
    return watch.run("decode", ssd.finish, prepared, outputs)[0]


def _context(ssd: TrtSSD) -> Dict[str, str]:
    """What the figures were measured on."""
    throttled = "no sign of it"
    if machine.throttled():
        throttled = "yes: heat or power held it back"

    facts = machine.facts()
    facts.update(
        engine=ssd.engine.name,
        batch="1",
        precision=ssd.engine.precision,
        throttled=throttled,
    )
    return facts
