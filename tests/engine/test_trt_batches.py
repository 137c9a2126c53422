"""Batches of engines as TensorRT 7.1 to 11 have them: a range, one size, or outside the shapes."""

import pytest

from conftest import HEIGHT, WIDTH, write_conv_model, write_net
from engine_parts import by_cpu, equal, once, tensors, write_plan
from stand_ins import tensorrt as stand_in
from throughput_parts import installed_card
from trt_course import CourseError, find_model
from trt_course.builder.onnx import Options, engine_from_onnx
from trt_course.engine.trt import TrtEngine


@pytest.fixture(params=sorted(stand_in.VERSIONS))
def version(monkeypatch, request):
    """A version of TensorRT that is installed, on a card."""
    with installed_card(monkeypatch, "pycuda", request.param):
        yield request.param


def only(*versions):
    return pytest.mark.parametrize("version", versions, indirect=True)


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    return find_model(write_conv_model(tmp_path_factory.mktemp("batches") / "cells"))


def run_together(engine, onnx, lengths):
    """Batches of these lengths are under way at once, and each gives what the CPU gives."""
    requests = []
    for length in lengths:
        request = engine.new_request(length)
        request.inputs["input"][:] = tensors(length, seed=len(requests))
        engine.submit(request)
        requests.append(request)
    for seed, request in enumerate(requests):
        wanted = by_cpu(onnx, tensors(len(request.inputs["input"]), seed))
        assert equal(engine.result(request), wanted)


def test_a_range_of_batches_runs_in_as_many_lanes_as_this_tensorrt_allows(version, spec, tmp_path):
    """Until 8.5 one context has the range, and a second one would refuse every shape."""
    path = engine_from_onnx(spec, Options("fp32", (1, 2, 4)), tmp_path / "x.engine")
    with TrtEngine(path, lanes=2) as engine:
        assert engine.lanes == (1 if version < 8.5 else 2)
        assert (engine.min_batch, engine.max_batch) == (1, 4)
        run_together(engine, spec.onnx, (1, 4, 3, 1))


@only(8.6)
def test_an_engine_that_was_not_built_for_several_contexts_runs_in_one(version, spec, tmp_path):
    path = write_plan(tmp_path, spec.onnx.read_bytes(), (2, 3, 4), shared=False)
    with TrtEngine(path, lanes=3) as engine:
        assert engine.lanes == 1
        assert (engine.min_batch, engine.max_batch) == (2, 4)
        run_together(engine, spec.onnx, (2, 4, 3))


def test_one_size_of_batch_runs_in_two_lanes_everywhere(version, tmp_path):
    """What a shape leaves no choice is not set: the older API refuses that."""
    onnx = tmp_path / "fixed.onnx"
    write_net(onnx, batch=2)
    path = write_plan(tmp_path, onnx.read_bytes(), (2, 2, 2))
    with TrtEngine(path, lanes=2) as engine:
        assert engine.lanes == 2
        assert (engine.min_batch, engine.max_batch) == (2, 2)
        with pytest.raises(CourseError, match="batches of 1 to 2; wanted: 3"):
            engine.new_request(3)
        assert engine.new_request(1).inputs["input"].shape[0] == 2
        run_together(engine, onnx, (2, 2))


@only(7.1, 8.2, 8.6)
def test_batch_outside_the_shapes_as_uff_and_tlt_engines_have_it(version, spec, tmp_path):
    """8.6 has named tensors too, but they do not know such a batch."""
    path = write_plan(tmp_path, spec.onnx.read_bytes(), (1, 4, 4), implicit=True)
    with TrtEngine(path, lanes=2) as engine:
        assert engine.lanes == 2
        assert (engine.min_batch, engine.max_batch) == (1, 4)
        assert engine.inputs[0].shape == (-1, 3, HEIGHT, WIDTH)
        with pytest.raises(CourseError, match="batches of 1 to 4; wanted: 5"):
            engine.new_request(5)
        run_together(engine, spec.onnx, (4, 1, 2))


@only(8.6)
@pytest.mark.parametrize("api, wanted", [("bindings", "Bindings"), (None, "Tensors")])
def test_both_apis_of_one_version(version, spec, tmp_path, api, wanted):
    path = write_plan(tmp_path, spec.onnx.read_bytes())
    with TrtEngine(path, api=api) as engine:
        assert type(engine._api).__name__ == wanted
        assert equal(once(engine, tensors(2)), by_cpu(spec.onnx, tensors(2)))
