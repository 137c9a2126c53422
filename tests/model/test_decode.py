"""Each output layout, from hand-made tensors to boxes in the picture.

What is not a box is dropped and counted.
"""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import RECORD
from model.old_output import old_output
from trt_course import CourseError, find_model
from trt_course.model.decode import decode
from trt_course.model.input_spec import InputSpec
from trt_course.model.old_layouts import LAYOUTS
from trt_course.model.placement import placement
from trt_course.model.spec import ModelSpec

SIZE = (256, 192)  # the picture: twice the input of 128 x 96

# One box, as the network gives it and in pixels of the picture.
HALF = [0.25, 0.25, 0.5, 0.75]
HALF_YX = [0.25, 0.25, 0.75, 0.5]  # y1 x1 y2 x2
HALF_PIXELS = (64.0, 48.0, 128.0, 144.0)


def make_spec(
    tmp_path, layout, labels=("background", "a", "b", "c"), background=0, without=(), **output
):
    roles = LAYOUTS[layout]
    tensors = {role: role for role in roles.must + roles.may if role not in without}
    record = {
        **RECORD,
        "labels": list(labels),
        "background": background,
        "output": {"layout": layout, "tensors": tensors, **output},
    }
    (tmp_path / "model.json").write_text(json.dumps(record))
    return find_model(tmp_path)


def run(spec, outputs, conf_th=0.3, n=1, size=SIZE):
    """What is found in each of n pictures of one size."""
    placed = placement(spec, *size)
    arrays = {name: np.asarray(value, np.float32) for name, value in outputs.items()}
    return decode(spec, arrays, [placed] * n, conf_th)


def rows_of(found):
    """Detections as rows that can be compared: class, confidence, x1, y1, x2, y2."""
    rows = []
    for box, conf, cls in zip(*found):
        corners = np.round(box, 3).tolist()
        rows.append((int(cls), round(float(conf), 4), *corners))
    return rows


def test_nms7_with_count(tmp_path):
    rows = np.zeros((2, 1, 4, 7))
    rows[:, 0, :] = [9, 3, 0.99, 0, 0, 1, 1]  # rubbish beyond the count
    rows[0, 0, 0] = [0, 1, 0.9] + HALF
    rows[1, 0, 0] = [1, 2, 0.5] + HALF
    rows[1, 0, 1] = [1, 1, 0.8] + HALF
    counts = [[[[1]]], [[[2]]]]

    spec = make_spec(tmp_path, "nms7")
    found = run(spec, {"rows": rows, "count": counts}, n=2)
    assert rows_of(found[0]) == [(1, 0.9) + HALF_PIXELS]
    assert rows_of(found[1]) == [(1, 0.8) + HALF_PIXELS, (2, 0.5) + HALF_PIXELS]


