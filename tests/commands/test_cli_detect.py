"""`detect` and `camera`: each option does what it says, for each kind of source."""

import json
import re
import threading
from pathlib import Path

import pytest

from trt_course import CourseError, TrtSSD
from trt_course.__main__ import main
from trt_course.commands import detect as commands
from trt_course.commands import open_ssd
from trt_course.engine import cpu
from trt_course.media.sources import open_source
from trt_course.media.writer import VideoWriter
from trt_course.support.files import is_hidden

# The picture's red cell has a confidence of 1, its green one of 0.78.
BOTH = ["red", "green"]
RED = ["--conf", "0.9"]


def run(*words):
    """The exit status of a command."""
    return main([str(word) for word in words])


@pytest.fixture
def clip(tmp_path, cell_picture):
    """12 frames, 10 a second."""
    path = tmp_path / "clip.mp4"
    with VideoWriter(path, 10) as writer:
        for _ in range(12):
            writer.write(cell_picture)
    return path


@pytest.fixture
def detect(cells, tmp_path):
    """The command on the small model; a function that gives the names of what it left."""

    def done(source, *words, status=0):
        where = ["--model", cells, "--backend", "cpu", "--threads", 1, "--out", tmp_path / "o"]
        assert run("detect", source, *where, *words) == status
        left = (tmp_path / "o").rglob("*")
        return sorted(path.name for path in left if path.is_file() and not is_hidden(path))

    return done


def labels_in(path):
    return [line.split()[0] for line in path.read_text().splitlines()]


# Pictures


def test_a_picture_and_its_options(detect, picture_folder, tmp_path):
    source = picture_folder / "a.jpg"
    assert detect(source, "--no-write") == ["a.txt"]
    assert labels_in(tmp_path / "o" / "a.txt") == BOTH
    assert detect(source, "--no-write", "--save-json", *RED) == ["a.json", "a.txt"]
    assert labels_in(tmp_path / "o" / "a.txt") == ["red"]
    assert detect(source) == ["a.jpg", "a.json", "a.txt"]


def names(*formats, pictures=False):
    wanted = []
    if pictures:
        wanted += [f"{name}.jpg" for name in "abc"]
    if "voc" in formats:
        wanted += [f"{name}.txt" for name in "abc"]
    if "coco" in formats:
        wanted += ["detections.json"]
    return sorted(wanted)


@pytest.mark.parametrize(
    "words, left",
    [
        ([], names("voc", "coco", pictures=True)),
        (["--no-write"], names("voc", "coco")),
        (["--no-write", "--format", "voc"], names("voc")),
        (["--no-write", "--format", "coco"], names("coco")),
        (["--no-write", "--format", "voc", "--save-json"], names("voc", "coco")),
    ],
)
def test_a_folder_and_its_options(detect, picture_folder, words, left):
    assert detect(picture_folder / "[a-c]*", *words) == left


def test_the_threshold_counts_in_a_folder(detect, picture_folder, tmp_path):
    detect(picture_folder / "[a-c]*", "--no-write", *RED)
    assert labels_in(tmp_path / "o" / "detection-results" / "b.txt") == ["red"]


# A video


def test_the_threshold_counts_in_a_video(detect, clip, tmp_path):
    assert detect(clip, "--no-write", "--save-json", *RED) == ["clip.json"]
    assert len(json.loads((tmp_path / "o" / "clip.json").read_text())) == 12
    detect(clip, "--no-write", "--save-json")
    assert len(json.loads((tmp_path / "o" / "clip.json").read_text())) == 24


@pytest.mark.parametrize("words, sizes", [([], {1}), (["--batch", 4], {4})])
def test_so_many_frames_go_through_the_network_at_once(detect, clip, monkeypatch, words, sizes):
    seen = set()
    detect_batch = TrtSSD.detect_batch

    def noting(ssd, pictures, conf_th=None):
        seen.add(len(pictures))
        return detect_batch(ssd, pictures, conf_th)

    monkeypatch.setattr(TrtSSD, "detect_batch", noting)
    detect(clip, "--no-write", *words)
    assert seen == sizes


