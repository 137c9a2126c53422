"""What was taken for what: which detection stands for which object, and what is not counted."""

import numpy as np

from trt_course.measure import voc
from trt_course.measure.confusion import confusion_matrix

LABELS = ["car", "van"]
BOX = [0, 0, 9, 9]
HALF = [0, 0, 9, 4]  # overlaps BOX by just a half
FAR = [50, 50, 59, 59]


def matrix_of(truth_rows, found_rows, labels=LABELS, **options):
    """Truths are a class, a box and whether it is difficult; founds end with their confidence."""
    truth = voc.Truth(
        [label for label, _, _ in truth_rows],
        np.array([box for _, box, _ in truth_rows], dtype=float).reshape(-1, 4),
        np.array([difficult for _, _, difficult in truth_rows], dtype=bool),
    )
    found = voc.Found(
        [label for label, _, _ in found_rows],
        np.array([conf for _, _, conf in found_rows], dtype=float),
        np.array([box for _, box, _ in found_rows], dtype=float).reshape(-1, 4),
    )
    return confusion_matrix({"a": truth}, {"a": found}, labels, **options).tolist()


def test_rows_are_what_is_there_and_columns_what_was_said():
    truths = [("car", BOX, False), ("van", FAR, False)]
    founds = [("van", BOX, 0.9), ("van", [200, 0, 209, 9], 0.8)]
    assert matrix_of(truths, founds) == [[0, 1, 0], [0, 0, 1], [0, 1, 0]]


def test_images_are_added_up():
    truth = voc.Truth(["car"], np.array([BOX], dtype=float), np.array([False]))
    found = voc.Found(["car"], np.array([0.9]), np.array([BOX], dtype=float))
    nothing = voc.Found([], np.zeros(0), np.zeros((0, 4)))
    founds = {"a": found, "b": found, "c": nothing, "d": nothing}
    matrix = confusion_matrix(dict.fromkeys("abcd", truth), founds, LABELS)
    assert matrix.tolist() == [[2, 0, 2], [0, 0, 0], [0, 0, 0]]


def test_the_surest_chooses_first_and_takes_what_it_overlaps_most():
    truths = [("car", HALF, False), ("van", BOX, False)]
    founds = [("car", BOX, 0.8), ("van", BOX, 0.9)]
    # The van is taken; the other detection is left with the car.
    assert matrix_of(truths, founds) == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    founds = [("car", BOX, 0.9), ("van", BOX, 0.8)]
    assert matrix_of(truths, founds) == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]


def test_of_equally_sure_detections_the_first_choose():
    """However many there are; else a figure would change from one machine to another."""
    truths = [("car", BOX, False)] * 25
    founds = []
    for number in range(100):
        label = "car"
        if number >= 50:
            label = "van"
        conf = 0.5
        if number % 2:
            conf = 0.75
        founds.append((label, BOX, conf))
    assert matrix_of(truths, founds) == [[25, 0, 0], [0, 0, 0], [25, 50, 0]]


def test_an_object_stands_for_one_detection():
    founds = [("car", BOX, 0.9), ("car", BOX, 0.8)]
    assert matrix_of([("car", BOX, False)], founds) == [[1, 0, 0], [0, 0, 0], [1, 0, 0]]


def test_limits_belong_to_what_counts():
    truths = [("car", HALF, False)]
    assert matrix_of(truths, [("car", BOX, 0.3)]) == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert matrix_of(truths, [("car", BOX, 0.29)]) == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]
    apart = [[0, 0, 1], [0, 0, 0], [1, 0, 0]]
    assert matrix_of(truths, [("car", BOX, 0.9)], min_iou=0.51) == apart
    assert matrix_of(truths, [("car", BOX, 0.9)], conf_th=0.91) == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]


def test_a_difficult_object_is_not_missed_but_may_be_taken_for_another():
    truths = [("car", BOX, True)]
    assert matrix_of(truths, []) == [[0, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert matrix_of(truths, [("van", BOX, 0.9)]) == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]


def test_classes_that_are_not_asked_for_are_not_counted():
    truths = [("bus", BOX, False), ("car", FAR, False)]
    founds = [("car", BOX, 0.9), ("bus", FAR, 0.9), ("bus", [200, 0, 209, 9], 0.9)]
    nothing = [[0, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert matrix_of(truths, founds) == nothing
    assert matrix_of([("bus", FAR, False)], [("bus", BOX, 0.9)]) == nothing
    assert matrix_of(truths, founds, ["car"]) == [[0, 0], [0, 0]]
