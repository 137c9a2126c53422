"""The value that everything downstream relies on: checked, unchangeable, and the same after every round trip."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trt_course import CourseError, Detections

LABELS = ("background", "stop sign", "vehicle", "it's", 'a "b"')


def make(n=3, seed=0):
    rng = np.random.RandomState(seed)
    corner = rng.rand(n, 2) * 1000
    return Detections(
        np.concatenate([corner, corner + rng.rand(n, 2) * 500], axis=1),
        rng.rand(n),
        rng.randint(0, len(LABELS), n),
    )


def test_unpacks_as_the_original_course_does():
    boxes, confs, clss = make()
    assert boxes.shape == (3, 4) and confs.shape == (3,) and clss.shape == (3,)
    assert boxes.dtype == np.float32 and clss.dtype == np.int64


def test_empty_is_normal():
    nothing = Detections()
    assert len(nothing) == 0 and nothing.boxes.shape == (0, 4) and nothing == Detections([], [], [])
    assert nothing.to_text(LABELS) == "" and len(Detections.from_text("\n", LABELS)) == 0
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
    found = Detections([[0, 0, i + 1, 1] for i in range(4)], [0.2, 0.8, 0.5, 0.8], [1, 2, 1, 3])
    assert found.above(0.5).clss.tolist() == [2, 1, 3]
    assert found.of_class(1, 3).confs.tolist() == np.float32([0.2, 0.5, 0.8]).tolist()
    assert found.top(3).boxes[:, 2].tolist() == [2, 4, 3]
    assert found.keep(slice(0, 1)).clss.tolist() == [1]


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 2**31 - 1))
def test_round_trips(n, seed):
    found = make(n, seed)
    back = Detections.from_text(found.to_text(LABELS), LABELS)
    assert np.array_equal(back.confs, found.confs) and np.array_equal(back.clss, found.clss)
    assert np.allclose(back.boxes, found.boxes, atol=6e-4)
    ids = {i: i + 7 for i in range(len(LABELS))}
    coco = Detections.from_coco(found.to_coco(3, ids), {v: k for k, v in ids.items()})
    assert np.array_equal(coco.confs, found.confs) and np.allclose(
        coco.boxes, found.boxes, atol=1e-3
    )
    assert pickle.loads(pickle.dumps(found)) == found


def test_text_says_what_is_wrong():
    with pytest.raises(
        CourseError, match="Row 2 is lorry .*; wanted: class confidence x1 y1 x2 y2, class one of"
    ):
        Detections.from_text("vehicle 0.5 1 2 3 4\n\nlorry 0.5 1 2 3 4", LABELS)


def test_supervision_there_and_back():
    found = make(5)
    theirs = found.to_supervision()
    assert len(theirs) == 5 and theirs.xyxy.dtype == np.float32
    assert Detections.from_supervision(theirs) == found
