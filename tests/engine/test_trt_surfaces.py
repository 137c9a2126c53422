"""The TensorRT engine on stand-ins of TensorRT 7.1 to 11 and of both CUDA libraries.

ONNX Runtime says what is right. No GPU is needed: tests/gpu runs the same engine on a real one.
"""

import importlib
import sys
import threading

import numpy as np
import pytest
from onnx import TensorProto, helper, load, numpy_helper, save

from conftest import HEIGHT, WIDTH, write_conv_model
from engine_parts import by_cpu, equal, once, tensors, write_plan
from stand_ins import cuda as cuda_stand_in
from stand_ins import tensorrt as stand_in
from trt_course import CourseError, TrtSSD, find_model
from trt_course.builder.inspect import inspect
from trt_course.builder.onnx import Options, engine_from_onnx
from trt_course.engine import CpuEngine, manifest, plan
from trt_course.engine.choose import open_engine
from trt_course.engine.cuda import open_cuda
from trt_course.engine.trt import TrtEngine
from trt_course.media.nvdec import GpuFrame

LIBRARIES = ("cuda-python", "pycuda")


@pytest.fixture(
    params=[
        (7.1, "pycuda"),
        (8.2, "pycuda"),
        (8.6, "pycuda"),
        (8.6, "cuda-python"),
        (10.0, "cuda-python"),
        (11.0, "cuda-python"),
    ],
    ids=lambda pair: "{}-{}".format(*pair),
)
def surface(request):
    """A version of TensorRT and the CUDA library that is usual beside it."""
    return request.param


@pytest.fixture
def version(surface):
    return surface[0]


@pytest.fixture
def library(surface):
    return surface[1]


@pytest.fixture
def card(monkeypatch, library):
    card = cuda_stand_in.install(monkeypatch, library)
    yield card
    assert card.left() == []
    assert card.faults == []
    assert not getattr(card.stack, "depth", 0)


@pytest.fixture
def only_cuda_python(monkeypatch):
    card = cuda_stand_in.install(monkeypatch, "cuda-python")
    yield card
    assert card.left() == [] and card.faults == []


@pytest.fixture
def trt(monkeypatch, version, card):
    monkeypatch.setattr(plan, "_logs", {})
    return stand_in.install(monkeypatch, version, card)


@pytest.fixture
def modern(monkeypatch, only_cuda_python):
    monkeypatch.setattr(plan, "_logs", {})
    return stand_in.install(monkeypatch, 10.0, only_cuda_python)


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    return find_model(write_conv_model(tmp_path_factory.mktemp("surfaces") / "cells"))


@pytest.fixture
def engine_file(tmp_path, spec):
    return write_plan(tmp_path, spec.onnx.read_bytes())


# Running -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lanes", [1, 2])
def test_equals_the_cpu_with_requests_under_way(trt, card, library, spec, engine_file, lanes):
    with TrtEngine(engine_file, lanes=lanes) as engine:
        assert (engine.min_batch, engine.max_batch) == (1, 4)
        assert library in engine.name
        assert [(t.name, t.shape, t.dtype) for t in engine.inputs] == [
            ("input", (-1, 3, HEIGHT, WIDTH), np.float32)
        ]
        assert [t.name for t in engine.outputs] == ["scores", "boxes"]
        requests = [(engine.new_request(n), tensors(n, n)) for n in (1, 4, 3, 1)]
        for _ in range(2):
            for request, values in requests:
                request.inputs["input"][:] = values
                engine.submit(request)
            for request, values in reversed(requests):
                assert equal(engine.result(request), by_cpu(spec.onnx, values))
        streams = [stream for kind, stream in card.live.values() if kind == "stream"]
        assert len(streams) == engine.lanes
        assert all(stream.put > 0 for stream in streams)
        del request, requests


