"""Frames a second that say of what: the engine alone, `detect` from picture to boxes, or a video from file to file.

Warm-up is left out, every frame is another one, and a spread comes with each figure. Scopes are never mixed.
"""

import itertools
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Dict, NamedTuple

import numpy as np

from ..draw import BBoxVisualization
from ..media.sources import open_source
from ..media.writer import VideoWriter
from ..support import machine, trace
from ..support.errors import CourseError
from ..support.progress import progress

SCOPES = {
    "engine": "input tensor to output tensors",
    "detect": "picture in memory to boxes",
    "video": "file to file: read, detect, draw, write",
}
_STAGES = {
    "engine": ("infer",),
    "detect": ("preprocess", "infer", "decode"),
    "video": ("read", "preprocess", "infer", "decode", "draw", "write"),
}
WARM_UP, LEAST, BLOCKS = 10, 200, 10


class Timing(NamedTuple):
    """Milliseconds of each interval, the median of each stage in it, and what they were measured on."""

    scope: str
    subject: str
    times: np.ndarray  # (n,) ms
    stages: Dict[str, float]
    context: Dict[str, str]

    @property
    def fps(self):
        return 1e3 / self.times.mean()

    @property
    def spread(self):
        """Share by which parts of the run differ from the whole: what another run may differ by."""
        parts = np.array_split(self.times, min(BLOCKS, len(self.times)))
        return float(max(abs(1e3 / part.mean() - self.fps) for part in parts) / self.fps)

    def report(self):
        rows = [
            self.subject,
            f"{self.fps:.1f} FPS +- {100 * self.spread:.0f} %, scope {self.scope} ({SCOPES[self.scope]})",
            "  a frame: p50 {p50_ms:.2f} ms, p95 {p95_ms:.2f} ms, {intervals} intervals after {warm_up} frames of "
            "warm-up".format(**self.as_dict()),
        ]
        rows += [f"  {name:<12}{value:8.2f} ms" for name, value in self.stages.items()]
        rows += [f"  {name}: {value}" for name, value in sorted(self.context.items())]
        return "\n".join(rows)

    def as_dict(self):
        p50, p95 = np.percentile(self.times, [50, 95]).tolist()
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


def _clocked(spent, stage, call, *args):
    """The result of a call; `spent` gets its milliseconds, by stage."""
    started = time.perf_counter()
    with trace.span(stage):
        result = call(*args)
    spent.setdefault(stage, []).append((time.perf_counter() - started) * 1e3)
    return result


def bench(ssd, source, scope="detect", frames=None, out=None):
    """A Timing of `scope` over the source's frames: `frames` of them, by default at least 200 or all it has."""
    if scope not in SCOPES:
        raise CourseError("There is no scope '{}'; allowed: {}".format(scope, ", ".join(SCOPES)))
    spent, most = {}, frames or LEAST
    with open_source(source) as video, VideoWriter(
        out or "out/bench.mp4", video.fps
    ) if scope == "video" else ExitStack() as writer:
        total = min(most, video.frames or most)
        stream = itertools.islice(iter(lambda: _clocked(spent, "read", video.read), None), total)
        ends = [
            _once(ssd, spent, frame.image, scope == "video" and writer)
            for frame in progress(stream, total=total, desc=scope)
        ]
    if len(ends) < WARM_UP + 2:
        raise CourseError(
            f"{source} gives {len(ends)} frames; {WARM_UP} are warm-up, and at least two more are needed: a video, or a folder "
            "of pictures."
        )
    counted = {stage: np.array(spent[stage][WARM_UP:]) for stage in _STAGES[scope]}
    return Timing(
        scope,
        f"{ssd.spec.name} on {Path(str(source)).name}",
        np.diff(ends[WARM_UP - 1 :]) * 1e3 if scope == "video" else sum(counted.values()),
        {stage: float(np.median(times)) for stage, times in counted.items()},
        _context(ssd),
    )


def _once(ssd, spent, image, writer):
    """One picture through all stages, drawing and writing where there is a writer; the moment it was finished."""
    prepared = _clocked(spent, "preprocess", ssd.prepare, [image])
    outputs = _clocked(spent, "infer", ssd.engine.infer, prepared.request)
    found = _clocked(spent, "decode", ssd.finish, prepared, outputs)[0]
    if writer:
        drawn = _clocked(
            spent, "draw", BBoxVisualization(ssd.spec.cls_dict()).annotate, image, found
        )
        _clocked(spent, "write", writer.write, drawn)
    return time.perf_counter()


def _context(ssd):
    facts = machine.facts()
    facts.update(
        engine=ssd.engine.name,
        batch="1",
        precision=ssd.engine.precision,
        throttled="yes: heat or power held it back" if machine.throttled() else "no sign of it",
    )
    return facts
