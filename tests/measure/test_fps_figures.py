"""The figures of speed to the digit: the spread, what each scope counts, and the report."""

import time

import cv2
import numpy as np
import pytest

from trt_course import CourseError, TrtSSD
from trt_course.measure import fps
from trt_course.support import machine


def timing(*times):
    """A Timing of these milliseconds."""
    stages = {"preprocess": 2.5, "infer": 7.125}
    context = {"gpu": "none", "cpu": "some"}
    return fps.Timing("detect", "a net on a clip", np.float64(times), stages, context)


@pytest.fixture
def ssd(cells):
    with TrtSSD(cells, verbose=False) as opened:
        yield opened


@pytest.fixture
def pictures(tmp_path):
    """A function that makes a folder of so many pictures."""

    def make(count):
        folder = tmp_path / str(count)
        folder.mkdir()
        small = cv2.imencode(".png", np.zeros((24, 32, 3), np.uint8))[1].tobytes()
        for number in range(count):
            (folder / f"{number:04d}.png").write_bytes(small)
        return folder

    return make


@pytest.mark.filterwarnings("error")
def test_the_spread_of_a_few_frames_is_that_of_single_ones():
    """Two are the fewest that there can be; no part of a run may be empty."""
    assert timing(10, 20, 30).fps == 50
    assert timing(10, 20, 30).spread == 1.0
    assert timing(5, 15).spread == 1.0
    assert timing(8, 8).spread == 0


def test_the_spread_is_that_of_ten_parts():
    """A single slow frame counts with its part of the run, by how much fewer frames it makes."""
    first = timing(30, *[10] * 19)  # 20 intervals make ten pairs
    last = timing(*[10] * 19, 30)
    for uneven in (first, last):
        assert uneven.fps == pytest.approx(1000 / 11)
        assert uneven.spread == pytest.approx(1 - 11 / 20)


REPORT = """\
a net on a clip
80.0 FPS +- 25 %, scope detect (picture in memory to boxes)
  a frame: p50 12.50 ms, p95 14.75 ms, 2 intervals after 10 frames of warm-up
  preprocess      2.50 ms
  infer           7.12 ms
  cpu: some
  gpu: none"""


def test_the_whole_report():
    assert timing(10, 15).report() == REPORT


def test_the_figures_have_no_single_times():
    assert timing(10, 15).as_dict() == {
        "scope": "detect",
        "subject": "a net on a clip",
        "fps": 80.0,
        "spread": pytest.approx(0.25),
        "p50_ms": 12.5,
        "p95_ms": 14.75,
        "intervals": 2,
        "warm_up": 10,
        "stages_ms": {"preprocess": 2.5, "infer": 7.125},
        "context": {"gpu": "none", "cpu": "some"},
    }


def test_two_hundred_frames_are_measured_where_nobody_says_how_many(ssd, pictures):
    assert len(fps.bench(ssd, pictures(205), "engine").times) == 190


def test_two_intervals_are_the_fewest(ssd, pictures):
    assert len(fps.bench(ssd, pictures(12), "engine").times) == 2
    with pytest.raises(CourseError, match="gives 11 frames; 10 are warm-up, and at least two"):
        fps.bench(ssd, pictures(11), "engine")


def slow(call, seconds):
    """The call, which takes so much longer."""

    def slowly(*args):
        time.sleep(seconds)
        return call(*args)

    return slowly


def test_a_scope_counts_its_own_stages_and_no_others(ssd, pictures):
    folder = pictures(16)
    ssd.prepare = slow(ssd.prepare, 0.03)
    engine = fps.bench(ssd, folder, "engine")
    assert engine.times.min() < 30
    detect = fps.bench(ssd, folder, "detect")
    assert detect.times.min() >= 30
    assert detect.stages["preprocess"] >= 30
    assert min(detect.stages["infer"], detect.stages["decode"]) < 30


def test_from_file_to_file_every_moment_counts(ssd, pictures, tmp_path, monkeypatch):
    """Also what lies between the stages."""

    def slowly(items, **options):
        for item in items:
            time.sleep(0.01)
            yield item

    monkeypatch.setattr(fps, "progress", slowly)
    timing = fps.bench(ssd, pictures(16), "video", out=tmp_path / "o.mp4")
    assert len(timing.times) == 6
    assert timing.times.min() >= 10
    assert timing.stages["decode"] < timing.times.min()


@pytest.mark.parametrize("held_back", [False, True])
def test_a_machine_that_was_held_back_is_told(ssd, pictures, monkeypatch, held_back):
    monkeypatch.setattr(machine, "throttled", lambda: held_back)
    context = fps.bench(ssd, pictures(12), "engine").context
    assert context["throttled"].startswith("yes: heat or power") == held_back
    assert context["throttled"].startswith("no sign") != held_back
    assert (context["engine"], context["batch"]) == (ssd.engine.name, "1")


@pytest.mark.parametrize("scope", ["detect", "video"])
def test_the_frames_took_no_longer_than_the_run(ssd, pictures, tmp_path, scope):
    ssd.engine.infer = slow(ssd.engine.infer, 0.005)
    folder = pictures(40)
    started = time.perf_counter()
    timing = fps.bench(ssd, folder, scope, out=tmp_path / "o.mp4")
    seconds = time.perf_counter() - started
    assert 30 * 5 <= timing.times.sum() <= 1e3 * seconds
    assert 5 <= timing.stages["infer"] <= 1e3 * seconds / 30
    assert (tmp_path / "o.mp4").exists() == (scope == "video")


def test_a_clip_of_unknown_length_is_measured_to_its_end(ssd, tmp_path):
    """As cameras write it: pictures one behind the other, without an index."""
    picture = cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))[1].tobytes()
    clip = tmp_path / "clip.mjpeg"
    clip.write_bytes(picture * 15)
    assert len(fps.bench(ssd, clip, "engine").times) == 5
