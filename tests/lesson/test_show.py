"""What lessons put on a page: pictures, videos, tables, and saved results where the GPU lacks."""

import base64
import re

import cv2
import numpy as np
import pytest

from trt_course import CourseError
from trt_course.lesson import show
from trt_course.media.writer import VideoWriter


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


def test_one_picture_stands_alone_and_its_size_and_quality_are_chosen(page):
    noise = np.random.RandomState(0).randint(0, 256, (40, 100, 3), np.uint8)
    show.show_picture(noise, "noise")
    ((_, text),) = page
    assert "repeat(1,1fr)" in text
    assert "<figcaption>noise</figcaption>" in text

    show.show_picture(noise)
    assert page[-1][1].endswith("<figcaption></figcaption></figure></div>")

    show.side_by_side([noise] * 3, ["a", "b", "c"], columns=3)
    assert "repeat(3,1fr)" in page[-1][1]
    assert page[-1][1].count("<img ") == 3

    def shape(data):
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape

    assert shape(show.jpeg(noise)) == (40, 100, 3)
    assert shape(show.jpeg(noise, widest=50)) == (20, 50, 3)
    assert len(show.jpeg(noise, quality=30)) < len(show.jpeg(noise)) / 2


def test_a_large_picture_is_made_smaller_without_moire(page):
    """Single pixels of a fine pattern would be picked where others are left out."""
    stripes = np.zeros((30, 3 * 1280, 3), np.uint8)
    stripes[:, ::2] = 255
    show.show_picture(stripes)
    (data,) = re.findall("data:image/jpeg;base64,([^']+)'", page[0][1])
    assert decoded(data).shape == (10, 1280, 3)
    assert np.abs(decoded(data).astype(int) - 128).max() < 60


def test_the_page_gets_html_and_markdown_as_such(monkeypatch):
    """Markdown that is shown as HTML, or the reverse, stands as raw text on the page."""
    display = pytest.importorskip("IPython.display")
    shown = []
    monkeypatch.setattr(display, "display", shown.append)
    show.show_table([("a",)], ["b"])
    monkeypatch.setattr(show, "load_tensorrt", lambda: 1 / 0)
    monkeypatch.setattr(show, "open_cuda", refuse)
    show.on_gpu(list, saved="h200")
    assert [type(part) for part in shown] == [display.HTML, display.HTML, display.Markdown]
    assert shown[0].data.startswith("<table>")
    assert shown[2].data.startswith("**Saved result** (docs/measured.md):\n")


def refuse():
    raise CourseError("No GPU.")


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
    show.show_video(path, "three frames", width=320)
    ((kind, text),) = page
    assert kind == "HTML"
    assert "width=320 " in text
    assert "<figcaption>three frames</figcaption>" in text
    data = re.search("data:video/mp4;base64,([^']+)'", text)[1]
    assert base64.b64decode(data) == path.read_bytes()
    assert "controls" in text

    monkeypatch.setattr(show, "MOST_MIB", 0)
    with pytest.raises(CourseError, match="has 0 MiB, a page takes 0. Write fewer frames"):
        show.show_video(path)


def test_a_video_may_be_just_as_large_as_a_page_takes(page, tmp_path, monkeypatch):
    monkeypatch.setattr(show, "MOST_MIB", 1)
    path = tmp_path / "large.mp4"
    path.write_bytes(b"avc1" + bytes((1 << 20) - 4))
    show.show_video(path)
    assert len(page) == 1
    assert "width=800 " in page[0][1]
    assert page[0][1].endswith("<figcaption></figcaption></figure>")
    path.write_bytes(b"avc1" + bytes((1 << 20) - 3))
    with pytest.raises(CourseError, match="has 1 MiB, a page takes 1"):
        show.show_video(path)


@pytest.mark.parametrize("codec", ["avc1", "vp09", "av01"])
def test_a_video_of_any_codec_that_browsers_play_is_shown(page, tmp_path, codec):
    (tmp_path / "v.mp4").write_bytes(codec.encode())
    show.show_video(tmp_path / "v.mp4")
    assert len(page) == 1


def test_a_video_that_is_not_there_is_named(page, tmp_path):
    with pytest.raises(CourseError, match="none.mp4 cannot be shown: No such file"):
        show.show_video(tmp_path / "none.mp4")


def test_table(page):
    show.show_table([("a", 1), ("b", 2)], ["name", "n"])
    ((kind, text),) = page
    assert kind == "HTML"
    cells = [re.findall(">([^<>]+)<", row) for row in text.split("</tr>")]
    assert cells == [["name", "n"], ["a", "1"], ["b", "2"], []]

    # The head is a head, and nothing stands between the rows.
    bare = text.replace(" style='text-align:left'", "")
    head = "<thead><tr><th>name</th><th>n</th></tr></thead>"
    rows = "<tr><td>a</td><td>1</td></tr><tr><td>b</td><td>2</td></tr>"
    assert bare == f"<table>{head}<tbody>{rows}</tbody></table>"


def test_without_a_gpu_the_saved_result_is_shown(page, monkeypatch):
    monkeypatch.setattr(show, "open_cuda", refuse)
    assert show.on_gpu(lambda: pytest.fail("must not run"), saved="h200") is None
    (why, saved) = page
    assert why == ("HTML", "<p><b>Not run here.</b> No GPU.</p>")
    kind, text = saved
    assert kind == "Markdown"
    assert "| FP16 | 16 | | 7,105 |" in text
    assert "<!--" not in text


def test_without_tensorrt_the_saved_result_is_shown(page, monkeypatch):
    monkeypatch.setattr(show, "open_cuda", lambda: None)
    monkeypatch.setattr(show, "load_tensorrt", refuse)
    assert show.on_gpu(lambda: pytest.fail("must not run"), saved="h200") is None
    assert len(page) == 2


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
