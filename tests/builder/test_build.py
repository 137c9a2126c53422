"""Building: what each version of TensorRT is told, on stand-ins. Nothing is optimised here."""

from pathlib import Path
from typing import Any, NamedTuple, Set

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto

from conftest import HEIGHT, WIDTH, write_conv_model, write_model
from stand_ins import cuda as cuda_stand_in
from stand_ins import tensorrt as stand_in
from trt_course import CourseError, find_model
from trt_course.builder.onnx import Options, engine_from_onnx
from trt_course.engine import manifest, plan
from trt_course.model.preprocess import Preprocessor

pytestmark = pytest.mark.filterwarnings("error::DeprecationWarning:trt_course")

# some of the nodes that make the network's outputs
TAIL = {"AveragePool_pooled", "Mul_background", "Concat_scores", "Add_boxes"}


@pytest.fixture
def card(monkeypatch, request):
    library = getattr(request, "param", "pycuda")
    card = cuda_stand_in.install(monkeypatch, library)
    yield card
    assert card.left() == []
    assert card.faults == []
    assert not getattr(card.stack, "depth", 0)


@pytest.fixture(params=sorted(stand_in.VERSIONS))
def version(request):
    return request.param


@pytest.fixture
def trt(monkeypatch, version, card):
    monkeypatch.setattr(plan, "_logs", {})
    module = stand_in.install(monkeypatch, version, card)
    yield module
    module._stage.builds.clear()


def only(*versions):
    return pytest.mark.parametrize("version", versions, indirect=True)


@pytest.fixture
def spec(tmp_path):
    return find_model(write_conv_model(tmp_path / "cells"))


@pytest.fixture
def calibration(tmp_path):
    folder = tmp_path / "calibration"
    folder.mkdir()
    rng = np.random.RandomState(0)
    for i in range(5):
        cv2.imwrite(str(folder / f"{i}.png"), rng.randint(0, 256, (HEIGHT, WIDTH, 3), np.uint8))
    return str(folder)


class Made(NamedTuple):
    """What the stand-in was told by one build, and the engine's path."""

    path: Path
    model: onnx.ModelProto
    network: Any
    config: Any
    flags: Set[str]
    held: Set[str]  # the layers that were held to FP32
    measured: int  # the layers that were timed anew


def build(trt, spec, **options):
    path = engine_from_onnx(spec, Options(**options))
    told = trt._stage.builds[-1]
    layers = told.network._layers
    return Made(
        path=path,
        model=onnx.load_model_from_string(told.network._model),
        network=told.network,
        config=told.config,
        flags={flag.name for flag in told.config._flags},
        held={layer.name for layer in layers if getattr(layer, "precision", None) == trt.float32},
        measured=told.measured,
    )


def half_weights(model):
    """The names of the weights that are stored as FP16."""
    weights = model.graph.initializer
    return [tensor.name for tensor in weights if tensor.data_type == TensorProto.FLOAT16]


def test_fp32_is_without_tf32(trt, spec):
    made = build(trt, spec, precision="fp32")
    assert made.flags == set()
    assert made.held == set()


def test_fp16_by_flag_or_by_the_file(trt, version, spec):
    made = build(trt, spec, precision="fp16")
    halves = half_weights(made.model)
    creation = trt.NetworkDefinitionCreationFlag
    if version < 11:
        obey = "STRICT_TYPES" if version < 8 else "OBEY_PRECISION_CONSTRAINTS"
        assert made.flags == {"FP16", obey}
        assert not halves
        assert made.held >= TAIL
        assert "eye" not in made.held
        for layer in made.network._layers:
            if layer.name in made.held:
                assert layer._types == {0: trt.float32}
        assert made.network._flags == 1 << creation.EXPLICIT_BATCH
    else:
        assert made.flags == set()
        assert halves == ["same"]
        assert made.network._flags == 1 << creation.STRONGLY_TYPED
    assert manifest.read(made.path).precision == "fp16"


def test_kept_layers_stay_float(trt, version, spec):
    made = build(trt, spec, precision="fp16", keep_float=("ey*",))
    assert version >= 11 or "eye" in made.held
    assert not half_weights(made.model)


def test_int8_by_pairs_in_the_file_or_by_a_calibrator(trt, version, spec, calibration):
    made = build(trt, spec, precision="int8", calibration=calibration, batch=(1, 2, 4))
    pairs = [node for node in made.model.graph.node if node.op_type == "QuantizeLinear"]
    flags = {"INT8", "FP16"} if version < 11 else set()
    assert made.flags - {"STRICT_TYPES", "OBEY_PRECISION_CONSTRAINTS"} == flags
    calibrator = getattr(made.config, "int8_calibrator", None)
    if version < 8:
        assert not pairs
        assert made.held >= TAIL
        assert calibrator is not None
    else:
        assert pairs
        assert not made.held
        assert calibrator is None


