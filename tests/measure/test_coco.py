"""COCO's numbers: the same as pycocotools gives on the same JSON, and sane where that fails."""

import builtins
import contextlib
import io
import json

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from slow_coco import slow_numbers

from measure.rows import as_found, as_truth
from trt_course import CourseError
from trt_course.measure import coco, voc

LABELS = ("car", "van", "stop sign")
NOTHING = voc.Found([], np.zeros(0), np.zeros((0, 4)))


def random_truth(rng):
    count = rng.randint(1, 6)
    corners = rng.rand(count, 2) * 300
    sizes = rng.rand(count, 2) * [150, 120] + 4
    boxes = np.concatenate([corners, corners + sizes], axis=1)
    labels = [LABELS[cls] for cls in rng.randint(0, 3, count)]
    return voc.Truth(labels, boxes, rng.rand(count) < 0.2)


def nearly(rng, truth):
    """Detections that are a little off."""
    boxes = truth.boxes + rng.randn(*truth.boxes.shape) * 3
    boxes[:, 2:] = np.maximum(boxes[:, :2] + 1, boxes[:, 2:])
    confs = rng.rand(len(boxes)).round(2)
    return voc.Found(list(truth.labels), confs, boxes)


def random_case(seed):
    rng = np.random.RandomState(seed)
    truths = {}
    founds = {}
    for number in range(5):
        truth = random_truth(rng)
        truths[str(number)] = truth
        founds[str(number)] = nearly(rng, truth)
    return truths, founds


def by_pycocotools(dataset, results, folder):
    (folder / "gt.json").write_text(json.dumps(dataset))
    (folder / "dt.json").write_text(json.dumps(results))
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(folder / "gt.json"))
        found = truth.loadRes(str(folder / "dt.json"))
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats


@pytest.fixture(params=["faster_coco_eval", "pycocotools"])
def library(request, monkeypatch):
    if request.param == "pycocotools":
        real = builtins.__import__

        def without_faster(name, *args, **kwargs):
            if name.startswith("faster_coco_eval"):
                raise ImportError(name)
            return real(name, *args, **kwargs)

        monkeypatch.setattr(builtins, "__import__", without_faster)
    _, evaluation = coco._library()
    assert request.param in evaluation.__module__
    return request.param


@pytest.mark.parametrize("seed", range(8))
def test_equals_pycocotools(library, tmp_path, seed):
    dataset, results = coco.from_voc(*random_case(seed))
    found = coco.score(dataset, results)
    wanted = by_pycocotools(dataset, results, tmp_path)
    assert np.allclose(list(found.numbers.values()), wanted, atol=1e-9)
    mean_of_classes = np.mean(list(found.classes.values()))
    assert abs(mean_of_classes - found.numbers["AP"]) < 1e-9


def test_nothing_detected(library):
    truths, _ = random_case(0)
    found = coco.score(*coco.from_voc(truths, dict.fromkeys(truths, NOTHING)))
    assert found.numbers["AP"] == 0
    assert set(found.classes.values()) == {0.0}


def test_no_ground_truth():
    truths = {"a": voc.Truth([], np.zeros((0, 4)), np.zeros(0, bool))}
    with pytest.raises(CourseError, match="holds no boxes"):
        coco.score(*coco.from_voc(truths, {"a": NOTHING}))


# Corners and sides of few lengths, so that equal overlaps and areas at COCO's limits are common.
CORNERS = st.sampled_from([0, 8, 16, 64])
SIZES = st.sampled_from([8, 16, 32, 64, 96, 128])
BOXES = st.builds(
    lambda left, top, width, height: (left, top, left + width, top + height),
    *(CORNERS, CORNERS, SIZES, SIZES),
)
TRUTH_ROWS = st.lists(
    st.tuples(st.sampled_from(LABELS[:2]), BOXES, st.sampled_from([False, False, True])),
    max_size=5,
)
FOUND_ROWS = st.lists(
    st.tuples(st.sampled_from(LABELS), st.sampled_from([0.0, 0.5, 0.9]), BOXES),
    max_size=14,
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(TRUTH_ROWS, FOUND_ROWS), min_size=1, max_size=3))
def test_equals_the_slow_reading(images):
    truths = {name: rows for name, (rows, _) in zip("bac", images)}
    founds = {name: rows for name, (_, rows) in zip("bac", images)}
    assume(any(truths.values()))

    wanted, classes = slow_numbers(truths, founds)
    found = coco.score(
        *coco.from_voc(
            {name: as_truth(rows) for name, rows in truths.items()},
            {name: as_found(rows) for name, rows in founds.items()},
        )
    )
    assert list(found.numbers) == list(coco.NAMES)
    assert np.allclose(list(found.numbers.values()), wanted, atol=1e-9)
    assert found.classes.keys() == classes.keys()
    for name, value in classes.items():
        assert abs(found.classes[name] - value) < 1e-9


