"""The rules of fields at their edges: what is just right is taken, what is just wrong is not."""

from typing import NamedTuple, Tuple

import pytest

from trt_course import CourseError
from trt_course.model import fields


def holds(rule, value):
    """Whether a rule takes a value."""
    try:
        rule(value, "record.json: field")
    except CourseError as err:
        assert str(err).startswith("record.json: field")
        return False
    return True


JOINED = "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{FIRE ENGINE}"  # one picture of two


@pytest.mark.parametrize(
    "rule, right, wrong",
    [
        (fields.factor, [1e-6, -1e-6, 1e6, -1e6, 1, 255], [0, 9e-7, 1000001, True, "1", None]),
        (fields.number, [-1000000, 1000000, 0, 0.5], [-1000001, 1000001, False, "0", None]),
        (fields.share, [0, 1, 0.5], [-0.01, 1.01, True, float("nan")]),
        (fields.count, [1, 1000000], [0, 1000001, 1.0, True]),
        (fields.whole_from(3, 5), [3, 4, 5], [2, 6, 4.0, "4"]),
        (fields.number_from(0.5, 2), [0.5, 1, 2], [0.49, 2.01, True]),
        (fields.text, ["a", "x" * 1000, JOINED], ["", " ", "x" * 1001, "a\nb", 3, None]),
        (fields.any_text, ["", "a\nb", "x" * 9999], [3, None, ["a"]]),
        (fields.file_inside, ["a.onnx", "b/c.npy"], ["/a", "../a", "b/../a", "", "a\nb", 3]),
        (fields.one_of("a", "b"), ["a", "b"], ["c", "", "ab", None, ["a"]]),
        (fields.one_of(1, None), [1, None], [True, 1.0, 0]),
        (fields.one_of(True), [True], [1, False]),
        (fields.json_object, [{}, {"a": 1}], [[], None, "a"]),
        (fields.numbers(2), [[1, 2]], [[1], [1, 2, 3], [1, "2"], (1, 2), 1]),
        (fields.listed(fields.count, "wanted: a list"), [[], [1], [1] * 99], [[0], None, {}]),
        (fields.listed(fields.count, "wanted", 1, 2), [[1], [1, 1]], [[], [1, 1, 1]]),
        (fields.each(fields.count), [{}, {"a": 1, "b": 2}], [{"a": 1, "b": 0}, [1]]),
        (fields.anything, [None, [], "a"], []),
    ],
)
def test_a_rule_takes_what_is_right_and_nothing_else(rule, right, wrong):
    assert [value for value in right if not holds(rule, value)] == []
    assert [value for value in wrong if holds(rule, value)] == []


@pytest.mark.parametrize("value", [1e301, -1e301, float("inf"), float("nan"), 10**400, True, "1"])
def test_what_is_no_number(value):
    assert not fields.is_number(value)


@pytest.mark.parametrize("value", [0, -1, 1.5, 1e299, 10**299])
def test_what_is_a_number(value):
    assert fields.is_number(value)


def test_values_become_what_the_record_holds():
    """Lists become tuples, so that a spec can be compared; whole factors become floats."""
    where = "record.json: field"
    assert fields.numbers(3)([1, 2, 3], where) == (1.0, 2.0, 3.0)
    assert type(fields.factor(2, where)) is float
    assert type(fields.share(1, where)) is float
    assert fields.each(fields.share)({"a": 1, "b": 0}, where) == {"a": 1.0, "b": 0.0}


class Point(NamedTuple):
    """A record for the tests."""

    x: int
    size: Tuple[float, ...] = (1.0, 1.0)
    folder: str = ""


POINT = fields.record_of(
    Point, {"x": fields.count, "size": fields.numbers(2), "folder": fields.any_text}
)


def test_a_record_is_made_of_what_is_said_and_given():
    assert POINT({"x": 3}, "p.json") == Point(3)
    assert POINT({"x": 3, "size": [2, 4]}, "p.json") == Point(3, (2.0, 4.0))
    given = fields.record_of(Point, {"x": fields.count}, folder="here")
    assert given({"x": 3}, "p.json") == Point(3, folder="here")


@pytest.mark.parametrize(
    "record, said",
    [
        ([], r"p.json is \[\]; wanted: a JSON object"),
        ({}, "p.json: x is missing"),
        ({"x": 0}, "p.json: x is 0; wanted: a whole number from 1"),
        ({"x": 1, "size": [1, None]}, r"p.json: size\[1\] is None"),
        ({"x": 1, "sise": 1}, "p.json: sise is an unknown field; did you mean size?"),
        ({"x": 1, "qqq": 1}, "p.json: qqq is an unknown field; known: x, size, folder"),
        ({"x": 1, "q" * 60: 1}, "p.json: q{60} is an"),
        ({"x": 1, "q" * 61: 1}, "p.json: q{60}[.]{3} is an"),
    ],
)
def test_a_complaint_says_which_field_and_why(record, said):
    with pytest.raises(CourseError, match=said):
        POINT(record, "p.json")


def test_a_field_inside_a_field_is_named_by_both():
    outer = fields.record_of(Point, {"x": POINT})
    with pytest.raises(CourseError, match="p.json: x.size is 5"):
        outer({"x": {"x": 1, "size": 5}}, "p.json")


def test_a_record_that_is_not_there_and_one_too_long(tmp_path):
    path = tmp_path / "model.json"
    with pytest.raises(CourseError, match="no file .*model.json. A model's record lies beside"):
        fields.read_json(path)
    path.write_bytes(b'{"a": 1}' + b" " * ((4 << 20) - 8))
    assert fields.read_json(str(path)) == {"a": 1}
    path.write_bytes(b'{"a": 1}' + b" " * ((4 << 20) - 7))
    with pytest.raises(CourseError, match="more than 4 MiB"):
        fields.read_json(path)
