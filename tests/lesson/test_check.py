"""The checks of exercises: verdict, difference and hint for whatever a learner answers."""

import re

import numpy as np
import pytest

from trt_course.lesson import check as checks
from trt_course.lesson.check import check, summary


@pytest.fixture(autouse=True)
def no_results(monkeypatch):
    monkeypatch.setattr(checks, "results", {})


@pytest.mark.parametrize(
    "got, wanted, verdict, difference",
    [
        (..., 3, "not done yet", ""),
        (None, 3, "not done yet", ""),
        ([1, ...], [1, 2], "not done yet", ""),
        ({"a": ...}, {"a": 1}, "not done yet", ""),
        (3, 3.0, "right", "none"),
        (np.float32(0.1), 0.1, "right", "none"),
        (3, 5, "wrong", "2"),
        ("3", 3, "wrong", "a value of type str, wanted: int"),
        ((3, 4), (4, 3), "wrong", "up to 1"),
        (np.zeros((2, 4)), np.zeros((2, 4)), "right", "none"),
        ([1, 2], [1, 2, 3], "wrong", "the shape is (2,), wanted: (3,)"),
        (float("nan"), 1.0, "wrong", "nan"),
        ("cat", "dog", "wrong", "another value"),
        ("cat", "cat", "right", "none"),
        ({"a": 1, "b": 2}, {"a": 1, "c": 2}, "wrong", "missing: ('c', 2); too much: ('b', 2)"),
        ([], [], "right", "none"),
        (["a", "b"], ["b", "a"], "wrong", "the order"),
        (["a", [1.0]], ["a", [1.0]], "right", "none"),
        (True, True, "right", "none"),
        ([], [1], "wrong", "missing: 1"),
        (np.zeros((0, 4)), np.zeros((0, 4)), "right", "none"),
        (np.zeros(0), np.zeros(4), "wrong", "the shape is (0,), wanted: (4,)"),
        (np.array(["a", "b"]), np.array(["a", "b"]), "right", "none"),
        (np.array(["a"]), np.array(["a", "b"]), "wrong", "missing: 'b'"),
        (["a", "a"], ["a"], "wrong", "too much: 'a'"),
        ({"a", "b"}, {"b", "a"}, "right", "none"),
        ({"a": 1}, {"a": 1, "b": 2}, "wrong", "missing: ('b', 2)"),
        ([1, [2, 3]], [1, [2, 3]], "right", "none"),
        ([1, [2, 3]], [1, [2]], "wrong", "missing: [2]; too much: [2, 3]"),
        (["a", np.arange(3)], ["a", np.arange(3)], "right", "none"),
        ((np.eye(2), np.ones(3)), (np.eye(2), np.ones(3)), "right", "none"),
        ({"a": np.arange(3)}, {"a": np.arange(3.0)}, "right", "none"),
        ({"a": 0.1 + 0.2, "b": ["c"]}, {"a": 0.3, "b": ["c"]}, "right", "none"),
        (["a", 3.5], ["a", 3], "wrong", "missing: 3; too much: 3.5"),
        (list("abcdefg"), list("a"), "wrong", "too much: 'b', 'c', 'd', 'e', 'f'"),
        (list("a"), list("abcdefg"), "wrong", "missing: 'b', 'c', 'd', 'e', 'f'"),
        (([1, None],), ([1, 2],), "not done yet", ""),
        (10.00001, 10, "wrong", "1e-05"),
        (1 / 3, 0, "wrong", "0.3333"),
        ({"a": ..., "b": 1}, {"a": 1, "b": 1}, "not done yet", ""),
        ([1, 2, 3], [1, 5, 4], "wrong", "up to 3"),
        (["a", "b"], ["a", "c"], "wrong", "missing: 'c'; too much: 'b'"),
        (["a", "1"], ["a", 1], "wrong", "missing: 1; too much: '1'"),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, "wrong", "missing: ('b', 3); too much: ('b', 2)"),
        (["a", [1, 2]], ["a", [1, 3]], "wrong", "missing: [1, 3]; too much: [1, 2]"),
        (1 + 9e-7, 1, "right", "none"),
        (1 - 2e-6, 1, "wrong", "2e-06"),
    ],
)
def test_verdicts(capsys, got, wanted, verdict, difference):
    check("01.1", got, wanted, hint="think")
    said = capsys.readouterr().out
    assert checks.results == {"01.1": verdict}
    assert said.startswith(f"01.1: {verdict}\n")

    # Nothing is compared where nothing is done; a hint is for a wrong answer only.
    compared = []
    if difference:
        compared.append(difference)
    assert re.findall("  difference  (.*)", said) == compared
    assert ("  hint        think\n" in said) == (verdict == "wrong")
    assert ("  got " in said) == ("  wanted " in said) == bool(difference)


