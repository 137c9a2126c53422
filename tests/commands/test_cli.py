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
from conftest import RECORD, write_model
from trt_course.__main__ import main
from trt_course.media.sources import open_source
from trt_course.media.writer import VideoWriter
from trt_course.support import doctor


def run(*args):
    return main([str(a) for a in args])


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as end:
        run("--help")
    assert end.value.code == 0
    said = capsys.readouterr().out
    commands = ("doctor", "models", "detect", "transcode", "evaluate", "bench", "contest")
    assert all(command in said for command in commands)


def test_doctor_always_ends_well(capsys):
    assert run("doctor") == 0
    said = capsys.readouterr().out
    for what in (
        "Python",
        "OpenCV",
        "GStreamer",
        "ONNX Runtime",
        "TensorRT",
        "CUDA",
        "GPU",
        "ffmpeg",
        "JetPack",
    ):
        assert what in said
    assert "pip install" in said


def test_doctor_advises_on_everything_that_is_missing():
    lost = [row._replace(found="") for row in doctor.findings()]
    lines = doctor.report(lost).splitlines()
    assert all(row.advice in line for row, line in zip(lost, lines))
    assert [row.what for row in lost if not row.advice] == ["Python", "CPU cores"]
    assert "Models will run on the CPU" in lines[-1]
    assert doctor.report([doctor.Finding("TensorRT", "8.6", "")]).endswith("TensorRT is here.")


