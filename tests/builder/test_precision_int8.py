"""INT8 of real networks on ONNX Runtime."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from conftest import KIT
from onnx_nets import COLS, ROWS, run, small_model, small_net, some_input, worst
from trt_course import CourseError, TrtSSD, find_model
from trt_course.builder import graph, precision
from trt_course.measure import voc
from trt_course.measure.evaluate import detect_folder

SHIPPED = {"ssd_resnet18_traffic": "traffic", "ssd_mobilenet_v2_signs": "signs"}
PAIR = ("QuantizeLinear", "DequantizeLinear")


@pytest.fixture
def small(tmp_path):
    return small_model(tmp_path)


@pytest.fixture
def plain(small):
    return graph.load_plain(small.onnx)


def reads(model, name):
    """The operators that a node's inputs come from; empty where that is none."""
    made = {output: node.op_type for node in model.graph.node for output in node.output}
    node = next(node for node in model.graph.node if node.name == name)
    return [made.get(tensor, "") for tensor in node.input]


def check_scales(pair, stored):
    """One node of a pair: symmetric, one scale a channel of weights, else one for all."""
    scale = stored[pair.input[1]]
    zero = stored[pair.input[2]]
    assert zero.dtype == np.int8
    assert not zero.any()
    assert (scale > 0).all()
    if "weight" not in pair.input[1]:
        assert scale.shape == ()
        return
    channels = 2 if "move" in pair.input[1] else 8
    assert scale.shape == (channels,)
    assert {attribute.name: attribute.i for attribute in pair.attribute}["axis"] == 0


@pytest.mark.parametrize("method", precision.METHODS)
def test_int8_is_what_tensorrt_takes(small, plain, method, capfd, caplog):
    before = plain.SerializeToString()
    model = precision.int8(small, plain, small.folder / "pictures", method, keep=["conf"])
    onnx.checker.check_model(model, full_check=True)
    assert plain.SerializeToString() == before
    assert model.opset_import[0].version == 13
    assert {entry.domain for entry in model.opset_import} == {""}

    # the pairs: input and weights of three convolutions, and the skip
    pairs = [node for node in model.graph.node if node.op_type in PAIR]
    assert len(pairs) == 2 * (2 * 3 + 1)
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in pairs:
        check_scales(node, stored)

    # who reads them; the bias is float
    readers = [name for node in model.graph.node for name in node.input]
    assert all(readers.count(node.output[0]) == 1 for node in pairs)
    for name in ("stem", "body", "move"):
        assert reads(model, name) == ["DequantizeLinear", "DequantizeLinear", ""]
    assert reads(model, "skip") == ["Conv", "DequantizeLinear"]
    assert reads(model, "conf") == ["Relu", "", ""]

    boxes, scores = worst(plain, model, some_input(small))
    assert 0.01 < boxes < 5
    assert 1e-4 < scores < 0.05
    assert capfd.readouterr().out == ""  # the quantiser's own talk
    assert not caplog.records


def test_int8_of_a_fixed_batch_and_an_old_opset(small):
    onnx.save(small_net(batch=2, opset=11), str(small.onnx))
    model = precision.int8(small, graph.load_plain(small.onnx), small.folder / "pictures")
    assert model.opset_import[0].version == 13
    assert reads(model, "body")[:2] == ["DequantizeLinear", "DequantizeLinear"]
    assert run(model, some_input(small)[:2])["boxes"].shape == (2, ROWS * COLS, 4)


def test_int8_says_what_stands_in_its_way(small, plain):
    pictures = small.folder / "pictures"
    said = "no calibration method 'minmax'; allowed: percentile, entropy"
    with pytest.raises(CourseError, match=said):
        precision.int8(small, plain, pictures, "minmax")
    with pytest.raises(CourseError, match="Nothing is left to quantise"):
        precision.int8(small, plain, pictures, keep=["*"])

    done = precision.int8(small, plain, pictures)
    with pytest.raises(CourseError, match="INT8 already"):
        precision.int8(small, done, pictures)
    with pytest.raises(CourseError, match="INT8 already"):
        precision.fp16(done)

    plugin = helper.make_node("EfficientNMS_TRT", ["boxes", "scores"], ["count"], "nms")
    plain.graph.node.append(plugin)
    plain.graph.output.append(helper.make_tensor_value_info("count", TensorProto.FLOAT, None))
    with pytest.raises(CourseError, match="cannot quantise small: .*EfficientNMS_TRT"):
        precision.int8(small, plain, pictures)


def test_unreadable_and_missing_pictures(small, plain):
    pictures = small.folder / "pictures"
    (pictures / "3.png").write_bytes(b"no picture")
    with pytest.raises(CourseError, match="3.png cannot be read as a picture"):
        precision.int8(small, plain, pictures)
    (small.folder / "empty").mkdir()
    with pytest.raises(CourseError, match="empty holds no pictures"):
        precision.int8(small, plain, small.folder / "empty")
    with pytest.raises(CourseError, match="no folder .*none to calibrate on"):
        precision.int8(small, plain, small.folder / "none")


@pytest.mark.long
@pytest.mark.parametrize("name", SHIPPED)
def test_int8_of_the_shipped_models_costs_less_than_two_points(name, tmp_path):
    spec = find_model(name)
    pictures = KIT / "data/calibration" / SHIPPED[name]
    quantised = precision.int8(spec, graph.load_plain(spec.onnx), pictures)
    path = tmp_path / "int8.onnx"
    onnx.save(quantised, str(path))
    scores = []
    for onnx_file in (spec.onnx, path):
        with TrtSSD(spec._replace(onnx=onnx_file), backend="cpu", verbose=False) as ssd:
            found = detect_folder(ssd, KIT / "data" / SHIPPED[name])
        scores.append(voc.score(*found).mean)
    assert scores[0] > 0.9
    assert scores[1] > scores[0] - 0.02
