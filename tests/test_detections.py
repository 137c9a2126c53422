"""The value that everything downstream relies on: checked, unchangeable, and written losslessly."""

import json
import pickle
import shlex

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trt_course import CourseError, Detections
from trt_course.detections import CONFIDENCE

LABELS = ("background", "stop sign", "vehicle", "it's", 'a "b"')


def make(n=3, seed=0):
    """Detections of n random boxes."""
    rng = np.random.RandomState(seed)
    corner = rng.rand(n, 2) * 1000
    size = rng.rand(n, 2) * 500
    return Detections(
        boxes=np.concatenate([corner, corner + size], axis=1),
        confs=rng.rand(n),
        clss=rng.randint(0, len(LABELS), n),
    )


def test_unpacks_as_the_original_course_does():
    found = make()
    boxes, confs, clss = found
    assert found.dropped == 0
    assert boxes.shape == (3, 4)
    assert confs.shape == (3,)
    assert clss.shape == (3,)
    assert boxes.dtype == np.float32
    assert clss.dtype == np.int64


def test_class_ids_are_whole_whatever_came():
    """Networks give them as floats, and a label is looked up by them."""
    found = Detections([[1, 2, 3, 4]], [0.5], np.float32([2]))
    assert found.clss.dtype == np.int64
    assert found.to_text(LABELS).startswith("vehicle 0.5 ")
    assert Detections([[1, 2, 3, 4]], [1], [1]).confs.dtype == np.float32


def test_a_confidence_is_from_0_to_1():
    for value in (0, 0.5, 1):
        assert CONFIDENCE.require(value, "conf") == value
    for value in (-0.01, 1.01, float("nan")):
        with pytest.raises(CourseError, match="conf is .*; wanted: a number from 0 to 1"):
            CONFIDENCE.require(value, "conf")


def test_empty_is_normal():
    nothing = Detections()
    assert len(nothing) == 0
    assert nothing.boxes.shape == (0, 4)
    assert nothing == Detections([], [], [])
    assert nothing.to_text(LABELS) == ""
    assert nothing.to_coco(1, {}) == []
    assert len(nothing.above(0.5)) == len(nothing.top(3)) == len(nothing.of_class(1)) == 0


def test_nobody_can_change_it():
    source = np.float32([[1, 2, 3, 4]])
    found = Detections(source, [0.5], [1])
    source[0, 0] = 9
    assert found.boxes[0, 0] == 1
    with pytest.raises(ValueError):
        found.boxes[0, 0] = 5
    with pytest.raises(AttributeError):
        found.confs = np.zeros(1)


@pytest.mark.parametrize(
    "args, message",
    [
        (([[1, 2, 3]], [0.5], [1]), "boxes has shape .1, 3.; wanted: .1, 4."),
        (([[1, 2, 3, 4]], [0.5, 0.6], [1]), "confs has shape"),
        (([[1, 2, 3, 4]], [0.5], []), "clss has shape"),
        (([[3, 2, 1, 4]], [0.5], [1]), "x2 < x1"),
        (([[np.nan, 2, 3, 4]], [0.5], [1]), "not finite"),
        (([[1, 4, 3, 2]], [0.5], [1]), "y2 < y1"),
        (([[1, 2, np.inf, 4]], [0.5], [1]), "not finite"),
        (([[1, 2, 3, 4]], [1.5], [1]), "not between 0 and 1"),
        (([[1, 2, 3, 4]], [-0.001], [1]), "not between 0 and 1"),
        (([[1, 2, 3, 4]] * 2, [0.5, -1], [1, 1]), "not between 0 and 1"),
        (([[1, 2, 3, 4]], [np.nan], [1]), "not between 0 and 1"),
    ],
)
def test_wrong_values_are_refused(args, message):
    with pytest.raises(CourseError, match=message):
        Detections(*args)


def test_the_least_and_the_most_that_is_allowed():
    """A box without an area, and a confidence of 0 or 1, come out of real networks."""
    found = Detections([[1, 2, 1, 2], [-5, -5, 9, 9]], [0, 1], [0, 1])
    assert found.boxes.tolist() == [[1, 2, 1, 2], [-5, -5, 9, 9]]
    assert found.confs.tolist() == [0, 1]


def test_filters():
    boxes = [[0, 0, 1, 1], [0, 0, 2, 1], [0, 0, 3, 1], [0, 0, 4, 1]]
    found = Detections(boxes, confs=[0.2, 0.8, 0.5, 0.8], clss=[1, 2, 1, 3])
    assert found.above(0.5).clss.tolist() == [2, 1, 3]
    assert found.of_class(1, 3).confs.tolist() == np.float32([0.2, 0.5, 0.8]).tolist()
    assert found.top(3).boxes[:, 2].tolist() == [2, 4, 3]
    assert found.top(0).boxes.shape == (0, 4)
    equal = Detections(make(100).boxes, [0.5, 0.75] * 50, list(range(100)))
    assert equal.top(99).clss.tolist() == [*range(1, 100, 2), *range(0, 98, 2)]
    assert found.above(0.2).confs.tolist() == found.confs.tolist()


