"""The camera command: its lines and counts, its modes, its ends."""

import json
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
    opened = []

    def open_source(uri, loop=False):
        opened.append((str(uri), Pulse(until=int(str(uri).split(":")[1]))))
        return opened[-1][1]

    monkeypatch.setattr(camera, "open_source", open_source)
    monkeypatch.delenv("DISPLAY", raising=False)
    return opened


@pytest.mark.parametrize("mode", ["async", "child", "sync"])
def test_counts_of_each_mode(cells, pulse, tmp_path, capsys, mode):
    assert (
        main(
            [
                "camera",
                "pulse:45",
                "--model",
                str(cells),
                "--mode",
                mode,
                "--every",
                "1",
                "--json",
                str(tmp_path / "counts.json"),
                "--show",
                "--backend",
                "cpu",
            ]
        )
        == 0
    )
    said = capsys.readouterr()
    counts = json.loads((tmp_path / "counts.json").read_text())
    assert counts["mode"] == mode and counts["captured"] >= counts["shown"] >= 31
    assert (
        counts["dropped"] == counts["captured"] - counts["shown"]
        and 0 < counts["age_p50"] <= counts["age_p95"]
    )
    lines = said.out.splitlines()
    assert lines[0].startswith("cells runs with ONNX Runtime")
    assert " 1 s  captured " in lines[1] and " boxes, " in lines[1]
    assert lines[-1].startswith(
        "{} captured, {} shown,".format(counts["captured"], counts["shown"])
    )
    assert said.err.count("No window: ") == 1
    assert pulse[0][0] == "pulse:45" and pulse[0][1].handle.closed


def test_it_stops_after_the_time(cells, pulse, capsys):
    started = time.monotonic()
    assert main(["camera", "pulse:300", "--model", str(cells), "--seconds", "0.5"]) == 0
    assert time.monotonic() - started < 4
    assert 10 < int(capsys.readouterr().out.splitlines()[-1].split()[0]) < 60


def test_a_failing_detector_is_one_sentence_after_the_counts(cells, pulse, capsys, monkeypatch):
    def fail(*_):
        raise ValueError("no such engine")

    monkeypatch.setattr("trt_course.ssd.TrtSSD.detect", fail)
    assert main(["camera", "pulse:300", "--model", str(cells)]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(
        "trt_course: The detector's thread has failed. ValueError: no such engine"
    )
    assert " captured, " in said.out and pulse[0][1].handle.closed


@pytest.mark.parametrize(
    "args, message",
    [(("nowhere.mp4",), "nowhere.mp4"), (("pulse:5", "--model", "nix"), "There is no model 'nix'")],
)
def test_bad_input_is_status_2(args, message, capsys):
    assert main(["camera", *args]) == 2
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
    code = CODE.format(
        here=str(HERE), kit=str(HERE.parent), model=str(cells), json=str(tmp_path / "c.json")
    )
    job = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    lines = [job.stdout.readline() for _ in range(2)]
    job.send_signal(signal.SIGINT)
    out, err = job.communicate(timeout=20)
    assert job.returncode == 130 and "Traceback" not in err and " s  captured " in lines[1]
    assert " captured, " in out and json.loads((tmp_path / "c.json").read_text())["shown"] > 20