@pytest.mark.parametrize("older", ["nothing", "CUDA", "driver"])
def test_pictures_that_are_on_the_gpu(monkeypatch, trt, spec, engine_file, older):
    if older == "CUDA":
        monkeypatch.delattr(cuda_stand_in.Runtime, "cudaMemcpyBatchAsync")
    elif older == "driver":
        monkeypatch.setattr(cuda_stand_in.Runtime, "driver", 12040)
    values = tensors(4)
    with TrtEngine(engine_file) as engine:
        request = engine.new_request(4, resident=True)
        place = engine.placer()
        cuda = engine._cuda
        size = values[0].nbytes
        with cuda.active():
            memory = cuda.alloc(values.nbytes)
            cuda.upload(memory, values)
            frames = [
                GpuFrame(int(memory) + i * size, size, (WIDTH, HEIGHT), i, 0.0, None)
                for i in (1, 2, 3)
            ]
            place(request, 1, frames)
            cuda.upload(memory, np.zeros_like(values))  # the decoder goes on
            first = cuda.pinned(values[:1].shape, np.float32)
        first[:] = values[:1]
        place(request, 0, first)
        assert equal(engine.infer(request), by_cpu(spec.onnx, values))
        del memory, first, request


def test_halves_and_bytes(trt, version, tmp_path):
    """FP16 outputs everywhere; uint8 inputs where TensorRT knows them."""
    kind = TensorProto.FLOAT
    dtype = np.float32
    if version >= 8.5:
        kind = TensorProto.UINT8
        dtype = np.uint8
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["x"], ["half"], to=TensorProto.FLOAT16),
            helper.make_node("Mul", ["half", "two"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", kind, ["n", 2, 3])],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT16, ["n", 2, 3]),
            helper.make_tensor_value_info("half", TensorProto.FLOAT16, ["n", 2, 3]),
        ],
        [numpy_helper.from_array(np.float16(2), "two")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    with TrtEngine(write_plan(tmp_path, model.SerializeToString())) as engine:
        assert engine.inputs[0].dtype == dtype
        found = once(engine, np.arange(12).reshape(2, 2, 3))
        assert found["y"].dtype == np.float16
        assert np.array_equal(found["y"].ravel(), 2 * np.arange(12))
        assert np.array_equal(found["half"].ravel(), np.arange(12))


@pytest.mark.parametrize("lanes", [1, 2])
def test_graph_replay_gives_the_same(modern, spec, engine_file, lanes):
    with TrtEngine(engine_file, lanes=lanes, graph=True) as engine:
        requests = [engine.new_request(n) for n in (1, 3, 4)]
        for seed in range(3):
            for n, request in zip((1, 3, 4), requests):
                request.inputs["input"][:] = tensors(n, seed)
                engine.submit(request)
            for n, request in zip((1, 3, 4), requests):
                assert equal(engine.result(request), by_cpu(spec.onnx, tensors(n, seed)))
        del request, requests


# Opening and closing -----------------------------------------------------------------------------


def test_closing_frees_in_order(trt, card, engine_file):
    engine = TrtEngine(engine_file, lanes=2)
    contexts = ["context"] * engine.lanes
    once(engine, tensors(1))
    trt._stage.freed.clear()
    engine.close()
    engine.close()
    assert trt._stage.freed == [*contexts, "engine", "runtime"]
    with pytest.raises(CourseError, match="closed"):
        engine.new_request()


def test_results_outlive_the_engine(trt, card, engine_file):
    with TrtEngine(engine_file) as engine:
        request = engine.new_request()
        request.inputs["input"][:] = 0.5
        scores = engine.infer(request)["scores"]
    del engine
    assert np.allclose(scores[:, :, 1:], 0.5)
    with pytest.raises(AssertionError):
        assert card.left() == []
    del request, scores


def test_closing_waits_for_work_under_way(trt, card, engine_file):
    engine = TrtEngine(engine_file, lanes=2)
    requests = [engine.new_request(), engine.new_request()]
    for request in requests:
        engine.submit(request)
    engine.close()
    assert card.faults == []
    del request, requests


def test_another_thread_is_refused(trt, engine_file):
    said = []

    def elsewhere(request):
        for use, arguments in (
            (engine.new_request, ()),
            (engine.submit, (request,)),
            (engine.infer, (request,)),
        ):
            try:
                use(*arguments)
            except CourseError as err:
                said.append(str(err))

    with TrtEngine(engine_file) as engine:
        request = engine.new_request()
        thread = threading.Thread(target=elsewhere, args=(request,))
        thread.start()
        thread.join()
        engine.infer(request)
        with pytest.raises(CourseError, match="submit the request first"):
            engine.result(request)
        del request, thread
    assert len(said) == 3
    for text in said:
        assert "opened in another thread" in text
        assert "make_detector" in text


LOGS = [  # what TensorRT really prints, and what we make of it
    (
        "coreReadArchive.cpp (41) - Serialization Error in verifyHeader: 0 (Version tag does not "
        "match. Note: Current Version: 96, Serialized Engine Version: 97)",
        "another version of TensorRT",
    ),
    (
        "The engine plan file is not compatible with this version of TensorRT, expecting library "
        "version 5.1.2 got 5.1.5, please rebuild.",
        "another version of TensorRT",
    ),
    (
        "1: [stdArchiveReader.cpp::StdArchiveReader::54] Error Code 1: Serialization "
        "(Serialization assertion safeVersionRead == safeSerializationVersion failed.Version tag "
        "does not match. Note: Current Version: 0, Serialized Engine Version: 97)",
        "another version of TensorRT",
    ),
    (
        "INVALID_CONFIG: The engine plan file is generated on an incompatible device, expecting "
        "compute 6.1 got compute 7.5, please rebuild.\n"
        "engine.cpp (1407) - Serialization Error in deserialize: 0 (Core engine deserialization "
        "failure)",
        "another GPU",
    ),
    (
        "IRuntime::deserializeCudaEngine: Error Code 6: API Usage Error (The engine plan file is "
        "generated on an incompatible device, expecting compute 8.9 got compute 8.6, please "
        "rebuild.)",
        "another GPU",
    ),
    (
        "IRuntime::deserializeCudaEngine: Error Code 1: Serialization (Serialization assertion "
        "plan->header.pad == expectedPlatformTag failed.Platform specific tag mismatch detected. "
        "TensorRT plan files are only supported on the target runtime platform they were created "
        "on.)",
        "another GPU",
    ),
    (
        "3: getPluginCreator could not find plugin: BatchTilePlugin_TRT version: 1\n"
        "1: [pluginV2Runner.cpp::load::291] Error Code 1: Serialization (Serialization assertion "
        "creator failed.Cannot deserialize plugin since corresponding IPluginCreator not found in "
        "Plugin Registry)",
        "BatchTilePlugin_TRT",
    ),
    (
        "INVALID_ARGUMENT: getPluginCreator could not find plugin CHUNK_TRT version 1.0",
        "plugin that this TensorRT",
    ),
    (
        "1: [defaultAllocator.cpp::allocate::19] Error Code 1: Cuda Runtime (out of memory)\n"
        "2: [safeDeserialize.cpp::load::269] Error Code 2: OutOfMemory (no further information)",
        "memory is full",
    ),
    (
        "1: [stdArchiveReader.cpp::StdArchiveReader::32] Error Code 1: Serialization "
        "(Serialization assertion magicTagRead == kMAGIC_TAG failed.Magic tag does not match)",
        "not a TensorRT plan",
    ),
    (
        "1: [runtime.cpp::parsePlan::314] Error Code 1: Serialization (Serialization assertion "
        "plan->header.magicTag == rt::kPLAN_MAGIC_TAG failed.)",
        "not a TensorRT plan",
    ),
    ("INVALID_ARGUMENT: Cannot deserialize with an empty memory buffer.", "not a TensorRT plan"),
]


@pytest.mark.parametrize("text, meaning", LOGS)
def test_a_plan_that_does_not_open_is_explained(modern, engine_file, text, meaning):
    modern._stage.refuse = text.split("\n")
    with pytest.raises(CourseError) as refused:
        TrtEngine(engine_file)
    head, _, quoted = str(refused.value).partition(" (TensorRT: ")
    assert head.startswith("TensorRT 10.3.0 does not open ")
    assert meaning in head
    assert text[:60] in quoted

    # The next refusal tells nothing of this one
    modern._stage.refuse = ["another text"]
    with pytest.raises(CourseError) as again:
        TrtEngine(engine_file)
    assert text[:60] not in str(again.value)
    assert "another text" in str(again.value)


def test_not_a_plan_and_no_file(trt, tmp_path):
    (tmp_path / "x.engine").write_bytes(b"\x08\x01 an onnx file")
    with pytest.raises(CourseError, match="not a TensorRT plan"):
        TrtEngine(tmp_path / "x.engine")
    with pytest.raises(CourseError, match="no engine file .*nix.engine"):
        TrtEngine(tmp_path / "nix.engine")


def test_no_context_is_the_memory(trt, engine_file):
    trt._stage.no_context = True
    with pytest.raises(CourseError, match="no execution context: the GPU's memory is full"):
        TrtEngine(engine_file)


def test_a_run_that_fails_is_told(trt, engine_file, monkeypatch):
    with TrtEngine(engine_file) as engine:
        request = engine.new_request()
        request.inputs["input"] = engine.new_request(4).inputs["input"][:0]
        with pytest.raises(
            CourseError, match=r"refuses the shape \(0, 3, .* for input.*--batch MIN,OPT,MAX"
        ):
            engine.infer(request)

        request = engine.new_request()
        monkeypatch.setattr(type(engine._api), "run", lambda *_: False)
        with pytest.raises(CourseError, match="could not run the network"):
            engine.infer(request)
        del request


@pytest.mark.parametrize("library", LIBRARIES)
def test_memory_that_is_not_there(monkeypatch, library):
    card = cuda_stand_in.install(monkeypatch, library, memory=1000)
    cuda = open_cuda()
    with pytest.raises(
        CourseError, match="CUDA says: .*out of memory. Close other programs"
    ), cuda.active():
        cuda.alloc(1001)
    cuda.close()
    assert card.left() == []


@pytest.mark.parametrize("library", LIBRARIES)
def test_no_gpu_and_no_library(monkeypatch, library):
    cuda_stand_in.install(monkeypatch, library, memory=0)
    with pytest.raises(CourseError, match="No NVIDIA GPU can be used here: no CUDA-capable device"):
        open_cuda()
    other = [name for name in LIBRARIES if name != library][0]
    with pytest.raises(CourseError, match=f"TensorRT needs {other} for .* not installed"):
        open_cuda(other)


def test_a_library_that_does_not_load_gives_way_to_the_other(monkeypatch, only_cuda_python):
    def broken(name, load=importlib.import_module):
        if name.startswith("pycuda"):
            raise ImportError("libcuda.so.1: cannot open shared object file")
        return load(name)

    monkeypatch.setitem(sys.modules, "pycuda", cuda_stand_in.module("pycuda"))
    monkeypatch.setattr(
        "trt_course.engine.cuda._installed",
        lambda name: name.startswith(("pycuda", "cuda.bindings")),
    )
    monkeypatch.setattr(importlib, "import_module", broken)
    assert open_cuda().name == "cuda-python"
    with pytest.raises(CourseError, match="No NVIDIA GPU can be used here: libcuda.so.1"):
        open_cuda("pycuda")


# Choosing, detecting, looking inside --------------------------------------------------------------


def test_detects_with_the_newest_engine_that_fits(trt, version, library, tmp_path, cell_picture):
    spec = find_model(write_conv_model(tmp_path / "cells"))
    opened = open_engine(spec)
    advice = f"has no engine yet. Build one: python -m trt_course build {spec.reference}"
    assert advice in opened.why
    opened.engine.close()

    # With an engine
    path = engine_from_onnx(spec, Options("fp16", (1, 2, 4)))
    with TrtSSD(spec, backend="cpu", verbose=False) as cpu:
        wanted = cpu.detect_batch([cell_picture] * 5)
    with TrtSSD(spec, verbose=False) as ssd:
        assert isinstance(ssd.engine, TrtEngine)
        assert str(path) in ssd.why
        assert ssd.engine.precision == "fp16"
        found = ssd.detect_batch([cell_picture] * 5)
    assert len(found) == len(wanted) == 5
    for ours, theirs in zip(found, wanted):
        assert len(ours) == 2
        assert np.array_equal(ours.boxes, theirs.boxes)
        assert list(ours.clss) == list(theirs.clss)

    # With one that prepares the pictures itself
    if version > 8.5:
        path = engine_from_onnx(spec, Options("fp16", preprocess="engine", source=(256, 192)))
        with TrtSSD(spec, plan=path, verbose=False) as ssd:
            assert ssd.engine.inputs[0].dtype == np.uint8
            boxes = ssd.detect(cell_picture).boxes
        assert np.allclose(boxes, wanted[-1].boxes, atol=0.01)

    # After the model has changed
    model = load(str(spec.onnx))
    model.doc_string = "changed"
    save(model, str(spec.onnx))
    with TrtSSD(spec, verbose=False) as ssd:
        assert isinstance(ssd.engine, CpuEngine)
        assert "model.onnx has changed since" in ssd.why
    with pytest.raises(
        CourseError, match=r"has changed since[\s\S]*trt_course build .*cells --precision fp16"
    ):
        TrtSSD(spec, backend="tensorrt")


@pytest.mark.parametrize("api", [8.2, 8.6, 10.0, 11.0])
def test_inspect_tells_layers_and_times(monkeypatch, only_cuda_python, api, spec, tmp_path):
    monkeypatch.setattr(plan, "_logs", {})
    stand_in.install(monkeypatch, api, only_cuda_python)
    path = engine_from_onnx(
        find_model(spec.folder), Options("fp32", (1, 2, 4)), tmp_path / "x.engine"
    )
    report, rows = inspect(path)
    product = f"TensorRT {stand_in.VERSIONS[api]}"
    assert f"x.engine: 9 layers, 4.50 ms for a batch of 4, fp32, {product}" in report
    assert {row["microseconds"] for row in rows} == {500.0}
    assert "eye" in report
    with pytest.raises(CourseError, match="is no .engine file"):
        inspect(spec.onnx)
    assert manifest.read(path).gpu == "Stand-in"


# Shapes that the plan leaves open ----------------------------------------------------------------


def with_free_side(spec, tensor, axis):
    """The model's file, with one side of an input or output left open."""
    model = load(str(spec.onnx))
    for value in [*model.graph.input, *model.graph.output]:
        if value.name == tensor:
            value.type.tensor_type.shape.dim[axis].dim_param = "free"
    return model.SerializeToString()


def test_a_free_side_of_the_input_is_settled_by_the_caller(modern, spec, tmp_path):
    path = write_plan(tmp_path, with_free_side(spec, "input", 3))
    with TrtEngine(path) as engine:
        with pytest.raises(CourseError, match="tensor input has the shape .* a side that is"):
            engine.new_request()
        engine.settle("input", (3, HEIGHT, WIDTH))
        values = tensors(2)
        assert equal(once(engine, values), by_cpu(spec.onnx, values))


def test_a_free_side_of_an_output_is_refused(modern, spec, tmp_path):
    path = write_plan(tmp_path, with_free_side(spec, "boxes", 1))
    with TrtEngine(path) as engine, pytest.raises(CourseError, match="tensor boxes has the shape"):
        engine.new_request()