@pytest.mark.parametrize(
    "index, rows",
    [
        (slice(1, 3), [1, 2]),
        ([2, 0], [2, 0]),
        ([-1, -1], [3, 3]),
        ([], []),
        (np.array([True, False, False, True]), [0, 3]),
        (np.array([1]), [1]),
    ],
)
def test_keep_picks_whole_rows(index, rows):
    """Box, confidence and class stay together, and the count of dropped rows stays known."""
    found = Detections(make(4).boxes, [0.1, 0.2, 0.3, 0.4], [5, 6, 7, 8], dropped=9)
    kept = found.keep(index)
    assert kept.boxes.tolist() == found.boxes[rows].reshape(-1, 4).tolist()
    assert kept.confs.tolist() == found.confs[rows].tolist()
    assert kept.clss.tolist() == found.clss[rows].tolist()
    assert kept.dropped == 9
    with pytest.raises(ValueError):
        kept.confs[:] = 0


@pytest.mark.parametrize("pick", ["above", "of_class", "top"])
def test_what_was_dropped_stays_known(pick):
    found = Detections([[1, 2, 3, 4]], [0.5], [1], dropped=7)
    assert getattr(found, pick)(0).dropped == 7


def test_equal_means_the_same_boxes_confidences_and_classes():
    found = make(3)
    boxes, confs, clss = found
    assert found == Detections(boxes, confs, clss, dropped=4)
    assert found != Detections(boxes + 1, confs, clss)
    assert found != Detections(boxes, confs / 2, clss)
    assert found != Detections(boxes, confs, clss + 1)
    assert found != found.top(2)
    assert found != (boxes, confs, clss)
    assert (found == (boxes, confs, clss)) is False
    assert repr(found) == "Detections(3 boxes)"


def test_trusted_arrays_are_not_copied():
    boxes, confs, clss = make(3)
    found = Detections.trusted(boxes, confs, clss, 2)
    assert found.boxes is boxes
    assert found.confs is confs
    assert found.clss is clss
    assert found.dropped == 2
    assert found == make(3)


@pytest.mark.parametrize("name", ["boxes", "confs", "clss", "dropped", "other"])
def test_no_attribute_can_be_set(name):
    found = make()
    with pytest.raises(AttributeError, match="make new ones, for instance with keep"):
        setattr(found, name, None)
    assert found == make()


def test_a_line_has_the_places_that_it_promises():
    found = Detections([[1, 2.0625, 3.5, 4.9996]], [0.123456789], [1])
    assert found.to_text(LABELS) == "'stop sign' 0.123456791 1.000 2.062 3.500 5.000\n"


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 2**31 - 1))
def test_text_holds_everything(n, seed):
    found = make(n, seed)
    rows = [shlex.split(line) for line in found.to_text(LABELS).splitlines()]
    assert all(len(row) == 6 for row in rows)

    # A row is class, confidence, x1, y1, x2, y2.
    back = Detections(
        boxes=[row[2:] for row in rows],
        confs=[row[1] for row in rows],
        clss=[LABELS.index(row[0]) for row in rows],
    )
    assert np.array_equal(back.confs, found.confs)
    assert np.array_equal(back.clss, found.clss)
    assert np.allclose(back.boxes, found.boxes, atol=6e-4)


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 2**31 - 1))
def test_coco_records_hold_everything(n, seed):
    found = make(n, seed)
    records = found.to_coco(3, {cls: cls + 7 for cls in range(len(LABELS))})
    assert json.loads(json.dumps(records)) == records  # NumPy's numbers are none of JSON's
    assert all(record["image_id"] == 3 for record in records)
    assert [record["score"] for record in records] == found.confs.tolist()
    assert [record["category_id"] - 7 for record in records] == found.clss.tolist()

    boxes = np.array([record["bbox"] for record in records]).reshape(-1, 4)  # x, y, width, height
    boxes[:, 2:] += boxes[:, :2]
    assert np.allclose(boxes, found.boxes, atol=1e-3)


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 2**31 - 1))
def test_pickled_and_back(n, seed):
    found = make(n, seed)
    found = Detections(*found, dropped=seed % 5)
    back = pickle.loads(pickle.dumps(found))
    assert type(back) is Detections
    assert back == found
    assert back.dropped == seed % 5
    for array in back:
        assert not array.flags.writeable


def test_supervision_there_and_back():
    found = make(5)
    theirs = found.to_supervision()
    assert len(theirs) == 5
    assert theirs.xyxy.dtype == np.float32
    theirs.xyxy[0] += 0  # theirs may be changed
    theirs.confidence[0] += 0
    theirs.class_id[0] += 0
    assert Detections.from_supervision(theirs) == found
