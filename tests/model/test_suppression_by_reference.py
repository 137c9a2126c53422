"""Suppression on the host as the textbook has it: many boxes, several classes, ties, limits."""

import random
from types import SimpleNamespace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from model import decode_reference
from model.old_output import old_output
from trt_course.model.decode import decode
from trt_course.model.input_spec import InputSpec
from trt_course.model.placement import Placement
from trt_course.model.spec import ModelSpec, NmsSpec

SIDE = 64
WHOLE = Placement(1.0, 1.0, 0.0, 0.0, SIDE, SIDE)


def spec_with(background, **limits):
    """A record of three classes, one of them perhaps the background."""
    return ModelSpec(
        name="m",
        title="m",
        input=InputSpec("input", SIDE, SIDE, "nchw", "BGR"),
        output=old_output("boxes_scores", {"boxes": "boxes", "scores": "scores"}, units="pixels"),
        labels=("a", "b", "c"),
        background=background,
        nms=NmsSpec(**limits),
    )


def crowd(seed, count):
    """Boxes on whole pixels in a small part of the picture, and scores that are often equal."""
    rng = random.Random(seed)
    boxes = []
    for _ in range(count):
        x = rng.randrange(24)
        y = rng.randrange(24)
        boxes.append([x, y, x + rng.randrange(1, 30), y + rng.randrange(1, 30)])
    scores = [[rng.randrange(9) / 8 for _ in "abc"] for _ in range(count)]
    return boxes, scores


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 90),
    background=st.sampled_from([None, 0, 1, 2]),
    iou_threshold=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]),
    candidates=st.sampled_from([1, 7, 30, 200]),
    detections=st.sampled_from([1, 10, 40, 300]),
    conf_th=st.sampled_from([0.0, 0.25, 0.3, 0.875]),
)
def test_a_crowd_is_thinned_as_by_reference(
    seed, count, background, iou_threshold, candidates, detections, conf_th
):
    spec = spec_with(
        background,
        iou_threshold=iou_threshold,
        candidates_per_class=candidates,
        max_detections=detections,
    )
    boxes, scores = crowd(seed, count)
    outputs = {"boxes": np.float32([boxes]), "scores": np.float32([scores])}
    (found,) = decode(spec, outputs, [WHOLE], conf_th)

    lists = {"boxes": [boxes], "scores": [scores]}
    output = SimpleNamespace(layout="boxes_scores", units="pixels", activation="none")
    record = SimpleNamespace(**dict(spec._asdict(), output=output))
    (wanted,) = decode_reference.decode(record, lists, [WHOLE], conf_th)
    assert found.clss.tolist() == [row.cls for row in wanted.rows]
    assert found.confs.tolist() == [row.conf for row in wanted.rows]
    assert found.boxes.tolist() == [list(row.box) for row in wanted.rows]
