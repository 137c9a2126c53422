"""Overlaps of boxes, and which boxes are in play: what the measures and figures share."""

import numpy as np
import pytest

from trt_course.measure import voc

BOX = [0.0, 0, 9, 9]
HALF = [0.0, 0, 9, 4]


def test_boxes_the_wrong_way_round_overlap_nothing():
    """A broken network gives such boxes, and 0 / 0 would make partners of any two of them."""
    across = np.array([[30.0, 5, 10, 25]])
    down = np.array([[5.0, 30, 25, 10]])
    assert voc.overlap(across, across).tolist() == [[0.0]]
    assert voc.overlap(across, down).tolist() == [[0.0]]


def test_overlaps_are_counted_in_pixels_of_both_corners():
    boxes = np.array([BOX, [5.0, 0, 14, 9], [9.0, 9, 9, 9], [10.0, 0, 19, 9]])
    table = voc.overlap(np.array([BOX, HALF]), boxes)
    assert table == pytest.approx(np.array([[1, 50 / 150, 1 / 100, 0], [0.5, 25 / 125, 0, 0]]))
    assert voc.overlap(np.zeros((0, 4)), boxes).shape == (0, 4)


def test_boxes_of_different_classes_do_not_overlap():
    truth = voc.Truth(["car", "van"], np.array([BOX, BOX]), np.zeros(2, bool))
    found = voc.Found(["van"], np.array([0.9]), np.array([HALF]))
    assert voc.class_overlap(found, truth).tolist() == [[0.0, 0.5]]
    assert voc.class_overlap(truth, found).tolist() == [[0.0], [0.5]]


def test_detections_from_a_confidence_up_include_it():
    found = voc.Found(["a", "b", "c"], np.array([0.5, 0.25, 0.75]), np.array([BOX, BOX, HALF]))
    kept = voc.above({"x": found}, 0.5)["x"]
    assert kept.labels == ["a", "c"]
    assert kept.boxes.tolist() == [BOX, HALF]


def test_heights_in_play():
    low = [0.0, 0, 50, 10]
    high = [0, 100, 50, 200]
    low_elsewhere = [200, 0, 250, 10]
    a_little_higher = [0, 0, 50, 13]
    truths = {"a": voc.Truth(["car", "car"], np.array([low, high]), np.zeros(2, bool))}
    boxes = np.array([low, high, low_elsewhere, a_little_higher])
    founds = {"a": voc.Found(["car"] * 4, np.array([0.9, 0.8, 0.7, 0.6]), boxes)}

    small = voc.score(*voc.of_height(truths, founds, 0, 12)).classes["car"]
    assert (small.truths, small.hits, small.false_alarms) == (1, 1, 2)
    large = voc.score(*voc.of_height(truths, founds, 12, 1000)).classes["car"]
    assert (large.truths, large.hits, large.false_alarms, large.ap) == (1, 1, 0, 1.0)
    assert voc.score(*voc.of_height(truths, founds, 0, 1000)).mean == voc.score(truths, founds).mean


def test_a_height_is_in_play_from_the_lower_limit_to_below_the_upper_one():
    boxes = np.array(
        [[0.0, 50 * top, 50, 50 * top + height] for top, height in enumerate((9, 10, 19, 20))]
    )
    truths = {"a": voc.Truth(["car"] * 4, boxes, np.zeros(4, bool))}
    founds = {"a": voc.Found(["car"] * 4, np.full(4, 0.9), boxes + [200, 0, 200, 0])}
    kept_truths, kept_founds = voc.of_height(truths, founds, 10, 20)
    assert kept_truths["a"].difficult.tolist() == [True, False, False, True]
    assert kept_founds["a"].boxes[:, 1].tolist() == [50, 100]
    assert truths["a"].difficult.tolist() == [False] * 4


def test_a_detection_of_another_height_counts_where_it_hits_an_object_in_play():
    other = [50.0, 0, 59, 9]
    truths = {"a": voc.Truth(["car", "car"], np.array([BOX, other]), np.zeros(2, bool))}
    high = np.array([[0.0, 0, 9, 19], [0.0, 0, 9, 20], [50.0, 0, 59, 19]])
    founds = {"a": voc.Found(["car", "car", "van"], np.array([0.9, 0.8, 0.7]), high)}
    _, kept = voc.of_height(truths, founds, 5, 15)
    assert kept["a"].confs.tolist() == [0.9]  # which overlaps by just a half
