"""The commands that measure: evaluate in its ways, and the contest from packing to the board."""

import json

import pytest

from conftest import RECORD, write_model
from trt_course.__main__ import main
from trt_course.media.writer import VideoWriter


def run(*words):
    """The exit status of a command."""
    return main([str(word) for word in words])


@pytest.fixture
def data_folder(picture_folder, tmp_path):
    """The pictures and what is in them: a red cell and a green one, and in the last nothing."""
    data = tmp_path / "data"
    (data / "ground-truth").mkdir(parents=True)
    picture_folder.rename(data / "images")
    for name in "abcde":
        rows = "red 64 32 95 63\ngreen 192 128 223 159\n\n"
        (data / "ground-truth" / (name + ".txt")).write_text(rows)
    (data / "ground-truth" / "f.txt").write_text("")
    return data


REPORT = "green AP  = 100.00%\nred AP  = 100.00%\nmAP = 100.00%\n"


def test_evaluate_a_model(cells, data_folder, tmp_path, capsys):
    figures = tmp_path / "s.json"
    assert run("evaluate", "--model", cells, "--data", data_folder, "--json", figures) == 0
    assert capsys.readouterr().out.endswith(REPORT)
    assert json.loads(figures.read_text())["classes"]["red"]["hits"] == 5


def test_evaluate_text_files(cells, data_folder, tmp_path, capsys):
    images = data_folder / "images"
    run("detect", images, "--model", cells, "--out", tmp_path / "o", "--conf", "0.01")
    found = tmp_path / "o" / "detection-results"
    (found / "f.txt").unlink()
    capsys.readouterr()

    words = ["evaluate", "--gt", data_folder / "ground-truth", "--det", found]
    assert run(*words) == 0
    said = capsys.readouterr()
    assert said.out == REPORT
    assert "1 images have no detection file and count as empty: f" in said.err
    assert run(*words, "--ignore", "green") == 0
    assert "green" not in capsys.readouterr().out


def test_evaluate_warns_of_a_network_that_holds_boxes_back(data_folder, tmp_path, capsys):
    strict = write_model(tmp_path / "strict", output={**RECORD["output"], "threshold": 0.2})
    assert run("evaluate", "--model", strict, "--data", data_folder) == 0
    assert "gives nothing below 0.2 by itself" in capsys.readouterr().err


def test_coco_numbers(cells, data_folder, capsys):
    assert run("evaluate", "--model", cells, "--data", data_folder, "--metric", "coco") == 0
    said = capsys.readouterr().out
    assert "AP_small" in said
    assert "red AP = " in said


def test_contest_from_pack_to_board(cells, data_folder, tmp_path, capsys, cell_picture):
    clip = tmp_path / "clip.mp4"
    with VideoWriter(clip, 10) as writer:
        for _ in range(60):
            writer.write(cell_picture)
    given = ["--data", data_folder, "--video", clip]

    hand_ins = tmp_path / "handins"
    for team in ("Ada", "Bo"):
        pack = ["contest", "pack", "--team", team, "--model", cells, "--out", hand_ins]
        assert run(*pack, *given) == 0

    truth = data_folder / "ground-truth"
    board = tmp_path / "board"
    rank = ["contest", "rank", hand_ins, "--gt", truth, "--out", board, *given]
    assert run(*rank) == 0
    said = capsys.readouterr().out
    assert "2 teams ranked, 0 hand-ins not" in said
    assert "100.00" in said
    assert "<html" in (board / "board.html").read_text()

    (hand_ins / "Cy.json").write_text("{}")
    assert run(*rank) == 1
    assert "Cy.json: " in capsys.readouterr().out