def as_detected(truth):
    return voc.Found(truth.labels, np.ones(len(truth.labels)), truth.boxes)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10000))
def test_perfect_detections_score_one(seed):
    truths, _ = random_case(seed)
    founds = {name: as_detected(truth) for name, truth in truths.items()}
    found = coco.score(*coco.from_voc(truths, founds))
    if any((~truth.difficult).any() for truth in truths.values()):
        assert abs(found.numbers["AP"] - 1) < 1e-9
        assert "AP         " in found.report()
        assert "AP_small" in found.report()


def test_difficult_counts_neither_way():
    boxes = np.array([[0.0, 0, 50, 50], [100, 100, 150, 150]])
    truths = {"a": voc.Truth(["car", "car"], boxes, np.array([False, True]))}
    easy_one = {"a": voc.Found(["car"], np.array([0.9]), boxes[:1])}
    both = {"a": voc.Found(["car", "car"], np.array([0.8, 0.9]), boxes)}
    for founds in (easy_one, both):
        assert coco.score(*coco.from_voc(truths, founds)).numbers["AP"] == 1


def test_classes_outside_the_ground_truth_are_left_out():
    box = [0.0, 0, 50, 50]
    truths = {"a": voc.Truth(["car"], np.array([box]), np.array([False]))}
    founds = {"a": voc.Found(["car", "tree"], np.array([0.8, 0.9]), np.array([box, box]))}
    dataset, results = coco.from_voc(truths, founds)
    assert len(results) == 1
    assert [category["name"] for category in dataset["categories"]] == ["car"]


def test_the_form_of_coco():
    """Others read these files too, with tools that go by COCO's own pages."""
    truths = {
        "b": voc.Truth(["van"], np.array([[1.0, 2, 11, 22]]), np.array([True])),
        "a": voc.Truth(["car"], np.array([[0.0, 0, 4, 5]]), np.array([False])),
    }
    founds = {"b": NOTHING, "a": voc.Found(["van"], np.array([0.5]), np.array([[1.0, 1, 3, 4]]))}
    dataset, results = coco.from_voc(truths, founds)
    assert dataset == {
        "images": [{"id": 1, "file_name": "a"}, {"id": 2, "file_name": "b"}],
        "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "van"}],
        "annotations": [
            {
                "id": 1,
                "image_id": 2,
                "category_id": 2,
                "bbox": [1, 2, 10, 20],
                "area": 200,
                "iscrowd": 1,
            },
            {
                "id": 2,
                "image_id": 1,
                "category_id": 1,
                "bbox": [0, 0, 4, 5],
                "area": 20,
                "iscrowd": 0,
            },
        ],
    }
    assert results == [
        {"image_id": 1, "category_id": 2, "bbox": [1, 1, 2, 3], "area": 6, "score": 0.5}
    ]
    assert json.loads(json.dumps([dataset, results])) == [dataset, results]


def test_a_class_keeps_its_name_in_a_dataset_of_any_order(library):
    """The ids of a dataset from elsewhere have gaps, and stand in any order."""
    truths, founds = random_case(3)
    dataset, results = coco.from_voc(truths, founds)
    wanted = coco.score(dataset, results).classes
    assert len(set(wanted.values())) == len(wanted) > 1

    ids = {1: 70, 2: 5, 3: 33}
    for category in dataset["categories"]:
        category["id"] = ids[category["id"]]
    for box in dataset["annotations"] + results:
        box["category_id"] = ids[box["category_id"]]
    assert coco.score(dataset, results).classes == pytest.approx(wanted)


def test_the_report_has_a_line_for_each_number():
    score = coco.CocoScore({"AP": 0.5, "AP_small": -1.0}, {"van": 0.25, "a\x1b[2J": 1.0})
    wanted = "AP          0.500\nAP_small   -1.000\na\\x1b[2J AP = 1.000\nvan AP = 0.250"
    assert score.report() == wanted
    assert score.as_dict() == {"AP": 0.5, "AP_small": -1.0, "classes": score.classes}


def test_nothing_is_printed(library, capsys):
    """The libraries tell of their progress, in the middle of a report."""
    coco.score(*coco.from_voc(*random_case(0)))
    assert capsys.readouterr().out == ""
