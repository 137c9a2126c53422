"""The camera command: its lines and counts, its modes, its ends."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from test_camera import Pulse
from trt_course import camera
from trt_course.__main__ import main
from trt_course.commands import detect

HERE = Path(__file__).resolve().parent.parent


class Waiting(Pulse):
    """A camera that begins when an event is set."""

    def __init__(self, until, event):
        super().__init__(until=until)
        self.event = event

    def read(self, timeout=None):
        if self.last < 0:
            self.event.wait(60)
            self.start = time.monotonic()
        return super().read(timeout)


@pytest.fixture
def pulse(monkeypatch):
    """What was opened, as (uri, source): `pulse:45` is a camera of 45 pictures.

    It begins when the detector is ready, which takes as long as the machine likes.
    """
    opened = []
    ready = threading.Event()
    open_ssd = detect.open_ssd

    def open_source(uri, loop=False):
        pictures = int(str(uri).split(":")[1])
        source = Waiting(pictures, ready)
        opened.append((str(uri), source))
        return source

    def open_and_tell(args):
        try:
            return open_ssd(args).warm_up()
        finally:
            ready.set()

    monkeypatch.setattr(detect, "open_ssd", open_and_tell)
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
    assert 45 >= counts["captured"] >= counts["shown"] >= 2
    assert counts["dropped"] == counts["captured"] - counts["shown"]
    assert 0 < counts["age_p50"] <= counts["age_p95"]

    assert "cells runs with ONNX Runtime" in said.out
    assert re.search(r" [12] s  captured .* boxes, ", said.out)
    lines = said.out.splitlines()
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
    """The camera would go on for a minute and a half, at 30 pictures a second."""
    started = time.monotonic()
    assert run("pulse:2700", "--model", cells, "--seconds", 0.5) == 0
    assert time.monotonic() - started >= 0.5
    last = capsys.readouterr().out.splitlines()[-1]
    captured = int(last.split()[0])
    assert 1 < captured < 30 * 20


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
    said = ""
    while " s  captured " not in said:
        line = job.stdout.readline()
        assert line, job.communicate()
        said += line
    job.send_signal(signal.SIGINT)
    out, err = job.communicate(timeout=60)
    assert job.returncode == 130
    assert "Traceback" not in err
    shown = json.loads(figures.read_text())["shown"]
    assert shown > 1
    assert f" captured, {shown} shown," in out
