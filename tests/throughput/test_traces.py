"""Traces of real runs: every stage on its thread and on its stream."""

import threading

import pytest

from throughput_parts import frames, installed_card, on_gpu, write_clip
from trace_parts import of_stage, require_one_clock, spans_in
from trt_course.__main__ import main
from trt_course.support.trace import tracing
from trt_course.throughput.many import detect_many
from trt_course.throughput.opening import InMemory
from waiting import PATIENCE


@pytest.fixture(params=["cuda-python", "pycuda"])
def card(monkeypatch, request):
    with installed_card(monkeypatch, request.param) as card:
        yield card


def stages(path):
    """The (track, name) of all spans of a trace."""
    found = spans_in(path)
    assert all(span.end >= span.start >= 0 for span in found)
    return {(span.track, span.name) for span in found}


def test_trace_has_every_stage_on_its_thread_and_stream(card, tmp_path):
    both = threading.Barrier(2)

    def opened():
        both.wait(PATIENCE)
        return InMemory(frames(8))

    with on_gpu(tmp_path, batch=(2, 2, 2)) as gpu, tracing(tmp_path / "trace.json"):
        detect_many(gpu, [opened] * 2, lambda *_: None)
    wanted = {(f"reader {n}", name) for n in (1, 2) for name in ("read", "fill")}
    wanted |= {("MainThread", name) for name in ("submit", "wait", "decode")}
    wanted |= {(f"stream {n}", name) for n in (1, 2) for name in ("copy in", "network", "copy out")}
    assert stages(tmp_path / "trace.json") == wanted
    spans = spans_in(tmp_path / "trace.json")
    require_one_clock(spans)
    filled = [span.facts for span in of_stage(spans, "fill")]
    for source in (0, 1):
        assert [dict(source=source, frame=number) in filled for number in range(8)] == [True] * 8
        assert dict(source=source) in [span.facts for span in of_stage(spans, "read")]


def trace_of(tmp_path, *words):
    """The stages of a command."""
    path = tmp_path / "trace.json"
    assert main([str(word) for word in words] + ["--trace", str(path)]) == 0
    return stages(path)


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4", 15, fps=25)


def test_detect_writes_a_trace(cells, clip, tmp_path):
    out = tmp_path / "out"
    found = trace_of(tmp_path, "detect", clip, "--model", cells, "--out", out, "--backend", "cpu")
    assert found >= {("ahead", "read"), ("MainThread", "decode"), ("behind", "write")}


def test_bench_writes_a_trace(cells, clip, tmp_path):
    found = trace_of(tmp_path, "bench", cells, "--source", clip, "--out", tmp_path)
    assert found >= {("MainThread", "preprocess"), ("MainThread", "network")}


def test_camera_writes_a_trace(cells, clip, tmp_path):
    found = trace_of(tmp_path, "camera", clip, "--model", cells)
    assert found >= {("MainThread", "read"), ("detector", "prepare"), ("detector", "network")}
