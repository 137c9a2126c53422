"""Frozen graphs are read: constants in every form, and files that are cut, damaged or hostile."""

import numpy as np
import pytest

from builder.tf import small_ssd
from builder.tf.graph_def import (
    Builder,
    node,
    part,
    real,
    tensor,
    varint,
    whole,
)
from trt_course import CourseError
from trt_course.builder.tf_graph import convert
from trt_course.builder.tf_graph.evaluate import Constants
from trt_course.builder.tf_graph.graph import read_graph
from trt_course.builder.tf_graph.wire import DamagedError, Message
from trt_course.support.outputs import Outputs


def graph_in(folder, data):
    path = folder / "graph.pb"
    path.write_bytes(data)
    return read_graph(path)


def constant_in(folder, value):
    """The constant of a graph whose one node has this TensorProto."""
    return graph_in(folder, node("it", "Const", value=value)).constant("it")


# The wire ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 2**31, 2**63 - 1, -1, -(2**63)])
def test_whole_numbers(number):
    assert Message(whole(1, number)).number(1) == number
    assert Message(part(1, varint(number) * 2)).numbers(1) == [number, number]


def test_the_last_of_a_field_counts():
    message = Message(whole(1, 3) + part(2, "a") + whole(1, 5) + part(2, "b"))
    assert (message.number(1), message.text(2)) == (5, "b")
    assert (message.number(9), message.text(9), message.parts(9)) == (0, "", [])


DAMAGED = {
    "a key that goes on": b"\x80",
    "a number that goes on": b"\x08\xff",
    "a number of more than 64 bits": b"\x08" + b"\xff" * 10 + b"\x01",
    "a text that is cut off": b"\x0a\x05ab",
    "a length beyond all memory": b"\x0a" + b"\xff" * 9 + b"\x01",
    "a float that is cut off": b"\x0d\x00\x00",
    "a double that is cut off": b"\x09\x00",
    "field 0": b"\x00\x01",
    "a group": b"\x0b\x0c",
    "a kind that is none": b"\x0f",
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_messages(case):
    with pytest.raises(DamagedError):
        Message(DAMAGED[case])


def test_values_of_another_kind():
    with pytest.raises(DamagedError, match="field 1 is a number"):
        Message(whole(1, 5)).text(1)
    with pytest.raises(DamagedError, match="no text"):
        Message(part(1, b"\xff")).text(1)
    with pytest.raises(DamagedError, match="another width"):
        Message(whole(5, 1)).fixed(5, 5)


# Constants --------------------------------------------------------------------------------------

KINDS = ["float32", "float64", "float16", "int32", "int64", "bool"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["raw", "values"])
@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0,), (2, 0, 3)])
def test_constants(kind, form, shape, tmp_path):
    numbers = (np.random.RandomState(0).normal(size=shape) * 9).astype(kind)
    found = constant_in(tmp_path, tensor(numbers, form))
    assert found.dtype == numbers.dtype
    np.testing.assert_array_equal(found, numbers)


@pytest.mark.parametrize("kind", KINDS)
def test_one_value_stands_for_all(kind, tmp_path):
    numbers = np.full((3, 4), 1, kind)
    np.testing.assert_array_equal(constant_in(tmp_path, tensor(numbers, "one")), numbers)


def test_the_last_value_stands_for_the_rest(tmp_path):
    value = whole(1, 1) + part(2, part(2, whole(1, 5))) + real(5, 1) + real(5, 2)
    assert constant_in(tmp_path, value).tolist() == [1, 2, 2, 2, 2]


def test_no_value_is_0(tmp_path):
    value = whole(1, 3) + part(2, part(2, whole(1, 4)))
    assert constant_in(tmp_path, value).tolist() == [0] * 4


def shaped(*sides):
    return part(2, b"".join(part(2, whole(1, side)) for side in sides))


