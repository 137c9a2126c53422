"""`evaluate`, `bench` and `contest`: each option does what it says; none is ignored in silence."""

import json

import pytest

from test_jobs import write_video
from trt_course import CourseError
from trt_course.__main__ import main
from trt_course.measure import parity


def run(*words):
    """The exit status of a command."""
    return main([str(word) for word in words])


@pytest.fixture
def texts(tmp_path):
    """Ground truth and detections, so that a class's box overlaps 72 % or 100 %."""
    for name, rows in (
        ("gt", "red 0 0 9 9\nstop sign 20 20 29 29\n"),
        ("det", "red 0.9 0 0 9 9\nstop sign 0.8 20 20 29 26\nred 0.1 50 50 59 59\n"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(rows)
    return ["--gt", tmp_path / "gt", "--det", tmp_path / "det", "--names", "stop sign"]


@pytest.mark.parametrize(
    "words, said",
    [
        ([], "red AP  = 100.00%\nstop sign AP  = 100.00%\nmAP = 100.00%\n"),
        (["--ignore", "red"], "stop sign AP  = 100.00%\nmAP = 100.00%\n"),
        (
            ["--set-class-iou", "stop sign", "0.71"],
            "red AP  = 100.00%\nstop sign AP  = 0.00%\nmAP = 50.00%\n",
        ),
        (
            ["--set-class-iou", "stop sign", "0.7", "red", "1"],
            "red AP  = 100.00%\nstop sign AP  = 100.00%\nmAP = 100.00%\n",
        ),
    ],
)
def test_classes_and_their_overlaps(texts, capsys, words, said):
    assert run("evaluate", *texts, *words) == 0
    assert capsys.readouterr().out == said


def test_the_figures_are_those_of_the_metric(texts, tmp_path, capsys):
    for metric, value in (("voc", "mAP"), ("coco", "AP_small")):
        figures = tmp_path / (metric + ".json")
        assert run("evaluate", *texts, "--metric", metric, "--json", figures) == 0
        assert value in capsys.readouterr().out
        assert json.loads(figures.read_text())


NEEDS = "evaluate needs --gt DIR --det DIR, or --model NAME --data DIR; with COCO's ground truth"


@pytest.mark.parametrize(
    "words, said",
    [
        (["--gt", "a"], NEEDS),
        (["--det", "a"], NEEDS),
        (["--gt", "a", "--model", "m"], NEEDS),
        (["--det", "a", "--model", "m"], NEEDS),
        (["--gt", "a", "--det", "b", "--model", "m"], NEEDS),
        (["--gt", "a", "--det", "b", "--images", "c"], NEEDS),
        (["--model", "m", "--images", "c"], NEEDS),
        (["--gt", "a.json"], NEEDS),
        (["--gt", "a.json", "--images", "c"], NEEDS),
        (["--gt", "a.json", "--model", "m"], NEEDS),
        (["--gt", "a.json", "--det", "b", "--model", "m"], NEEDS),
        (["--gt", "a.json", "--det", "b", "--images", "c", "--model", "m"], NEEDS),
        (["--gt", "a", "--det", "b", "--set-class-iou", "red"], "--set-class-iou takes pairs"),
        (["--gt", "a", "--det", "b", "--set-class-iou", "red", "0"], "'0' is not an overlap"),
        (["--gt", "a", "--det", "b", "--set-class-iou", "red", "1.01"], "'1.01' is not an over"),
        (["--gt", "a", "--det", "b", "--set-class-iou", "red", "nan"], "'nan' is not an over"),
        (["--gt", "a", "--det", "b", "--metric", "coco", "--ignore", "red"], "coco has neither"),
        (
            ["--gt", "a", "--det", "b", "--metric", "coco", "--set-class-iou", "red", "0.6"],
            "coco has neither",
        ),
    ],
)
def test_words_that_do_not_go_together(capsys, words, said):
    assert run("evaluate", *words) == 2
    assert said in capsys.readouterr().err


def test_plots_of_text_files_have_no_pictures_and_replace_nobodys(texts, tmp_path, capsys):
    out = tmp_path / "plots"
    out.mkdir()
    (out / "ap.png").write_text("mine")
    words = [*texts, "--metric", "coco", "--plots", out]
    assert run("evaluate", *words) == 2
    assert "ap.png is in the way" in capsys.readouterr().err
    assert run("evaluate", *words, "--force") == 0
    assert "AP_small" in capsys.readouterr().out
    names = sorted(path.stem for path in out.glob("[!.]*"))
    assert names == ["ap", "ap_by_height", "confusion", "counts", "precision_recall"]
    assert (out / "ap.png").read_bytes() != b"mine"


# Speed


@pytest.fixture
def clip(tmp_path, cell_picture):
    return write_video(tmp_path / "clip.mp4", [cell_picture] * 60)


def test_the_bench_measures_what_was_asked_for(cells, clip, tmp_path, capsys):
    figures = tmp_path / "b.json"
    trace = tmp_path / "t.json"
    where = ["--source", clip, "--backend", "cpu", "--json", figures, "--out", tmp_path / "o"]
    assert run("bench", cells, *where, "--scope", "engine", "--frames", 12, "--trace", trace) == 0
    assert "scope engine (input tensor to output tensors)" in capsys.readouterr().out
    value = json.loads(figures.read_text())
    assert (value["scope"], value["intervals"], value["subject"]) == (
        "engine",
        2,
        "cells on clip.mp4",
    )
    events = json.loads(trace.read_text())["traceEvents"]
    assert sum(event["name"] == "infer" for event in events) == 12
    assert not (tmp_path / "o").exists()

    assert run("bench", cells, *where, "--scope", "video", "--frames", 12) == 0
    assert (tmp_path / "o" / "bench.mp4").is_file()


def test_the_engine_that_was_asked_for_is_compared(cells, monkeypatch):
    asked = []

    def noting(spec, backend, plan=None, **options):
        asked.append((backend, plan))
        raise CourseError("not here")

    monkeypatch.setattr(parity, "TrtSSD", noting)
    assert run("compare", cells, "--engine", "my.engine") == 2
    assert asked == [("tensorrt", "my.engine")]


# The contest


@pytest.fixture
def arena(tmp_path, picture_folder, clip):
    """The organiser's pictures and video, their ground truth, and an empty folder of hand-ins."""
    data = tmp_path / "data"
    (data / "ground-truth").mkdir(parents=True)
    picture_folder.rename(data / "images")
    (data / "images" / "notes.md").unlink()
    for name in "abcdef":
        (data / "ground-truth" / (name + ".txt")).write_text("red 64 32 95 63\n")
    (tmp_path / "in").mkdir()
    return tmp_path


def pack(arena, cells, *words):
    given = ["--model", cells, "--backend", "cpu", "--out", arena / "in"]
    given += ["--data", arena / "data", "--video", arena / "clip.mp4"]
    return run("contest", "pack", *given, *words)


def rank(arena, *words):
    given = ["--gt", arena / "data" / "ground-truth", "--out", arena / "board"]
    return run("contest", "rank", arena / "in", *given, *words)


def test_what_a_team_says_is_in_its_hand_in(arena, cells, capsys):
    claims = ["--restructured", "--other-model", "backbone"]
    assert pack(arena, cells, "--team", "Ada", *claims) == 0
    assert f"The hand-in of Ada: {arena}/in/Ada.json" in capsys.readouterr().out
    value = json.loads((arena / "in" / "Ada.json").read_text())
    assert (value["team"], value["restructured"], value["other_model"]) == ("Ada", True, "backbone")

    assert pack(arena, cells, "--team", "Bo") == 0
    value = json.loads((arena / "in" / "Bo.json").read_text())
    assert (value["team"], value["restructured"], value["other_model"]) == ("Bo", False, None)

    assert rank(arena) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (
        "Written: "
        + ", ".join(f"{arena}/board/board{ending}" for ending in (".txt", ".html", ".json"))
        == lines[-1]
    )
    board = json.loads((arena / "board" / "board.json").read_text())
    points = {row["team"]: (row["restructured"], row["other_model"]) for row in board["teams"]}
    assert points == {"Ada": (5, 3), "Bo": (0, 0)}


def test_the_organisers_own_files_count(arena, cells, cell_picture, capsys):
    assert pack(arena, cells, "--team", "Ada") == 0
    own = ["--data", arena / "data", "--video", arena / "clip.mp4"]
    assert rank(arena, *own, "--ignore", "green") == 0
    assert "without the classes green" in capsys.readouterr().out

    other = write_video(arena / "other.mp4", [cell_picture[:, ::-1]] * 60)
    assert rank(arena, "--video", other) == 1
    assert "Its video is not that of the contest" in capsys.readouterr().out
    (arena / "data" / "images" / "a.jpg").rename(arena / "data" / "images" / "z.jpg")
    assert rank(arena, "--data", arena / "data") == 1
    assert "Its set of pictures is not that of the contest" in capsys.readouterr().out


def test_a_hand_in_of_somebody_else_is_replaced_only_on_purpose(arena, cells, capsys):
    (arena / "in" / "Ada.json").write_text("my notes")
    assert pack(arena, cells, "--team", "Ada") == 2
    assert "Ada.json is in the way" in capsys.readouterr().err
    assert pack(arena, cells, "--team", "Ada", "--force") == 0
