"""instances.json and results.json: what they may hold, and what is refused and how."""

import numpy as np
import pytest

from measure.coco_files import entry, small_document, write
from trt_course import CourseError
from trt_course.measure import instances
from trt_course.measure.boxes import NOTHING
from trt_course.measure.instances import read_instances, read_results


@pytest.fixture
def truth(tmp_path):
    return read_instances(write(tmp_path / "truth.json", small_document()))


def test_the_file_becomes_ground_truth(truth):
    """Images come in the order of their ids, which decides between equal confidences."""
    assert list(truth.truths) == ["a.jpg", "b.jpg"]
    b = truth.truths["b.jpg"]
    assert b.labels == ["car", "person"]
    assert b.boxes.tolist() == [[10, 20.5, 40, 60.5], [0, 0, 50, 60]]
    assert b.difficult.tolist() == [False, True]
    assert b.areas.tolist() == [700.25, 3000]
    assert b.sides.tolist() == [[30, 40], [50, 60]]
    assert truth.truths["a.jpg"].boxes.tolist() == [[5, 5, 5, 13]]
    assert truth.classes == {3: "car", 1: "person"}
    assert truth.sizes() == {"b.jpg": (256, 192)}


def test_what_exporters_leave_out(tmp_path):
    """No area, no crowds, sizes of 0, no objects at all in a picture."""
    bare = {"id": 0, "image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4]}
    images = [
        {"id": 7, "file_name": "b.jpg", "width": 0, "height": 0},
        {"id": 8, "file_name": "sub/c d.jpg", "width": None, "height": 5},
    ]
    document = small_document(annotations=[bare], images=images)
    found = read_instances(write(tmp_path / "t.json", document))
    assert found.truths["b.jpg"].areas.tolist() == [12]
    assert found.truths["b.jpg"].difficult.tolist() == [False]
    assert found.truths["sub/c d.jpg"].labels == []
    assert found.truths["sub/c d.jpg"].boxes.shape == (0, 4)
    assert found.sizes() == {}


def test_boxes_are_kept_with_all_that_belongs_to_them(truth):
    kept = truth.truths["b.jpg"].keep(np.array([False, True]))
    assert kept.labels == ["person"]
    assert [part.tolist() for part in kept[1:]] == [[[0, 0, 50, 60]], [True], [[50, 60]], [3000]]


def with_row(**changes):
    """A document whose second annotation is changed."""
    row = {**entry(9, 7, 3, [1, 2, 3, 4]), **changes}
    return small_document(annotations=[entry(8, 7, 3, [1, 2, 3, 4]), row])


def with_image(**changes):
    return small_document(images=[{"id": 7, "file_name": "b.jpg", **changes}], annotations=[])


def twice(key, **changes):
    """A document in which the first entry of a list comes again."""
    document = small_document()
    return {**document, key: [*document[key], {**document[key][0], **changes}]}


def without(key):
    document = small_document()
    document.pop(key)
    return document


HUGE = 10**400
BOX = "bbox is {}; wanted: four numbers, left, top, width and height in pixels."
HOSTILE = {
    "a list": ([], "is a list, as results are; wanted: ground truth in COCO's form"),
    "a text": ("x", "has no list 'images'; wanted: ground truth"),
    "no images": (without("images"), "has no list 'images'"),
    "no annotations": (without("annotations"), "has no list 'annotations'"),
    "no categories": (without("categories"), "has no list 'categories'"),
    "images no list": (small_document(images={}), "has no list 'images'"),
    "images empty": (small_document(images=[]), "images is empty; there is nothing to score."),
    "no object": (small_document(images=[3]), "images[0]: it is 3; wanted: a JSON object."),
    "no id": (small_document(images=[{"file_name": "a"}]), "images[0]: it has no 'id', only ["),
    "id a text": (with_image(id="7"), "images[0]: id is '7'; wanted: a whole number."),
    "id true": (with_image(id=True), "images[0]: id is True; wanted: a whole number."),
    "no name": (with_image(file_name=None), "images[0]: file_name is None; wanted: the name of"),
    "a blank name": (with_image(file_name=" "), "file_name is ' '; wanted"),
    "name elsewhere": (with_image(file_name="/etc/passwd"), "file_name is '/etc/passwd'; wanted"),
    "name above": (with_image(file_name="a/../../b.jpg"), "file_name is 'a/../../b.jpg'; wanted"),
    "name of half a character": (with_image(file_name="\ud800.jpg"), "file_name is '\\ud800.jpg'"),
    "name with a zero byte": (with_image(file_name="a\0.jpg"), "file_name is 'a\\x00.jpg'"),
    "image id twice": (twice("images", file_name="c.jpg"), "images[2]: id 7 is there twice; give"),
    "image twice": (twice("images", id=9), "two of the images have the file_name 'b.jpg'; rename"),
    "class id twice": (twice("categories", name="cat"), "categories[2]: id 3 is there twice"),
    "class twice": (twice("categories", id=9), "two of the categories have the name 'car'"),
    "class without a name": (small_document(categories=[{"id": 3}]), "categories[0]: it has no 'n"),
    "class of no name": (small_document(categories=[{"id": 3, "name": ""}]), "name is ''; wanted"),
    "annotation id twice": (with_row(id=8), "annotations[1]: id 8 is there twice"),
    "no picture": (with_row(image_id=4), "annotations[1]: image_id is 4, which none of the images"),
    "no class": (with_row(category_id=2), "[1]: category_id is 2, which none of the categories"),
    "no box": (with_row(bbox=[]), BOX.format("[]")),
    "three numbers": (with_row(bbox=[1, 2, 3]), "annotations[1]: " + BOX.format("[1, 2, 3]")),
    "NaN": (with_row(bbox=[1, float("nan"), 3, 4]), BOX.format("[1, nan, 3, 4]")),
    "infinite": (with_row(bbox=[1, 2, float("inf"), 4]), BOX.format("[1, 2, inf, 4]")),
    "no end": (with_row(bbox=[HUGE, 2, 3, 4]), "wanted: four numbers"),
    "far away": (with_row(bbox=[2e6, 2, 3, 4]), "wanted: four numbers"),
    "texts": (with_row(bbox=["1", 2, 3, 4]), "wanted: four numbers"),
    "corners": (with_row(bbox=[9, 9, -3, 4]), "bbox is [9, 9, -3, 4], with a side below 0"),
    "crowd of 2": (with_row(iscrowd=2), "iscrowd is 2; allowed: 0, 1."),
    "crowd a list": (with_row(iscrowd=[]), "iscrowd is []; allowed: 0, 1."),
    "area below 0": (with_row(area=-1), "area is -1; wanted: the object's area in pixels."),
    "area NaN": (with_row(area=float("nan")), "area is nan; wanted"),
    "captions": (small_document(annotations=[{"id": 1, "caption": "a cat"}]), "it has no 'bbox'"),
}


def refusal(call, *arguments):
    """The sentence of a refusal: one line, which names the file."""
    with pytest.raises(CourseError) as refused:
        call(*arguments)
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert len(sentence) < 400
    return sentence


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_wrong_is_said_with_its_place(tmp_path, name):
    document, said = HOSTILE[name]
    path = write(tmp_path / "truth.json", document)
    sentence = refusal(read_instances, path)
    assert sentence.startswith(str(path))
    assert said in sentence


def test_what_is_no_json(tmp_path):
    path = tmp_path / "truth.json"
    assert "There is no file" in refusal(read_instances, path)
    path.write_text('{"images": [')
    assert "is not JSON" in refusal(read_instances, path)
    path.write_text("[" * 100000)
    assert "nested too deeply" in refusal(read_instances, path)
    path.write_text('{"images": [], "images": []}')
    assert "has the field 'images' twice" in refusal(read_instances, path)


def test_a_file_that_no_machine_can_hold(tmp_path, monkeypatch):
    path = write(tmp_path / "truth.json", small_document())
    monkeypatch.setattr(instances, "_LONGEST", 100)
    assert "too much for ground truth in COCO's form" in refusal(read_instances, path)


# Results


def result(**changes):
    return {"image_id": 7, "category_id": 3, "bbox": [1, 2.5, 3, 4], "score": 0.5, **changes}


def test_results_become_detections(truth, tmp_path):
    """Fields of others, such as outlines, are passed over."""
    rows = [result(), result(category_id=1, score=1, bbox=[0, 0, 2, 2], file_name="b.jpg", id=4)]
    founds = read_results(write(tmp_path / "r.json", rows), truth)
    assert founds["a.jpg"] is NOTHING
    found = founds["b.jpg"]
    assert found.labels == ["car", "person"]
    assert found.confs.tolist() == [0.5, 1]
    assert found.boxes.tolist() == [[1, 2.5, 4, 6.5], [0, 0, 2, 2]]
    assert found.keep(np.array([False, True])).sides.tolist() == [[2, 2]]


def test_no_results_are_results(truth, tmp_path):
    founds = read_results(write(tmp_path / "r.json", []), truth)
    assert founds == {"a.jpg": NOTHING, "b.jpg": NOTHING}


WRONG_RESULTS = {
    "an object": ({}, "is no list; wanted: a list of COCO's results"),
    "no object": ([result(), 5], "[1]: it is 5; wanted: a JSON object."),
    "no score": ([entry(1, 7, 3, [1, 2, 3, 4])], "[0]: it has no 'score', only ["),
    "per cent": ([result(score=50)], "[0]: score is 50; wanted: a number from 0 to 1."),
    "below 0": ([result(score=-0.1)], "score is -0.1; wanted"),
    "NaN": ([result(score=float("nan"))], "score is nan; wanted"),
    "true": ([result(score=True)], "score is True; wanted"),
    "no box": ([result(bbox=None)], BOX.format("None")),
    "corners": ([result(bbox=[9, 9, 1, -1])], "with a side below 0"),
    "no picture": ([result(image_id=1)], "image_id is 1, which none of the images of the ground"),
    "no class": ([result(category_id=9)], "category_id is 9, which none of the categories of the"),
    "numbers of a folder": (
        [result(file_name="a.jpg")],
        "its file_name is 'a.jpg', but image_id 7 is 'b.jpg' in the ground truth; give the results",
    ),
}


@pytest.mark.parametrize("name", WRONG_RESULTS)
def test_wrong_results(truth, tmp_path, name):
    rows, said = WRONG_RESULTS[name]
    path = write(tmp_path / "r.json", rows)
    sentence = refusal(read_results, path, truth)
    assert sentence.startswith(str(path))
    assert said in sentence


@pytest.mark.parametrize(
    "name, is_file", [("a.json", True), ("A.JSON", True), ("folder.json", False), ("a", False)]
)
def test_a_name_means_a_file_or_a_folder(tmp_path, name, is_file):
    (tmp_path / "folder.json").mkdir()
    assert instances.is_json(tmp_path / name) is is_file
