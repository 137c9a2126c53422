"""What lessons are built of: the checks of exercises, and what is put on a page."""

import base64
import re

import cv2
import numpy as np
import pytest

from trt_course import CourseError
from trt_course.lesson import check as checks
from trt_course.lesson import show
from trt_course.lesson.check import check, summary
from trt_course.media.writer import VideoWriter


@pytest.fixture(autouse=True)
def no_results(monkeypatch):
    monkeypatch.setattr(checks, "results", {})


@pytest.mark.parametrize(
    "got, wanted, verdict, difference",
    [
        (..., 3, "not done yet", ""),
        (None, 3, "not done yet", ""),
        ([1, ...], [1, 2], "not done yet", ""),
        ({"a": ...}, {"a": 1}, "not done yet", ""),
        (3, 3.0, "right", "none"),
        (np.float32(0.1), 0.1, "right", "none"),
        (3, 5, "wrong", "2"),
        ("3", 3, "wrong", "a value of type str, wanted: int"),
        ((3, 4), (4, 3), "wrong", "up to 1"),
        (np.zeros((2, 4)), np.zeros((2, 4)), "right", "none"),
        ([1, 2], [1, 2, 3], "wrong", "the shape is (2,), wanted: (3,)"),
        (float("nan"), 1.0, "wrong", "nan"),
        ("cat", "dog", "wrong", "another value"),
        ("cat", "cat", "right", "none"),
        ({"a": 1, "b": 2}, {"a": 1, "c": 2}, "wrong", "missing: ('c', 2); too much: ('b', 2)"),
        ([], [], "right", "none"),
        (["a", "b"], ["b", "a"], "wrong", "the order"),
        (["a", [1.0]], ["a", [1.0]], "right", "none"),
        (True, True, "right", "none"),
        ([], [1], "wrong", "missing: 1"),
        (np.zeros((0, 4)), np.zeros((0, 4)), "right", "none"),
        (np.zeros(0), np.zeros(4), "wrong", "the shape is (0,), wanted: (4,)"),
        (np.array(["a", "b"]), np.array(["a", "b"]), "right", "none"),
        (np.array(["a"]), np.array(["a", "b"]), "wrong", "missing: 'b'"),
    ],
)
def test_verdicts(capsys, got, wanted, verdict, difference):
    check("01.1", got, wanted, hint="think")
    said = capsys.readouterr().out
    assert checks.results == {"01.1": verdict}
    assert said.startswith(f"01.1: {verdict}\n")

    # Nothing is compared where nothing is done; a hint is for a wrong answer only.
    compared = []
    if difference:
        compared.append(difference)
    assert re.findall("  difference  (.*)", said) == compared
    assert ("  hint        think\n" in said) == (verdict == "wrong")
    assert ("  got " in said) == ("  wanted " in said) == bool(difference)


def test_tolerance_and_summary(capsys):
    check("01.1", 10.4, 10, tolerance=0.5)
    check("01.2", 10.6, 10, tolerance=0.5)
    check("01.3", ..., 10)
    check("01.2", 10.4, 10, tolerance=0.5)  # tried again
    summary()
    assert capsys.readouterr().out.endswith("2 of 3 exercises right. Left: 01.3 (not done yet)\n")


@pytest.fixture
def page(monkeypatch):
    """What would stand on the page: (kind, text) of each output."""
    shown = []
    monkeypatch.setattr(show, "_display", lambda kind, text: shown.append((kind, text)))
    return shown


def decoded(data):
    """The picture in the base64 of a file."""
    return cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)


def test_pictures(page):
    small = np.full((20, 30, 3), (0, 0, 255), np.uint8)
    large = np.zeros((100, 2000, 3), np.uint8)
    show.side_by_side([small, large], ["a <b>", "c"])
    ((kind, text),) = page
    assert kind == "HTML"
    assert "<figcaption>a &lt;b&gt;</figcaption>" in text
    assert "repeat(2,1fr)" in text

    images = [decoded(data) for data in re.findall("data:image/jpeg;base64,([^']+)'", text)]
    assert [image.shape for image in images] == [(20, 30, 3), (64, 1280, 3)]
    assert np.abs(images[0].astype(int) - (0, 0, 255)).max() < 10  # red stays red


FRAMES = [np.full((64, 64, 3), value, np.uint8) for value in (0, 120, 240)]


@pytest.mark.parametrize("name, codec", [("old.mp4", "mp4v"), ("old.avi", "MJPG")])
def test_videos_that_no_browser_plays(page, tmp_path, name, codec):
    fourcc = cv2.VideoWriter_fourcc(*codec)
    writer = cv2.VideoWriter(str(tmp_path / name), fourcc, 10, (64, 64))
    for frame in FRAMES:
        writer.write(frame)
    writer.release()
    with pytest.raises(CourseError, match="does not play in a browser.*transcode"):
        show.show_video(tmp_path / name)
    assert not page


def test_videos(page, tmp_path, monkeypatch):
    path = tmp_path / "good.mp4"
    with VideoWriter(path, 10) as writer:
        for frame in FRAMES:
            writer.write(frame)
    show.show_video(path, "three frames")
    ((_, text),) = page
    data = re.search("data:video/mp4;base64,([^']+)'", text)[1]
    assert base64.b64decode(data) == path.read_bytes()
    assert "controls" in text

    monkeypatch.setattr(show, "MOST_MIB", 0)
    with pytest.raises(CourseError, match="Write fewer frames"):
        show.show_video(path)


def test_table(page):
    show.show_table([("a", 1), ("b", 2)], ["name", "n"])
    ((kind, text),) = page
    assert kind == "HTML"
    cells = [re.findall(">([^<>]+)<", row) for row in text.split("</tr>")]
    assert cells == [["name", "n"], ["a", "1"], ["b", "2"], []]


def test_without_a_gpu_the_saved_result_is_shown(page, monkeypatch):
    def no_gpu():
        raise CourseError("No GPU.")

    monkeypatch.setattr(show, "open_cuda", no_gpu)
    assert show.on_gpu(lambda: pytest.fail("must not run"), saved="h200") is None
    (why, saved) = page
    assert why == ("HTML", "<p><b>Not run here.</b> No GPU.</p>")
    kind, text = saved
    assert kind == "Markdown"
    assert "| FP16 | 16 | | 7,105 |" in text
    assert "<!--" not in text


def test_with_a_gpu_the_cell_runs_and_what_it_lacks_is_said(page, monkeypatch):
    monkeypatch.setattr(show, "open_cuda", lambda: None)
    monkeypatch.setattr(show, "load_tensorrt", lambda: None)
    assert show.on_gpu(lambda: 7, saved="h200") == 7
    assert not page

    def no_memory():
        raise CourseError("The memory is full.")

    assert show.on_gpu(no_memory, saved="h200") is None
    (_, text), _ = page
    assert "<b>Not run here.</b> The memory is full." in text