def test_nms7_without_count(tmp_path):
    rows = [
        [0, 1, 0.9] + HALF,
        [1, 2, 0.7] + HALF,
        [0, 3, 0.2] + HALF,
        [-1, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
    ]
    spec = make_spec(tmp_path, "nms7", without=("count",))
    first, second = run(spec, {"rows": [[rows]]}, n=2)
    assert rows_of(first) == [(1, 0.9) + HALF_PIXELS]
    assert rows_of(second) == [(2, 0.7) + HALF_PIXELS]

    # A threshold of 0 lets in what is hardly sure, but no rows that are empty.
    (everything,) = run(spec, {"rows": [[rows]]}, conf_th=0)
    assert len(everything) == 2


def test_nms7_class_0_is_real_where_there_is_no_background(tmp_path):
    outputs = {"rows": [[[[0, 0, 0.9] + HALF]]]}
    with_background = make_spec(tmp_path, "nms7", without=("count",))
    (found,) = run(with_background, outputs)
    assert len(found) == 0

    without = make_spec(tmp_path, "nms7", labels=("a", "b"), background=None, without=("count",))
    (found,) = run(without, outputs)
    assert rows_of(found) == [(0, 0.9) + HALF_PIXELS]


def test_efficient_nms(tmp_path):
    spec = make_spec(tmp_path, "efficient_nms", labels=("a", "b"), background=None)
    outputs = {
        "count": [[2]],
        "boxes": [[HALF, HALF, [0, 0, 1, 1]]],
        "scores": [[0.9, 0.4, 0.8]],
        "classes": [[1, 0, 0]],
    }
    (found,) = run(spec, outputs)
    assert rows_of(found) == [(1, 0.9) + HALF_PIXELS, (0, 0.4) + HALF_PIXELS]


@pytest.mark.parametrize("without", [(), ("count",)])
def test_tf_detection(tmp_path, without):
    spec = make_spec(tmp_path, "tf_detection", labels=("a", "b"), background=None, without=without)
    outputs = {
        "boxes": [[HALF_YX, HALF_YX]],
        "scores": [[0.9, 0.1]],
        "classes": [[1, 0]],
        "count": [1],
    }
    (found,) = run(spec, outputs)
    assert rows_of(found) == [(1, 0.9) + HALF_PIXELS]


def test_boxes_scores_suppresses_within_a_class_only(tmp_path):
    boxes = [[HALF, [0.26, 0.25, 0.51, 0.75], HALF, [0, 0, 0.1, 0.1]]]
    scores = [[[0.1, 0.9, 0, 0], [0.2, 0.8, 0, 0], [0.3, 0, 0.7, 0], [0.9, 0.1, 0, 0]]]
    (found,) = run(make_spec(tmp_path, "boxes_scores"), {"boxes": boxes, "scores": scores})
    assert rows_of(found) == [(1, 0.9) + HALF_PIXELS, (2, 0.7) + HALF_PIXELS]


def test_units_in_pixels_of_the_input(tmp_path):
    spec = make_spec(tmp_path, "boxes_scores", units="pixels")
    (found,) = run(spec, {"boxes": [[[32, 24, 64, 72]]], "scores": [[[0, 0.9, 0, 0]]]})
    assert rows_of(found) == [(1, 0.9) + HALF_PIXELS]


# Only the first prior sees anything but background.
PRIORS = [
    [0.375, 0.5, 0.25, 0.5],
    [0.1, 0.1, 0.1, 0.1],
    [0.8, 0.8, 0.2, 0.2],
    [0.5, 0.5, 1, 1],
    [0.2, 0.9, 0.1, 0.1],
]
LOGITS = [[0, 4, 0, 0], [6, 0, 0, 0], [5, 0, 0, 0], [4, 0, 0, 1], [9, 0, 0, 0]]
# By activation: the tensor that the network gives, and the confidence that it comes to.
ACTIVATIONS = {
    "softmax": (np.subtract(LOGITS, 2), np.exp(4) / (np.exp(4) + 3)),
    "sigmoid": (np.subtract(LOGITS, 2), 1 / (1 + np.exp(-2))),
    "none": (np.divide(LOGITS, 10), 0.4),
}


@pytest.mark.parametrize("channels_first", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_loc_conf_priors(tmp_path, activation, channels_first):
    np.save(str(tmp_path / "priors.npy"), np.float32(PRIORS))
    spec = make_spec(tmp_path, "loc_conf_priors", priors="priors.npy", activation=activation)

    conf, confidence = ACTIVATIONS[activation]
    loc = np.zeros((5, 4))
    if channels_first:
        loc = loc.T
        conf = conf.T
    (found,) = run(spec, {"loc": loc[None], "conf": conf[None]}, conf_th=0.35)
    assert rows_of(found) == [(1, round(float(confidence), 4)) + HALF_PIXELS]


def test_priors_of_another_network(tmp_path):
    np.save(str(tmp_path / "priors.npy"), np.ones((7, 4)))
    spec = make_spec(tmp_path, "loc_conf_priors", priors="priors.npy")
    with pytest.raises(
        CourseError, match=r"output loc, .* has shape \(1, 5, 4\); .* priors = 7 .*priors.npy"
    ):
        run(spec, {"loc": np.zeros((1, 5, 4)), "conf": np.zeros((1, 5, 4))})


def test_class_count_must_fit(tmp_path):
    spec = make_spec(tmp_path, "boxes_scores")
    outputs = {"boxes": np.zeros((1, 2, 4)), "scores": np.zeros((1, 2, 3))}
    message = r"the output scores, .* has shape \(1, 2, 3\); .* classes = 4 \(the labels in"
    with pytest.raises(CourseError, match=message):
        run(spec, outputs)


def test_what_is_no_box_is_dropped_and_counted(tmp_path):
    nan = np.nan
    boxes = [[HALF, [nan, 0, 1, 1], [0, 0, np.inf, 1], [0.5, 0, 0.2, 1], HALF]]
    scores = [
        [[0, 0.9, 0, 0], [0, 0, 0.9, 0], [0, 0, 0.9, 0], [0, 0, 0.9, 0], [0, nan, 0, 0]],
    ]
    (found,) = run(make_spec(tmp_path, "boxes_scores"), {"boxes": boxes, "scores": scores})
    assert rows_of(found) == [(1, 0.9) + HALF_PIXELS]
    assert found.dropped == 4


def test_finished_rows_that_are_no_box_are_dropped_and_counted(tmp_path):
    nan = np.nan
    rows = [[0, 1, 0.9] + HALF, [0, 1, nan] + HALF, [0, 1, 0.9, nan, 0, 1, 1], [0, nan, 0.9] + HALF]
    spec = make_spec(tmp_path, "nms7", without=("count",))
    (found,) = run(spec, {"rows": [[rows]]})
    assert len(found) == 1
    assert found.dropped == 3


def test_boxes_are_clipped(tmp_path):
    spec = make_spec(tmp_path, "boxes_scores")
    outputs = {"boxes": [[[-1, -0.5, 2, 0.5]]], "scores": [[[0, 1.0000001, 0, 0]]]}
    (found,) = run(spec, outputs)
    assert rows_of(found) == [(1, 1.0, 0.0, 0.0, 256.0, 96.0)]


def test_letterbox_is_undone(tmp_path):
    spec = make_spec(tmp_path, "boxes_scores")
    spec = spec._replace(input=spec.input._replace(resize="letterbox"))
    tall = (96, 192)  # in a 128 x 96 input: 48 x 96 with 40 columns of padding on each side
    outputs = {"boxes": [[[40 / 128, 0, 64 / 128, 0.5]]], "scores": [[[0, 0.9, 0, 0]]]}
    (found,) = run(spec, outputs, size=tall)
    assert rows_of(found) == [(1, 0.9, 0.0, 0.0, 48.0, 96.0)]


def test_the_most_confident_are_kept(tmp_path):
    n = 150
    x = np.arange(n) / n
    zero = np.zeros(n)
    boxes = np.stack([x, zero, x + 0.5 / n, zero + 1], axis=1)[None]  # side by side
    confs = 0.4 + 0.5 * np.random.RandomState(0).permutation(n) / n
    scores = np.zeros((1, n, 4))
    scores[0, :, 1] = confs

    (found,) = run(make_spec(tmp_path, "boxes_scores"), {"boxes": boxes, "scores": scores})
    highest_first = np.sort(confs.astype(np.float32))[::-1]
    assert found.confs.tolist() == highest_first[:100].tolist()


@settings(deadline=None, max_examples=100)
@given(
    st.integers(0, 2**31 - 1),
    st.sampled_from(["stretch", "letterbox", "crop"]),
    st.floats(0, 1),
    st.integers(1, 2000),
    st.integers(1, 2000),
)
def test_any_output_gives_boxes_in_the_picture(seed, resize, conf_th, width, height):
    rng = np.random.RandomState(seed)
    boxes = (rng.rand(1, 60, 4) * 3 - 1).astype(np.float32)
    boxes[rng.rand(1, 60, 4) < 0.02] = np.nan
    outputs = {"boxes": boxes, "scores": rng.rand(1, 60, 4).astype(np.float32)}
    spec = spec_in_memory(resize)
    placements = [placement(spec, width, height)]

    (found,) = decode(spec, outputs, placements, conf_th)
    assert (found.boxes >= 0).all()
    assert (found.boxes <= [width, height, width, height]).all()
    assert (found.confs >= np.float32(conf_th)).all()
    assert (np.diff(found.confs) <= 0).all()
    assert set(found.clss.tolist()) <= {1, 2, 3}

    (surer,) = decode(spec, outputs, placements, min(1, conf_th + 0.2))
    assert len(surer) <= len(found)


def spec_in_memory(resize):
    return ModelSpec(
        name="m",
        title="m",
        input=InputSpec("input", 128, 96, "nchw", "BGR", resize=resize),
        output=old_output("boxes_scores", {"boxes": "boxes", "scores": "scores"}),
        labels=("background", "a", "b", "c"),
        background=0,
    )
