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


def write_clip(path, picture, frames=60):
    with VideoWriter(path, 10) as writer:
        for _ in range(frames):
            writer.write(picture)
    return path


def test_bench_writes_a_video_over_nobodys_file(cells, cell_picture, tmp_path, capsys):
    clip = write_clip(tmp_path / "clip.mp4", cell_picture, frames=14)
    out = tmp_path / "o"
    out.mkdir()
    theirs = out / "bench.mp4"
    theirs.write_text("my film")
    words = ["bench", cells, "--source", clip, "--frames", 12, "--out", out, "--backend", "cpu"]
    assert run(*words, "--scope", "detect") == 0
    assert run(*words, "--scope", "video") == 2
    assert "bench.mp4 is in the way" in capsys.readouterr().err
    assert theirs.read_text() == "my film"

    assert run(*words, "--scope", "video", "--force") == 0
    assert "2 intervals after 10 frames" in capsys.readouterr().out
    assert theirs.stat().st_size > 500


def test_contest_from_pack_to_board(cells, data_folder, tmp_path, capsys, cell_picture):
    clip = write_clip(tmp_path / "clip.mp4", cell_picture)
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