def test_tolerance_and_summary(capsys):
    check("01.1", 10.4, 10, tolerance=0.5)
    check("01.2", 10.6, 10, tolerance=0.5)
    check("01.3", ..., 10)
    check("01.2", 10.4, 10, tolerance=0.5)  # tried again
    summary()
    assert capsys.readouterr().out.endswith("2 of 3 exercises right. Left: 01.3 (not done yet)\n")


def test_what_is_farther_apart_in_a_collection_is_another_member(capsys):
    """The tolerance holds for numbers beside texts and arrays too."""
    for got, verdict in ((0.95, "right"), (0.89, "wrong")):
        check("01.1", ["car", got, np.zeros(2)], ["car", 1.0, np.full(2, 0.1)], tolerance=0.1)
        assert checks.results["01.1"] == verdict


def test_the_tolerance_itself_is_near_enough(capsys):
    check("01.1", [0.5, 1.0], [0.0, 0.5], tolerance=0.5)
    assert checks.results["01.1"] == "right"


def test_an_answer_and_the_wanted_one_stand_below_each_other(capsys):
    check("01.1", 1 / 3, 0.5)
    assert capsys.readouterr().out == (
        "01.1: wrong\n  got         0.33333333\n  wanted      0.5\n  difference  0.1667\n"
    )
    check("01.2", np.array([1.5, 2]), [[1], [2]])
    assert capsys.readouterr().out == (
        "01.2: wrong\n"
        "  got         [1.5, 2. ]\n"
        "  wanted      [[1],\n [2]]\n"
        "  difference  the shape is (2,), wanted: (2, 1)\n"
    )


def test_an_endless_answer_is_cut_short(capsys):
    check("01.1", "x" * 500, "y" * 500)
    check("01.2", list(range(5000)), list(range(1, 5001)))
    said = capsys.readouterr().out
    assert "  got         " + "x" * 200 + "\n" in said
    assert "  wanted      [   1,    2,    3, ..., 4998, 4999, 5000]\n" in said


def test_arrays_show_five_decimals_and_twenty_numbers(capsys):
    check("01.1", np.array([1 / 3, 1]), np.arange(20))
    said = capsys.readouterr().out
    assert "  got         [0.33333, 1.     ]\n" in said
    assert "..." not in said
    check("01.1", np.arange(21), np.arange(21))
    assert "  got         [ 0,  1,  2, ..., 18, 19, 20]\n" in capsys.readouterr().out


def test_the_summary_counts_and_names_what_is_left(capsys):
    summary()
    check("01.1", 1, 1)
    check("01.2", 2, 1)
    check("01.3", ..., 1)
    capsys.readouterr()
    summary()
    wanted = "1 of 3 exercises right. Left: 01.2 (wrong), 01.3 (not done yet)\n"
    assert capsys.readouterr().out == wanted
    check("01.2", 1, 1)
    check("01.3", 1, 1)
    capsys.readouterr()
    summary()
    assert capsys.readouterr().out == "3 of 3 exercises right.\n"
