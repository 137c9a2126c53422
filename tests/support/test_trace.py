"""Traces: who did what when, also after an error, and next to nothing while nobody traces."""

import json
import sys
import threading
from types import SimpleNamespace

import pytest

from trt_course import CourseError
from trt_course.support import trace
from trt_course.support.outputs import Outputs
from trt_course.support.trace import Trace, span, tracing


def events_in(path):
    """(name, track, facts) of each span, in the order in which they ended."""
    rows = json.loads(path.read_text())["traceEvents"]
    tracks = {row["tid"]: row["args"]["name"] for row in rows if row["ph"] == "M"}
    return [(row["name"], tracks[row["tid"]], row["args"]) for row in rows if row["ph"] == "X"]


def test_a_chrome_trace_has_a_line_for_each_track_and_span():
    """In microseconds from the first span on, which need not be the first that ended."""
    made = Trace()
    made.add("network", "stream 1", 10.0, 10.5, {"frame": 7})
    made.add("read", "MainThread", 9.5, 9.75, {})
    made.add("copy out", "stream 1", 10.5, 11.0, {})
    row = {"ph": "X", "pid": 1}
    assert made.as_chrome() == {
        "traceEvents": [
            dict(ph="M", name="thread_name", pid=1, tid=1, args={"name": "MainThread"}),
            dict(ph="M", name="thread_name", pid=1, tid=2, args={"name": "stream 1"}),
            dict(row, name="network", tid=2, ts=5e5, dur=5e5, args={"frame": 7}),
            dict(row, name="read", tid=1, ts=0.0, dur=2.5e5, args={}),
            dict(row, name="copy out", tid=2, ts=1e6, dur=5e5, args={}),
        ]
    }
    assert Trace().as_chrome() == {"traceEvents": []}


def test_spans_are_on_their_threads_with_their_facts(tmp_path):
    def work():
        with span("fill", source=3, frame=8):
            pass

    path = tmp_path / "trace.json"
    with tracing(path):
        with span("decode"):
            thread = threading.Thread(target=work, name="reader 1")
            thread.start()
            thread.join()
        assert trace.current() is not None
    assert events_in(path) == [
        ("fill", "reader 1", {"source": 3, "frame": 8}),
        ("decode", "MainThread", {}),
    ]
    rows = [row for row in json.loads(path.read_text())["traceEvents"] if row["ph"] == "X"]
    fill, decode = rows
    assert decode["ts"] == 0 < fill["ts"]
    assert fill["ts"] + fill["dur"] <= decode["dur"]


def test_a_trace_is_written_after_an_error_too(tmp_path):
    """Of all runs, the one that failed is the one to look at."""
    path = tmp_path / "trace.json"
    with pytest.raises(ZeroDivisionError), tracing(path), span("network"):
        raise ZeroDivisionError
    assert events_in(path) == [("network", "MainThread", {})]
    assert trace.current() is None


def test_the_innermost_trace_gets_the_spans(tmp_path):
    with tracing(tmp_path / "outer.json"):
        with tracing(tmp_path / "inner.json"), span("read"):
            pass
        with span("decode"):
            pass
    assert events_in(tmp_path / "inner.json") == [("read", "MainThread", {})]
    assert events_in(tmp_path / "outer.json") == [("decode", "MainThread", {})]


def test_without_a_path_nothing_is_recorded():
    with tracing(None):
        assert trace.current() is None
        assert span("read", frame=1) is span("decode")
        with pytest.raises(ZeroDivisionError), span("read"):
            raise ZeroDivisionError


def test_somebody_else_s_file_is_told_of_before_the_work(tmp_path):
    path = tmp_path / "trace.json"
    path.write_text("my notes")
    begun = []
    with pytest.raises(CourseError, match="in the way"), tracing(path):
        begun.append(1)
    assert begun == []
    assert path.read_text() == "my notes"
    assert trace.current() is None
    with tracing(path, Outputs(force=True)), span("read"):
        pass
    assert len(events_in(path)) == 1


def test_of_a_long_run_the_last_spans_are_kept(monkeypatch):
    monkeypatch.setattr(trace, "_MOST_EVENTS", 3)
    made = Trace()
    for number in range(5):
        made.add(str(number), "MainThread", 0.0, 1.0, {})
    assert [event.name for event in made.events] == ["2", "3", "4"]


def test_nvidia_s_profilers_see_the_spans(monkeypatch, tmp_path):
    marks = []

    class Mark:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            marks.append("begin " + self.name)

        def __exit__(self, *_):
            marks.append("end " + self.name)

    monkeypatch.setitem(sys.modules, "nvtx", SimpleNamespace(annotate=Mark))
    with tracing(tmp_path / "trace.json"), span("read"):
        marks.append("work")
    assert marks == ["begin read", "work", "end read"]
