"""COCO's numbers: the same as pycocotools gives on the same JSON, and sane where pycocotools fails."""

import builtins
import contextlib
import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from trt_course import CourseError
from trt_course.measure import coco, voc

LABELS = ("car", "van", "stop sign")


def random_case(seed):
    rng = np.random.RandomState(seed)
    truths, founds = {}, {}
    for i in range(5):
        n = rng.randint(1, 6)
        corner, size = rng.rand(n, 2) * 300, rng.rand(n, 2) * [150, 120] + 4
        boxes = np.concatenate([corner, corner + size], axis=1)
        truths[str(i)] = voc.Truth(
            [LABELS[c] for c in rng.randint(0, 3, n)], boxes, rng.rand(n) < 0.2
        )
        near = boxes + rng.randn(n, 4) * 3
        near[:, 2:] = np.maximum(near[:, :2] + 1, near[:, 2:])
        founds[str(i)] = voc.Found(list(truths[str(i)].labels), rng.rand(n).round(2), near)
    return truths, founds


def by_pycocotools(dataset, results, folder):
    (folder / "gt.json").write_text(json.dumps(dataset))
    (folder / "dt.json").write_text(json.dumps(results))
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(folder / "gt.json"))
        evaluation = COCOeval(truth, truth.loadRes(str(folder / "dt.json")), "bbox")
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
    assert request.param in coco._library()[1].__module__
    return request.param


@pytest.mark.parametrize("seed", range(8))
def test_equals_pycocotools(library, tmp_path, seed):
    dataset, results = coco.from_voc(*random_case(seed))
    found = coco.score(dataset, results)
    assert np.allclose(
        list(found.numbers.values()), by_pycocotools(dataset, results, tmp_path), atol=1e-9
    )
    assert abs(np.mean(list(found.classes.values())) - found.numbers["AP"]) < 1e-9


def test_nothing_detected(library):
    truths, founds = random_case(0)
    nothing = {name: voc.Found([], np.zeros(0), np.zeros((0, 4))) for name in founds}
    found = coco.score(*coco.from_voc(truths, nothing))
    assert found.numbers["AP"] == 0 and set(found.classes.values()) == {0.0}


def test_no_ground_truth():
    truths = {"a": voc.Truth([], np.zeros((0, 4)), np.zeros(0, bool))}
    with pytest.raises(CourseError, match="holds no boxes"):
        coco.score(*coco.from_voc(truths, {"a": voc.Found([], np.zeros(0), np.zeros((0, 4)))}))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10000))
def test_perfect_detections_score_one(seed):
    truths, _ = random_case(seed)
    founds = {
        name: voc.Found(t.labels, np.ones(len(t.labels)), t.boxes) for name, t in truths.items()
    }
    found = coco.score(*coco.from_voc(truths, founds))
    if any((~t.difficult).any() for t in truths.values()):
        assert abs(found.numbers["AP"] - 1) < 1e-9
        assert "AP         " in found.report() and "AP_small" in found.report()


def test_difficult_counts_neither_way():
    box = np.array([[0.0, 0, 50, 50], [100, 100, 150, 150]])
    truths = {"a": voc.Truth(["car", "car"], box, np.array([False, True]))}
    seen = {"a": voc.Found(["car"], np.array([0.9]), box[:1])}
    both = {"a": voc.Found(["car", "car"], np.array([0.8, 0.9]), box)}
    assert coco.score(*coco.from_voc(truths, seen)).numbers["AP"] == 1
    assert coco.score(*coco.from_voc(truths, both)).numbers["AP"] == 1


def test_classes_outside_the_ground_truth_are_left_out():
    truths = {"a": voc.Truth(["car"], np.array([[0.0, 0, 50, 50]]), np.array([False]))}
    founds = {
        "a": voc.Found(["car", "tree"], np.array([0.8, 0.9]), np.array([[0.0, 0, 50, 50]] * 2))
    }
    dataset, results = coco.from_voc(truths, founds)
    assert len(results) == 1 and [c["name"] for c in dataset["categories"]] == ["car"]
