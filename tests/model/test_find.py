"""How a model is found: by name, folder, record or network."""

import json

import pytest

import trt_course.model.find
from conftest import RECORD
from trt_course import CourseError, find_model, get_cls_dict, list_models


def test_found_by_folder_record_and_onnx(cells):
    assert find_model(cells) == find_model(cells / "model.json") == find_model(cells / "model.onnx")


def test_found_by_another_onnx_beside_the_record(tmp_path):
    (tmp_path / "model.json").write_text(json.dumps(RECORD))
    other = tmp_path / "half.onnx"
    other.write_bytes(b"x")
    assert find_model(other).onnx == other


def test_named_models(cells, monkeypatch, tmp_path):
    (tmp_path / "cells").symlink_to(cells)
    monkeypatch.setattr(trt_course.model.find, "MODELS", tmp_path)
    assert list_models() == ["cells"]
    assert find_model("cells").title == "colours of cells"
    with pytest.raises(CourseError, match="no model 'sells'. Models here: cells"):
        find_model("sells")


def test_onnx_without_record(tmp_path):
    (tmp_path / "lone.onnx").write_bytes(b"x")
    message = "There is no file .*model.json. A model's record lies beside its network"
    with pytest.raises(CourseError, match=message):
        find_model(tmp_path / "lone.onnx")


def test_cls_dict_by_either_name(cells):
    assert get_cls_dict("traffic") == {0: "road_sign", 1: "vehicle", 2: "pedestrian", 3: "bicycle"}
    assert get_cls_dict(cells)[3] == "red"

    coco = get_cls_dict("coco")
    assert len(coco) == 91
    assert coco[1] == "person"
    assert coco[90] == "toothbrush"
    assert coco[44] == "bottle"
