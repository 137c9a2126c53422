"""The view in a notebook: what it sends, how often, what ends it; also in a real kernel."""

import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from conftest import write_model
from test_camera import Pulse
from trt_course.lesson import widgets
from trt_course.lesson.widgets import CameraView
from trt_course.media import sources

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")


@pytest.fixture(autouse=True)
def opened(monkeypatch, cell_picture):
    """Every source opened: a live one that shows the picture with a red and a green cell."""
    opened = []

    class Street(Pulse):
        def read(self, timeout=None):
            frame = super().read()
            if frame is None:
                return None
            return frame._replace(image=cell_picture)

    def open_source(uri, loop=False):
        if "nowhere" in uri:
            raise sources.CourseError("There is no file or folder nowhere.")
        source = Street()
        if "short" in uri:
            source = Street(until=10)
        opened.append(source)
        return source

    monkeypatch.setattr(sources, "open_source", open_source, raising=False)
    yield opened
    widgets.stop_all()
    assert not [t for t in threading.enumerate() if t.name in ("view", "detector")]
    assert all(source.handle.closed for source in opened)


def answering(view, delay=0.0):
    """The browser's part: it answers each picture after a while.

    Returns the list of pictures, with the moment at which each came.
    """
    came = []

    def answer(change):
        came.append((time.monotonic(), bytes(view.picture.value)))
        threading.Timer(delay, setattr, (view._seen, "value", change.new)).start()

    view._sent.observe(answer, "value")
    return came


def wait(good):
    limit = time.monotonic() + 60
    while not good():
        assert time.monotonic() < limit, "it did not come to that"
        time.sleep(0.02)


def drawn(came, picture):
    """Whether the newest picture has something drawn at the green cell, and at the red one."""
    if not came:
        return []
    _, data = came[-1]
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == picture.shape
    changed = abs(image.astype(int) - picture).max(axis=2) > 110
    at_green = changed[112:160, 190:226].mean()
    at_red = changed[16:64, 62:98].mean()
    return [bool(at_green > 0.03), bool(at_red > 0.03)]


def test_at_most_15_a_second(cells):
    view = CameraView("pulse", [cells])
    came = answering(view)
    view.start()
    wait(lambda: len(came) > 30)
    view.stop()
    moments = [moment for moment, _ in came]
    assert moments[-1] - moments[0] > (len(came) - 2) / 15
    _, data = came[-1]
    assert data.startswith(b"\xff\xd8")


def test_the_line_below_has_the_rates(cells):
    view = CameraView("pulse", [cells])
    answering(view)
    view.start()
    wait(lambda: "inferred" in view.line.value and " FPS, boxes " in view.line.value)


def test_never_more_than_one_under_way(cells):
    view = CameraView("pulse", [cells])
    came = answering(view, delay=0.4)
    view.start()
    wait(lambda: len(came) > 3)
    moments = [moment for moment, _ in came]
    assert np.diff(moments).min() >= 0.4


def test_nobody_answers(cells, monkeypatch):
    monkeypatch.setattr(widgets, "PATIENCE", 1.0)
    view = CameraView("pulse", [cells]).start()
    wait(lambda: not view._thread.is_alive())
    assert view._sent.value == 1
    assert view.line.value == "stopped: the browser has not answered for 1 s"


def test_confidence_and_classes_work_while_it_runs(cells, cell_picture):
    view = CameraView("pulse", [cells], conf=0.3)
    came = answering(view)
    view.buttons[0].click()
    wait(lambda: drawn(came, cell_picture) == [True, True])
    view.conf.value = 0.9  # the green is fainter
    wait(lambda: drawn(came, cell_picture) == [False, True] and "1 boxes" in view.line.value)
    view.conf.value = 0.3
    view.classes.value = (2,)
    wait(lambda: drawn(came, cell_picture) == [True, False] and "2 boxes" in view.line.value)
    assert view.classes.options == (("blue", 1), ("green", 2), ("red", 3))
    view.buttons[1].click()
    assert view.line.value == "stopped"
    assert not view._thread.is_alive()


