"""Who did what when: spans of the stages, on their threads and GPU streams, as a Chrome trace for ui.perfetto.dev.

A span costs next to nothing while nobody traces. With the package nvtx installed NVIDIA's profilers see it, too.
"""

import collections
import contextlib
import threading
import time

from .files import write_json

_MOST = 500000  # events; of a longer run the last are kept
_traces = []


class Trace:
    """The events of one run, by track: a thread's name or a stream's."""

    def __init__(self):
        self.events = collections.deque(maxlen=_MOST)
        try:
            import nvtx
        except ImportError:
            nvtx = None
        self._mark = nvtx.annotate if nvtx else lambda name: contextlib.ExitStack()

    def add(self, name, track, start, end, facts):
        """A span between two moments of time.perf_counter()."""
        self.events.append((name, track, start, end, facts))

    @contextlib.contextmanager
    def span(self, name, facts):
        with self._mark(name):
            start = time.perf_counter()
            try:
                yield
            finally:
                self.add(name, threading.current_thread().name, start, time.perf_counter(), facts)

    def write(self, path):
        tracks = {
            track: i for i, track in enumerate(sorted({event[1] for event in self.events}), 1)
        }
        rows = [
            {"ph": "M", "name": "thread_name", "pid": 1, "tid": i, "args": {"name": track}}
            for track, i in tracks.items()
        ]
        zero = min((event[2] for event in self.events), default=0.0)
        rows += [
            {
                "ph": "X",
                "name": name,
                "pid": 1,
                "tid": tracks[track],
                "ts": (start - zero) * 1e6,
                "dur": (end - start) * 1e6,
                "args": facts,
            }
            for name, track, start, end, facts in self.events
        ]
        write_json(path, {"traceEvents": rows})


def current():
    """The Trace that is being recorded, or None."""
    return _traces[-1] if _traces else None


def span(name, **facts):
    """A context manager around one stage's work, with facts such as the frame's number."""
    return _traces[-1].span(name, facts) if _traces else contextlib.ExitStack()


@contextlib.contextmanager
def tracing(path):
    """Record all spans meanwhile and write them to `path`, also after an error; None records nothing."""
    if path is None:
        yield
        return
    _traces.append(Trace())
    try:
        yield
    finally:
        _traces.pop().write(path)
