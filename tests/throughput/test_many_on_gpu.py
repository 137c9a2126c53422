"""Many sources through an engine on a card, which TensorRT's and CUDA's stand-ins play."""

import functools
import threading

import pytest

from conftest import write_conv_model
from throughput_parts import (
    PICTURE_SIZE,
    Kept,
    equal_to_plain,
    frames,
    installed_card,
    on_gpu,
    openers,
    write_clip,
)
from trt_course import CourseError, TrtSSD, find_model
from trt_course.__main__ import main
from trt_course.engine import CpuEngine
from trt_course.engine.trt import TrtEngine
from trt_course.throughput import fast, opening, run
from trt_course.throughput.many import detect_many
from trt_course.throughput.opening import NamedSource
from trt_course.throughput.run import detect_here
from trt_course.throughput.tuning import with_graph


@pytest.fixture
def ssd(cells):
    with TrtSSD(cells, backend="cpu", threads=1, verbose=False) as ssd:
        yield ssd


@pytest.fixture(params=["cuda-python", "pycuda"])
def card(monkeypatch, request):
    with installed_card(monkeypatch, request.param) as card:
        yield card


@pytest.mark.parametrize(
    "options",
    [
        {"batch": (4, 4, 4)},
        {"batch": (1, 2, 3)},
        {"batch": (4, 4, 4), "preprocess": "engine", "source": PICTURE_SIZE},
    ],
    ids=["fixed", "dynamic", "inside"],
)
def test_the_readers_fill_the_gpu(card, tmp_path, ssd, options, monkeypatch):
    kept = Kept()
    lists = [frames(13, 1), frames(6, 2)]
    with on_gpu(tmp_path, **options) as gpu:
        gpu.warm_up()
        copy_in = gpu.engine._cuda.copy_in
        on_lane = []

        def watched(memory, array, stream):
            on_lane.append(any(stream is lane.stream for lane in gpu.engine._lanes))
            copy_in(memory, array, stream)

        with monkeypatch.context() as patch:
            patch.setattr(gpu.engine._cuda, "copy_in", watched)
            assert detect_many(gpu, openers(*lists), kept) == []
        assert on_lane and not any(on_lane)
    equal_to_plain(kept, lists, ssd, close=True)


def test_each_lane_gets_as_many_batches(card, tmp_path, monkeypatch):
    with on_gpu(tmp_path, batch=(1, 1, 1)) as gpu:
        gpu.warm_up()
        new_request = gpu.engine.new_request
        lanes = []

        def counted(*args, **options):
            request = new_request(*args, **options)
            lanes.append(gpu.engine._lanes.index(request.lane))
            return request

        with monkeypatch.context() as patch:
            patch.setattr(gpu.engine, "new_request", counted)
            assert detect_many(gpu, openers(frames(5)), Kept()) == []
    assert sorted(lanes) == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("batch, wanted", [(1, "detect_live"), (4, "detect_many")])
def test_one_camera_on_a_gpu_needs_no_readers(
    card, tmp_path, monkeypatch, picture_folder, batch, wanted
):
    called = []

    def instead_of(name):
        def detect(*args, **options):
            called.append(name)
            return []

        return detect

    monkeypatch.setattr(opening, "kind_or_none", lambda uri: "live")
    for name in ("detect_live", "detect_many"):
        monkeypatch.setattr(run, name, instead_of(name))
    detect_here(
        lambda: on_gpu(tmp_path, lanes=1, batch=(batch,) * 3),
        [NamedSource("cam:0", "live")],
        tmp_path / "out",
    )
    assert called == [wanted]


def test_batches_become_graphs_where_there_are_graphs(card, tmp_path, ssd):
    with on_gpu(tmp_path, batch=(2, 2, 2)):
        pass
    open_ssd = functools.partial(TrtSSD, find_model(tmp_path / "cells"), lanes=2)
    some = frames(7)
    kept = Kept()
    with with_graph(open_ssd) as gpu:
        assert gpu.engine._graph == (gpu.engine._cuda.name == "cuda-python")
        assert gpu.engine.lanes == 2
        assert detect_many(gpu, openers(some), kept) == []
    for (_, found), frame in zip(kept.of(0), some):
        assert len(found) == len(ssd.detect(frame.image)) > 0

    without_engines = functools.partial(TrtSSD, write_conv_model(tmp_path / "without engines"))
    with with_graph(without_engines) as cpu:
        assert isinstance(cpu.engine, CpuEngine)


def test_an_engine_for_a_range_of_batches_is_fast_on_a_nano_too(monkeypatch, tmp_path, capsys):
    """There only one context has the range; --fast would like two."""
    with installed_card(monkeypatch, "pycuda", version=8.2):
        with on_gpu(tmp_path, lanes=1, batch=(1, 2, 4)):
            pass
        clip = write_clip(tmp_path / "clip.avi", 9)
        words = ["--model", tmp_path / "cells", "--backend", "tensorrt", "--out", tmp_path / "out"]
        assert main(["detect", str(clip), "--fast", *map(str, words)]) == 0
    assert "9 frames" in capsys.readouterr().out


@pytest.mark.parametrize("sources, lanes", [(["0"], 1), (["0", "1"], 2)])
def test_a_camera_alone_needs_one_lane_of_a_gpu(monkeypatch, sources, lanes):
    asked = []

    def opened(model, **options):
        asked.append((options["backend"], options["lanes"], options.get("graph", False)))
        raise CourseError("enough")

    monkeypatch.setattr(fast, "TrtSSD", opened)
    for backend, tries in (
        ("auto", [("tensorrt", lanes, True), ("auto", 2, False)]),
        ("cpu", [("cpu", 2, False)]),
    ):
        assert main(["detect", *sources, "--fast", "--backend", backend]) != 0
        assert asked == tries
        asked.clear()


def test_a_camera_that_cannot_be_opened_is_a_complaint(card, tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "kind_or_none", lambda uri: "live")
    camera = NamedSource(str(tmp_path / "no.mp4"), "live")
    done = detect_here(lambda: on_gpu(tmp_path, lanes=1), [camera], tmp_path / "out")
    assert done.frames == 0
    assert "no.mp4" in done.complaints[0]


@pytest.mark.parametrize("lanes", [1, 2])
def test_an_engine_that_blocks_does_not_hold_up_the_other_lane(card, tmp_path, monkeypatch, lanes):
    """Some of TensorRT's engines return only when their last layers are under way."""
    lock = threading.Lock()
    inside = []  # the requests whose layers are being put on a stream
    met = threading.Event()  # there have been as many of them at once as there are lanes

    def slow(self, request):
        with lock:
            inside.append(request)
            assert len(inside) <= lanes
            if len(inside) == lanes:
                met.set()
        met.wait(2)  # the first may be alone for as long as the readers have no second batch
        with lock:
            inside.remove(request)
        return self._api.run(request.lane.context, request, self._cuda.handle(request.lane.stream))

    monkeypatch.setattr(TrtEngine, "_run", slow)
    with on_gpu(tmp_path, lanes=lanes, batch=(2, 2, 2)) as gpu:
        assert detect_many(gpu, openers(frames(12), frames(12)), lambda *_: None) == []
    assert met.is_set()