def test_another_model_starts_anew(cells, tmp_path, opened):
    other = write_model(tmp_path / "other", labels=["background", "azul", "verde", "rojo"])
    view = CameraView("pulse", [cells, other]).start()
    wait(lambda: opened)
    view.model.value = str(other)
    wait(lambda: len(opened) == 2)
    assert view.classes.options[0] == ("azul", 1)
    assert opened[0].handle.closed
    assert not opened[1].handle.closed


def test_one_view_at_a_time(cells, opened):
    first = CameraView("pulse", [cells]).start()
    wait(lambda: first._sent.value)
    second = CameraView("pulse", [cells])
    assert not first._thread.is_alive()
    assert first.line.value == "stopped"
    assert opened[0].handle.closed
    second.start().stop()
    second.start()
    first.start()
    assert not second._thread.is_alive()


def test_stop_does_not_wait_for_a_slow_camera(cells, opened, monkeypatch):
    def open_slow(uri, loop=False):
        opened.append(Pulse(fps=0.01))
        return opened[-1]

    view = CameraView("slow", [cells])
    monkeypatch.setattr(sources, "open_source", open_slow)
    view.start()
    wait(lambda: view._sent.value)
    started = time.monotonic()
    view.stop()
    assert time.monotonic() - started < 60
    assert not view._thread.is_alive()


def test_what_goes_wrong_is_said_in_the_line(cells, monkeypatch):
    view = CameraView("nowhere", [cells]).start()
    wait(lambda: view.line.value == "There is no file or folder nowhere.")
    view = CameraView("short", [cells]).start()
    wait(lambda: view.line.value == "stopped")
    monkeypatch.setattr(widgets, "TrtSSD", lambda *_, **__: 1 / 0)
    view.start()
    wait(lambda: "The detector's thread has failed. ZeroDivisionError" in view.line.value)


# The cells of a notebook: what stands in for the camera, the view, a look at it.
OPEN = """
import sys, threading, time
sys.path[:0] = {path!r}
from test_camera import Pulse
from trt_course.lesson.widgets import CameraView
from trt_course.media import sources

class Street(Pulse):
    guard = threading.Lock()  # the camera and its thread may close at the same time

    def close(self):
        with self.guard:
            if not self.closed.is_set():
                open({marks!r}, "a").write("closed\\n")
            super().close()

sources.open_source = lambda uri, loop: Street()
"""
VIEW = """
view = CameraView("pulse", [{model!r}]).start()
view
"""
LOOK = """
until = time.monotonic() + 60
while "captured" not in view.line.value and time.monotonic() < until:
    time.sleep(0.05)
print(view._sent.value, view.line.value)
print([t.name for t in threading.enumerate()].count("view"), open({marks!r}, "a").tell())
"""


@pytest.mark.slow
def test_in_a_real_kernel(cells, tmp_path):
    marks = tmp_path / "marks"
    kit = Path(__file__).resolve().parent.parent
    book = nbformat.v4.new_notebook()
    for text in (OPEN, VIEW, LOOK, VIEW, LOOK):
        filled = text.format(path=[str(kit), str(kit.parent)], model=str(cells), marks=str(marks))
        book.cells.append(nbformat.v4.new_code_cell(filled))
    nbclient.NotebookClient(book, timeout=180, kernel_name="python3").execute()

    shown, said, again, then = (cell["outputs"] for cell in book.cells[1:])
    outputs = [output.get("data", {}) for output in shown + again]
    assert any("application/vnd.jupyter.widget-view+json" in output for output in outputs)
    assert said[0]["text"].startswith("1 ")
    assert "captured" in said[0]["text"]
    assert said[0]["text"].endswith("\n1 0\n")
    # The second run of the cell has closed the first one's source.
    assert then[0]["text"].endswith("\n1 7\n")

    states = book.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"].values()
    pictures = [state for state in states if state["model_name"] == "ImageModel"]
    assert len([picture for picture in pictures if picture.get("buffers")]) == 2
    assert marks.read_text() == "closed\nclosed\n", "the end of the kernel frees the camera"
