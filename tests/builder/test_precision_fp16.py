"""Which nodes stay float, and FP16 of real networks on ONNX Runtime."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from conftest import KIT
from onnx_nets import small_model, some_input, worst
from trt_course import CourseError, TrtSSD, find_model
from trt_course.builder import graph, precision
from trt_course.builder.precision import floats
from trt_course.media.pictures import images_in, read_image

SHIPPED = {"ssd_resnet18_traffic": "traffic", "ssd_mobilenet_v2_signs": "signs"}
TAIL = {"centre", "half_size", "low_corner", "high_corner", "boxes", "scores", "offsets_rows"}


@pytest.fixture
def small(tmp_path):
    return small_model(tmp_path)


@pytest.fixture
def plain(small):
    return graph.load_plain(small.onnx)


def kinds_of(model, names):
    """The operators of the nodes that have these names."""
    return {node.op_type for node in model.graph.node if node.name in names}


@pytest.mark.parametrize("name", SHIPPED)
def test_the_tail_of_the_shipped_models(name):
    model = graph.load_plain(find_model(name).onnx)
    names = precision.float_nodes(model)
    assert names >= TAIL
    assert not kinds_of(model, names) & {"Conv", "Relu", "MaxPool", "Resize"}
    assert len(names) == 30


@pytest.mark.parametrize("file", ["pedestrian_vehicle_adas_0001.onnx", "face_slim_320.onnx"])
def test_the_tail_of_models_that_nobody_here_trained(shared, file):
    model = graph.load_plain(shared / "thirdparty" / file)
    onnx.checker.check_model(precision.fp16(model), full_check=True)
    kinds = kinds_of(model, precision.float_nodes(model))
    assert {"Exp", "Softmax", "Sub", "Concat"} <= kinds
    assert not kinds & {"Conv", "Relu", "BatchNormalization"}


def test_patterns_choose_nodes(plain):
    assert precision.keep_patterns(plain, ["stem*", "mov?"]) == {"stem", "stem_relu", "move"}
    more = precision.float_nodes(plain, ["stem"]) - precision.float_nodes(plain)
    assert more == {"stem"}
    with pytest.raises(CourseError, match=r"--keep-float low_korner: no node.*Near it: low_corner"):
        precision.keep_patterns(plain, ["stem", "low_korner"])


def test_fp16_keeps_what_decodes_boxes(small, plain, monkeypatch):
    x = some_input(small)
    before = plain.SerializeToString()
    half = precision.fp16(plain)
    onnx.checker.check_model(half, full_check=True)
    assert plain.SerializeToString() == before

    types = {tensor.name: tensor.data_type for tensor in half.graph.initializer}
    assert types["body_weight"] == TensorProto.FLOAT16
    assert types["centres"] == TensorProto.FLOAT
    ends = list(half.graph.input) + list(half.graph.output)
    assert {end.type.tensor_type.elem_type for end in ends} == {TensorProto.FLOAT}
    boxes, scores = worst(plain, half, x)
    assert boxes < 0.1
    assert 0 < scores < 0.01

    # what the float tail is there for
    monkeypatch.setattr(floats, "float_nodes", lambda model, keep: set())
    assert worst(plain, precision.fp16(plain), x)[0] > 0.25


def test_fp16_keeps_a_pattern(small, plain):
    x = some_input(small)
    half = precision.fp16(plain, ["stem", "body"])
    types = {tensor.name: tensor.data_type for tensor in half.graph.initializer}
    assert types["stem_weight"] == types["body_weight"] == TensorProto.FLOAT
    assert types["conf_weight"] == TensorProto.FLOAT16
    assert worst(plain, half, x)[1] < worst(plain, precision.fp16(plain), x)[1]

    everything = precision.fp16(plain, ["*"])
    assert worst(plain, everything, x) == (0, 0)
    assert "Cast" not in {node.op_type for node in everything.graph.node}


def test_fp16_of_an_output_that_other_nodes_read(small, plain):
    """The output `scores` goes on into a float node and into a half one."""
    plain.graph.node.extend(
        [
            helper.make_node("Neg", ["scores"], ["minus"], "minus"),
            helper.make_node("Relu", ["scores"], ["plus"], "plus"),
            helper.make_node("Reshape", ["plus", "four"], ["picture"], "picture"),
            helper.make_node("Conv", ["picture", "one"], ["last"], "last"),
        ]
    )
    one = np.ones((1, 1, 1, 1), np.float32)
    plain.graph.initializer.append(numpy_helper.from_array(one, "one"))
    plain.graph.initializer.append(numpy_helper.from_array(np.int64([0, 1, -1, 4]), "four"))
    for name in ("minus", "last"):
        plain.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    half = precision.fp16(plain)
    onnx.checker.check_model(half, full_check=True)
    assert max(worst(plain, half, some_input(small))) < 0.1


def outputs_of(ssd, path):
    """The network's outputs for the picture in a file."""
    return ssd.engine.infer(ssd.prepare([read_image(path)]).request)


@pytest.mark.parametrize("name", SHIPPED)
def test_fp16_of_the_shipped_models_on_the_samples(name, tmp_path):
    spec = find_model(name)
    half = tmp_path / "half.onnx"
    onnx.save(precision.fp16(graph.load_plain(spec.onnx)), str(half))
    size = np.float32([spec.input.width, spec.input.height] * 2)
    with TrtSSD(spec, backend="cpu", verbose=False) as float_ssd, TrtSSD(
        spec._replace(onnx=half), backend="cpu", verbose=False
    ) as half_ssd:
        for path in images_in(KIT / "data" / SHIPPED[name] / "images")[:3]:
            wanted = outputs_of(float_ssd, path)
            got = outputs_of(half_ssd, path)
            seen = wanted["scores"][0, :, 1:].max(axis=1) > 0.3
            assert seen.any()
            apart = np.abs((wanted["boxes"] - got["boxes"])[0, seen] * size)
            assert apart.max() < 0.1
            assert 0 < np.abs(wanted["scores"] - got["scores"]).max() < 0.01
