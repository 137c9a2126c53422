"""`detect --fast`: a table for each source, what was not done, one process and several."""

import csv
import functools
import os

import pytest

from throughput_parts import write_clip
from trt_course import TrtSSD
from trt_course.__main__ import main
from trt_course.engine import CpuEngine
from trt_course.support.outputs import Outputs
from trt_course.throughput import gpus, run
from trt_course.throughput.gpus import detect_on_gpus
from trt_course.throughput.many import detect_many
from trt_course.throughput.opening import named
from trt_course.throughput.run import Run, detect_here
from trt_course.throughput.tables import HEADER
from trt_course.throughput.tuning import best_split


@pytest.fixture
def clips(tmp_path):
    """Two files of the same name, with 12 and with 5 frames, 10 a second."""
    return [
        write_clip(tmp_path / "one" / "clip.mp4", 12, seed=12),
        write_clip(tmp_path / "two" / "clip.mp4", 5, seed=5),
    ]


@pytest.fixture
def open_ssd(cells):
    return functools.partial(TrtSSD, str(cells), backend="cpu", verbose=False)


def fast(*words):
    """The exit status of the command with these words."""
    return main(["detect", "--fast"] + [str(word) for word in words])


def table(path):
    with open(str(path), newline="") as stream:
        return list(csv.DictReader(stream))


def frames_in(path):
    """How many frames have a box in a table."""
    return len({row["frame"] for row in table(path)})


def test_command_writes_a_table_for_each_source(cells, clips, tmp_path, capsys, picture_folder):
    out = tmp_path / "tables"
    sources = [*clips, picture_folder]
    assert fast(*sources, "--model", cells, "--threads", 1, "--out", out) == 0
    assert "23 frames in" in capsys.readouterr().out
    names = sorted(path.name for path in out.glob("*.csv"))
    assert names == ["clip-1.csv", "clip-2.csv", "pictures.csv"]

    rows = table(out / "clip-2.csv")
    assert list(rows[0]) == HEADER
    assert {row["class"] for row in rows} <= {"blue", "green", "red"}
    moments = {(row["frame"], float(row["time"])) for row in rows}
    assert moments == {(str(i), i / 10) for i in range(5)}


def test_command_finishes_the_rest_and_says_what_failed(
    cells, clips, tmp_path, capsys, picture_folder
):
    clips[1].write_bytes(b"not a video")
    (picture_folder / "b.PNG").write_bytes(b"not a picture")
    sources = [*clips, picture_folder, "missing.mp4"]
    assert fast(*sources, "--model", cells, "--threads", 1, "--out", tmp_path / "t") == 1
    said = capsys.readouterr()
    assert "17 frames in" in said.out
    assert f"not done: {clips[1]} cannot be read as a video" in said.err
    assert "b.PNG cannot be read as a picture" in said.err
    assert "no file or folder missing.mp4" in said.err
    assert frames_in(tmp_path / "t" / "clip-1.csv") == 12


def test_a_bad_first_source_stops_nobody(cells, clips, tmp_path, capsys):
    clips[0].write_bytes(b"not a video")
    assert fast(*clips, "--model", cells, "--backend", "cpu", "--out", tmp_path / "t") == 1
    assert frames_in(tmp_path / "t" / "clip-2.csv") == 5
    assert "cannot be read as a video" in capsys.readouterr().err


def test_every_source_has_a_table_of_its_own(clips, tmp_path, monkeypatch):
    third = tmp_path / "clip-1.mp4"
    third.write_bytes(clips[0].read_bytes())
    assert [name for _, name in named(clips)] == ["clip-1", "clip-2"]
    assert [name for _, name in named([*clips, third])] == ["clip-1", "clip-2", "clip-1-3"]
    monkeypatch.chdir(tmp_path)
    assert named(["."]) == [(".", tmp_path.name)]


