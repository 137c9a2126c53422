"""Records: what is read, and what a mistake's message says.

Every mistake names the file, the field, what was found and what is allowed.
"""

import copy
import json

import pytest

from conftest import RECORD
from trt_course import CourseError, find_model
from trt_course.support.files import sha256


def write(folder, record):
    folder.mkdir(exist_ok=True)
    (folder / "model.json").write_text(json.dumps(record))
    return folder


def test_defaults(cells):
    spec = find_model(cells)
    assert spec.input.mean == (0, 0, 0)
    assert spec.input.resize == "stretch"
    assert spec.input.dtype == "float32"
    assert spec.conf_threshold == 0.3
    assert spec.nms.max_detections == 100
    assert spec.cls_dict() == {0: "background", 1: "blue", 2: "green", 3: "red"}
    assert spec.class_ids() == [1, 2, 3]
    assert spec.category_ids() == {1: 1, 2: 2, 3: 3}


def test_no_background_counts_from_one(tmp_path):
    spec = find_model(write(tmp_path / "m", {**RECORD, "labels": "coco90", "background": None}))
    assert spec.labels[0] == "person"
    assert spec.category_ids()[0] == 1
    assert spec.category_ids()[89] == 90


@pytest.mark.parametrize(
    "path, value, message",
    [
        ("input.color", "bgr", "input.color is 'bgr'; allowed: BGR, RGB"),
        ("input.width", 0, "input.width is 0; wanted: a whole number from 1 to 8192"),
        ("input.width", True, "input.width is True"),
        ("input.mean", [1, 2], "input.mean is .1, 2.; wanted: a list of 3 numbers"),
        ("input.scale", [1, 0, 1], "input.scale.1. is 0; wanted: a number that is not 0"),
        ("input.resize", "squash", "allowed: stretch, letterbox, crop"),
        (
            "input.wide",
            3,
            "model.json: input.wide is an unknown field; did you mean width",
        ),
        ("output.layout", "nms8", "allowed: nms7, efficient_nms"),
        ("output.layout", "nms7", "output.tensors.rows is missing"),
        ("output.layout", ["nms7"], "output.layout is"),
        (
            "output.tensors.box",
            "b",
            "output.tensors.box is an unknown field; did you mean boxes",
        ),
        ("output", [], "output is .*wanted: a JSON object"),
        ("labels", [], "labels is .*wanted: a list of texts"),
        ("labels", "coco17", "labels is 'coco17'; allowed: a list of names, or one of coco"),
        ("labels", ["background"], "labels names only the background, so nothing can be found"),
        ("background", 4, "background is 4; wanted: null .* 4 entries"),
        ("conf_threshold", 30, "conf_threshold is 30; wanted: a number from 0 to 1"),
        ("nms.iou_threshold", -1, "nms.iou_threshold is -1"),
        ("provenance.license", 3, "provenance.license is 3; wanted: a text"),
    ],
)
def test_mistakes_are_named(tmp_path, path, value, message):
    record = copy.deepcopy(RECORD)
    *parents, last = path.split(".")
    part = record
    for parent in parents:
        part = part.setdefault(parent, {})
    part[last] = value

    with pytest.raises(CourseError, match=message) as err:
        find_model(write(tmp_path / "m", record))
    assert "model.json" in str(err.value)


@pytest.mark.parametrize("key", ["name", "title", "input", "output", "labels", "background"])
def test_missing_field(tmp_path, key):
    record = dict(RECORD)
    del record[key]
    with pytest.raises(CourseError, match="model.json: " + key + " is missing"):
        find_model(write(tmp_path / "m", record))


def test_priors_are_asked_for(tmp_path):
    output = {"layout": "loc_conf_priors", "tensors": {"loc": "l", "conf": "c"}}
    with pytest.raises(CourseError, match="needs output.priors"):
        find_model(write(tmp_path / "m", {**RECORD, "output": output}))


def test_uint8_takes_no_mean(tmp_path):
    record = {**RECORD, "input": {**RECORD["input"], "dtype": "uint8"}}
    with pytest.raises(CourseError, match="uint8, which takes pixels as they are"):
        find_model(write(tmp_path / "m", record))


def test_not_json(tmp_path):
    (tmp_path / "model.json").write_text("{]")
    with pytest.raises(CourseError, match="model.json is not JSON"):
        find_model(tmp_path)

    (tmp_path / "model.json").unlink()
    with pytest.raises(CourseError, match="There is no file .*model.json"):
        find_model(tmp_path)


def test_changed_file_is_seen(cells, tmp_path):
    record = {**RECORD, "provenance": {"sha256": sha256(cells / "model.onnx")}}
    folder = write(tmp_path / "m", record)
    (folder / "model.onnx").write_bytes((cells / "model.onnx").read_bytes())
    assert not find_model(folder).changed()

    (folder / "model.onnx").write_bytes(b"other")
    assert find_model(folder).changed()
