"""Who did what when: spans of the stages, on their threads and GPU streams, as a Chrome trace.

Open it in ui.perfetto.dev. A span costs next to nothing while nobody traces. With the package nvtx
installed NVIDIA's profilers see it, too.
"""

import collections
import contextlib
import threading
import time
from typing import Any, ContextManager, Deque, Dict, Iterator, List, NamedTuple, Optional

from .files import AnyPath
from .outputs import Outputs

_MOST_EVENTS = 500000  # of a longer run the last are kept
_MICROSECONDS = 1e6  # a second, in the unit of Chrome's traces


class Event(NamedTuple):
    """Work between two moments of time.perf_counter(); its track is a thread's or a stream's."""

    name: str
    track: str
    start: float
    end: float
    facts: Dict[str, Any]


class Trace:
    """The events of one run.

    >>> trace = Trace()
    >>> with trace.span("read", {"frame": 7}):
    ...     pass
    >>> trace.events[0].name, trace.events[0].track, trace.events[0].facts
    ('read', 'MainThread', {'frame': 7})
    """

    def __init__(self) -> None:
        self.events: Deque[Event] = collections.deque(maxlen=_MOST_EVENTS)
        try:
            import nvtx
        except ImportError:
            self._nvtx = None
        else:
            self._nvtx = nvtx

    def add(self, name: str, track: str, start: float, end: float, facts: Dict[str, Any]) -> None:
        """Add an event that was measured elsewhere."""
        self.events.append(Event(name, track, start, end, facts))

    @contextlib.contextmanager
    def span(self, name: str, facts: Dict[str, Any]) -> Iterator[None]:
        """A context manager: what is done in it becomes an event on this thread's track."""
        with contextlib.ExitStack() as mark:
            if self._nvtx is not None:
                mark.enter_context(self._nvtx.annotate(name))
            start = time.perf_counter()
            try:
                yield
            finally:
                track = threading.current_thread().name
                self.add(name, track, start, time.perf_counter(), facts)

    def as_chrome(self) -> Dict[str, Any]:
        """All events as a Chrome trace; its time begins with the first of them."""
        names = sorted({event.track for event in self.events})
        numbers = {track: number for number, track in enumerate(names, 1)}
        zero = min((event.start for event in self.events), default=0.0)

        rows: List[Dict[str, Any]] = []
        for track, number in numbers.items():
            rows.append(_row("M", "thread_name", number, args={"name": track}))
        for event in self.events:
            begun = (event.start - zero) * _MICROSECONDS
            lasted = (event.end - event.start) * _MICROSECONDS
            number = numbers[event.track]
            rows.append(_row("X", event.name, number, ts=begun, dur=lasted, args=event.facts))
        return {"traceEvents": rows}


def _row(phase: str, name: str, track: int, **facts: Any) -> Dict[str, Any]:
    """A line of a Chrome trace: phase M names a track, phase X is a span on it."""
    return dict(facts, ph=phase, name=name, pid=1, tid=track)


class _NoSpan:
    """A context manager that does nothing, for when nobody traces. One serves all threads."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *error: Any) -> None:
        return None


_NO_SPAN = _NoSpan()
_traces: List[Trace] = []  # the innermost is the last


def current() -> Optional[Trace]:
    """The Trace that is being recorded, or None."""
    if _traces:
        return _traces[-1]
    return None


def span(name: str, **facts: Any) -> ContextManager[None]:
    """A context manager around one stage's work, with facts such as the frame's number."""
    if _traces:
        return _traces[-1].span(name, facts)
    return _NO_SPAN


@contextlib.contextmanager
def tracing(path: Optional[AnyPath], outputs: Optional[Outputs] = None) -> Iterator[None]:
    """Record all spans meanwhile and write them to `path`, also after an error.

    None records nothing.
    """
    if path is None:
        yield
        return
    if outputs is None:
        outputs = Outputs()
    outputs.claim(path)
    _traces.append(Trace())
    try:
        yield
    finally:
        outputs.write_json(path, _traces.pop().as_chrome())
