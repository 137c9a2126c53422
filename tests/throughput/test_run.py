"""What one process does with its sources, and what its Run says; which GPU each process gets."""

import time

import pytest

from throughput_parts import write_clip
from trt_course import CourseError, Detections, TrtSSD
from trt_course.support.outputs import Outputs
from trt_course.throughput import run
from trt_course.throughput.batches import Seen
from trt_course.throughput.gpus import _gpu_name
from trt_course.throughput.opening import named
from trt_course.throughput.run import FILES_AT_ONCE, Run, _Keeper, detect_here
from waiting import PATIENCE

ONE = Detections([[1, 2, 3, 4]], [0.5], [0])


class Rows(list):
    """Takes what a table would."""

    def append(self, seen, found):
        super().append((seen, found))


@pytest.fixture
def open_ssd(cells):
    return lambda: TrtSSD(cells, backend="cpu", threads=1, verbose=False)


# --- What a Run says


def test_delays_count_from_the_frame_read_to_the_boxes_kept():
    rows = Rows()
    keeper = _Keeper(rows)
    for number, seconds in enumerate([10] * 18 + [1000] * 2):
        keeper.keep(Seen(0, number, 0.0, time.perf_counter() - seconds, None), ONE)
    stop = KeyboardInterrupt()
    done = keeper.run(4.0, ["a.mp4 is cut off"], stop)
    assert done[:2] == (20, 4.0)
    assert 10e3 <= done.p50_ms < (10 + PATIENCE) * 1e3
    assert 1000e3 <= done.p95_ms < (1000 + PATIENCE) * 1e3
    assert done.complaints == ["a.mp4 is cut off"]
    assert done.stop is stop
    assert [seen.number for seen, _ in rows] == list(range(20))


def test_the_median_and_the_95th_of_a_hundred_delays_in_milliseconds():
    keeper = _Keeper(Rows())
    keeper._delays.extend(range(101))
    done = keeper.run(0.5, [], None)
    assert (done.p50_ms, done.p95_ms) == (50e3, 95e3)
    assert done._replace(frames=20).report().startswith("20 frames in 0.5 s: 40.0 FPS")


def test_of_a_long_run_the_last_delays_count(monkeypatch):
    monkeypatch.setattr(run, "_MOST_DELAYS", 3)
    keeper = _Keeper(Rows())
    for seconds in [9000] * 5 + [10] * 3:
        keeper.keep(Seen(0, 0, 0.0, time.perf_counter() - seconds, None), ONE)
    done = keeper.run(1.0, [], None)
    assert done.frames == 8
    assert done.p95_ms < (10 + PATIENCE) * 1e3


def test_a_run_of_nothing_can_be_told():
    done = _Keeper(Rows()).run(0.0, [], None)
    assert done == Run(0, 0.0, 0.0, 0.0, [])
    text = "0 frames in 0.0 s: 0.0 FPS; from frame to boxes median 0.0 ms, p95 0.0 ms"
    assert done.report() == text
    assert Run.failed("no GPU") == Run(0, 0.0, 0.0, 0.0, ["no GPU"])


def test_processes_together_say_what_each_of_them_says():
    stop = KeyboardInterrupt()
    first = Run(200, 2.0, 12.0, 15.0, ["a.mp4 is cut off"], oddities=["odd"])
    second = Run(100, 2.5, 9.0, 16.0, ["b.mp4 is cut off"], oddities=["odder"], stop=stop)
    assert Run.together([first, second]) == Run(
        frames=300,
        seconds=2.5,
        p50_ms=12.0,
        p95_ms=16.0,
        complaints=["a.mp4 is cut off", "b.mp4 is cut off"],
        oddities=("odd", "odder"),
        stop=stop,
    )
    assert Run.together([first]).stop is None


# --- One process


def test_the_seconds_are_those_of_the_work(open_ssd, tmp_path, monkeypatch):
    """With the opening of the sources, and without that of the detector."""

    def slow_detector():
        time.sleep(0.1)
        return open_ssd()

    def slow_work(*args, **options):
        time.sleep(0.01)

    monkeypatch.setattr(run, "detect_many", slow_work)
    began = time.perf_counter()
    done = detect_here(slow_detector, named([]), tmp_path / "t")
    assert 0.01 <= done.seconds <= time.perf_counter() - began - 0.1


def test_what_is_asked_for_reaches_the_detector(open_ssd, tmp_path, monkeypatch):
    asked = []

    def detect(ssd, openers, keep, conf_th, **options):
        asked.append((len(openers), conf_th, options))

    monkeypatch.setattr(run, "detect_many", detect)
    clip = write_clip(tmp_path / "clip.mp4", 1)
    listed = named([clip, "rtsp://127.0.0.1:9/a", clip, "rtsp://127.0.0.1:9/b"])
    detect_here(open_ssd, listed, tmp_path / "t", conf_th=0.7, batch=3, deadline=0.5)
    at_once = 2 + FILES_AT_ONCE  # every camera, and so many files
    options = dict(batch=3, deadline=0.5, at_once=at_once, complaints=[])
    assert asked == [(4, 0.7, options)]


def test_one_camera_on_a_cpu_has_readers(open_ssd, tmp_path, monkeypatch):
    """Two pictures beside each other make more of the cores than one after the other."""
    called = []
    monkeypatch.setattr(run, "detect_many", lambda *_, **__: called.append("many"))
    monkeypatch.setattr(run, "detect_live", lambda *_, **__: called.append("live"))
    detect_here(open_ssd, named(["rtsp://127.0.0.1:9/x"]), tmp_path / "t")
    assert called == ["many"]


def test_the_threshold_and_the_oddities_of_a_run(open_ssd, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", 4)
    low = detect_here(open_ssd, named([clip]), tmp_path / "low", conf_th=0.1)
    high = detect_here(open_ssd, named([clip]), tmp_path / "high", conf_th=0.99)
    assert low.frames == high.frames == 4
    assert len((tmp_path / "low" / "clip.csv").read_text().splitlines()) > 4
    assert len((tmp_path / "high" / "clip.csv").read_text().splitlines()) == 1
    assert len(low.oddities) == 1


def test_a_course_error_of_the_run_is_a_complaint(open_ssd, tmp_path, monkeypatch):
    def fail(*args, **options):
        options["complaints"].append("before")
        raise CourseError("No table can be written any more.")

    monkeypatch.setattr(run, "detect_many", fail)
    done = detect_here(open_ssd, named([]), tmp_path / "t")
    assert done.complaints == ["before", "No table can be written any more."]
    assert done.stop is None


def test_files_of_others_are_replaced_only_if_that_is_said(open_ssd, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", 2)
    (tmp_path / "clip.csv").write_text("my own notes")
    with pytest.raises(CourseError, match="in the way"):
        detect_here(open_ssd, named([clip]), tmp_path)
    done = detect_here(open_ssd, named([clip]), tmp_path, outputs=Outputs(force=True))
    assert done.frames == 2


# --- Which GPU


@pytest.mark.parametrize(
    "visible, names",
    [
        (None, ["0", "1", "2"]),
        ("", ["", "-1", "-1"]),
        ("3,5", ["3", "5", "-1"]),
        ("GPU-8932f937,GPU-b23f0a11,7", ["GPU-8932f937", "GPU-b23f0a11", "7"]),
    ],
)
def test_each_process_gets_the_next_of_the_gpus_that_may_be_used(monkeypatch, visible, names):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [_gpu_name(number) for number in range(3)] == names
