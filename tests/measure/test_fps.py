"""Speed figures: they name scope and machine, leave warm-up out and count each frame once."""

import doctest
import json
import time

import cv2
import numpy as np
import pytest

from trt_course import CourseError, TrtSSD
from trt_course.__main__ import main
from trt_course.measure import fps
from trt_course.media.video_file import VideoFile
from trt_course.media.writer import VideoWriter
from trt_course.support import doctor, machine


def test_the_examples():
    result = doctest.testmod(fps)
    assert result.attempted
    assert not result.failed


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with VideoWriter(path, 20) as writer:
        for i in range(40):
            writer.write(np.full((96, 128, 3), i * 6, np.uint8))
    return path


@pytest.fixture
def ssd(cells):
    with TrtSSD(cells, verbose=False) as opened:
        yield opened


class Slow:
    """The engine of a detector, slow in all runs but those of warm-up; it times them itself."""

    def __init__(self, engine, seconds):
        self.engine = engine
        self.seconds = seconds
        self.times = []  # ms of each run

    def __getattr__(self, name):
        return getattr(self.engine, name)

    def infer(self, request):
        started = time.perf_counter()
        if len(self.times) >= fps.WARM_UP:
            time.sleep(self.seconds)
        outputs = self.engine.infer(request)
        self.times.append((time.perf_counter() - started) * 1e3)
        return outputs


STAGES = {
    "engine": {"infer"},
    "detect": {"preprocess", "infer", "decode"},
    "video": {"read", "preprocess", "infer", "decode", "draw", "write"},
}


@pytest.mark.parametrize("scope", fps.SCOPES)
def test_known_time_comes_out_and_warm_up_does_not_count(ssd, clip, tmp_path, scope):
    ssd.engine = Slow(ssd.engine, 0.005)
    timing = fps.bench(ssd, clip, scope, out=tmp_path / "o.mp4")
    assert len(ssd.engine.times) == 40
    counted = np.array(ssd.engine.times[fps.WARM_UP :])
    assert len(timing.times) == 30
    assert (timing.times >= counted).all()
    assert timing.times.min() >= 5
    assert timing.stages["infer"] == pytest.approx(np.median(counted), rel=0.2)
    assert set(timing.stages) == STAGES[scope]
    assert "FPS +- " in timing.report()
    assert "scope " + scope in timing.report()
    if scope == "video":
        with VideoFile(tmp_path / "o.mp4") as video:
            assert len(list(video)) == 40


def test_spread_covers_an_uneven_run(ssd, clip):
    even = fps.Timing("detect", "x", np.full(100, 10.0), {}, {})
    assert even.fps == 100
    assert even.spread == 0

    times = np.concatenate([np.full(50, 5.0), np.full(50, 15.0)])
    uneven = fps.Timing("detect", "x", times, {}, {})
    assert uneven.fps == 100
    assert uneven.spread == 1.0


def test_each_frame_is_another_one(ssd, clip):
    seen = []
    prepare = ssd.prepare

    def noting(pictures):
        seen.append(pictures[0].mean())
        return prepare(pictures)

    ssd.prepare = noting
    fps.bench(ssd, clip)
    assert len(set(np.round(seen))) == 40


def test_frames_can_be_limited_and_a_folder_is_fine(ssd, tmp_path):
    for i in range(15):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((20, 30, 3), i, np.uint8))
    assert len(fps.bench(ssd, tmp_path).times) == 5
    assert len(fps.bench(ssd, tmp_path, frames=13).times) == 3
    with pytest.raises(CourseError, match="frames is 11; wanted: a whole number from 12 to"):
        fps.bench(ssd, tmp_path, frames=11)
    with pytest.raises(CourseError, match="gives 1 frames; 10 are warm-up.* a folder of pictures"):
        fps.bench(ssd, tmp_path / "1.png")
    with pytest.raises(CourseError, match="no scope 'gpu'; allowed: engine, detect, video"):
        fps.bench(ssd, tmp_path, scope="gpu")


def test_command(cells, clip, tmp_path, capsys):
    record = tmp_path / "b.json"
    words = ["bench", str(cells), "--source", str(clip)]
    words += ["--json", str(record), "--out", str(tmp_path)]
    assert main(words) == 0

    said = capsys.readouterr().out
    assert "scope detect (picture in memory to boxes)" in said
    assert "cpu: " in said
    assert "batch: 1" in said

    value = json.loads(record.read_text())
    assert value["scope"] == "detect"
    assert value["intervals"] == 30
    assert value["context"]["precision"] == "fp32"


def test_machine_reads_what_a_jetson_and_a_card_say(monkeypatch):
    readings = {
        "name": "Some GPU",
        "driver_version": "580.1",
        "clocks.sm": "1980 MHz",
        "clocks_throttle_reasons.hw_slowdown": "Not Active",
        "clocks_throttle_reasons.sw_thermal_slowdown": "Active",
    }

    def output(program, query, *_):
        if program == "nvpmodel":
            return "NV Power Mode: MAXN\n0"
        names = query.replace("--query-gpu=", "").split(",")
        return ", ".join(readings[name] for name in names) + "\nanother card"

    monkeypatch.setattr(doctor, "program_output", output)
    facts = machine.facts()
    assert facts["power_mode"] == "MAXN"
    assert facts["gpu"] == "Some GPU"
    assert facts["gpu_clock"] == "1980 MHz"
    assert facts["driver"] == "580.1"
    assert "cores" in facts["cpu"]
    assert facts["numpy"]

    assert machine.throttled()
    readings["clocks_throttle_reasons.sw_thermal_slowdown"] = "Not Active"
    assert not machine.throttled()
