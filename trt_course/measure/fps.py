"""Frames a second that say of what: the engine alone, `detect` from picture to boxes, or a video from file to file.

Warm-up is left out, every frame is another one, and a spread comes with each figure. Scopes are never mixed.
"""
import itertools
import time
from pathlib import Path
from typing import Dict, NamedTuple

import numpy as np

from ..draw import BBoxVisualization
from ..errors import CourseError
from ..media.sources import images_in, kind_of, open_source, read_image
from ..media.writer import VideoWriter
from ..progress import progress
from . import machine

SCOPES = {
    "engine": "input tensor to output tensors",
    "detect": "picture in memory to boxes",
    "video": "file to file: read, detect, draw, write",
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
        p50, p95 = np.percentile(self.times, [50, 95])
        rows = ["{:.1f} FPS +- {:.0f} %, scope {} ({})".format(
            self.fps, 100 * self.spread, self.scope, SCOPES[self.scope]),
            "  a frame: p50 {:.2f} ms, p95 {:.2f} ms, {} intervals after {} frames of warm-up".format(
            p50, p95, len(self.times), WARM_UP)]
        rows += ["  {:<12}{:8.2f} ms".format(name, value) for name, value in self.stages.items()]
        rows += ["  {}: {}".format(name, value) for name, value in sorted(self.context.items())]
        return "\n".join([self.subject] + rows)

    def as_dict(self):
        return {"scope": self.scope, "subject": self.subject, "fps": self.fps, "spread": self.spread,
                "p50_ms": float(np.percentile(self.times, 50)), "p95_ms": float(np.percentile(self.times, 95)),
                "intervals": len(self.times), "warm_up": WARM_UP, "stages_ms": self.stages, "context": self.context}


class _Clock:
    """Collects the milliseconds of named stages."""

    def __init__(self):
        self.spent = {}

    def __call__(self, stage, call, *args):
        started = time.perf_counter()
        result = call(*args)
        self.spent.setdefault(stage, []).append((time.perf_counter() - started) * 1e3)
        return result

    def medians(self):
        return {stage: float(np.median(values[WARM_UP:])) for stage, values in self.spent.items()}


def frames_of(source):
    """The pictures of a folder or the frames of a video, each once; how many there are at most, and their rate."""
    if kind_of(source) == "folder":
        paths = images_in(source)
        return (read_image(path) for path in paths), len(paths), 25.0
    if kind_of(source) == "image":
        raise CourseError("{} is one picture: a measurement needs many different ones, a folder or a video."
                          .format(source))
    video = open_source(source)
    return (frame.image for frame in video), video.frames or 0, video.fps


def bench(ssd, source, scope="detect", frames=None, out=None):
    """A Timing of `scope` over the source's frames: `frames` of them, by default at least 200 or all it has."""
    if scope not in SCOPES:
        raise CourseError("There is no scope '{}'; allowed: {}".format(scope, ", ".join(SCOPES)))
    stream, most, rate = frames_of(source)
    wanted = min(frames or LEAST, most) if most > 0 else frames or LEAST
    clock, ends = _Clock(), []
    with _Loop(ssd, scope, clock, rate, out) as loop:
        for frame in progress(itertools.islice(_timed(stream, clock, scope), wanted), total=wanted, desc=scope):
            ends.append(loop(frame))
    times = np.diff(ends)[WARM_UP - 1:] * 1e3 if scope == "video" else np.array(ends[WARM_UP:]) * 1e3
    if len(times) < 2:
        raise CourseError("{} gives {} frames; {} are warm-up, and at least two more are needed.".format(
            source, len(ends), WARM_UP))
    subject = "{} on {}".format(ssd.spec.name, Path(str(source)).name)
    return Timing(scope, subject, times, clock.medians(), _context(ssd))


def _timed(stream, clock, scope):
    """The frames; for a video the reading is one of its stages."""
    end = object()
    while True:
        frame = clock("read", next, stream, end) if scope == "video" else next(stream, end)
        if frame is end:
            return
        yield frame


class _Loop:
    """One frame through the scope. Returns seconds for one frame, or, for a video, the time it was finished."""

    def __init__(self, ssd, scope, clock, rate, out):
        self.ssd, self.scope, self.clock = ssd, scope, clock
        self.vis = BBoxVisualization(ssd.spec.cls_dict())
        self.writer = VideoWriter(out or Path("out") / "bench.mp4", rate) if scope == "video" else None

    def __call__(self, frame):
        if self.scope == "engine":
            prepared = self.ssd.prepare([frame])
            started = time.perf_counter()
            self.clock("infer", self.ssd.engine.infer, prepared.request)
            return time.perf_counter() - started
        started = time.perf_counter()
        prepared = self.clock("preprocess", self.ssd.prepare, [frame])
        outputs = self.clock("infer", self.ssd.engine.infer, prepared.request)
        found = self.clock("decode", self.ssd.finish, prepared, outputs)[0]
        if self.scope == "detect":
            return time.perf_counter() - started
        drawn = self.clock("draw", self.vis.annotate, frame, found)
        self.clock("write", self.writer.write, drawn)
        return time.perf_counter()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.writer is not None:
            self.writer.__exit__(*error)


def _context(ssd):
    facts = machine.describe()
    facts.update(engine=ssd.engine.name, batch="1", precision=ssd.engine.precision,
                 throttled="yes: heat or power held it back" if machine.throttled() else "no sign of it")
    return facts
