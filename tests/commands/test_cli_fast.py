"""What `detect --fast` makes of its words: units, options it cannot use, the order of the sources,
and which GPU each process sees."""

import os

import pytest

from throughput_parts import write_clip
from trt_course import CourseError
from trt_course.__main__ import main
from trt_course.commands import detect as commands
from trt_course.throughput import gpus, run
from trt_course.throughput.gpus import detect_on_gpus
from trt_course.throughput.many import detect_many
from trt_course.throughput.opening import NamedSource, is_one_camera, named


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4", 3)


def fast(*words):
    """The exit status of the command with these words."""
    return main(["detect", "--fast"] + [str(word) for word in words])


# Options


@pytest.mark.parametrize(
    "words", ["--show", "--save-json", "--start 1", "--end 1", "--stride 2", "--stride 2 --end 1"]
)
def test_what_tables_cannot_hold_is_refused_not_ignored(cells, clip, tmp_path, capsys, words):
    out = tmp_path / "o"
    assert fast(clip, "--model", cells, "--out", out, *words.split()) == 2
    said = capsys.readouterr().err
    assert "leave out --show, --save-json, --start, --end and --stride" in said
    assert not out.exists()


def test_each_word_reaches_the_run(monkeypatch):
    told = {}

    def noting(model, sources, out, **options):
        told.update(options, model=model, sources=sources, out=out)
        return ["b.mp4 is cut off"]

    monkeypatch.setattr(commands, "detect_fast", noting)
    where = ["--model", "ssd_mobilenet_v2_signs", "--out", "o", "--force", "--gpus", 2]
    how = ["--conf", 0.4, "--batch", 3, "--deadline", 7]
    network = ["--backend", "cpu", "--engine", "e", "--threads", 5]
    assert fast("a.mp4", "b.mp4", *where, *how, *network) == 1
    assert told.pop("outputs").force
    assert told == dict(
        model="ssd_mobilenet_v2_signs",
        sources=["a.mp4", "b.mp4"],
        out="o",
        conf_th=0.4,
        batch=3,
        deadline=0.007,
        gpus=2,
        backend="cpu",
        plan="e",
        threads=5,
    )


@pytest.mark.parametrize("words, seconds", [([], 0.02), (["--deadline", "250"], 0.25)])
def test_the_deadline_is_given_in_milliseconds(cells, clip, tmp_path, monkeypatch, words, seconds):
    deadlines = []

    def noting(*args, deadline, **others):
        deadlines.append(deadline)
        return detect_many(*args, deadline=deadline, **others)

    monkeypatch.setattr(run, "detect_many", noting)
    where = ["--model", cells, "--threads", 1, "--out", tmp_path / "o"]
    assert fast(clip, *where, *words) == 0
    assert deadlines == [pytest.approx(seconds)]


def test_the_longest_deadline_is_an_hour(cells, clip, tmp_path, capsys):
    where = ["--model", cells, "--threads", 1, "--out", tmp_path / "o"]
    assert fast(clip, *where, "--deadline", 3600000) == 0
    with pytest.raises(SystemExit, match="2"):
        fast(clip, *where, "--deadline", 3600001)
    assert "wanted: a number from 0 to 3600000" in capsys.readouterr().err


# Sources


def test_cameras_are_opened_before_files(clip):
    """Files wait for a free reader, and a camera's pictures would be lost meanwhile."""
    stream = "rtsp://127.0.0.1/street"
    assert named([str(clip), "0", "b.mp4", stream, "a.mp4"]) == [
        NamedSource("0", "live-2"),
        NamedSource(stream, "live-4"),
        NamedSource(str(clip), "clip"),
        NamedSource("b.mp4", "b"),
        NamedSource("a.mp4", "a"),
    ]


def test_only_a_camera_that_is_alone_gets_the_loop_without_readers(clip):
    assert is_one_camera(named(["0"]))
    assert not is_one_camera(named(["0", "1"]))
    assert not is_one_camera(named([str(clip)]))


# GPUs


def tell_the_gpu():
    """Opens nothing, and says what this process would see."""
    raise CourseError(os.environ["CUDA_VISIBLE_DEVICES"])


@pytest.mark.slow
def test_each_process_sees_a_gpu_of_its_own_among_those_that_may_be_used(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-8932f937")
    sources = named(["a.mp4", "b.mp4", "c.mp4"])
    runs = detect_on_gpus(2, tell_the_gpu, sources, tmp_path)
    assert [each.complaints for each in runs] == [["5"], ["GPU-8932f937"]]


@pytest.mark.parametrize(
    "variable, seen",
    [
        (None, ["0", "1", "2"]),
        ("3", ["3", "-1", "-1"]),
        ("6,4,7", ["6", "4", "7"]),
        ("", ["", "-1", "-1"]),
        ("-1", ["-1", "-1", "-1"]),
    ],
)
def test_nobody_elses_gpu_is_used(monkeypatch, variable, seen):
    """On a shared machine others compute on those that CUDA_VISIBLE_DEVICES leaves out."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if variable is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", variable)
    assert [gpus._gpu_name(number) for number in range(3)] == seen
