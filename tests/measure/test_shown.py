"""Which classes a figure has room for, and how their names stand in it."""

import doctest

import numpy as np
import pytest

from trt_course.measure import shown, voc


def test_the_examples():
    result = doctest.testmod(shown)
    assert result.attempted
    assert not result.failed


def test_all_classes_are_shown_in_the_order_of_their_names():
    assert shown.shown_classes({"b": 1, "c": 9, "a": 5}) == ["a", "b", "c"]


def test_of_too_many_the_commonest_are_shown():
    counts = {f"{number:02}": number // 2 for number in range(44)}
    # 43, 42 have 21 objects, and so on; of 03 and 02 with one, and 01 and 00 with none, four go.
    assert shown.shown_classes(counts) == [f"{number:02}" for number in range(4, 44)]
    counts["04"] = 3
    counts["zz"] = counts["aa"] = 2
    # One place is left for those with two: the first by name of 05, aa and zz.
    assert shown.shown_classes(counts) == [f"{number:02}" for number in range(4, 44)]
    assert len(shown.shown_classes({f"{n:02}": 1 for n in range(40)})) == 40


def test_the_remark_is_only_where_some_are_left_out():
    assert shown.remark_on(["a", "b"], ["b", "a"]) == ""
    assert shown.remark_on(["a", "b"], ["a", "b", "c"]) == ", the 2 commonest of 3 classes"


def test_boxes_are_counted_over_all_images():
    first = voc.Truth(["car", "van", "car"], np.zeros((3, 4)), np.zeros(3, bool))
    second = voc.Found(["car"], np.zeros(1), np.zeros((1, 4)))
    assert shown.boxes_of({"a": first, "b": second}) == {"car": 3, "van": 1}
    assert shown.boxes_of({}) == {}


@pytest.mark.parametrize(
    "name, wanted",
    [
        ("car", "car"),
        ("x" * 40, "x" * 40),
        ("x" * 41, "x" * 37 + "..."),
        ("_car", " _car"),
        ("car_", "car_"),
        ("a\nb", r"a\nb"),
        ("5 $", r"5 \$"),
    ],
)
def test_names_fit_and_are_no_formulas(name, wanted):
    assert shown.plot_text(name) == wanted
