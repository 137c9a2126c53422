"""The camera command: its lines and counts, its modes, its ends."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from test_camera import Pulse
from trt_course import camera
from trt_course.__main__ import main

HERE = Path(__file__).resolve().parent.parent


@pytest.fixture
def pulse(monkeypatch):
    """What was opened, as (uri, source): `pulse:45` is a camera of 45 pictures."""
    opened = []

    def open_source(uri, loop=False):
        pictures = int(str(uri).split(":")[1])
        source = Pulse(until=pictures)
        opened.append((str(uri), source))
        return source

    monkeypatch.setattr(camera, "open_source", open_source)
    monkeypatch.delenv("DISPLAY", raising=False)
    return opened


def run(*words):
    """The exit status of the command."""
    return main(["camera"] + [str(word) for word in words])


@pytest.mark.parametrize("mode", ["async", "child", "sync"])
def test_counts_of_each_mode(cells, pulse, tmp_path, capsys, mode):
    figures = tmp_path / "counts.json"
    words = ["--model", cells, "--backend", "cpu", "--mode", mode, "--every", 1, "--show"]
    assert run("pulse:45", *words, "--json", figures) == 0
    said = capsys.readouterr()
    counts = json.loads(figures.read_text())
    assert counts["mode"] == mode
    assert counts["captured"] >= counts["shown"] >= 31
    assert counts["dropped"] == counts["captured"] - counts["shown"]
    assert 0 < counts["age_p50"] <= counts["age_p95"]

    lines = said.out.splitlines()
    assert lines[0].startswith("cells runs with ONNX Runtime")
    assert " 1 s  captured " in lines[1]
    assert " boxes, " in lines[1]
    assert lines[-1].startswith(f"{counts['captured']} captured, {counts['shown']} shown,")
    assert said.err.count("No window: ") == 1

    uri, source = pulse[0]
    assert uri == "pulse:45"
    assert source.handle.closed


def test_only_every_so_manyth_picture_is_inferred(cells, pulse, tmp_path):
    figures = tmp_path / "counts.json"
    words = ["--model", cells, "--backend", "cpu", "--every", 10, "--json", figures]
    assert run("pulse:40", *words) == 0
    counts = json.loads(figures.read_text())
    assert counts["every"] == 10
    assert 1 <= counts["inferred"] <= 5


def test_a_camera_without_figures_leaves_no_file(cells, pulse, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("pulse:5", "--model", cells, "--mode", "sync") == 0
    assert list(tmp_path.iterdir()) == []
    *_, last = capsys.readouterr().out.splitlines()
    assert re.match(r"\d+ captured, \d+ shown, \d+ dropped, \d+ inferred in \d+\.\d s: ", last)


def test_it_stops_after_the_time(cells, pulse, capsys):
    started = time.monotonic()
    assert run("pulse:300", "--model", cells, "--seconds", 0.5) == 0
    assert time.monotonic() - started < 4
    last = capsys.readouterr().out.splitlines()[-1]
    captured = int(last.split()[0])
    assert 10 < captured < 60


def test_a_failing_detector_is_one_sentence_after_the_counts(cells, pulse, capsys, monkeypatch):
    def fail(*_):
        raise ValueError("no such engine")

    monkeypatch.setattr("trt_course.ssd.TrtSSD.detect", fail)
    assert run("pulse:300", "--model", cells) == 2
    said = capsys.readouterr()
    assert said.err.startswith(
        "trt_course: The detector's thread has failed. ValueError: no such engine"
    )
    assert " captured, " in said.out
    assert pulse[0][1].handle.closed


@pytest.mark.parametrize(
    "words, message",
    [
        (["nowhere.mp4"], "nowhere.mp4"),
        (["pulse:5", "--model", "nix"], "There is no model 'nix'"),
    ],
)
def test_bad_input_is_status_2(words, message, capsys):
    assert run(*words) == 2
    assert message in capsys.readouterr().err


CODE = """
import sys
sys.path[:0] = [{here!r}, {kit!r}]
from test_camera import Pulse
from trt_course.__main__ import main
from trt_course import camera
camera.open_source = lambda uri: Pulse()
sys.exit(main(["camera", "pulse", "--model", {model!r}, "--json", {json!r}]))
"""


def test_ctrl_c_ends_with_the_counts(cells, tmp_path):
    figures = tmp_path / "c.json"
    code = CODE.format(here=str(HERE), kit=str(HERE.parent), model=str(cells), json=str(figures))
    job = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    lines = [job.stdout.readline() for _ in range(2)]
    job.send_signal(signal.SIGINT)
    out, err = job.communicate(timeout=20)
    assert job.returncode == 130
    assert "Traceback" not in err
    assert " s  captured " in lines[1]
    assert " captured, " in out
    assert json.loads(figures.read_text())["shown"] > 20
