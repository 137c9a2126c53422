"""The CPU engine on real networks: batches, requests under way, and why it refuses a file."""

import threading

import numpy as np
import pytest
from onnx import TensorProto, helper, load, save

from conftest import HEIGHT, WIDTH, write_model
from trt_course import CourseError
from trt_course.engine import CpuEngine
from trt_course.engine.choose import open_engine
from trt_course.model.find import find_model


@pytest.fixture
def engine(cells):
    with CpuEngine(cells / "model.onnx", threads=1) as opened:
        yield opened


def test_tensors_are_named(engine):
    assert [(t.name, t.shape, t.dtype) for t in engine.inputs] == [
        ("input", (-1, 3, HEIGHT, WIDTH), np.float32)
    ]
    assert [t.name for t in engine.outputs] == ["scores", "boxes"]
    assert (engine.min_batch, engine.max_batch) == (1, 8)


def test_batch_equals_one_by_one(engine):
    rng = np.random.RandomState(0)
    request = engine.new_request(5)
    request.inputs["input"][:] = rng.rand(5, 3, HEIGHT, WIDTH)
    together = engine.infer(request)["scores"]

    single = engine.new_request()
    for i in range(5):
        single.inputs["input"][:] = request.inputs["input"][i : i + 1]
        alone = engine.infer(single)["scores"][0]
        assert np.allclose(alone, together[i], atol=1e-6)


def test_requests_under_way_keep_apart(engine):
    requests = [engine.new_request() for _ in range(4)]
    for i, request in enumerate(requests):
        request.inputs["input"][:] = i
        engine.submit(request)

    for i, request in enumerate(requests):
        scores = engine.result(request)["scores"]
        assert np.allclose(scores[0, :, 1:], i)
        assert request.outputs is not None
    with pytest.raises(CourseError, match="submit the request first"):
        engine.result(requests[0])


def test_fixed_batch(tmp_path):
    with CpuEngine(write_model(tmp_path, batch=4) / "model.onnx") as engine:
        assert (engine.min_batch, engine.max_batch) == (4, 4)
        assert engine.new_request(2).inputs["input"].shape[0] == 4
        with pytest.raises(CourseError, match="batches of 1 to 4; wanted: 5"):
            engine.new_request(5)


def test_close_ends_its_thread_and_twice_is_fine(cells):
    before = threading.active_count()
    engine = CpuEngine(cells / "model.onnx")
    request = engine.new_request()
    engine.submit(request)
    engine.result(request)
    engine.close()
    engine.close()
    assert threading.active_count() == before

    for use in (engine.infer, engine.submit):
        with pytest.raises(CourseError, match="closed"):
            use(request)
    assert threading.active_count() == before


def test_missing_file(tmp_path):
    with pytest.raises(CourseError, match="There is no file .*none.onnx"):
        CpuEngine(tmp_path / "none.onnx")


def test_fewer_threads_than_none(cells):
    with pytest.raises(CourseError, match="threads is -2; wanted: a whole number from 0 to"):
        CpuEngine(cells / "model.onnx", threads=-2)


@pytest.mark.parametrize("content", [b"\n", b"hello, I am an engine", bytes(range(256)) * 40])
def test_not_onnx(tmp_path, content):
    (tmp_path / "bad.onnx").write_bytes(content)
    with pytest.raises(CourseError, match="bad.onnx cannot run on the CPU: it is not an ONNX file"):
        CpuEngine(tmp_path / "bad.onnx")


def test_truncated(cells, tmp_path):
    whole = (cells / "model.onnx").read_bytes()
    (tmp_path / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CourseError, match="cut.onnx cannot run on the CPU"):
        CpuEngine(tmp_path / "cut.onnx")


@pytest.mark.parametrize("operator, domain", [("EfficientNMS_TRT", ""), ("NMS_TRT", "trt.plugins")])
def test_plugin_node_needs_tensorrt(cells, tmp_path, operator, domain):
    model = load(str(cells / "model.onnx"))
    node = helper.make_node(operator, ["boxes", "scores"], ["rows"], domain=domain)
    model.graph.node.append(node)
    model.graph.output.append(helper.make_tensor_value_info("rows", TensorProto.FLOAT, None))
    if domain:
        model.opset_import.append(helper.make_opsetid(domain, 1))
    save(model, str(tmp_path / "plugin.onnx"))

    with pytest.raises(CourseError, match="TensorRT plugin: that file needs TensorRT"):
        CpuEngine(tmp_path / "plugin.onnx")


def test_choice_is_explained(cells):
    spec = find_model(cells)
    for backend, reason in (
        ("auto", "on the CPU, not with TensorRT: "),
        ("cpu", "on the CPU, as asked."),
    ):
        opened = open_engine(spec, backend)
        assert opened.why.startswith("cells runs with ONNX Runtime")
        assert reason in opened.why
        opened.engine.close()

    with pytest.raises(CourseError, match="no backend 'gpu'; allowed: auto, cpu, tensorrt"):
        open_engine(spec, "gpu")
    with pytest.raises(CourseError, match="backend cpu runs everywhere|not installed"):
        open_engine(spec, "tensorrt")
