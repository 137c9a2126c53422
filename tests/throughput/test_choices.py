"""`detect --fast`: which detector is opened for which sources, and what is told at the end."""

from types import SimpleNamespace

import pytest

from throughput_parts import write_clip
from trt_course import CourseError
from trt_course.model.oddities import Oddities
from trt_course.support.outputs import Outputs
from trt_course.throughput import fast
from trt_course.throughput.fast import detect_fast
from trt_course.throughput.opening import named
from trt_course.throughput.run import Run
from trt_course.throughput.tuning import with_graph

CAMERA = "rtsp://127.0.0.1:9/x"
DONE = Run(10, 2.0, 5.0, 9.0, ["a.mp4 is cut off"])


@pytest.fixture
def clip(tmp_path):
    return str(write_clip(tmp_path / "clip.mp4", 1))


class Machine:
    """What detect_fast opens and starts, noted; nothing is detected."""

    def __init__(self, monkeypatch, on_gpu):
        self.opened = []  # the options of each detector
        self.closed = []
        self.asked = []  # the arguments and options of each run
        self.ran_with = None  # the detector of the run
        self.on_gpu = on_gpu
        monkeypatch.setattr(fast, "TrtSSD", self.open)
        monkeypatch.setattr(fast, "best_split", self.best_split)
        monkeypatch.setattr(fast, "detect_here", self.detect_here)

    def open(self, model, **options):
        number = len(self.opened)
        self.opened.append({"model": model, **options})
        return SimpleNamespace(
            why=f"detector {number}",
            engine=SimpleNamespace(on_gpu=self.on_gpu),
            warm_up=lambda: None,
            number=number,
            close=lambda: self.closed.append(number),
        )

    def best_split(self, open_ssd, source):
        self.asked.append(("split", open_ssd.keywords, source))
        return {"lanes": 4, "threads": 3}

    def detect_here(self, open_ssd, *args, **options):
        self.ran_with = open_ssd().number
        self.asked.append((args, options))
        return DONE


PLAIN = {"model": "m", "backend": "cpu", "plan": "p", "threads": 0, "lanes": 2, "verbose": False}


def test_threads_are_tried_out_on_a_cpu(monkeypatch, tmp_path, clip, capsys):
    """With the first of the sources as they were named, on the detector as it will be."""
    machine = Machine(monkeypatch, on_gpu=False)
    outputs = Outputs()
    options = dict(conf_th=0.4, batch=3, deadline=0.5, outputs=outputs)
    out = tmp_path / "t"
    complaints = detect_fast("m", [clip, CAMERA], out, backend="cpu", plan="p", **options)
    assert complaints == ["a.mp4 is cut off"]

    assert machine.opened == [PLAIN, {**PLAIN, "lanes": 4, "threads": 3}]
    assert machine.closed == [0]
    assert machine.ran_with == 1
    split = {key: value for key, value in PLAIN.items() if key != "model"}
    assert machine.asked == [("split", split, clip), ((named([clip, CAMERA]), out), options)]
    assert capsys.readouterr().out == f"detector 0\n{DONE.report()}. Tables: {out}\n"


@pytest.mark.parametrize(
    "on_gpu, threads, camera", [(True, 0, False), (False, 2, False), (False, 0, True)]
)
def test_threads_are_not_tried_out_where_that_says_nothing(
    monkeypatch, tmp_path, clip, on_gpu, threads, camera
):
    """On a GPU, where their number was given, and with a camera, which has a rate of its own."""
    machine = Machine(monkeypatch, on_gpu)
    sources = [CAMERA] if camera else [clip]
    detect_fast("m", sources, tmp_path / "t", backend="cpu", plan="p", threads=threads)
    lanes = 1 if threads else 2
    assert machine.opened == [{**PLAIN, "threads": threads, "lanes": lanes}]
    assert machine.closed == []
    ((_, options),) = machine.asked
    assert options["batch"] is None
    assert options["conf_th"] is None
    assert options["deadline"] == 0.02
    assert isinstance(options["outputs"], Outputs)


@pytest.mark.parametrize("camera, best", [(False, {}), (True, {"lanes": 1})])
def test_several_gpus_get_what_is_asked_for(monkeypatch, tmp_path, clip, capsys, camera, best):
    asked = []
    runs = [DONE, DONE._replace(frames=30, seconds=4.0)]

    def on_gpus(*args, **options):
        asked.append((args, options))
        return runs

    monkeypatch.setattr(fast, "detect_on_gpus", on_gpus)
    sources = [CAMERA] if camera else [clip]
    options = dict(conf_th=0.4, batch=3, deadline=0.5, outputs=Outputs())
    complaints = detect_fast("m", sources, tmp_path / "t", gpus=2, backend="auto", **options)
    assert complaints == ["a.mp4 is cut off"] * 2

    (((count, open_best, listed, out), given),) = asked
    assert count == 2
    assert (listed, out) == (named(sources), tmp_path / "t")
    assert given == options
    assert open_best.func is with_graph
    assert open_best.keywords == best
    (open_plain,) = open_best.args
    plain = dict(backend="auto", plan=None, threads=0, lanes=2, verbose=False)
    assert (open_plain.args, open_plain.keywords) == (("m",), plain)

    said = capsys.readouterr().out.splitlines()
    assert said[:2] == [f"GPU 0: {runs[0].report()}", f"GPU 1: {runs[1].report()}"]
    assert said[2].startswith("40 frames in 4.0 s: 10.0 FPS")


def test_what_was_not_done_is_told_before_ctrl_c_is_raised(monkeypatch, tmp_path, clip, capsys):
    Machine(monkeypatch, on_gpu=True)
    stopped = DONE._replace(stop=KeyboardInterrupt("mine"))
    monkeypatch.setattr(fast, "detect_here", lambda *_, **options: stopped)
    with pytest.raises(KeyboardInterrupt, match="mine"):
        detect_fast("m", [clip], tmp_path / "t", backend="cpu")
    assert capsys.readouterr().err == "trt_course: not done: a.mp4 is cut off\n"


def test_what_was_odd_in_any_process_is_told(monkeypatch, tmp_path, clip, capsys):
    told = []
    odd = Oddities("signs", labels=4)
    monkeypatch.setattr(fast, "tell", told.append)
    monkeypatch.setattr(fast, "detect_on_gpus", lambda *_, **__: [DONE._replace(oddities=[odd])])
    detect_fast("m", [clip], tmp_path / "t", gpus=2)
    assert told == [(odd,)]


def test_a_table_in_the_way_is_told_before_anything_is_opened(monkeypatch, tmp_path, clip):
    machine = Machine(monkeypatch, on_gpu=True)
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "clip.csv").write_text("my own notes")
    with pytest.raises(CourseError, match="in the way"):
        detect_fast("m", [clip], tmp_path / "t")
    assert machine.opened == []