def test_a_part_of_a_video(detect, clip, tmp_path):
    """Each of the three options by itself."""
    for words, frames in (
        (["--start", 0.85], [9, 10, 11]),
        (["--end", 0.25], [0, 1, 2]),
        (["--stride", 5], [0, 5, 10]),
    ):
        detect(clip, "--no-write", "--save-json", *words)
        rows = json.loads((tmp_path / "o" / "clip.json").read_text())
        assert sorted({row["frame"] for row in rows}) == frames


def test_an_encoder_that_is_not_here_is_told(detect, clip, capsys):
    detect(clip, "--encoder", "jetson", status=2)
    assert "Use --encoder x264" in capsys.readouterr().err


# Whatever the source


@pytest.mark.parametrize(
    "source, name", [("a.jpg", "a.txt"), ("[a-c]*", "detections.json"), ("clip.mp4", "clip.mp4")]
)
def test_a_file_of_somebody_else_is_replaced_only_by_force(
    detect, clip, picture_folder, tmp_path, capsys, source, name
):
    place = clip if source == clip.name else picture_folder / source
    theirs = tmp_path / "o" / name
    theirs.parent.mkdir()
    theirs.write_text("mine")
    detect(place, status=2)
    assert f"{name} is in the way" in capsys.readouterr().err
    assert theirs.read_text() == "mine"
    detect(place, "--force")
    assert theirs.read_bytes() != b"mine"


def test_an_engine_that_was_asked_for_is_opened(detect, picture_folder, monkeypatch, capsys):
    asked = []

    def open_none(model, backend, threads, plan):
        asked.append((backend, plan))
        raise CourseError("It was built for another card.")

    monkeypatch.setattr("trt_course.commands.TrtSSD", open_none)
    words = ["--backend", "tensorrt", "--engine", "my.engine"]
    detect(picture_folder / "a.jpg", *words, status=2)
    assert asked == [("tensorrt", "my.engine")]
    assert capsys.readouterr().err == "trt_course: It was built for another card.\n"


def test_threads_reach_the_network(detect, picture_folder, monkeypatch):
    threads = []
    new_session = cpu._new_session

    def noting(runtime, path, count):
        threads.append(count)
        return new_session(runtime, path, count)

    monkeypatch.setattr(cpu, "_new_session", noting)
    detect(picture_folder / "a.jpg", "--threads", 3)
    assert threads == [3]


def test_what_was_done_when_is_traced(detect, clip, tmp_path):
    trace = tmp_path / "t.json"
    detect(clip, "--no-write", "--trace", trace)
    events = json.loads(trace.read_text())["traceEvents"]
    assert {event["name"] for event in events} >= {"read", "write"}


# A window


class ClosedByTheReader:
    """The pictures that a window has shown; after the third one somebody closes it."""

    def __init__(self):
        self.pictures = []
        self.shown = threading.Event()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def show(self, picture):
        self.pictures.append(picture)
        self.shown.set()
        return len(self.pictures) < 3


@pytest.fixture
def windows(monkeypatch):
    """Those that were opened."""
    opened = []

    def open_window(title):
        opened.append(ClosedByTheReader())
        return opened[-1]

    monkeypatch.setattr(commands, "Window", open_window)
    return opened


def has_labels(picture):
    """Above the red cell, where the picture itself is black."""
    return (picture[:30] > 100).any()


def test_a_closed_window_ends_the_video_which_is_kept(detect, clip, tmp_path, windows):
    assert detect(clip, "--show") == ["clip.mp4"]
    (window,) = windows
    assert all(has_labels(picture) for picture in window.pictures)
    with open_source(tmp_path / "o" / "clip.mp4") as video:
        assert len(list(video)) == 3


def test_without_show_there_is_no_window(detect, clip, windows):
    detect(clip)
    assert windows == []


# A camera


def watched(cells, tmp_path, *words):
    """The counts of a run of the camera command."""
    figures = tmp_path / "counts.json"
    given = ["camera", *words, "--model", cells, "--backend", "cpu", "--json", figures]
    assert run(*given) == 0
    return json.loads(figures.read_text())


