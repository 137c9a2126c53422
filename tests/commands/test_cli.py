"""The command line as a reader types it: what it prints, what it leaves, how it ends."""

import json
import os
import signal
import subprocess
import sys
import time

import cv2
import pytest

import trt_course.model.find
from conftest import write_model
from trt_course.__main__ import main
from trt_course.media.sources import open_source
from trt_course.media.writer import VideoWriter
from trt_course.support.files import sha256


def run(*words):
    """The exit status of a command."""
    return main([str(word) for word in words])


def started(*words, **options):
    """A command in a process of its own."""
    command = [sys.executable, "-m", "trt_course"] + [str(word) for word in words]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options)


def wait_until(there, job):
    """Until there() is true; the job goes on meanwhile."""
    limit = time.monotonic() + 60
    while not there():
        assert job.poll() is None, job.communicate()
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as end:
        run("--help")
    assert end.value.code == 0
    said = capsys.readouterr().out
    commands = ("doctor", "models", "detect", "transcode", "evaluate", "bench", "contest")
    assert all(command in said for command in commands)


def test_models_lists_the_good_and_names_the_bad(cells, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(trt_course.model.find, "MODELS", tmp_path)
    (tmp_path / "good").symlink_to(cells)
    for name, text in (("bad", "{}"), ("hollow", (cells / "model.json").read_text())):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.json").write_text(text)
    assert run("models") == 1
    said = capsys.readouterr()
    assert "colours of cells\n    128 x 96 BGR, 3 classes: blue, green, red" in said.out
    assert "bad/model.json: name is missing" in said.err
    assert "model.onnx is missing" in said.err


def test_models_tells_of_a_network_that_is_another_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(trt_course.model.find, "MODELS", tmp_path)
    same = write_model(tmp_path / "same")
    for name, digest in (("same", sha256(same / "model.onnx")), ("other", "0" * 64)):
        write_model(tmp_path / name, name=name, provenance={"sha256": digest})
    assert run("models") == 0
    other, same = capsys.readouterr().out.split("same  colours")
    assert "note: the ONNX file is not the one that model.json describes" in other
    assert "note" not in same


def test_output_that_cannot_be_written(cells, picture_folder, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert run("detect", picture_folder, "--model", cells, "--out", tmp_path / "file") == 2
    assert "file" in capsys.readouterr().err


def test_detect_picture(cells, picture_folder, tmp_path, capsys):
    out = tmp_path / "o"
    assert run("detect", picture_folder / "a.jpg", "--model", cells, "--out", out) == 0
    assert (out / "a.jpg").exists()
    assert "2 objects" in capsys.readouterr().out


def test_detect_folder(cells, picture_folder, tmp_path):
    out = tmp_path / "p"
    words = ["--model", cells / "model.onnx", "--backend", "cpu", "--out", out]
    assert run("detect", picture_folder, *words, "--conf", "0.95", "--format", "voc") == 0
    assert (out / "detection-results" / "c.txt").read_text().startswith("red ")
    assert not (out / "detections.json").exists()


def test_detect_video_with_its_options(cells, cell_picture, tmp_path, capsys):
    clip = tmp_path / "clip.mp4"
    with VideoWriter(clip, 10) as writer:
        for _ in range(12):
            writer.write(cell_picture)

    out = tmp_path / "o"
    words = ["detect", clip, "--model", cells]
    some = ["--stride", 2, "--start", 0.35, "--end", 1.0, "--batch", 2]
    assert run(*words, *some, "--out", out, "--save-json", "--no-write") == 0
    rows = json.loads((out / "clip.json").read_text())
    assert sorted({row["frame"] for row in rows}) == [4, 6, 8]
    assert not (out / "clip.mp4").exists()

    out = tmp_path / "p"
    assert run(*words, "--out", out, "--encoder", "x264") == 0
    assert (out / "clip.mp4").exists()
    assert "12 frames" in capsys.readouterr().out


@pytest.mark.slow
def test_ctrl_c_in_a_video_keeps_it(cells, cell_picture, tmp_path):
    """As a terminal does it: the whole group of processes gets the signal, the encoder too."""
    clip = tmp_path / "long.mp4"
    with VideoWriter(clip, 100) as writer:
        for _ in range(4000):
            writer.write(cell_picture)

    out = tmp_path / "o"
    job = started("detect", clip, "--model", cells, "--out", out, start_new_session=True)
    wait_until(lambda: any(path.stat().st_size for path in out.glob(".long*~*")), job)
    os.killpg(job.pid, signal.SIGINT)
    said = job.communicate(timeout=60)[1]
    assert job.returncode == 130
    assert "Traceback" not in said
    assert {path.name for path in out.glob(".*")} == {".trt_course"}
    with open_source(out / "long.mp4") as video:
        assert 0 < len(list(video)) < 4000


def test_ctrl_c_ends_with_130_and_keeps_files(cells, picture_folder, cell_picture, tmp_path):
    for i in range(3000):
        cv2.imwrite(str(picture_folder / f"g{i:04d}.bmp"), cell_picture)

    out = tmp_path / "o"
    job = started("detect", picture_folder, "--model", cells, "--out", out, stdout=subprocess.PIPE)
    wait_until((out / "detection-results" / "c.txt").exists, job)
    job.send_signal(signal.SIGINT)
    said = job.communicate(timeout=60)[1]
    assert job.returncode == 130
    assert "What was finished is kept" in said
    assert "Traceback" not in said
    done = list((out / "detection-results").glob("*.txt"))
    assert 0 < len(done) < 3006
    assert json.loads((out / "detections.json").read_text())
    assert {path.name for path in out.rglob(".*")} == {".trt_course"}


def test_one_bad_picture_gives_status_1(cells, picture_folder, tmp_path, capsys):
    (picture_folder / "bad.jpg").write_bytes(b"x")
    assert run("detect", picture_folder, "--model", cells, "--out", tmp_path / "o") == 1
    assert "trt_course: not done: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, message",
    [
        (("detect", "nowhere.jpg"), "There is no file or folder nowhere.jpg"),
        (("detect", "{pictures}", "--model", "nix"), "There is no model 'nix'"),
        (
            ("detect", "{pictures}", "--model", "{cells}", "--backend", "tensorrt"),
            "he backend cpu runs everywhere.",
        ),
        (("evaluate",), "evaluate needs --gt DIR --det DIR, or --model"),
        (
            ("evaluate", "--model", "{cells}", "--data", "{pictures}"),
            "A data folder holds images/ and ground-truth/",
        ),
        (("evaluate", "--gt", "{pictures}", "--det", "{pictures}"), "holds no .txt files"),
        (
            ("evaluate", "--gt", "a", "--det", "b", "--set-class-iou", "red", "high"),
            "'high' is not an overlap",
        ),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(cells, picture_folder, capsys, words, message):
    words = [word.format(cells=cells, pictures=picture_folder) for word in words]
    assert run(*words) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.startswith("trt_course: ")
    assert "Traceback" not in err
