"""Each output layout, from hand-made tensors to boxes in the picture; what is not a box is dropped and counted."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import RECORD
from trt_course import CourseError, find_model
from trt_course.model.decode import decode, from_priors
from trt_course.model.placement import Placement, placement
from trt_course.model.spec import LAYOUTS, InputSpec, ModelSpec, OutputSpec

SIZE = (256, 192)  # the picture: twice the input of 128 x 96


def make_spec(
    tmp_path, layout, labels=("background", "a", "b", "c"), background=0, without=(), **output
):
    must, may = LAYOUTS[layout]
    tensors = {role: role for role in must + may if role not in without}
    record = {
        **RECORD,
        "labels": list(labels),
        "background": background,
        "output": {"layout": layout, "tensors": tensors, **output},
    }
    (tmp_path / "model.json").write_text(json.dumps(record))
    return find_model(tmp_path)


def run(spec, outputs, conf_th=0.3, n=1, size=SIZE):
    where = placement(spec, *size)
    arrays = {k: np.asarray(v, np.float32) for k, v in outputs.items()}
    return decode(spec, arrays, [where] * n, conf_th)


def rows_of(found):
    return [(int(c), round(float(p), 4), *np.round(b, 3).tolist()) for b, p, c in zip(*found)]


HALF = [0.25, 0.25, 0.5, 0.75]
HALF_PIXELS = (64.0, 48.0, 128.0, 144.0)


def test_nms7_with_count(tmp_path):
    rows = np.zeros((2, 1, 4, 7))
    rows[:, 0, :] = [9, 3, 0.99, 0, 0, 1, 1]  # rubbish beyond the count
    rows[0, 0, 0] = [0, 1, 0.9] + HALF
    rows[1, 0, 0] = [1, 2, 0.5] + HALF
    rows[1, 0, 1] = [1, 1, 0.8] + HALF
    spec = make_spec(tmp_path, "nms7")
    found = run(spec, {"rows": rows, "count": [[[[1]]], [[[2]]]]}, n=2)
    assert rows_of(found[0]) == [(1, 0.9) + HALF_PIXELS]
    assert rows_of(found[1]) == [(1, 0.8) + HALF_PIXELS, (2, 0.5) + HALF_PIXELS]


def test_nms7_without_count(tmp_path):
    rows = [[0, 1, 0.9] + HALF, [1, 2, 0.7] + HALF, [0, 3, 0.2] + HALF, [-1] + [0] * 6, [0] * 7]
    spec = make_spec(tmp_path, "nms7", without=("count",))
    found = run(spec, {"rows": [[rows]]}, n=2)
    assert [rows_of(f) for f in found] == [[(1, 0.9) + HALF_PIXELS], [(2, 0.7) + HALF_PIXELS]]
    assert len(run(spec, {"rows": [[rows]]}, conf_th=0)[0]) == 2


def test_nms7_class_0_is_real_where_there_is_no_background(tmp_path):
    rows = [[[[0, 0, 0.9] + HALF]]]
    with_background = make_spec(tmp_path, "nms7", without=("count",))
    assert len(run(with_background, {"rows": rows})[0]) == 0
    without = make_spec(tmp_path, "nms7", labels=("a", "b"), background=None, without=("count",))
    assert rows_of(run(without, {"rows": rows})[0]) == [(0, 0.9) + HALF_PIXELS]


def test_efficient_nms(tmp_path):
    spec = make_spec(tmp_path, "efficient_nms", labels=("a", "b"), background=None)
    found = run(
        spec,
        {
            "count": [[2]],
            "boxes": [[HALF, HALF, [0, 0, 1, 1]]],
            "scores": [[0.9, 0.4, 0.8]],
            "classes": [[1, 0, 0]],
        },
    )[0]
    assert rows_of(found) == [(1, 0.9) + HALF_PIXELS, (0, 0.4) + HALF_PIXELS]


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 4),
    conf_th=st.sampled_from([0.0, 0.3, 0.5]),
    broken=st.booleans(),
    in_order=st.booleans(),
    alike=st.booleans(),
    units=st.sampled_from(["normalized", "pixels"]),
)
def test_a_batch_of_efficient_nms_equals_picture_by_picture(
    tmp_path_factory, seed, n, conf_th, broken, in_order, alike, units
):
    rng = np.random.RandomState(seed)
    boxes, scores, clss = (
        rng.rand(n, 9, 4),
        rng.rand(n, 9) - 0.2,
        rng.randint(-1, 6, (n, 9)).astype(np.float32),
    )
    boxes[..., 2:] += 0.4 * boxes[..., :2]
    if in_order:
        scores, clss = -np.sort(-scores), clss.clip(1, 3)
    if broken:
        for array in (boxes, scores):
            array.ravel()[rng.randint(0, array.size, 3)] = rng.choice(
                [np.nan, np.inf, 9.0, -3.0], 3
            )
    boxes = boxes * [100, 70, 100, 70] if units == "pixels" else boxes
    made = {"boxes": boxes, "scores": scores, "classes": clss, "count": rng.randint(0, 12, (n, 1))}
    folder, found = tmp_path_factory.mktemp("specs"), []
    for layout, order in (("efficient_nms", [0, 1, 2, 3]), ("tf_detection", [1, 0, 3, 2])):
        spec = make_spec(folder, layout, units=units)
        spec = spec._replace(nms=spec.nms._replace(max_detections=4))
        arrays = {
            name: np.asarray(value, np.float32)
            for name, value in dict(made, boxes=boxes[..., order]).items()
        }
        sizes = [(1280, 720)] * n if alike else [(256, 192), (128, 96), (1280, 720), (64, 200)][:n]
        found.append(decode(spec, arrays, [placement(spec, *size) for size in sizes], conf_th))
    for ours, wanted in zip(*found):
        assert np.array_equal(ours.clss, wanted.clss) and np.array_equal(ours.confs, wanted.confs)
        assert np.allclose(ours.boxes, wanted.boxes, atol=1e-3) and ours.dropped == wanted.dropped
        assert not any(array.flags.writeable for array in ours) and ours.confs.dtype == np.float32


def test_tf_detection(tmp_path):
    y1x1 = [0.25, 0.25, 0.75, 0.5]
    for without in ((), ("count",)):
        spec = make_spec(
            tmp_path, "tf_detection", labels=("a", "b"), background=None, without=without
        )
        found = run(
            spec,
            {"boxes": [[y1x1, y1x1]], "scores": [[0.9, 0.1]], "classes": [[1, 0]], "count": [1]},
        )[0]
        assert rows_of(found) == [(1, 0.9) + HALF_PIXELS]


def test_boxes_scores_suppresses_within_a_class_only(tmp_path):
    boxes = [[HALF, [0.26, 0.25, 0.51, 0.75], HALF, [0, 0, 0.1, 0.1]]]
    scores = [[[0.1, 0.9, 0, 0], [0.2, 0.8, 0, 0], [0.3, 0, 0.7, 0], [0.9, 0.1, 0, 0]]]
    found = run(make_spec(tmp_path, "boxes_scores"), {"boxes": boxes, "scores": scores})[0]
    assert rows_of(found) == [(1, 0.9) + HALF_PIXELS, (2, 0.7) + HALF_PIXELS]


def test_units_in_pixels_of_the_input(tmp_path):
    spec = make_spec(tmp_path, "boxes_scores", units="pixels")
    found = run(spec, {"boxes": [[[32, 24, 64, 72]]], "scores": [[[0, 0.9, 0, 0]]]})[0]
    assert rows_of(found) == [(1, 0.9) + HALF_PIXELS]


@pytest.mark.parametrize("channels_first", [False, True])
@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "none"])
def test_loc_conf_priors(tmp_path, activation, channels_first):
    priors = np.float32(
        [
            [0.375, 0.5, 0.25, 0.5],
            [0.1, 0.1, 0.1, 0.1],
            [0.8, 0.8, 0.2, 0.2],
            [0.5, 0.5, 1, 1],
            [0.2, 0.9, 0.1, 0.1],
        ]
    )
    np.save(str(tmp_path / "priors.npy"), priors)
    spec = make_spec(tmp_path, "loc_conf_priors", priors="priors.npy", activation=activation)
    raw = np.float32([[0, 4, 0, 0], [6, 0, 0, 0], [5, 0, 0, 0], [4, 0, 0, 1], [9, 0, 0, 0]])
    raw = raw / 10 if activation == "none" else raw - 2
    loc = np.zeros((5, 4), np.float32)
    if channels_first:
        loc, raw = loc.T, raw.T
    found = run(spec, {"loc": loc[None], "conf": raw[None]}, conf_th=0.35)[0]
    value = {"softmax": np.exp(4) / (np.exp(4) + 3), "sigmoid": 1 / (1 + np.exp(-2)), "none": 0.4}[
        activation
    ]
    assert rows_of(found) == [(1, round(float(value), 4)) + HALF_PIXELS]


def test_priors_of_another_network(tmp_path):
    np.save(str(tmp_path / "priors.npy"), np.zeros((7, 4)))
    spec = make_spec(tmp_path, "loc_conf_priors", priors="priors.npy")
    with pytest.raises(CourseError, match="priors.npy holds 7 priors"):
        run(spec, {"loc": np.zeros((1, 5, 4)), "conf": np.zeros((1, 5, 4))})


def test_class_count_must_fit(tmp_path):
    with pytest.raises(
        CourseError, match="scores 3 classes, model.json lists 4 labels .background counts too"
    ):
        run(
            make_spec(tmp_path, "boxes_scores"),
            {"boxes": np.zeros((1, 2, 4)), "scores": np.zeros((1, 2, 3))},
        )


def test_what_is_no_box_is_dropped_and_counted(tmp_path):
    nan, inf = np.nan, np.inf
    boxes = [[HALF, [nan, 0, 1, 1], [0, 0, inf, 1], [0.5, 0, 0.2, 1], HALF]]
    scores = [[[0, 0.9, 0, 0]] + [[0, 0, 0.9, 0]] * 3 + [[0, nan, 0, 0]]]
    found = run(make_spec(tmp_path, "boxes_scores"), {"boxes": boxes, "scores": scores})[0]
    assert rows_of(found) == [(1, 0.9) + HALF_PIXELS] and found.dropped == 4
    spec = make_spec(tmp_path, "nms7", without=("count",))
    rows = [[0, 1, 0.9] + HALF, [0, 1, nan] + HALF, [0, 1, 0.9, nan, 0, 1, 1], [0, nan, 0.9] + HALF]
    found = run(spec, {"rows": [[rows]]})[0]
    assert len(found) == 1 and found.dropped == 3


def test_boxes_are_clipped_and_letterbox_is_undone(tmp_path):
    spec = make_spec(tmp_path, "boxes_scores")
    found = run(spec, {"boxes": [[[-1, -0.5, 2, 0.5]]], "scores": [[[0, 1.0000001, 0, 0]]]})[0]
    assert rows_of(found) == [(1, 1.0, 0.0, 0.0, 256.0, 96.0)]
    boxed = spec._replace(input=spec.input._replace(resize="letterbox"))
    tall = (96, 192)  # in a 128 x 96 input: 48 x 96 with 40 columns of padding on each side
    found = run(
        boxed, {"boxes": [[[40 / 128, 0, 64 / 128, 0.5]]], "scores": [[[0, 0.9, 0, 0]]]}, size=tall
    )[0]
    assert rows_of(found) == [(1, 0.9, 0.0, 0.0, 48.0, 96.0)]


def test_the_most_confident_are_kept(tmp_path):
    n = 150
    x = np.arange(n) / n
    boxes = np.stack([x, x * 0, x + 0.5 / n, x * 0 + 1], axis=1)[None]
    scores = np.zeros((1, n, 4))
    scores[0, :, 1] = 0.4 + 0.5 * np.random.RandomState(0).permutation(n) / n
    found = run(make_spec(tmp_path, "boxes_scores"), {"boxes": boxes, "scores": scores})[0]
    assert found.confs.tolist() == np.sort(scores[0, :, 1].astype(np.float32))[::-1][:100].tolist()


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
    spec = _spec_in_memory(resize)
    boxes = (rng.rand(1, 60, 4) * 3 - 1).astype(np.float32)
    boxes[rng.rand(1, 60, 4) < 0.02] = np.nan
    outputs = {"boxes": boxes, "scores": rng.rand(1, 60, 4).astype(np.float32)}
    found = decode(spec, outputs, [placement(spec, width, height)], conf_th)[0]
    assert (found.boxes >= 0).all() and (found.boxes <= [width, height] * 2).all()
    assert (found.confs >= np.float32(conf_th)).all() and (np.diff(found.confs) <= 0).all()
    assert set(found.clss.tolist()) <= {1, 2, 3}
    higher = decode(spec, outputs, [placement(spec, width, height)], min(1, conf_th + 0.2))[0]
    assert len(higher) <= len(found)


def _spec_in_memory(resize):
    return ModelSpec(
        "m",
        "m",
        InputSpec("input", 128, 96, "nchw", "BGR", resize=resize),
        OutputSpec("boxes_scores", {"boxes": "boxes", "scores": "scores"}),
        ("background", "a", "b", "c"),
        0,
    )


def to_priors(boxes, priors, variances):
    """The reverse of `from_priors`, as a trainer encodes its boxes."""
    centre, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    loc = np.concatenate(
        [(centre - priors[:, :2]) / priors[:, 2:], np.log(size / priors[:, 2:])], axis=1
    )
    return loc / np.float32(variances)  # (n, 4)


@settings(deadline=None)
@given(st.integers(0, 2**31 - 1))
def test_priors_there_and_back(seed):
    rng = np.random.RandomState(seed)
    priors = np.concatenate([rng.rand(20, 2), rng.rand(20, 2) * 0.5 + 0.02], axis=1).astype(
        np.float32
    )
    corner = rng.rand(20, 2)
    boxes = np.concatenate([corner, corner + rng.rand(20, 2) * 0.5 + 0.01], axis=1).astype(
        np.float32
    )
    variances = (0.1, 0.1, 0.2, 0.2)
    assert np.allclose(
        from_priors(to_priors(boxes, priors, variances), priors, variances), boxes, atol=1e-4
    )


def test_placement_is_undone_exactly(tmp_path):
    boxes = np.float32([[10, 20, 30, 50]])
    assert np.allclose(Placement(0.5, 0.25, 3, 4, 1, 1).to_image(boxes), [[14, 64, 54, 184]])