def test_a_source_that_breaks_off_is_not_done(cells, tmp_path, capsys):
    clip = write_clip(tmp_path / "clip.mp4", 80)
    whole = clip.read_bytes()
    clip.write_bytes(whole[: len(whole) * 6 // 10])
    words = [clip, "--model", cells, "--out", tmp_path / "t"]
    assert fast(*words, "--threads", 1) == 1
    assert "not all of it could be read" in capsys.readouterr().err
    assert table(tmp_path / "t" / "clip.csv")

    assert main(["detect"] + [str(word) for word in words]) == 2
    assert (tmp_path / "t" / "clip.mp4").is_file()
    assert "not all of it could be read; what could be is done" in capsys.readouterr().err


def test_a_network_that_fails_keeps_the_boxes_so_far(open_ssd, clips, tmp_path, monkeypatch):
    runs = []
    infer = CpuEngine.infer

    def fail_at_last(engine, request):
        runs.append(1)
        if len(runs) > 8:
            raise RuntimeError("bad allocation")
        return infer(engine, request)

    monkeypatch.setattr(CpuEngine, "infer", fail_at_last)
    done = detect_here(open_ssd, named(clips), tmp_path / "t")
    assert "the network failed (RuntimeError: bad allocation)" in done.complaints[0]
    assert 0 < done.frames < 8
    assert sum(frames_in(path) for path in (tmp_path / "t").glob("*.csv")) == done.frames


@pytest.mark.parametrize(
    "words",
    [
        ["--gpus", "0"],
        ["--batch", "0"],
        ["--batch", "-1"],
        ["--deadline", "-1"],
        ["--deadline", "nan"],
        ["--deadline", "inf"],
    ],
)
def test_numbers_that_cannot_be(cells, clips, capsys, words):
    with pytest.raises(SystemExit, match="2"):
        fast(clips[0], "--model", cells, *words)
    assert f"argument {words[0]}: wanted: a " in capsys.readouterr().err


def test_what_does_not_go_together_is_told(cells, clips, capsys):
    words = [*map(str, clips), "--model", str(cells)]
    assert main(["detect"] + words) == 2
    assert "are for --fast" in capsys.readouterr().err
    assert fast(*words, "--show") == 2
    assert "leave out --show" in capsys.readouterr().err


def test_ctrl_c_keeps_the_boxes_so_far(open_ssd, clips, tmp_path, monkeypatch):
    def stopped(ssd, openers, keep, *args, **kwargs):
        detect_many(ssd, openers[:1], keep)
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "detect_many", stopped)
    done = detect_here(open_ssd, named(clips), tmp_path / "t")
    assert done.frames == 12
    assert isinstance(done.stop, KeyboardInterrupt)
    assert len(table(tmp_path / "t" / "clip-1.csv")) > 12
    assert table(tmp_path / "t" / "clip-2.csv") == []


def test_threads_are_shared_out_by_trying(open_ssd, clips, capsys, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    best = best_split(open_ssd, clips[0])
    said = capsys.readouterr().out
    assert best["lanes"] * best["threads"] == 4
    assert all(split + " make " in said for split in ("1 x 4", "2 x 2", "4 x 1"))


def test_runs_at_the_same_time_are_as_long_as_the_slowest():
    fast_one = Run(200, 2.0, 12.0, 15.0, ["a.mp4 is cut off"])
    slow_one = Run(100, 2.5, 9.0, 16.0, ["b.mp4 is cut off"])
    assert Run.together([fast_one, slow_one]) == Run(
        300, 2.5, 12.0, 16.0, ["a.mp4 is cut off", "b.mp4 is cut off"]
    )
    assert Run.together([slow_one]) == slow_one


def open_on_its_gpu(folder, cells, threads):
    """A detector on the CPU; it notes which GPU it would have had."""
    (folder / os.environ["CUDA_VISIBLE_DEVICES"]).write_text("")
    return TrtSSD(cells, backend="cpu", threads=threads, verbose=False)


@pytest.mark.slow
def test_a_process_for_each_gpu(cells, clips, tmp_path, monkeypatch):
    """On the CPU: the processes are the same. There are two sources and three GPUs."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6,7")
    (tmp_path / "gpus").mkdir()
    open_ssd = functools.partial(open_on_its_gpu, tmp_path / "gpus", str(cells), threads=1)
    sources = named(map(str, clips))
    runs = detect_on_gpus(3, open_ssd, sources, str(tmp_path / "t"))
    assert [run.frames for run in runs] == [12, 5]
    assert not any(run.complaints for run in runs)
    assert frames_in(tmp_path / "t" / "clip-1.csv") == 12
    assert frames_in(tmp_path / "t" / "clip-2.csv") == 5
    assert sorted(path.name for path in (tmp_path / "gpus").iterdir()) == ["4", "6"]


def test_sources_are_dealt_out_like_cards(open_ssd, tmp_path, monkeypatch):
    """To each GPU as many as to the others, and none twice."""
    shares = []

    class Noted:
        def __init__(self, number, share):
            self.number = number
            shares.append((number, share))

        def start(self):
            pass

        def run(self):
            return Run.failed(f"GPU {self.number}")

        def kill(self):
            pass

    monkeypatch.setattr(gpus, "_GpuProcess", Noted)
    outputs = Outputs()
    options = dict(conf_th=0.4, batch=3, deadline=0.5, outputs=outputs)
    runs = detect_on_gpus(2, open_ssd, list("abcde"), tmp_path, **options)
    assert [run.complaints for run in runs] == [["GPU 0"], ["GPU 1"]]
    assert [number for number, _ in shares] == [0, 1]
    assert [share.func for _, share in shares] == [detect_here] * 2
    assert [share.args for _, share in shares] == [
        (open_ssd, ["a", "c", "e"], tmp_path),
        (open_ssd, ["b", "d"], tmp_path),
    ]
    assert [share.keywords for _, share in shares] == [options] * 2


def test_ctrl_c_stops_every_process_and_none_is_left(open_ssd, tmp_path, monkeypatch):
    told = []

    class Noted:
        def __init__(self, number, share):
            self.number = number

        def start(self):
            told.append(("start", self.number))

        def run(self):
            told.append(("run", self.number))
            if told.count(("run", 1)) == 1 and self.number == 1:
                raise KeyboardInterrupt("mine")
            return Run(self.number, 1.0, 0.0, 0.0, [])

        def ask_to_stop(self):
            told.append(("stop", self.number))

        def kill(self):
            told.append(("kill", self.number))

    monkeypatch.setattr(gpus, "_GpuProcess", Noted)
    runs = detect_on_gpus(2, open_ssd, list("abc"), tmp_path)
    assert [run.frames for run in runs] == [0, 1]
    assert [str(run.stop) for run in runs] == ["mine", "mine"]
    steps = ["start", "run", "stop", "run", "kill"]
    assert told == [(step, number) for step in steps for number in (0, 1)]


@pytest.mark.slow
def test_a_process_that_dies_is_told_with_its_status(clips, tmp_path):
    """As when the system kills it because there is no memory left."""
    dies = functools.partial(os._exit, 7)
    (run,) = detect_on_gpus(1, dies, named(map(str, clips)), str(tmp_path / "t"))
    assert run == Run.failed("a GPU's process ended with status 7")


@pytest.mark.slow
def test_ctrl_c_before_the_second_process_has_begun(open_ssd, clips, tmp_path, monkeypatch):
    start = gpus._GpuProcess.start
    started = []

    def start_one(process):
        if started:
            raise KeyboardInterrupt
        started.append(process)
        start(process)

    monkeypatch.setattr(gpus._GpuProcess, "start", start_one)
    first, second = detect_on_gpus(2, open_ssd, named(map(str, clips)), str(tmp_path / "t"))
    assert isinstance(first.stop, KeyboardInterrupt)
    assert isinstance(second.stop, KeyboardInterrupt)
    assert second.complaints == ["stopped before its process began"]


@pytest.mark.slow
def test_a_process_that_can_do_nothing_says_why(open_ssd, clips, tmp_path):
    sources = named(map(str, clips))
    no_engine = functools.partial(open_ssd, backend="tensorrt")
    runs = detect_on_gpus(3, no_engine, sources, str(tmp_path))
    assert [run.frames for run in runs] == [0, 0]
    assert all(len(run.complaints) == 1 for run in runs)

    (tmp_path / "file").write_text("")
    runs = detect_on_gpus(2, open_ssd, sources, str(tmp_path / "file"))
    assert [run.frames for run in runs] == [0, 0]
    assert all("file" in run.complaints[0] for run in runs)