UNREADABLE = {
    "too few bytes": (whole(1, 1) + shaped(3) + part(4, b"abcd"), "has 1 values for the shape"),
    "half a number": (whole(1, 1) + shaped(1) + part(4, b"abcde"), "last number is cut off"),
    "too many values": (whole(1, 1) + shaped(1) + real(5, 1) + real(5, 2), "has 2 values"),
    "texts": (whole(1, 7) + shaped(1) + part(8, "a"), "of the type 7"),
    "a type that is none": (whole(1, 99), "of the type 99"),
    "a side below 0": (whole(1, 1) + shaped(-1), r"its shape is \(-1,\)"),
    "too many axes": (whole(1, 1) + shaped(*[1] * 9), "its shape is"),
    "more than memory holds": (whole(1, 1) + shaped(2**20, 2**20) + real(5, 1), "stand for"),
    "more than can be counted": (whole(1, 1) + shaped(2**40, 2**40), "too many numbers"),
    "halves of a float": (whole(1, 1) + shaped(1) + part(5, b"abc"), "cut off"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_constants_that_cannot_be_read(case, tmp_path):
    value, said = UNREADABLE[case]
    with pytest.raises(CourseError, match=f"graph.pb: the constant it cannot be read: .*{said}"):
        constant_in(tmp_path, value)


def test_a_constant_without_a_value(tmp_path):
    with pytest.raises(CourseError, match="it has no value"):
        graph_in(tmp_path, node("it", "Const")).constant("it")


# Nodes ------------------------------------------------------------------------------------------


def test_attributes(tmp_path):
    words = {"s": "SAME", "l": [1, -2, 300], "i": -7, "b": True, "f": 0.5}
    graph = graph_in(tmp_path, node("it", "Op", ["a", "b:0", "c:1", "^d"], **words))
    it = graph.nodes["it"]
    assert it.inputs == ("a", "b", "c:1")
    assert it.text("s") == "SAME"
    assert it.numbers("l") == [1, -2, 300]
    assert it.number("i") == -7
    assert it.flag("b")
    assert it.share("f", 1.0) == 0.5
    assert (it.text("x", "none"), it.numbers("x", [1]), it.number("x", 3)) == ("none", [1], 3)
    assert (it.flag("x", True), it.share("x", 0.25), it.type("x")) == (True, 0.25, "")


def test_numbers_one_by_one(tmp_path):
    listed = part(1, b"".join(whole(3, number) for number in (1, 2, 2, 1)))
    data = part(1, part(1, "it") + part(2, "Op") + part(5, part(1, "l") + part(2, listed)))
    assert graph_in(tmp_path, data).nodes["it"].numbers("l") == [1, 2, 2, 1]


NO_GRAPHS = {
    "nothing": (b"", "it holds no nodes"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(40), "is not a frozen graph"),
    "a page of the web": (b"<!DOCTYPE html><html></html>", "is not a frozen graph"),
    "a node without a name": (node("", "Op"), "no name or no operation"),
    "a node without an operation": (node("it", ""), "no name or no operation"),
    "two nodes of a name": (node("it", "Op") * 2, "two nodes are named it"),
    "too many nodes": (part(1, b"") * 100001, "claims to hold 100001 nodes"),
}


@pytest.mark.parametrize("case", NO_GRAPHS)
def test_files_that_are_no_graph(case, tmp_path):
    data, said = NO_GRAPHS[case]
    with pytest.raises(CourseError, match=said):
        graph_in(tmp_path, data)


def test_a_graph_cut_off_anywhere(tmp_path):
    whole_graph = small_ssd.small_ssd().data
    path = tmp_path / "graph.pb"
    for end in range(0, len(whole_graph), len(whole_graph) // 60):
        path.write_bytes(whole_graph[:end])
        with pytest.raises(CourseError):
            convert(path, tmp_path / "model", Outputs())
    assert not (tmp_path / "model").exists()


def test_a_graph_with_changed_bytes(tmp_path):
    """Any byte of the structure may be wrong: it is converted or refused, and never crashes."""
    whole_graph = small_ssd.small_ssd().data
    rng = np.random.RandomState(0)
    path = tmp_path / "graph.pb"
    refused = 0
    for number in range(150):
        data = bytearray(whole_graph)
        for at in rng.randint(0, len(data), 3):
            data[at] = rng.randint(256)
        path.write_bytes(bytes(data))
        try:
            convert(path, tmp_path / f"model_{number}", Outputs())
        except CourseError:
            refused += 1
    assert refused > 50


# Numbers computed from constants ----------------------------------------------------------------


def computed(folder, op, operands, **words):
    builder = Builder()
    builder.add("it", op, operands, **words)
    graph = read_graph(builder.write(folder / "graph.pb"))
    return Constants(graph).value("it")


FLOATS = np.float32([[1, 2, 3], [4, 5, 6]])
FLOAT = np.dtype("float32")
COMPUTED = {
    "add": ("Add", [FLOATS, np.float32(1)], {}, FLOATS + 1),
    "subtract": ("Sub", [FLOATS, np.float32([1, 2, 3])], {}, FLOATS - [1, 2, 3]),
    "divide": ("RealDiv", [FLOATS, np.float32(2)], {}, FLOATS / 2),
    "less": ("Minimum", [FLOATS, np.float32(2)], {}, np.minimum(FLOATS, 2)),
    "more": ("Maximum", [FLOATS, np.float32(2)], {}, np.maximum(FLOATS, 2)),
    "root": ("Sqrt", [np.float32([4, 9])], {}, [2, 3]),
    "one by the root": ("Rsqrt", [np.float32([4, 16])], {}, [0.5, 0.25]),
    "cast": ("Cast", [np.int32([1, 2])], {"DstT": FLOAT}, np.float32([1, 2])),
    "range": ("Range", [np.int32(1), np.int32(8), np.int32(3)], {}, [1, 4, 7]),
    "expanded": ("ExpandDims", [FLOATS, np.int32(0)], {}, FLOATS[None]),
    "slice": ("Slice", [FLOATS, np.int32([0, 1]), np.int32([-1, 1])], {}, FLOATS[:, 1:2]),
    "one row": (
        "StridedSlice",
        [FLOATS, np.int32([1]), np.int32([2]), np.int32([1])],
        {"shrink_axis_mask": 1},
        FLOATS[1],
    ),
    "from the first": (
        "StridedSlice",
        [FLOATS, np.int32([0, 2]), np.int32([0, 3]), np.int32([1, 1])],
        {"begin_mask": 2, "end_mask": 1},
        FLOATS,
    ),
    "reshape": ("Reshape", [FLOATS, np.int32([3, -1])], {}, FLOATS.reshape(3, 2)),
    "fill": ("Fill", [np.int32([2, 2]), np.float32(7)], {}, np.full((2, 2), 7)),
    "tile": ("Tile", [FLOATS, np.int32([2, 1])], {}, np.tile(FLOATS, (2, 1))),
    "together": ("ConcatV2", [FLOATS, FLOATS, np.int32(1)], {}, np.hstack([FLOATS, FLOATS])),
    "pack": ("Pack", [np.int32(1), np.int32(2)], {}, [1, 2]),
    "pack behind": ("Pack", [FLOATS, FLOATS], {"axis": 2}, np.stack([FLOATS, FLOATS], 2)),
    "squeeze": ("Squeeze", [FLOATS[None]], {"squeeze_dims": [0]}, FLOATS),
    "shape": ("Shape", [FLOATS], {}, [2, 3]),
    "rank": ("Rank", [FLOATS], {}, 2),
    "turned": ("Transpose", [FLOATS, np.int32([1, 0])], {}, FLOATS.T),
}


@pytest.mark.parametrize("case", COMPUTED)
def test_computed(case, tmp_path):
    op, operands, words, wanted = COMPUTED[case]
    np.testing.assert_array_equal(computed(tmp_path, op, operands, **words), wanted)


def test_not_computed(tmp_path):
    assert computed(tmp_path, "RandomUniform", [np.int32([3])]) is None


HUGE = {
    "fill": ("Fill", [np.int32([2**30, 2**30]), np.float32(1)]),
    "tile": ("Tile", [np.float32([1]), np.int32([2**30])]),
    "range": ("Range", [np.int32(0), np.int32(2**31 - 1), np.int32(1)]),
    "spread": ("Add", [np.ones((1, 5000)), np.ones((5000, 1))]),
}


@pytest.mark.parametrize("case", HUGE)
def test_too_large_to_compute(case, tmp_path):
    with pytest.raises(CourseError, match=r"the node it \(\w+\) would make more than"):
        computed(tmp_path, *HUGE[case])


IMPOSSIBLE = {
    "shapes": ("Add", [np.ones(2), np.ones(3)]),
    "reshape": ("Reshape", [np.ones(2), np.int32([3])]),
    "axis": ("ExpandDims", [np.ones(2), np.int32(9)]),
    "operands": ("Add", [np.ones(2)]),
    "operands of one": ("Sqrt", []),
    "step": ("Range", [np.int32(0), np.int32(5), np.int32(0)]),
    "fill": ("Fill", [np.int32([-1]), np.float32(1)]),
    "type": ("Cast", [np.ones(2)]),
    "scalar": ("Range", [np.int32([0, 1]), np.int32(5), np.int32(1)]),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_impossible_to_compute(case, tmp_path):
    with pytest.raises(CourseError, match=r"the node it \(\w+\) cannot be computed"):
        computed(tmp_path, *IMPOSSIBLE[case])


def test_a_long_chain_and_a_loop(tmp_path):
    builder = Builder()
    last = builder.const("first", np.float32(0))
    for number in range(5000):
        last = builder.add(f"node_{number}", "Identity", [last])
    builder.add("a", "Identity", ["b"])
    builder.add("b", "Add", ["a", "first"])
    constants = Constants(read_graph(builder.write(tmp_path / "graph.pb")))
    assert constants.value(last) == 0
    assert constants.value("a") is None