@only(7.1)
@pytest.mark.parametrize("card", ["pycuda", "cuda-python"], indirect=True)
def test_calibrator_shows_the_pictures_once_and_keeps_the_scales(trt, card, spec, calibration):
    build(trt, spec, precision="int8", calibration=calibration, batch=(1, 2, 4))
    assert len(trt._stage.seen) == 3  # five pictures in twos

    prepare = Preprocessor(spec)
    wanted = np.empty((3, HEIGHT, WIDTH), np.float32)
    everything = np.concatenate(trt._stage.seen).reshape(6, 3, HEIGHT, WIDTH)
    for i, shown in enumerate(everything):
        prepare(cv2.imread(f"{calibration}/{i % 5}.png"), wanted)
        assert np.array_equal(shown, wanted)

    del trt._stage.seen
    caches = list((spec.folder / "engines").glob("int8-*.cache"))
    assert [cache.read_bytes() for cache in caches] == [b"scales"]
    build(trt, spec, precision="int8", calibration=calibration, batch=(1, 2, 4))
    assert not hasattr(trt._stage, "seen")


@only(7.1)
def test_a_picture_that_breaks_during_calibration_is_told(trt, spec, calibration):
    Path(calibration, "3.png").write_bytes(b"not a picture")
    with pytest.raises(CourseError, match="3.png"):
        engine_from_onnx(spec, Options("int8", calibration=calibration))
    assert not list(spec.folder.glob("engines/*.engine"))


def test_workspace(trt, version, spec, monkeypatch):
    def workspace(**options):
        config = build(trt, spec, precision="fp32", **options).config
        if version > 8.4:
            return config._pools[trt.MemoryPoolType.WORKSPACE] >> 20
        return config.max_workspace_size >> 20

    assert workspace(workspace_mib=300) == 300
    assert workspace() == 2048
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert workspace() == 256


def test_profile_and_fixed_batch(trt, spec, tmp_path):
    for batch in ((1, 2, 4), (1, 1, 4), (1, 4, 4)):
        made = build(trt, spec, precision="fp32", batch=batch)
        shapes = tuple((n, 3, HEIGHT, WIDTH) for n in batch)
        assert made.config._profiles[0]._shapes == {"input": shapes}
        assert made.path.name == "fp32-b{}-{}-{}.engine".format(*batch)
        assert manifest.read(made.path).batch == batch

    one_batch = build(trt, spec, precision="fp32", batch=(2, 2, 2), nms="engine")
    assert one_batch.config._profiles == []
    assert one_batch.network.get_input(0).shape == (2, 3, HEIGHT, WIDTH)

    fixed = find_model(write_model(tmp_path / "fixed", batch=3))
    assert build(trt, fixed, precision="fp32", batch=(3, 3, 3)).config._profiles == []
    with pytest.raises(CourseError, match="exported for batches of 3 only; wanted: 1,1,1"):
        engine_from_onnx(fixed, Options("fp32"))


def test_timing_cache_is_kept_and_used_again(trt, version, spec):
    first = build(trt, spec, precision="fp32")
    second = build(trt, spec, precision="fp32")
    caches = list(first.path.parent.glob("timing-*.cache"))
    if version < 8:
        assert not caches
        assert second.measured == first.measured > 0
        return

    said = trt.__version__.replace(".", "-")
    assert [cache.name for cache in caches] == [f"timing-{said}-Stand-in-fp32.cache"]
    assert first.measured > 0
    assert second.measured == 0
    caches[0].write_bytes(b"damaged")
    assert build(trt, spec, precision="fp32").measured == first.measured


def test_level_dla_and_detail(trt, version, spec):
    made = build(trt, spec, precision="fp16", level=5, dla=1)
    assert getattr(made.config, "builder_optimization_level", 5) == 5
    assert made.config.default_device_type == trt.DeviceType.DLA
    assert made.config.DLA_core == 1
    assert "GPU_FALLBACK" in made.flags
    assert version < 8.2 or made.config.profiling_verbosity == trt.ProfilingVerbosity.DETAILED


def test_suppression_inside_by_plugin_or_layer_or_not_at_all(trt, version, spec, capsys):
    made = build(trt, spec, precision="fp32", nms="engine")
    kinds = {node.op_type for node in made.model.graph.node}
    assert ("EfficientNMS_TRT" in kinds) == (8 <= version < 11)
    assert ("NonMaxSuppression" in kinds) == (version >= 11)

    note = "TensorRT 7.1.3 cannot run suppression inside the engine: it stays on the host."
    said = capsys.readouterr().out
    if version < 8:
        assert note in said
        assert manifest.read(made.path).nms == "host"
        assert made.path.name == "fp32-b1.engine"
    else:
        assert note not in said
        assert manifest.read(made.path).nms == "engine"
        assert made.path.name == "fp32-b1-nms.engine"


def test_preprocessing_inside_takes_bytes_from_8_5_on(trt, version, spec):
    options = dict(precision="fp32", preprocess="engine", source=(64, 48))
    if version < 8.5:
        with pytest.raises(CourseError, match="takes no pictures as bytes.*--preprocess host"):
            engine_from_onnx(spec, Options(**options))
        return

    entry = build(trt, spec, **options).network.get_input(0)
    assert entry.name == "pictures"
    assert entry.shape == (1, 48, 64, 3)
    assert entry.dtype == trt.DataType.UINT8
