"""How a model is found: by name, folder, record or network."""

import json

import pytest

import trt_course.model.find
import trt_course.model.spec
from conftest import RECORD
from trt_course import CourseError, find_model, get_cls_dict, list_models


def test_found_by_folder_record_and_onnx(cells):
    assert find_model(cells) == find_model(cells / "model.json") == find_model(cells / "model.onnx")


def test_found_by_another_onnx_beside_the_record(tmp_path):
    """Where the record's own network is from says nothing about the other."""
    record = {**RECORD, "provenance": {"sha256": "0" * 64}}
    (tmp_path / "model.json").write_text(json.dumps(record))
    other = tmp_path / "half.onnx"
    other.write_bytes(b"x")
    without_own = find_model(other)
    (tmp_path / "model.onnx").write_bytes(b"y")
    for spec in (without_own, find_model(other)):
        assert spec.onnx == other
        assert spec.provenance == {}
        assert not spec.changed()


def test_found_by_a_record_of_another_name(cells, tmp_path):
    for name in ("mine.json", "mine.txt"):
        (tmp_path / name).write_text(json.dumps(RECORD))
    assert find_model(tmp_path / "mine.json").folder == tmp_path
    for name in ("yours.json", "yours.onnx", "mine.txt"):
        with pytest.raises(CourseError, match="There is no model"):
            find_model(tmp_path / name)


def test_a_spec_is_its_own_answer(cells):
    """Readers change a spec and pass it on; nothing of it is read again."""
    changed = find_model(cells)._replace(conf_threshold=0.9)
    assert find_model(changed) is changed


def test_named_models(cells, monkeypatch, tmp_path):
    for name in ("other", "cells", ".half"):
        (tmp_path / name).symlink_to(cells)
    monkeypatch.setattr(trt_course.model.find, "MODELS", tmp_path)
    assert list_models() == ["cells", "other"]
    assert find_model("cells").title == "colours of cells"
    with pytest.raises(CourseError, match="no model 'sells'. Models here: cells, other"):
        find_model("sells")


def test_a_model_s_name_comes_before_a_folder_of_that_name(cells, monkeypatch, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "cells").symlink_to(cells)
    monkeypatch.setattr(trt_course.model.find, "MODELS", tmp_path / "models")
    (tmp_path / "cells").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_model("cells").folder == tmp_path / "models" / "cells"


def test_a_record_that_leads_nowhere_is_named(monkeypatch, tmp_path):
    """Not passed over: a folder of that name elsewhere would be another model."""
    (tmp_path / "lost").mkdir()
    (tmp_path / "lost" / "model.json").symlink_to("nowhere")
    monkeypatch.setattr(trt_course.model.find, "MODELS", tmp_path)
    with pytest.raises(CourseError, match="lost/model.json"):
        find_model("lost")


def test_no_models_at_all(monkeypatch, tmp_path):
    monkeypatch.setattr(trt_course.model.find, "MODELS", tmp_path)
    assert list_models() == []
    with pytest.raises(CourseError, match="Models here: none"):
        find_model("cells")


def test_a_reference_finds_the_model_again(cells, monkeypatch, tmp_path):
    """A name, a folder or a network: what a command that builds an engine says."""
    (tmp_path / "cells").symlink_to(cells)
    for module in (trt_course.model.find, trt_course.model.spec):
        monkeypatch.setattr(module, "MODELS", tmp_path)
    assert find_model("cells").reference == "cells"
    assert find_model(cells).reference == str(cells)

    other = cells / "other.onnx"
    other.write_bytes(b"x")
    assert find_model(other).reference == str(other)
    other.unlink()


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
