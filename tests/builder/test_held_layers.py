"""Which layers are held to FP32 where TensorRT chooses types, and what else its builder is told.

TensorRT's versions are stand-ins.
"""

import numpy as np
import pytest
from onnx import TensorProto, helper, load, numpy_helper, save

from builder.played import played_tensorrt
from conftest import write_conv_model
from onnx_nets import COLS, ROWS, small_model
from trt_course import CourseError, find_model
from trt_course.builder.onnx import Options, engine_from_onnx

# Of the small network: what makes corners of raw numbers, and what only moves those numbers about.
TAIL = {"scores", "shift", "centre", "low_corner", "high_corner", "boxes"}
MOVES = {"conf_last", "conf_rows", "move_last", "move_rows"}
WEIGHTED = {"stem", "stem_relu", "body", "body_relu", "conf", "move", "skip"}


@pytest.fixture(params=[7.1, 8.6, 10.0])
def version(request):
    return request.param


@pytest.fixture
def trt(monkeypatch, version):
    with played_tensorrt(monkeypatch, version) as module:
        yield module


def only(*versions):
    return pytest.mark.parametrize("version", versions, indirect=True)


@pytest.fixture
def small(tmp_path):
    return small_model(tmp_path)


@pytest.fixture
def spec(tmp_path):
    return find_model(write_conv_model(tmp_path / "cells"))


def told(trt, spec, **options):
    """The network and the configuration that the builder got for an engine of FP16."""
    engine_from_onnx(spec, Options(**options))
    return trt._stage.builds[-1]


def held_of(trt, build):
    layers = build.network._layers
    return {layer.name for layer in layers if getattr(layer, "precision", None) == trt.float32}


def test_right_behind_a_convolution_nothing_is_held_that_only_moves_data(trt, small):
    """It would keep the convolution from running in FP16 or INT8."""
    held = held_of(trt, told(trt, small))
    assert held >= TAIL
    assert not held & (MOVES | WEIGHTED)


def test_a_layer_that_moves_a_held_result_is_held_too(trt, small):
    """Else the corners would be rounded on their way to the output."""
    model = load(str(small.onnx))
    boxes = next(node for node in model.graph.node if node.name == "boxes")
    boxes.output[0] = "corners"
    flat = helper.make_node("Reshape", ["corners", "rows_4"], ["boxes"], "boxes_again")
    model.graph.node.append(flat)
    save(model, str(small.onnx))
    assert held_of(trt, told(trt, small)) >= {"boxes", "boxes_again"}


def test_whole_numbers_and_constants_are_held_to_nothing(trt, small):
    """TensorRT refuses FP32 for a layer that makes whole numbers."""
    model = load(str(small.onnx))
    two = numpy_helper.from_array(np.float32(2))
    after = [
        helper.make_node("Cast", ["scores"], ["whole"], "whole", to=TensorProto.INT32),
        helper.make_node("Add", ["whole", "whole"], ["sum"], "sum"),
        helper.make_node("Cast", ["sum"], ["real"], "real", to=TensorProto.FLOAT),
        helper.make_node("Constant", [], ["two"], "two", value=two),
        helper.make_node("Mul", ["real", "two"], ["double"], "double"),
    ]
    model.graph.node.extend(after)
    shape = ["n", ROWS * COLS, 4]
    model.graph.output.append(helper.make_tensor_value_info("double", TensorProto.FLOAT, shape))
    save(model, str(small.onnx))

    build = told(trt, small)
    names = {node.name for node in after}
    assert held_of(trt, build) & names == {"real", "double"}
    for layer in build.network._layers:
        for index, dtype in layer._types.items():
            assert layer.get_output(index).dtype == dtype == trt.float32


@only(8.6, 10.0)
def test_what_was_put_around_the_network_stays_float(trt, small):
    scores = small.output.scores._replace(activation="softmax")
    output = small.output._replace(scores=scores)
    options = dict(nms="engine", preprocess="engine", source=(64, 48))
    build = told(trt, small._replace(output=output), **options)
    held = held_of(trt, build)
    around = {layer.name for layer in build.network._layers if "/" in layer.name}
    assert any(name.startswith("nms/Softmax") for name in held)
    assert any(name.startswith("preprocess/Resize") for name in held)
    assert not any("Shape" in name or "Slice" in name for name in held)
    assert {name.partition("/")[0] for name in around} == {"nms", "preprocess"}


@only(8.6, 10.0)
def test_several_contexts_may_share_one_range_of_batches(trt, spec):
    config = told(trt, spec).config
    assert config._preview == {trt.PreviewFeature.PROFILE_SHARING_0806: True}


def test_a_level_that_is_not_asked_for_is_tensorrt_s_own(trt, version, spec):
    if version < 8.6:
        assert not hasattr(told(trt, spec, level=2).config, "builder_optimization_level")
        return
    assert told(trt, spec).config.builder_optimization_level == 3
    assert told(trt, spec, level=0).config.builder_optimization_level == 0


def test_without_dla_the_gpu_does_it_all(trt, spec):
    config = told(trt, spec).config
    assert config.default_device_type == trt.DeviceType.GPU
    assert trt.BuilderFlag.GPU_FALLBACK not in config._flags
    first_core = told(trt, spec, dla=0).config
    assert first_core.default_device_type == trt.DeviceType.DLA
    assert first_core.DLA_core == 0


def test_a_builder_without_a_word_is_told_of_too(trt, spec):
    trt._stage.refuse = [""]
    with pytest.raises(CourseError, match="built no engine: nothing more$"):
        engine_from_onnx(spec, Options("fp32"))


@only(8.6)
def test_the_builder_s_words_are_shown_in_part(trt, spec):
    trt._stage.refuse = ["x" * 300, "y" * 300]
    with pytest.raises(CourseError) as refused:
        engine_from_onnx(spec, Options("fp32"))
    assert str(refused.value).endswith("x" * 300 + " " + "y" * 199)
