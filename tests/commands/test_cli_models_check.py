"""`models check` on the command line: what it says, what it writes, how it ends."""

import json
import shutil
from pathlib import Path

import pytest

from trt_course.__main__ import main
from trt_course.media.pictures import read_image

KIT = Path(__file__).parent.parent.parent
SIGNS = KIT / "models" / "ssd_mobilenet_v2_signs"
PICTURE = KIT / "data/signs/images/000008.jpg"


def run(*words):
    """The exit status of a command."""
    return main([str(word) for word in ("models", "check", *words)])


@pytest.fixture
def wrong_model(tmp_path):
    """The signs model, with a record whose boxes have y before x."""
    folder = tmp_path / "wrong"
    folder.mkdir()
    (folder / "model.onnx").symlink_to(SIGNS / "model.onnx")
    record = json.loads((SIGNS / "model.json").read_text())
    record["output"] = {
        "boxes": {"tensor": "boxes", "order": "yx"},
        "scores": {"tensor": "scores"},
    }
    record["questions"] = ["Does y come first?"]
    (folder / "model.json").write_text(json.dumps(record))
    return folder


def test_right_record(tmp_path, capsys):
    assert run(SIGNS.name, "--image", PICTURE, "--out", tmp_path) == 0
    said = capsys.readouterr().out
    assert "3 boxes in 1 of 1 picture" in said
    assert "Nothing speaks against the record." in said
    drawn = read_image(tmp_path / "000008.jpg")
    assert drawn.shape == read_image(PICTURE).shape


def test_wrong_record(wrong_model, tmp_path, capsys):
    assert run(wrong_model, "--image", PICTURE, "--out", tmp_path) == 1
    said = capsys.readouterr().out
    assert "Probably wrong: output.boxes.order" in said
    assert "Still open in the record: Does y come first?" in said
    assert (tmp_path / "000008.jpg").is_file()


def test_folder_with_truth(tmp_path, capsys):
    """Labels that are exchanged show only with ground truth."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.onnx").symlink_to(SIGNS / "model.onnx")
    record = json.loads((SIGNS / "model.json").read_text())
    record["labels"] = ["background", "prohibitory", "mandatory", "warning"]
    (model / "model.json").write_text(json.dumps(record))

    data = tmp_path / "data"
    for part, ending in (("images", "jpg"), ("ground-truth", "txt")):
        (data / part).mkdir(parents=True)
        for number in range(1, 11):
            shutil.copy(str(KIT / f"data/signs/{part}/{number:06}.{ending}"), str(data / part))
    assert run(model, "--data", data, "--out", tmp_path / "out") == 1
    said = capsys.readouterr().out
    assert "Probably wrong: labels" in said
    assert "are called prohibitory" in said
    assert len(list((tmp_path / "out").glob("*.jpg"))) == 10

    shutil.rmtree(str(data / "ground-truth"))
    assert run(model, "--data", data, "--out", tmp_path / "out") == 0
    assert "only ground truth or a person can tell" in capsys.readouterr().out


def test_threshold(tmp_path, capsys):
    run(SIGNS.name, "--image", PICTURE, "--out", tmp_path, "--conf", "0.999")
    assert "at a confidence of 0.999" in capsys.readouterr().out


def test_pictures_are_asked_for(capsys):
    with pytest.raises(SystemExit) as ended:
        run(SIGNS.name)
    assert ended.value.code == 2
    assert "--image --data" in capsys.readouterr().err


def test_pictures_of_others_stay(tmp_path, capsys):
    shutil.copy(str(PICTURE), str(tmp_path))
    assert run(SIGNS.name, "--image", tmp_path / PICTURE.name, "--out", tmp_path) == 2
    assert (tmp_path / PICTURE.name).read_bytes() == PICTURE.read_bytes()


def test_a_damaged_picture_of_a_folder(tmp_path, capsys):
    """The others are looked at, and the status tells."""
    images = tmp_path / "data" / "images"
    images.mkdir(parents=True)
    shutil.copy(str(PICTURE), str(images))
    (images / "broken.jpg").write_bytes(PICTURE.read_bytes()[:1000])
    assert run(SIGNS.name, "--data", tmp_path / "data", "--out", tmp_path / "out") == 1
    said = capsys.readouterr()
    assert "3 boxes in 1 of 1 picture" in said.out
    assert "broken.jpg cannot be read" in said.err
    assert (tmp_path / "out" / "000008.jpg").is_file()
    assert not (tmp_path / "out" / "broken.jpg").exists()