def test_the_threshold_counts_for_a_camera(cells, clip, tmp_path, capsys):
    watched(cells, tmp_path, clip, "--mode", "sync", *RED)
    assert set(re.findall(r"; (\d) boxes", capsys.readouterr().out)) == {"1"}


def test_a_closed_window_ends_the_camera_with_its_counts(cells, clip, tmp_path, windows):
    counts = watched(cells, tmp_path, clip, "--mode", "sync", "--show")
    (window,) = windows
    assert all(has_labels(picture) for picture in window.pictures)
    assert counts["shown"] == 3


def test_pictures_are_shown_before_there_are_any_boxes(cells, clip, tmp_path, windows, monkeypatch):
    """While the detector opens, the camera's pictures come without boxes."""

    def open_late(args):
        assert windows[0].shown.wait(20)
        return open_ssd(args)

    monkeypatch.setattr(commands, "open_ssd", open_late)
    counts = watched(cells, tmp_path, clip, "--mode", "async", "--show")
    assert not has_labels(windows[0].pictures[0])
    assert counts["shown"] == 3


def test_transcode_names_what_it_wrote(clip, tmp_path, capsys):
    assert run("transcode", clip, "--out", tmp_path / "o") == 0
    (made,) = (tmp_path / "o").glob("[!.]*.mp4")
    assert str(made) in capsys.readouterr().out
    assert run("transcode", clip, "--out", tmp_path / "o", "--encoder", "jetson") == 2
    assert run("transcode", clip, "--out", tmp_path / "o") == 0

    made.write_text("mine")
    assert run("transcode", clip, "--out", tmp_path / "o") == 2
    assert run("transcode", clip, "--out", tmp_path / "o", "--force") == 0


# What the model has seen

HAS_SEEN = "cells has seen painted cells only: elsewhere expect misses and false alarms"


@pytest.fixture
def narrow(cells, tmp_path):
    """The small model, whose record says what it has seen."""
    folder = tmp_path / "narrow"
    folder.mkdir()
    (folder / "model.onnx").symlink_to(cells / "model.onnx")
    record = json.loads((cells / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(dict(record, knows="painted cells")))
    return folder


@pytest.mark.parametrize("more", [[], ["--fast"]])
def test_a_model_that_has_seen_little_says_so_once(narrow, picture_folder, tmp_path, capsys, more):
    where = ["--model", narrow, "--backend", "cpu", "--out", tmp_path / "o", *more]
    assert run("detect", picture_folder, *where) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "has seen" in line]
    assert len(said) == 1
    assert said[0].startswith(HAS_SEEN)
    assert "python -m trt_course models list" in said[0]


def test_nothing_is_said_of_the_kit_s_own_samples(narrow, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the kit's files are found from anywhere
    where = ["--model", narrow, "--backend", "cpu", "--out", tmp_path / "o", "--no-write"]
    assert run("detect", "data/signs/images/000008.jpg", *where) == 0
    assert "has seen" not in capsys.readouterr().err


def test_a_model_that_has_seen_little_says_so_once_of_several_sources(
    narrow, picture_folder, tmp_path, capsys
):
    """Also if some of them are the kit's."""
    where = ["--model", narrow, "--backend", "cpu", "--out", tmp_path / "o", "--fast"]
    assert run("detect", "data/signs/images/000008.jpg", picture_folder, *where) == 0
    assert capsys.readouterr().err.count("has seen") == 1


@pytest.mark.parametrize("source", ["loop", "gst:" + "videotestsrc ! identity ! " * 20])
def test_sources_without_a_place_on_the_disk_are_none_of_the_kit_s(
    source, narrow, tmp_path, capsys, monkeypatch
):
    """Neither a link to itself nor a pipeline longer than any path ends in a traceback."""
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    assert run("detect", source, "--model", narrow, "--backend", "cpu", "--out", "o") == 2
    assert "Traceback" not in capsys.readouterr().err


def test_nothing_is_said_where_a_record_does_not(detect, picture_folder, capsys):
    detect(picture_folder)
    assert "has seen" not in capsys.readouterr().err
