"""Numbers that networks give though they should not: nothing wrong is found, nothing right lost."""

import numpy as np
import pytest

from model.old_output import old_output
from trt_course.model.decode import decode
from trt_course.model.input_spec import InputSpec
from trt_course.model.placement import Placement
from trt_course.model.spec import ModelSpec

# NumPy's warnings would stand between the lines of whoever runs a model.
pytestmark = pytest.mark.filterwarnings("error")

WHOLE = Placement(1, 1, 0, 0, 128, 96)
BOX = [0.25, 0.25, 0.5, 0.75]
PIXELS = [32.0, 24.0, 64.0, 72.0]


def run(layout, conf_th, outputs, **output):
    """What is found in one picture by a record without a background."""
    spec = ModelSpec(
        name="m",
        title="m",
        input=InputSpec("input", 128, 96, "nchw", "BGR"),
        output=old_output(layout, {role: role for role in outputs}, **output),
        labels=("a", "b", "c"),
        background=None,
    )
    arrays = {role: np.asarray(value) for role, value in outputs.items()}
    (found,) = decode(spec, arrays, [WHOLE], conf_th)
    return found


@pytest.fixture
def priors(tmp_path):
    """Two priors that are the box."""
    np.save(str(tmp_path / "priors.npy"), np.float32([[0.375, 0.5, 0.25, 0.5]] * 2))
    return tmp_path / "priors.npy"


def finished(layout, confs, kind="float32", count=None):
    """The outputs of a layout with suppression inside: the same box of class 0 several times."""
    length = len(confs)
    scores = np.array([confs], kind)
    boxes = np.array([[BOX] * length], kind)
    classes = np.zeros((1, length), kind)
    if layout.startswith("nms7"):
        columns = [np.zeros((1, length, 1), kind), classes[..., None], scores[..., None], boxes]
        outputs = {"rows": np.concatenate(columns, axis=2)}
    else:
        outputs = {"boxes": boxes, "scores": scores, "classes": classes}
    if layout == "tf_detection":
        outputs["boxes"] = boxes[..., [1, 0, 3, 2]]
    if count is not None:
        outputs["count"] = np.array([count], kind)
    return outputs


COUNTED = ["nms7", "tf_detection", "efficient_nms"]


@pytest.mark.parametrize("layout", COUNTED)
def test_a_threshold_of_0_lets_no_padding_in(layout):
    """Rows of nothing have a score of 0, and the class of something."""
    found = run(layout, 0.0, finished(layout, [0.5, 0, 0, -1, 1e-6], count=5))
    assert found.confs.tolist() == pytest.approx([0.5, 1e-6])
    assert found.dropped == 0


@pytest.mark.parametrize("layout", COUNTED)
@pytest.mark.parametrize("count", [np.nan, np.inf, -np.inf])
def test_a_count_that_is_no_number_fills_no_rows(layout, count):
    found = run(layout, 0.3, finished(layout, [0.9, 0.8], count=count))
    assert len(found) == 0
    assert found.dropped == 1


@pytest.mark.parametrize("layout", COUNTED)
@pytest.mark.parametrize("count, filled", [(-5, 0), (0, 0), (1, 1), (2, 2), (99, 2), (1e30, 2)])
def test_a_count_beyond_the_rows_means_all_of_them(layout, count, filled):
    assert len(run(layout, 0.3, finished(layout, [0.9, 0.8], count=count))) == filled


@pytest.mark.parametrize("layout", COUNTED)
@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_detections_are_of_one_type_whatever_the_networks(layout, kind):
    found = run(layout, 0.3, finished(layout, [0.875], kind, count=1))
    assert [array.dtype for array in found] == [np.float32, np.float32, np.int64]
    assert found.boxes.tolist() == [PIXELS]
    assert found.confs.tolist() == [0.875]


@pytest.mark.parametrize("layout", COUNTED)
def test_a_corner_too_large_for_a_float_is_left_out(layout):
    outputs = finished(layout, [0.9, 0.8], "float64", count=2)
    boxes = outputs.get("boxes", outputs.get("rows"))
    boxes[0, 0, -1] = 1e300
    found = run(layout, 0.3, outputs)
    assert found.confs.tolist() == [np.float32(0.8)]
    assert found.dropped == 1


def test_a_row_with_nan_is_left_out_with_all_of_its_scores(priors):
    """It is told that it was left out, so none of its boxes may be found."""
    for value in (np.nan, np.inf, -np.inf):
        scores = np.float32([[[0.9, value, 0], [0, 0, 0.5]]])
        boxes = np.float32([[BOX, BOX]])
        found = run("boxes_scores", 0.3, {"boxes": boxes, "scores": scores})
        assert found.clss.tolist() == [2]
        assert found.dropped == 1

        offsets = {"loc": np.zeros((1, 2, 4), np.float32), "conf": scores}
        found = run("loc_conf_priors", 0.3, offsets, priors=priors)
        assert found.clss.tolist() == [2]
        assert found.dropped == 1


@pytest.mark.parametrize("conf_th", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_huge_logits_are_certain_and_not_nan(priors, activation, conf_th):
    """exp of a thousand is beyond a float; the share that it comes to is 1."""
    outputs = {
        "loc": np.zeros((1, 2, 4), np.float32),
        "conf": np.float32([[[1000, -1000, -1000], [-3e38, 3e38, -np.inf]]]),
    }
    found = run("loc_conf_priors", conf_th, outputs, priors=priors, activation=activation)
    assert found.clss.tolist() == [0, 1]
    assert found.confs.tolist() == [1, 1]
    assert found.boxes.tolist() == [PIXELS, PIXELS]
    assert found.dropped == 0


@pytest.mark.parametrize("conf_th", [0.0, 0.3])
@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "none"])
def test_rows_with_nan_are_counted_even_where_nothing_is_sure(priors, activation, conf_th):
    """Else a broken network looks like one that sees nothing."""
    outputs = {
        "loc": np.zeros((1, 2, 4), np.float32),
        "conf": np.float32([[[-9, np.nan, -9], [np.inf, -9, -9]]]),
    }
    found = run("loc_conf_priors", conf_th, outputs, priors=priors, activation=activation)
    assert len(found) == 0
    assert found.dropped == 2


def test_equal_logits_at_the_threshold_are_found(priors):
    """A confidence of just the threshold is enough, for the sure priors are chosen by logits."""
    outputs = {
        "loc": np.zeros((1, 2, 4), np.float32),
        "conf": np.float32([[[2, 2, -1000], [-1000, 5, 5]]]),
    }
    found = run("loc_conf_priors", 0.5, outputs, priors=priors, activation="softmax")
    assert found.confs.tolist() == [0.5, 0.5, 0.5]  # class 1 once: both of its boxes are one
    assert found.clss.tolist() == [0, 1, 2]
