"""A model's ONNX file as plain FP32, whatever exporter wrote it."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnx_nets import small_model, small_net, worst
from trt_course import CourseError, find_model
from trt_course.builder import graph


@pytest.fixture
def small(tmp_path):
    return small_model(tmp_path)


def initializer(model, name):
    return next(tensor for tensor in model.graph.initializer if tensor.name == name)


def names_of(things):
    return {thing.name for thing in things}


def kinds_of(model):
    return {node.op_type for node in model.graph.node}


@pytest.mark.parametrize("name", ["ssd_resnet18_traffic", "ssd_mobilenet_v2_signs"])
def test_shipped_models_become_plain(name):
    spec = find_model(name)
    stored = onnx.load(str(spec.onnx))
    model = graph.load_plain(spec.onnx)
    assert "Cast" in kinds_of(stored)
    assert "Cast" not in kinds_of(model)
    assert TensorProto.FLOAT16 not in {tensor.data_type for tensor in model.graph.initializer}
    x = np.random.RandomState(0).rand(1, 3, spec.input.height, spec.input.width)
    assert max(worst(model, stored, x.astype(np.float32) * 100)) < 1e-4


def test_models_without_casts_pass_but_for_names(small):
    stored = onnx.load(str(small.onnx))
    model = graph.load_plain(small.onnx)
    renamed = [node.name for node in model.graph.node if node.name not in node.output]
    assert renamed == ["Mul_scaled"]
    stored.graph.node[0].name = "Mul_scaled"
    assert model == stored


def add_cast(model, output, kind):
    """A node, first of all, that makes the weights `half` another type."""
    node = helper.make_node("Cast", ["half"], [output], output + "_cast", to=kind)
    model.graph.node.insert(0, node)


def test_half_weights_with_two_casts_or_another_reader(small):
    model = small_net()
    weight = initializer(model, "stem_weight")
    half = numpy_helper.to_array(weight).astype(np.float16)
    weight.CopyFrom(numpy_helper.from_array(half, "half"))
    add_cast(model, "stem_weight", TensorProto.FLOAT)
    add_cast(model, "again", TensorProto.FLOAT)
    model.graph.node.append(helper.make_node("Conv", ["scaled", "again"], ["twin"], "twin"))
    onnx.save(model, str(small.onnx))
    names = names_of(graph.load_plain(small.onnx).graph.initializer)
    assert {"stem_weight", "again"} <= names
    assert "half" not in names

    add_cast(model, "counts", TensorProto.INT32)
    model.graph.node.append(helper.make_node("Neg", ["counts"], ["negative"], "negative"))
    onnx.save(model, str(small.onnx))
    model = graph.load_plain(small.onnx)
    assert "half" in names_of(model.graph.initializer)
    assert "counts_cast" in names_of(model.graph.node)


def test_weights_listed_as_inputs_and_weights_that_nobody_reads(small):
    plain = graph.load_plain(small.onnx)
    model = small_net()
    model.ir_version = 3
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(3, np.float32), "forgotten"))
    for tensor in model.graph.initializer:
        entry = helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        model.graph.input.append(entry)
    onnx.save(model, str(small.onnx))
    loaded = graph.load_plain(small.onnx)
    assert [entry.name for entry in loaded.graph.input] == ["input"]
    assert loaded.graph.initializer == plain.graph.initializer


def test_what_a_body_of_a_loop_reads_stays(small):
    same = helper.make_tensor_value_info("same", TensorProto.FLOAT, [1])
    reader = helper.make_node("Identity", ["depth"], ["same"])
    body = helper.make_graph([reader], "body", [], [same])
    choice = helper.make_node("If", ["yes"], ["chosen"], "if", then_branch=body, else_branch=body)
    model = small_net()
    model.graph.node.append(choice)
    model.graph.output.append(helper.make_tensor_value_info("chosen", TensorProto.FLOAT, [1]))
    model.graph.initializer.append(numpy_helper.from_array(np.float32([2]), "depth"))
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    onnx.save(model, str(small.onnx))
    assert "depth" in names_of(graph.load_plain(small.onnx).graph.initializer)


def test_what_is_not_a_whole_model_is_told(tmp_path):
    with pytest.raises(CourseError, match="There is no file .*none.onnx"):
        graph.load_plain(tmp_path / "none.onnx")

    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"\x08\xff\xff not ONNX")
    with pytest.raises(CourseError, match="not a whole ONNX model"):
        graph.load_plain(bad)

    bad.write_bytes(b"")
    with pytest.raises(CourseError, match="bad.onnx is empty"):
        graph.load_plain(bad)

    bad.write_bytes(b"\x08\x08")  # the version of the format, and nothing else
    with pytest.raises(CourseError, match="holds no network"):
        graph.load_plain(bad)

    model = small_net()
    model.graph.initializer.remove(initializer(model, "gain"))
    onnx.save(model, str(bad))
    with pytest.raises(CourseError, match="not a whole ONNX model.*gain"):
        graph.load_plain(bad)


def test_a_plugin_of_tensorrt_is_no_fault(small):
    model = small_net()
    model.graph.node.append(helper.make_node("EfficientNMS_TRT", ["boxes", "scores"], ["count"]))
    onnx.save(model, str(small.onnx))
    assert graph.load_plain(small.onnx).graph.node[-1].name == "EfficientNMS_TRT_count"


def sides_of(tensor):
    dimensions = tensor.type.tensor_type.shape.dim
    return [dimension.dim_param or dimension.dim_value for dimension in dimensions]


def test_only_the_batch_is_fixed_and_only_where_it_is_open():
    """How many boxes there are may be open, too, and stays so."""
    model = small_net()
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "boxes"
    graph.fix_batch(model, 4)
    scores, boxes = model.graph.output
    assert sides_of(model.graph.input[0])[0] == 4
    assert sides_of(scores) == [4, "boxes", 4]
    assert sides_of(boxes)[0] == 4

    graph.fix_batch(model, 8)
    assert sides_of(model.graph.input[0])[0] == 4
