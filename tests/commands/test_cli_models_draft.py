"""The command `models draft`: what it prints, its exit statuses, and that it overwrites nothing."""

import json
import shutil

import pytest

from builder.tf import small_ssd
from conftest import write_net
from trt_course.__main__ import main


def run(*words):
    """The exit status of `models draft`."""
    return main(["models", "draft", *[str(word) for word in words]])


@pytest.fixture
def network(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    write_net(folder / "cells.onnx")
    return folder / "cells.onnx"


def test_a_draft_beside_the_network(network, capsys):
    assert run(network) == 0
    said = capsys.readouterr().out
    record = network.with_name("model.json")
    assert "  input   input   float32  ? x 3 x 96 x 128\n" in said
    assert "  output  scores  float32  ? x 48 x 4\n" in said
    assert "boxes and scores (PyTorch SSD, jetson-inference); a guess: 48 boxes" in said
    assert f"Wrote {record}\n" in said
    assert "  1. " in said
    assert f"Next: python -m trt_course models check {network.parent} --image your.jpg\n" in said

    fields = json.loads(record.read_text())
    assert fields["file"] == "cells.onnx"
    assert fields["name"] == "mine"
    for number, question in enumerate(fields["questions"], 1):
        assert f"  {number}. {question}\n" in said


def test_a_draft_detects_at_once(network, cell_picture, tmp_path, capsys):
    import cv2

    cv2.imwrite(str(tmp_path / "a.png"), cell_picture)
    assert run(network) == 0
    words = ["detect", tmp_path / "a.png", "--model", network.parent, "--out", tmp_path / "out"]
    assert main([*map(str, words), "--backend", "cpu"]) == 0
    assert "\nclass_1 1 64.000 32.000 96.000 64.000\n" in capsys.readouterr().out


def test_a_record_that_is_there_stays(network, capsys):
    record = network.with_name("model.json")
    record.write_text("mine")
    assert run(network) == 2
    assert "is there already and was left as it is" in capsys.readouterr().err
    assert record.read_text() == "mine"

    assert run(network, "--force") == 0
    assert json.loads(record.read_text())["name"] == "mine"
    capsys.readouterr()
    assert run(network) == 2  # its own draft, too: somebody may be about to answer it


def test_into_another_folder(network, tmp_path, capsys):
    out = tmp_path / "models" / "new one"
    assert run(network, "--out", out) == 0
    assert (out / "cells.onnx").read_bytes() == network.read_bytes()
    assert json.loads((out / "model.json").read_text())["name"] == "new one"
    assert not network.with_name("model.json").exists()
    assert f"models check '{out}' --image" in capsys.readouterr().out


def test_into_the_folder_where_it_is(network):
    before = network.stat()
    assert run(network, "--out", network.parent) == 0
    assert network.stat().st_ino == before.st_ino
    assert network.stat().st_mtime_ns == before.st_mtime_ns


def test_another_network_of_that_name_stays(network, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "cells.onnx").write_text("theirs")
    assert run(network, "--out", out) == 2
    assert "cells.onnx is in the way" in capsys.readouterr().err
    assert (out / "cells.onnx").read_text() == "theirs"
    assert not (out / "model.json").exists()


def test_what_cannot_be_drafted(network, tmp_path, capsys):
    assert run(tmp_path / "none.onnx") == 2
    assert "There is no file" in capsys.readouterr().err
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(network.read_bytes()[:300])
    assert run(broken) == 2
    assert "broken.onnx" in capsys.readouterr().err
    assert not (tmp_path / "model.json").exists()


def test_a_folder_that_cannot_be_written_to(network, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run(network, "--out", tmp_path / "file" / "below") == 2
    assert "is a file, not a folder" in capsys.readouterr().err


def test_models_alone_still_lists(capsys):
    assert main(["models"]) == 0
    assert "ssd_resnet18_traffic" in capsys.readouterr().out


def test_a_name_that_controls_a_terminal(network, tmp_path, capsys):
    odd = tmp_path / "a\x1b[2Jb"
    odd.mkdir()
    shutil.move(str(network), str(odd / "cells.onnx"))
    assert run(odd / "cells.onnx") == 0
    assert "\x1b" not in capsys.readouterr().out


def test_a_frozen_graph_of_tensorflow(tmp_path, capsys):
    small_ssd.write(tmp_path / "frozen_inference_graph.pb")
    assert run(tmp_path / "frozen_inference_graph.pb", "--out", tmp_path / "hands") == 0
    said = capsys.readouterr().out
    assert "an SSD of TensorFlow's object detection API; certain" in said
    assert "the 477 priors are from the graph" in said
    assert "  1. labels: name the network's class" in said
    written = {path.name for path in (tmp_path / "hands").iterdir()}
    assert written >= {"model.json", "model.onnx", "priors.npy"}
    assert run(tmp_path / "frozen_inference_graph.pb", "--out", tmp_path / "hands") == 2


def test_a_frozen_graph_that_is_none(tmp_path, capsys):
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01\x12\x00")
    assert run(tmp_path / "saved_model.pb") == 2
    assert "is not a frozen graph of TensorFlow (.pb)" in capsys.readouterr().err
    assert run(tmp_path / "nowhere.pb") == 2