def test_doctor_survives_broken_modules(tmp_path):
    for name in ("cv2", "onnxruntime", "tensorrt"):
        (tmp_path / (name + ".py")).write_text("raise RuntimeError('broken')")
    done = subprocess.run(
        [sys.executable, "-c", "from trt_course.support import doctor"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import importlib.util as u; "
        f"spec = u.spec_from_file_location('doctor', {doctor.__file__!r}); m = u.module_from_spec(spec); "
        "sys.modules['doctor'] = m; spec.loader.exec_module(m); print(m.report())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "OpenCV                 - make demo installs it" in done.stdout


def test_models_lists_the_good_and_names_the_bad(cells, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(trt_course.model.find, "MODELS", tmp_path)
    (tmp_path / "good").symlink_to(cells)
    for name, text in (("bad", "{}"), ("hollow", (cells / "model.json").read_text())):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.json").write_text(text)
    assert run("models") == 1
    said = capsys.readouterr()
    assert "colours of cells\n    128 x 96 BGR, 3 classes: blue, green, red" in said.out
    assert "bad/model.json: name is missing" in said.err and "model.onnx is missing" in said.err


def test_output_that_cannot_be_written(cells, picture_folder, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert run("detect", picture_folder, "--model", cells, "--out", tmp_path / "file") == 2
    assert "file" in capsys.readouterr().err


def test_detect_picture_and_folder(cells, picture_folder, tmp_path, capsys):
    assert run("detect", picture_folder / "a.jpg", "--model", cells, "--out", tmp_path / "o") == 0
    assert (tmp_path / "o" / "a.jpg").exists() and "2 objects" in capsys.readouterr().out
    assert (
        run(
            "detect",
            picture_folder,
            "--model",
            cells / "model.onnx",
            "--out",
            tmp_path / "p",
            "--conf",
            "0.95",
            "--format",
            "voc",
            "--backend",
            "cpu",
        )
        == 0
    )
    assert (tmp_path / "p" / "detection-results" / "c.txt").read_text().startswith("red ")
    assert not (tmp_path / "p" / "detections.json").exists()


def test_detect_video_with_its_options(cells, cell_picture, tmp_path, capsys):
    clip = tmp_path / "clip.mp4"
    with VideoWriter(clip, 10) as writer:
        for _ in range(12):
            writer.write(cell_picture)
    assert (
        run(
            "detect",
            clip,
            "--model",
            cells,
            "--out",
            tmp_path / "o",
            "--stride",
            2,
            "--start",
            0.35,
            "--end",
            1.0,
            "--batch",
            2,
            "--save-json",
            "--no-write",
        )
        == 0
    )
    rows = json.loads((tmp_path / "o/clip.json").read_text())
    assert (
        sorted({r["frame"] for r in rows}) == [4, 6, 8] and not (tmp_path / "o/clip.mp4").exists()
    )
    assert run("detect", clip, "--model", cells, "--out", tmp_path / "p", "--encoder", "x264") == 0
    assert (tmp_path / "p/clip.mp4").exists() and "12 frames" in capsys.readouterr().out


@pytest.mark.slow
def test_ctrl_c_in_a_video_keeps_it(cells, cell_picture, tmp_path):
    """As a terminal does it: the whole group of processes gets the signal, the encoder too."""
    with VideoWriter(tmp_path / "long.mp4", 100) as writer:
        for _ in range(4000):
            writer.write(cell_picture)
    job = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "trt_course",
            "detect",
            str(tmp_path / "long.mp4"),
            "--model",
            str(cells),
            "--out",
            str(tmp_path / "o"),
        ],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    limit = time.monotonic() + 30
    while not list(tmp_path.glob("o/.long*")) and time.monotonic() < limit:
        time.sleep(0.02)
    time.sleep(0.5)
    os.killpg(job.pid, signal.SIGINT)
    said = job.communicate(timeout=60)[1]
    assert job.returncode == 130 and "Traceback" not in said and not list(tmp_path.glob("o/.*"))
    with open_source(tmp_path / "o/long.mp4") as video:
        assert 5 < len(list(video)) < 4000


def test_one_bad_picture_gives_status_1(cells, picture_folder, tmp_path, capsys):
    (picture_folder / "bad.jpg").write_bytes(b"x")
    assert run("detect", picture_folder, "--model", cells, "--out", tmp_path / "o") == 1
    assert "trt_course: not done: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "args, message",
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
def test_bad_input_is_one_sentence_and_status_2(cells, picture_folder, capsys, args, message):
    args = [a.format(cells=cells, pictures=picture_folder) for a in args]
    assert run(*args) == 2
    err = capsys.readouterr().err
    assert message in err and err.startswith("trt_course: ") and "Traceback" not in err


@pytest.fixture
def data_folder(picture_folder, tmp_path):
    data = tmp_path / "data"
    (data / "ground-truth").mkdir(parents=True)
    picture_folder.rename(data / "images")
    for name in "abcdef":
        rows = "" if name == "f" else "red 64 32 95 63\ngreen 192 128 223 159\n\n"
        (data / "ground-truth" / (name + ".txt")).write_text(rows)
    return data


def test_evaluate_both_ways(cells, data_folder, tmp_path, capsys):
    assert (
        run("evaluate", "--model", cells, "--data", data_folder, "--json", tmp_path / "s.json") == 0
    )
    report = "green AP  = 100.00%\nred AP  = 100.00%\nmAP = 100.00%\n"
    assert capsys.readouterr().out.endswith(report)
    assert json.loads((tmp_path / "s.json").read_text())["classes"]["red"]["hits"] == 5
    run(
        "detect",
        data_folder / "images",
        "--model",
        cells,
        "--out",
        tmp_path / "o",
        "--conf",
        "0.01",
    )
    det = tmp_path / "o" / "detection-results"
    (det / "f.txt").unlink()
    capsys.readouterr()
    assert run("evaluate", "--gt", data_folder / "ground-truth", "--det", det) == 0
    said = capsys.readouterr()
    assert (
        said.out == report and "1 images have no detection file and count as empty: f" in said.err
    )
    assert (
        run("evaluate", "--gt", data_folder / "ground-truth", "--det", det, "--ignore", "green")
        == 0
    )
    assert "green" not in capsys.readouterr().out


def test_evaluate_warns_of_a_network_that_holds_boxes_back(data_folder, tmp_path, capsys):
    strict = write_model(tmp_path / "strict", output={**RECORD["output"], "threshold": 0.2})
    assert run("evaluate", "--model", strict, "--data", data_folder) == 0
    assert "gives nothing below 0.2 by itself" in capsys.readouterr().err


def test_coco_numbers(cells, data_folder, capsys):
    assert run("evaluate", "--model", cells, "--data", data_folder, "--metric", "coco") == 0
    said = capsys.readouterr().out
    assert "AP_small" in said and "red AP = " in said


def test_contest_from_pack_to_board(cells, data_folder, tmp_path, capsys, cell_picture):
    clip = tmp_path / "clip.mp4"
    with VideoWriter(clip, 10) as writer:
        for _ in range(60):
            writer.write(cell_picture)
    for team in ("Ada", "Bo"):
        assert (
            run(
                "contest",
                "pack",
                "--team",
                team,
                "--model",
                cells,
                "--data",
                data_folder,
                "--video",
                clip,
                "--out",
                tmp_path / "handins",
            )
            == 0
        )
    rank = (
        "contest",
        "rank",
        tmp_path / "handins",
        "--gt",
        data_folder / "ground-truth",
        "--data",
        data_folder,
        "--video",
        clip,
        "--out",
        tmp_path / "board",
    )
    assert run(*rank) == 0
    said = capsys.readouterr().out
    assert "2 teams ranked, 0 hand-ins not" in said and "100.00" in said
    assert "<html" in (tmp_path / "board/board.html").read_text()
    (tmp_path / "handins/Cy.json").write_text("{}")
    assert run(*rank) == 1
    assert "Cy.json: " in capsys.readouterr().out


def test_ctrl_c_ends_with_130_and_keeps_files(cells, picture_folder, cell_picture, tmp_path):
    for i in range(3000):
        cv2.imwrite(str(picture_folder / f"g{i:04d}.bmp"), cell_picture)
    out = tmp_path / "o"
    job = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "trt_course",
            "detect",
            str(picture_folder),
            "--model",
            str(cells),
            "--out",
            str(out),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    limit = time.monotonic() + 60
    while not (out / "detection-results" / "c.txt").exists() and time.monotonic() < limit:
        time.sleep(0.02)
    job.send_signal(signal.SIGINT)
    said = job.communicate(timeout=60)
    assert (
        job.returncode == 130
        and "What was finished is kept" in said[1]
        and "Traceback" not in said[1]
    )
    done = list((out / "detection-results").glob("*.txt"))
    assert 0 < len(done) < 3006 and json.loads((out / "detections.json").read_text())
    assert not list(out.rglob(".*"))
