"""A batch decoded at once gives what its pictures give one by one."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from model.old_output import old_output
from trt_course.model.decode import decode
from trt_course.model.input_spec import InputSpec
from trt_course.model.old_layouts import LAYOUTS
from trt_course.model.placement import placement
from trt_course.model.spec import ModelSpec, NmsSpec


def make_spec(layout, units):
    roles = LAYOUTS[layout]
    return ModelSpec(
        name="m",
        title="m",
        input=InputSpec("input", 128, 96, "nchw", "BGR"),
        output=old_output(layout, {role: role for role in roles.must + roles.may}, units=units),
        labels=("background", "a", "b", "c"),
        background=0,
        nms=NmsSpec(max_detections=4),
    )


def random_batch(seed, n, broken, in_order, units):
    """The outputs of an engine for n pictures of 9 rows each, more or less as they should be."""
    rng = np.random.RandomState(seed)
    boxes = rng.rand(n, 9, 4)
    scores = rng.rand(n, 9) - 0.2
    classes = rng.randint(-1, 6, (n, 9))
    boxes[..., 2:] += 0.4 * boxes[..., :2]

    if in_order:
        scores = -np.sort(-scores)
        classes = classes.clip(1, 3)
    if broken:
        for array in (boxes, scores):
            places = rng.randint(0, array.size, 3)
            array.ravel()[places] = rng.choice([np.nan, np.inf, 9.0, -3.0], 3)
    if units == "pixels":
        boxes = boxes * [100, 70, 100, 70]

    return {
        "boxes": boxes.astype(np.float32),
        "scores": scores.astype(np.float32),
        "classes": classes.astype(np.float32),
        "count": rng.randint(0, 12, (n, 1)).astype(np.float32),
    }


def found_in(batch, layout, units, sizes, conf_th):
    """What is found in pictures of these sizes if the batch is of this layout."""
    spec = make_spec(layout, units)
    placements = [placement(spec, width, height) for width, height in sizes]
    return decode(spec, batch, placements, conf_th)


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
    seed, n, conf_th, broken, in_order, alike, units
):
    sizes = [(256, 192), (128, 96), (1280, 720), (64, 200)][:n]
    if alike:
        sizes = [(1280, 720)] * n

    # Both layouts have rows that are finished; tf_detection writes boxes as y1 x1 y2 x2.
    batch = random_batch(seed, n, broken, in_order, units)
    turned = dict(batch, boxes=batch["boxes"][..., [1, 0, 3, 2]])
    together = found_in(batch, "efficient_nms", units, sizes, conf_th)
    one_by_one = found_in(turned, "tf_detection", units, sizes, conf_th)

    assert len(together) == len(one_by_one) == n
    for ours, wanted in zip(together, one_by_one):
        assert np.array_equal(ours.clss, wanted.clss)
        assert np.array_equal(ours.confs, wanted.confs)
        assert np.allclose(ours.boxes, wanted.boxes, atol=1e-3)
        assert ours.dropped == wanted.dropped
        assert not any(array.flags.writeable for array in ours)
        assert ours.confs.dtype == np.float32
