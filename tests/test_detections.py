"""The value that everything downstream relies on: checked, unchangeable, and written losslessly."""

import pickle
import shlex

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trt_course import CourseError, Detections

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
    boxes, confs, clss = make()
    assert boxes.shape == (3, 4)
    assert confs.shape == (3,)
    assert clss.shape == (3,)
    assert boxes.dtype == np.float32
    assert clss.dtype == np.int64


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
        (([[1, 2, 3, 4]], [1.5], [1]), "not between 0 and 1"),
        (([[1, 2, 3, 4]], [np.nan], [1]), "not between 0 and 1"),
    ],
)
def test_wrong_values_are_refused(args, message):
    with pytest.raises(CourseError, match=message):
        Detections(*args)


def test_filters():
    boxes = [[0, 0, 1, 1], [0, 0, 2, 1], [0, 0, 3, 1], [0, 0, 4, 1]]
    found = Detections(boxes, confs=[0.2, 0.8, 0.5, 0.8], clss=[1, 2, 1, 3])
    assert found.above(0.5).clss.tolist() == [2, 1, 3]
    assert found.of_class(1, 3).confs.tolist() == np.float32([0.2, 0.5, 0.8]).tolist()
    assert found.top(3).boxes[:, 2].tolist() == [2, 4, 3]
    assert found.keep(slice(0, 1)).clss.tolist() == [1]


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
    assert pickle.loads(pickle.dumps(found)) == found


def test_supervision_there_and_back():
    found = make(5)
    theirs = found.to_supervision()
    assert len(theirs) == 5
    assert theirs.xyxy.dtype == np.float32
    assert Detections.from_supervision(theirs) == found
