"""What the TensorRT engine declares, when it uses threads and graphs, and what it tells of a run.

On the stand-ins of TensorRT 8.6 and CUDA; test_trt_surfaces.py has the other versions.
"""

import ctypes
import json
import threading

import numpy as np
import pytest
from onnx import load

from conftest import HEIGHT, WIDTH, write_conv_model
from stand_ins import tensorrt as stand_in
from throughput_parts import installed_card
from trt_course import CourseError, TrtSSD, find_model
from trt_course.builder.onnx import Options, engine_from_onnx
from trt_course.engine import plan, trt
from trt_course.engine.trt import TrtEngine
from trt_course.support.trace import tracing


@pytest.fixture
def card(monkeypatch):
    with installed_card(monkeypatch, "cuda-python") as card:
        yield card


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The bytes of a network."""
    folder = write_conv_model(tmp_path_factory.mktemp("trt") / "cells")
    return (folder / "model.onnx").read_bytes()


@pytest.fixture
def write_plan(tmp_path, model):
    def write(batch=(1, 2, 4), version=8.6, network=model):
        path = tmp_path / "x.engine"
        path.write_bytes(stand_in.plan(network, version, batch, False))
        return path

    return write


def pictures(n, seed=0):
    return np.random.RandomState(seed).rand(n, 3, HEIGHT, WIDTH).astype(np.float32)


def test_what_it_declares(card, write_plan):
    with TrtEngine(write_plan(), lanes=2, precision="fp16", threshold=0.3) as engine:
        assert (engine.lanes, engine.on_gpu) == (2, True)
        assert (engine.precision, engine.threshold) == ("fp16", 0.3)
        assert engine.name == "TensorRT 8.6.1 on Stand-in, with cuda-python"
    with TrtEngine(write_plan()) as engine:
        assert (engine.lanes, engine.precision, engine.threshold) == (1, "fp32", 0.0)


@pytest.mark.parametrize("api", [None, "bindings"])
def test_a_plan_may_take_no_batch_of_one(card, write_plan, api):
    with TrtEngine(write_plan(batch=(2, 3, 4)), api=api) as engine:
        assert (engine.min_batch, engine.max_batch) == (2, 4)
        request = engine.new_request(1)
        assert len(request.inputs["input"]) == 2
        request.inputs["input"][:] = pictures(2)
        assert engine.infer(request)["scores"].shape[0] == 2
        del request


def test_an_input_of_no_size_is_refused(card, write_plan, tmp_path):
    network = load(str(write_model_without_height(tmp_path)))
    with pytest.raises(CourseError, match="none of them 0"):
        TrtEngine(write_plan(network=network.SerializeToString()))


def write_model_without_height(folder):
    path = write_conv_model(folder / "flat") / "model.onnx"
    network = load(str(path))
    network.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 0
    path.write_bytes(network.SerializeToString())
    return path


# Lanes and graphs


@pytest.mark.parametrize("lanes, graph, threaded", [(1, False, 0), (2, False, 2), (2, True, 0)])
def test_a_lane_has_a_thread_only_beside_others_and_without_graphs(
    card, write_plan, lanes, graph, threaded
):
    before = threading.active_count()
    with TrtEngine(write_plan(), lanes=lanes, graph=graph) as engine:
        requests = [engine.new_request() for _ in range(2 * lanes)]
        for request in requests:
            engine.submit(request)
        names = {thread.name for thread in threading.enumerate()}
        assert sum(name.startswith("lane ") for name in names) == threaded
        for request in requests:
            assert (request.begun is not None) == bool(threaded)
            engine.result(request)
        assert [request.lane.name for request in requests[:2]] == ["stream 1", f"stream {lanes}"]
        del request, requests
    assert threading.active_count() == before


def test_with_a_graph_a_run_is_what_was_recorded(card, write_plan, monkeypatch):
    """TensorRT itself is asked no more, which is what makes it fast."""
    with TrtEngine(write_plan(), graph=True) as engine:
        request = engine.new_request(2)
        assert request.graph is not None
        assert request.stamps == {}
        request.inputs["input"][:] = pictures(2)
        monkeypatch.setattr(type(engine._api), "run", lambda *_: False)
        scores = engine.infer(request)["scores"]
        blue = pictures(2)[:, 0, :16, :16].mean(axis=(1, 2))
        assert np.allclose(scores[:, 0, 1], blue, atol=1e-5)
        del request


def test_a_graph_wants_the_library_that_has_graphs(monkeypatch, write_plan):
    with installed_card(monkeypatch, "pycuda"):
        with pytest.raises(CourseError, match="TensorRT needs cuda-python"):
            TrtEngine(write_plan(), graph=True)
        with TrtEngine(write_plan(), graph=True, library="pycuda") as engine, pytest.raises(
            CourseError, match="cannot be recorded as a CUDA graph: pycuda knows no .* --nms host"
        ):
            engine.new_request()
        del engine


# What it tells


@pytest.mark.parametrize(
    "graph, steps", [(False, ["copy in", "network", "copy out"]), (True, ["graph"])]
)
def test_a_trace_has_the_steps_of_each_run_one_after_the_other(
    card, write_plan, tmp_path, graph, steps
):
    with TrtEngine(write_plan(), graph=graph) as engine:
        with tracing(tmp_path / "trace.json"):
            request = engine.new_request()
            for _ in range(2):
                engine.infer(request)
        del request
    rows = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    tracks = {row["tid"]: row["args"]["name"] for row in rows if row["ph"] == "M"}
    of_gpu = [row for row in rows if row["ph"] == "X" and tracks[row["tid"]] == "stream 1"]
    assert [row["name"] for row in of_gpu] == 2 * steps


def test_the_last_thing_that_tensorrt_said_is_told(card, write_plan, monkeypatch):
    with TrtEngine(write_plan()) as engine:
        request = engine.new_request()
        log = plan.log_of(plan.load_tensorrt())
        log.errors[:] = ["an older error", "the tensor is gone"]
        monkeypatch.setattr(type(engine._api), "run", lambda *_: False)
        with pytest.raises(CourseError, match="could not run the network: the tensor is gone$"):
            engine.infer(request)
        log.errors[:] = []
        with pytest.raises(CourseError, match="it does not say why$"):
            engine.infer(request)
        del request


def test_pictures_that_were_waited_for_are_not_waited_for_again(card, write_plan):
    with TrtEngine(write_plan()) as engine:
        request = engine.new_request(1, resident=True)
        place = engine.placer()
        with engine._cuda.active():
            picture = engine._cuda.pinned((1, 3, HEIGHT, WIDTH), np.float32)
        picture[:] = pictures(1)
        place(request, 0, picture)
        assert len(request.arrivals) == 1
        engine.infer(request)
        assert request.arrivals == {}
        del request, place, picture


def test_to_be_measured_the_network_runs_alone(card, write_plan):
    with TrtEngine(write_plan()) as engine:
        request = engine.new_request()
        request.inputs["input"][:] = pictures(1)
        scores = engine.infer(request)["scores"].copy()
        (stream,) = [thing for kind, thing in card.live.values() if kind == "stream"]
        put = stream.put
        request.inputs["input"][:] = 0  # which is not copied in
        engine.compute(request)
        assert stream.put - put == 1
        assert np.array_equal(request.host["scores"], scores)
        del request, stream
    with pytest.raises(CourseError, match="closed"):
        engine.compute(None)


def test_layers_are_timed_in_as_many_runs_as_asked_after_one_that_does_not_count(card, write_plan):
    with TrtEngine(write_plan()) as engine:
        rows = engine.layers(runs=3)
        assert {len(times) for times in engine._profiler.spent.values()} == {4}
        assert {row["microseconds"] for row in rows} == {500.0}


def test_at_exit_all_that_is_still_open_is_closed(card, write_plan):
    engines = [TrtEngine(write_plan()) for _ in range(2)]
    trt._close_all()
    for engine in engines:
        with pytest.raises(CourseError, match="This engine is closed"):
            engine.new_request()


# A model that does not fit its engine


def test_a_detector_that_does_not_open_leaves_nothing_on_the_card(card, tmp_path):
    """Also while somebody looks at the error, as a notebook does."""
    folder = write_conv_model(tmp_path / "cells")
    engine_from_onnx(find_model(folder), Options("fp32", (1, 2, 4)))
    record = json.loads((folder / "model.json").read_text())
    record["input"]["width"] = 100
    (folder / "model.json").write_text(json.dumps(record))
    with pytest.raises(CourseError, match="the network wants float32") as refused:
        TrtSSD(folder, backend="tensorrt", verbose=False)
    assert card.left() == []
    del refused


# TensorRT's module


def test_no_module_and_one_that_does_not_load(monkeypatch, tmp_path):
    monkeypatch.setattr(plan, "_NAMES", ("no_such_tensorrt",))
    with pytest.raises(CourseError, match="Python module is not installed: pip install -r"):
        plan.load_tensorrt()

    (tmp_path / "broken_tensorrt.py").write_text("raise ImportError('libnvinfer.so.8')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(plan, "_NAMES", ("no_such_tensorrt", "broken_tensorrt"))
    with pytest.raises(CourseError, match="broken_tensorrt cannot be loaded: libnvinfer.so.8"):
        plan.load_tensorrt()


def test_plugins_are_there_when_somebody_asks(card):
    assert "EfficientNMS_TRT" in plan.plugins(plan.load_tensorrt())


def test_only_errors_are_kept_and_the_rest_is_printed_where_it_is_wanted(card, capsys):
    module = plan.load_tensorrt()
    log = plan.log_of(module)
    for verbose in (False, True):
        log.verbose = verbose
        log.log(module.ILogger.WARNING, f"a warning, verbose {verbose}")
        log.log(module.ILogger.INTERNAL_ERROR, f"an error, verbose {verbose}")
    assert capsys.readouterr().out == "a warning, verbose True\n"
    assert log.errors == ["an error, verbose False", "an error, verbose True"]
    assert plan.log_of(module) is log


def test_numbers_that_numpy_does_not_have_are_named(card):
    module = plan.load_tensorrt()
    assert plan.numpy_type(module, module.DataType.HALF) == np.float16
    with pytest.raises(CourseError, match="has type .*, which NumPy does not have: export"):
        plan.numpy_type(module, "FP4")


@pytest.mark.parametrize("version, loaded", [(8.6, False), (11.0, True)])
def test_the_plugin_of_an_old_ssd_engine_is_loaded_only_where_tensorrt_has_none(
    monkeypatch, write_plan, version, loaded
):
    path = write_plan(version=version)
    path.with_name("libflattenconcat.so").write_bytes(b"no library")
    with installed_card(monkeypatch, "cuda-python") as card:
        stand_in.install(monkeypatch, version, card)
        asked = []
        monkeypatch.setattr(ctypes, "CDLL", asked.append)
        TrtEngine(path).close()
    assert asked == [str(path.with_name("libflattenconcat.so"))] * loaded
