"""Suppression inside the network, run by ONNX Runtime, against the same work on the host."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, load

from inside_parts import constant_net, run, wired
from model.old_output import old_output
from trt_course import CourseError, find_model
from trt_course.builder import inside
from trt_course.builder.onnx import Options
from trt_course.model.decode import decode
from trt_course.model.placement import Placement

WHOLE = Placement(1.0, 1.0, 0.0, 0.0, 128, 96)
HEAPS = np.float32([[0.1, 0.1, 0.4, 0.5], [0.5, 0.3, 0.9, 0.8]])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("inside")


def activated(scores, activation):
    if activation == "none":
        return scores
    if activation == "sigmoid":
        return 1 / (1 + np.exp(-scores))
    powers = np.exp(scores)
    return powers / powers.sum(axis=2, keepdims=True)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n=st.integers(8, 60),
    batch=st.integers(1, 3),
    background=st.sampled_from([None, 0, 3]),
    activation=st.sampled_from(["none", "softmax", "sigmoid"]),
    kept=st.integers(1, 16),
    threshold=st.sampled_from([0.01, 0.3, 0.6]),
    iou=st.sampled_from([0.2, 0.45, 0.7]),
)
def test_suppression_by_onnx_operators(
    cells, folder, seed, n, batch, background, activation, kept, threshold, iou
):
    # boxes in two heaps, so that many overlap
    rng = np.random.RandomState(seed)
    boxes = HEAPS[rng.randint(0, 2, (batch, n))]  # (batch, n, 4)
    boxes += rng.uniform(-0.1, 0.1, boxes.shape).astype(np.float32)
    # and scores so far apart that rounding never changes their order
    scores = rng.permutation(np.linspace(0.001, 1, batch * n * 4))
    scores = scores.reshape(batch, n, 4).astype(np.float32)
    if activation != "none":
        scores *= 6
    spec = find_model(cells)
    spec = spec._replace(
        background=background,
        output=with_activation(spec.output, activation),
        nms=spec.nms._replace(max_detections=kept, iou_threshold=iou),
    )

    # inside the network
    constant_net(folder / "net.onnx", boxes, scores)
    model = inside.add_nms(load(str(folder / "net.onnx")), spec, threshold, plugin=False)
    found = run(model, folder / "inside.onnx", "x", np.zeros((batch, 1, 1), np.float32))
    assert found["num_detections"].shape == (batch, 1)
    assert found["detection_boxes"].shape == (batch, kept, 4)
    _, _, output = wired(spec, Options(nms="engine", threshold=threshold))
    places = [WHOLE] * batch
    ours = decode(spec._replace(output=output), found, places, 0.0)

    # on the host
    plain = dict(boxes=boxes, scores=activated(scores, activation))
    host = spec._replace(output=with_activation(spec.output, "none"))
    wanted = decode(host, plain, places, threshold)

    for one, other in zip(ours, wanted):
        assert np.allclose(one.confs, other.confs, atol=1e-6)
        assert np.array_equal(one.clss, other.clss)
        assert np.allclose(one.boxes, other.boxes, atol=1e-4)
        assert background not in one.clss


@pytest.mark.parametrize("background, told", [(None, -1), (0, 0), (3, 3)])
def test_the_plugin_is_told_the_same(cells, background, told):
    spec = find_model(cells)._replace(background=background)
    model = inside.add_nms(load(str(spec.onnx)), spec, 0.05, plugin=True)
    node = model.graph.node[-1]
    said = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    assert node.op_type == "EfficientNMS_TRT"
    assert list(node.input) == ["boxes", "scores"]
    assert list(node.output) == [
        "num_detections",
        "detection_boxes",
        "detection_scores",
        "detection_classes",
    ]
    assert said == {
        "background_class": told,
        "box_coding": 0,
        "max_output_boxes": 100,
        "plugin_version": b"1",
        "score_activation": 0,
        "score_threshold": pytest.approx(0.05),
        "iou_threshold": pytest.approx(0.45),
    }

    shapes = [output.type.tensor_type.shape.dim for output in model.graph.output]
    sides = [[side.dim_param or side.dim_value for side in shape] for shape in shapes]
    assert sides == [["n", 1], ["n", 100, 4], ["n", 100], ["n", 100]]
    original = load(str(spec.onnx))
    assert [output.name for output in original.graph.output] == ["scores", "boxes"]


def with_activation(output, activation):
    return output._replace(scores=output.scores._replace(activation=activation))


@pytest.mark.parametrize("activation, kind", [("softmax", "Softmax"), ("sigmoid", "Sigmoid")])
def test_raw_scores_become_confidences_before_the_plugin(cells, activation, kind):
    """Over the classes of each box: before opset 13, ONNX would take all of a picture's at once."""
    spec = find_model(cells)
    spec = spec._replace(output=with_activation(spec.output, activation))
    *_, before, plugin = inside.add_nms(load(str(spec.onnx)), spec, 0.05, plugin=True).graph.node
    assert (before.op_type, list(before.input)) == (kind, ["scores"])
    assert list(plugin.input) == ["boxes", before.output[0]]
    if kind == "Softmax":
        assert [(a.name, a.i) for a in before.attribute] == [("axis", 2)]


def test_another_layout_is_refused(cells):
    spec = find_model(cells)
    spec = spec._replace(output=old_output("nms7", {"rows": "rows"}))
    said = "needs the corners of boxes .* gives something else. Use --nms host"
    with pytest.raises(CourseError, match=said):
        inside.add_nms(load(str(spec.onnx)), spec, 0.1, plugin=True)


@pytest.mark.parametrize("boxes, scores", [((1, 4, 9), (1, 9, 4)), ((1, 9, 4), (1, 1, 9, 4))])
def test_numbers_that_lie_in_another_way_are_refused(cells, folder, boxes, scores):
    """The host finds out how they lie; the nodes would take columns for places."""
    constant_net(folder / "net.onnx", np.zeros(boxes, np.float32), np.zeros(scores, np.float32))
    with pytest.raises(CourseError, match="in a tensor each, with a row for each place"):
        inside.add_nms(load(str(folder / "net.onnx")), find_model(cells), 0.1, plugin=False)
