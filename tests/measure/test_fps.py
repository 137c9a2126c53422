"""Speed figures: they name scope and machine, leave warm-up out and count each frame once."""

import json

import cv2
import numpy as np
import pytest

from drawn_parts import shows
from trt_course import CourseError, TrtSSD
from trt_course.__main__ import main
from trt_course.measure import fps
from trt_course.media.video_file import VideoFile
from trt_course.media.writer import VideoWriter
from trt_course.support import doctor, machine


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


class Clock:
    """A clock that stands still but for what the test lets pass: milliseconds."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now

    def passes(self, milliseconds, call):
        """The call, taking so long; the time may depend on how often it was made: a list."""

        def taking(*args):
            self.now += milliseconds.pop(0) / 1e3
            return call(*args)

        return taking


class Timed:
    """The engine of a detector, whose runs take a time of the clock."""

    def __init__(self, engine, clock, milliseconds):
        self.engine = engine
        self.infer = clock.passes(milliseconds, engine.infer)

    def __getattr__(self, name):
        return getattr(self.engine, name)


@pytest.fixture
def timed(ssd, monkeypatch):
    """The detector on a clock; a frame takes 3, 5 and 1 ms in its stages, and 2 ms between them.

    The first ten take longer everywhere.
    """
    clock = Clock()
    monkeypatch.setattr(fps, "time", clock)
    ssd.prepare = clock.passes([300] * 10 + [3] * 30, ssd.prepare)
    ssd.engine = Timed(ssd.engine, clock, [500] * 10 + [5] * 30)
    ssd.finish = clock.passes([100] * 10 + [1] * 30, ssd.finish)
    between = clock.passes([200] * 10 + [2] * 30, lambda frame: frame)
    monkeypatch.setattr(fps, "progress", lambda frames, **options: map(between, frames))
    return ssd


# What a frame takes in each scope, and what of it in each stage.
KNOWN = {
    "engine": (5, {"infer": 5}),
    "detect": (9, {"preprocess": 3, "infer": 5, "decode": 1}),
    "video": (11, {"read": 0, "preprocess": 3, "infer": 5, "decode": 1, "draw": 0, "write": 0}),
}


@pytest.mark.parametrize("scope", fps.SCOPES)
def test_known_time_comes_out_and_warm_up_does_not_count(timed, clip, tmp_path, scope):
    timing = fps.bench(timed, clip, scope, out=tmp_path / "o.mp4")
    milliseconds, stages = KNOWN[scope]
    assert timing.times == pytest.approx(np.full(30, milliseconds))
    assert timing.stages == pytest.approx(stages)
    assert timing.scope == scope
    assert timing.subject == "cells on clip.mp4"


def test_the_median_of_a_stage_is_not_moved_by_one_slow_run(ssd, clip, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(fps, "time", clock)
    ssd.engine = Timed(ssd.engine, clock, [0] * 10 + [5] * 29 + [1000])
    timing = fps.bench(ssd, clip, "engine")
    assert timing.stages["infer"] == pytest.approx(5)
    assert timing.fps == pytest.approx(1e3 * 30 / (29 * 5 + 1000))


def test_the_video_that_is_measured_has_its_boxes(ssd, cell_picture, tmp_path, monkeypatch):
    """Else the drawing would be left out of the figure."""
    with VideoWriter(tmp_path / "cells.mp4", 20) as writer:
        for _ in range(12):
            writer.write(cell_picture)
    monkeypatch.chdir(tmp_path)
    fps.bench(ssd, tmp_path / "cells.mp4", "video")
    with VideoFile(tmp_path / "out/bench.mp4") as video:
        assert video.fps == 20
        written = [frame.image for frame in video]
    assert len(written) == 12
    found = ssd.detect(cell_picture)
    assert all(shows(image, cell_picture, found, ssd.spec.cls_dict()) for image in written)


def test_two_hundred_frames_are_measured_where_nobody_says_how_many(ssd, tmp_path):
    with VideoWriter(tmp_path / "long.mp4", 20) as writer:
        for _ in range(202):
            writer.write(np.zeros((32, 32, 3), np.uint8))
    assert len(fps.bench(ssd, tmp_path / "long.mp4", "engine").times) == 190


def test_a_figure_says_what_it_was_measured_on(ssd, clip, monkeypatch):
    monkeypatch.setattr(machine, "throttled", lambda: False)
    context = fps.bench(ssd, clip, frames=12).context
    assert context["engine"] == ssd.engine.name
    assert context["batch"] == "1"
    assert context["precision"] == "fp32"
    assert context["throttled"] == "no sign of it"
    assert context["python"] == machine.facts()["python"]

    monkeypatch.setattr(machine, "throttled", lambda: True)
    context = fps.bench(ssd, clip, frames=12).context
    assert context["throttled"] == "yes: heat or power held it back"


REPORT = """a net on a clip
19.8 FPS +- 818 %, scope detect (picture in memory to boxes)
  a frame: p50 50.50 ms, p95 95.05 ms, 100 intervals after 10 frames of warm-up
  preprocess      1.50 ms
  infer          12.25 ms
  cpu: two cores
  engine: cpu"""


def test_the_report_and_its_figures():
    times = np.arange(1.0, 101)
    stages = {"preprocess": 1.5, "infer": 12.25}
    context = {"engine": "cpu", "cpu": "two cores"}
    timing = fps.Timing("detect", "a net on a clip", times, stages, context)
    assert timing.report() == REPORT
    assert timing.as_dict() == {
        "scope": "detect",
        "subject": "a net on a clip",
        "fps": pytest.approx(1e3 / 50.5),
        "spread": pytest.approx((1e3 / 5.5 - 1e3 / 50.5) / (1e3 / 50.5)),
        "p50_ms": pytest.approx(50.5),
        "p95_ms": pytest.approx(95.05),
        "intervals": 100,
        "warm_up": 10,
        "stages_ms": stages,
        "context": context,
    }


def test_spread_covers_an_uneven_run():
    even = fps.Timing("detect", "x", np.full(100, 10.0), {}, {})
    assert even.fps == 100
    assert even.spread == 0

    times = np.concatenate([np.full(50, 5.0), np.full(50, 15.0)])
    uneven = fps.Timing("detect", "x", times, {}, {})
    assert uneven.fps == 100
    assert uneven.spread == 1.0

    # One slow part of ten: 9 frames of 10 ms and one of 20 are 11 ms on average.
    times = np.concatenate([np.full(9, 10.0), [20.0]])
    assert fps.Timing("detect", "x", times, {}, {}).spread == pytest.approx(1 - 11 / 20)


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
