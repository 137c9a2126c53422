"""Host NMS against the textbook loop, and against the usual one in time."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.suppression_reference import textbook
from trt_course import find_model
from trt_course.model.decode import decode
from trt_course.model.placement import Placement
from trt_course.model.suppression import best, nms


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 150), st.integers(0, 2**31 - 1), st.sampled_from([0.2, 0.45, 0.7]))
def test_equals_the_textbook(n, seed, threshold):
    rng = np.random.RandomState(seed)
    # Whole coordinates from a small range make many equal boxes and equal overlaps.
    corner = rng.randint(0, 40, (n, 2))
    size = rng.randint(1, 23, (n, 2))
    boxes = np.concatenate([corner, corner + size], axis=1).astype(np.float32)

    wanted = textbook(boxes.astype(float), threshold + 1e-6)
    kept = np.flatnonzero(nms(boxes, threshold + 1e-6))
    assert kept.tolist() == wanted


def test_a_chain_keeps_every_other_box():
    x = np.arange(300, dtype=np.float32)
    zero = np.zeros_like(x)
    chain = np.stack([x, zero, x + 1.9, zero + 1], axis=1)  # each overlaps its neighbours by half
    assert nms(chain, 0.2).tolist() == [i % 2 == 0 for i in range(300)]


def test_boxes_without_area_and_none_at_all():
    assert nms(np.zeros((0, 4), np.float32), 0.5).shape == (0,)
    assert nms(np.zeros((3, 4), np.float32), 0.5).all()


@settings(deadline=None)
@given(st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.9]), max_size=30), st.integers(1, 20))
def test_best_is_the_stable_order(scores, k):
    scores = np.array(scores, dtype=np.float32)
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    assert best(scores, k).tolist() == order[:k]


def test_the_best_of_thousands_are_all_found():
    rng = np.random.RandomState(0)
    for k in (1, 10, 200, 4999, 5000, 6000):
        scores = rng.permutation(5000).astype(np.float32)
        assert scores[best(scores, k)].tolist() == list(range(5000))[::-1][:k]


def many_scores(kind, rng):
    """Scores of 15,000 boxes for 6 classes, (1, 15000, 6)."""
    if kind == "uniform":
        return rng.rand(1, 15000, 6).astype(np.float32)
    logits = rng.randn(1, 15000, 6).astype(np.float32) * 3
    logits[:, :, 0] += 6  # the background is mostly surest
    powers = np.exp(logits)
    return powers / powers.sum(axis=2, keepdims=True)


def sort_and_loop(spec, boxes, scores, conf_th):
    """What `decode` does, as it is usually written: the confidences of the surest boxes."""
    surest = []
    for cls in spec.class_ids():
        order = np.argsort(-scores[:, cls], kind="stable")
        order = order[scores[order, cls] >= conf_th][: spec.nms.candidates_per_class]
        for position in greedy(boxes[order], spec.nms.iou_threshold):
            surest.append(scores[order[position], cls])
    return sorted(surest, reverse=True)[: spec.nms.max_detections]


def greedy(boxes, iou_threshold):
    """The positions to keep, with a loop over the boxes that are kept."""
    x1, y1, x2, y2 = boxes.T
    area = (x2 - x1) * (y2 - y1)
    keep = []
    alive = np.arange(len(boxes))
    while len(alive):
        first = alive[0]
        rest = alive[1:]
        keep.append(first)
        width = np.minimum(x2[first], x2[rest]) - np.maximum(x1[first], x1[rest])
        height = np.minimum(y2[first], y2[rest]) - np.maximum(y1[first], y1[rest])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        alive = rest[shared <= iou_threshold * (area[first] + area[rest] - shared)]
    return keep


def work_of(call, *arguments):
    """What a call gives, and the seconds that this thread worked for it."""
    started = time.thread_time()
    result = call(*arguments)
    return result, time.thread_time() - started


@pytest.mark.parametrize("kind", ["uniform", "softmax"])
def test_fifteen_thousand_boxes_take_half_of_the_usual_loop(cells, kind):
    """The loop sorts all scores and goes box by box; it finds the same, in some 18 ms."""
    spec = find_model(cells)._replace(labels=("background", "a", "b", "c", "d", "e"))
    rng = np.random.RandomState(0)
    centre = rng.rand(1, 15000, 2)
    half = (rng.rand(1, 15000, 2) * 0.2 + 0.01) / 2
    boxes = np.concatenate([centre - half, centre + half], axis=2).astype(np.float32)
    scores = many_scores(kind, rng)
    outputs = {"boxes": boxes, "scores": scores}
    placements = [Placement(1, 1, 0, 0, 128, 96)]

    shares = []
    for _ in range(15):
        (found,), ours = work_of(decode, spec, outputs, placements, 0.3)
        wanted, theirs = work_of(sort_and_loop, spec, boxes[0], scores[0], 0.3)
        shares.append(ours / theirs)
    assert len(found) == 100
    assert found.confs.tolist() == pytest.approx(wanted)
    assert np.median(shares) < 1 / 2  # 1 / 6 where nothing else runs
