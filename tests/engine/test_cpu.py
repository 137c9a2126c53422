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


def test_what_it_declares(cells, engine):
    assert engine.name.startswith("ONNX Runtime ")
    assert engine.name.endswith(" on the CPU")
    assert (engine.lanes, engine.on_gpu) == (1, False)
    assert (engine.precision, engine.threshold) == ("fp32", 0.0)
    with CpuEngine(cells / "model.onnx", threads=1, lanes=3) as other:
        assert other.lanes == 3


@pytest.mark.parametrize("lanes", [1, 3])
def test_each_lane_has_a_thread(cells, lanes):
    with CpuEngine(cells / "model.onnx", threads=1, lanes=lanes) as engine:
        request = engine.new_request()
        engine.submit(request)
        engine.result(request)
        assert engine._workers._max_workers == lanes


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_what_onnx_runtime_is_told(cells, threads):
    """docs/measured.md has what threads that spin cost a run that also reads and writes videos."""
    with CpuEngine(cells / "model.onnx", threads=threads) as engine:
        options = engine._session.get_session_options()
    assert options.intra_op_num_threads == threads
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert options.get_session_config_entry("session.dynamic_block_base") == "4"


def test_a_plan_that_is_asked_for_is_never_replaced_by_the_cpu(cells, tmp_path):
    spec = find_model(cells)
    with pytest.raises(CourseError, match="not installed|No NVIDIA GPU|no engine file"):
        open_engine(spec, "auto", plan=tmp_path / "x.engine")


def identity(path, kind, shape=("n", 3)):
    """A network that gives back what it gets."""
    ends = [helper.make_tensor_value_info(name, kind, shape) for name in ("x", "y")]
    node = helper.make_node("Identity", ["x"], ["y"])
    graph = helper.make_graph([node], "same", ends[:1], ends[1:])
    opset = helper.make_opsetid("", 13)
    save(helper.make_model(graph, opset_imports=[opset], ir_version=8), str(path))
    return path


@pytest.mark.parametrize(
    "kind, dtype",
    [
        (TensorProto.FLOAT, "float32"),
        (TensorProto.DOUBLE, "float64"),
        (TensorProto.FLOAT16, "float16"),
        (TensorProto.INT8, "int8"),
        (TensorProto.INT16, "int16"),
        (TensorProto.INT32, "int32"),
        (TensorProto.INT64, "int64"),
        (TensorProto.UINT8, "uint8"),
        (TensorProto.UINT16, "uint16"),
        (TensorProto.UINT32, "uint32"),
        (TensorProto.UINT64, "uint64"),
        (TensorProto.BOOL, "bool"),
    ],
)
def test_numbers_of_each_kind_pass_through(tmp_path, kind, dtype):
    with CpuEngine(identity(tmp_path / "same.onnx", kind), threads=1) as engine:
        assert engine.inputs[0].dtype == engine.outputs[0].dtype == np.dtype(dtype)
        request = engine.new_request(2)
        request.inputs["x"][:] = [[1, 0, 1], [0, 1, 1]]
        given = engine.infer(request)["y"]
        assert given.dtype == np.dtype(dtype)
        assert given.tolist() == [[1, 0, 1], [0, 1, 1]]


def test_a_tensor_of_texts_is_refused(tmp_path):
    with pytest.raises(CourseError, match=r"The tensor x has type tensor\(string\), which this"):
        CpuEngine(identity(tmp_path / "same.onnx", TensorProto.STRING), threads=1)


def test_free_sides_are_settled_once_and_within_bounds(tmp_path):
    path = identity(tmp_path / "same.onnx", TensorProto.FLOAT, ("n", 3, "h", "w"))
    with CpuEngine(path, threads=1) as engine:
        with pytest.raises(CourseError, match="tensor x has the shape .* a side that is known"):
            engine.new_request()
        for sides in ((3, 0, 8), (3, 1 << 16, 1 << 16)):
            with pytest.raises(CourseError, match="none of them 0|GiB are allowed"):
                engine.settle("x", sides)
        engine.settle("x", (3, 4, 8))
        assert engine.new_request(2).inputs["x"].shape == (2, 3, 4, 8)


def test_a_tensor_that_does_not_fit_into_memory_is_told(engine, monkeypatch):
    def none_left(shape, dtype):
        raise MemoryError

    monkeypatch.setattr(engine, "_new_array", none_left)
    with pytest.raises(CourseError, match=r"not enough memory for the tensor input, \(2, 3, 96"):
        engine.new_request(2)
