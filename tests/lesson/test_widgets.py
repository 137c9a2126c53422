"""The view in a notebook: what it sends, how often, and what ends it."""

import threading
import time

import cv2
import numpy as np
import pytest

from conftest import write_model
from drawn_parts import shows
from test_camera import Pulse
from trt_course import BBoxVisualization, Detections
from trt_course.camera import View
from trt_course.lesson import widgets
from trt_course.lesson.widgets import CameraView
from trt_course.media import sources
from trt_course.media.base import Frame
from trt_course.model.find import list_models

pytest.importorskip("ipywidgets")


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
        source.loop = loop
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


def wait(good, seconds=10.0):
    limit = time.monotonic() + seconds
    while not good():
        assert time.monotonic() < limit
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


def test_at_most_15_a_second(cells, opened):
    """The camera has 30, and more pictures would only queue up in the browser."""
    view = CameraView("pulse", [cells])
    came = answering(view)
    view.start()
    wait(lambda: len(came) >= 20)
    moments = [moment for moment, _ in came]
    assert moments[19] - moments[0] > 18 / 15 - 0.05
    wait(lambda: "inferred" in view.line.value and " FPS, boxes " in view.line.value)
    _, data = came[-1]
    assert data.startswith(b"\xff\xd8")
    assert opened[0].loop  # a video begins anew


def test_never_more_than_one_under_way(cells):
    view = CameraView("pulse", [cells])
    came = answering(view, delay=0.4)
    view.start()
    wait(lambda: len(came) >= 4)
    moments = [moment for moment, _ in came]
    assert np.diff(moments).min() >= 0.4


def test_nobody_answers(cells, monkeypatch):
    monkeypatch.setattr(widgets, "PATIENCE", 1.0)
    view = CameraView("pulse", [cells]).start()
    wait(lambda: not view._thread.is_alive())
    assert view._sent.value == 1
    assert view.line.value == "stopped: the browser has not answered for 1 s"


def test_started_again_it_does_not_wait_for_an_answer_to_the_last_run(cells):
    view = CameraView("pulse", [cells]).start()
    wait(lambda: view._sent.value == 1)
    view.start()
    wait(lambda: view._sent.value == 2)


def test_the_browser_answers_by_copying(cells):
    """What the tests do in its place, a link does in the browser."""
    view = CameraView("pulse", [cells])
    assert view._link.source == (view._sent, "value")
    assert view._link.target == (view._seen, "value")


def test_the_page_gets_all_that_is_seen_and_chosen(cells, monkeypatch):
    display = pytest.importorskip("IPython.display")
    shown = []
    monkeypatch.setattr(display, "display", shown.append)
    view = CameraView("pulse", [cells])
    view._ipython_display_()
    assert shown == [view.box]

    rows = list(view.box.children)
    parts = [part for row in rows for part in getattr(row, "children", [row])]
    assert parts == [*view.buttons, view.model, view.conf, view.classes, view.picture, view.line]
    assert [button.description for button in view.buttons] == ["Start", "Stop"]
    assert view.line.value == "stopped"


def test_what_nobody_chooses(cells):
    view = CameraView("pulse")
    assert list(view.model.options) == list_models()
    slider = view.conf
    assert (slider.min, slider.max, slider.step, slider.value) == (0.05, 0.95, 0.05, 0.3)
    assert (view.mode, view.every) == ("async", 3)
    assert CameraView("pulse", [cells], conf=0.5).conf.value == 0.5


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_mode_and_every_are_the_cameras(cells, monkeypatch, mode):
    made = []
    arrangement = widgets.MODES[mode]

    def noting(source, make_detector, every):
        made.append((mode, every))
        return arrangement(source, make_detector, every)

    monkeypatch.setitem(widgets.MODES, mode, noting)
    view = CameraView("pulse", [cells], mode=mode, every=2).start()
    wait(lambda: view._sent.value)
    assert made == [(mode, 2)]


def test_a_picture_is_made_as_wide_as_a_page_and_has_its_boxes(cells, cell_picture):
    view = CameraView("pulse", [cells])
    drawer = BBoxVisualization({2: "green", 3: "red"})
    wide = cv2.resize(cell_picture, (1920, 480))
    found = Detections([[480, 80, 720, 160]], [0.9], [3])

    def pushed(image, found):
        view._push(View(Frame(image, 0, 0.0, ""), found, 0, 0, 0.0, "running"), drawer)
        return cv2.imdecode(np.frombuffer(view.picture.value, np.uint8), cv2.IMREAD_COLOR)

    assert pushed(wide, found).shape == (240, 960, 3)
    plain = pushed(cell_picture, None)
    assert np.abs(plain.astype(int) - cell_picture).mean() < 3
    assert (pushed(cell_picture, Detections()) == plain).all()

    found = Detections([[64, 32, 96, 64], [192, 128, 224, 160]], [0.9, 0.8], [3, 2])
    assert shows(pushed(cell_picture, found), cell_picture, found, drawer.cls_dict)
    view.classes.value = (2,)
    green = found.of_class(2)
    assert shows(pushed(cell_picture, found), cell_picture, green, drawer.cls_dict)
    assert view._sent.value == 5


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
        opened.append(Pulse(fps=0.1))
        return opened[-1]

    view = CameraView("slow", [cells])
    monkeypatch.setattr(sources, "open_source", open_slow)
    view.start()
    wait(lambda: view._sent.value)
    started = time.monotonic()
    view.stop()
    assert time.monotonic() - started < 2
    assert not view._thread.is_alive()


def test_what_goes_wrong_is_said_in_the_line(cells, monkeypatch):
    view = CameraView("nowhere", [cells]).start()
    wait(lambda: view.line.value == "There is no file or folder nowhere.")
    view = CameraView("short", [cells]).start()
    wait(lambda: view.line.value == "stopped")
    monkeypatch.setattr(widgets, "TrtSSD", lambda *_, **__: 1 / 0)
    view.start()
    wait(lambda: "The detector's thread has failed. ZeroDivisionError" in view.line.value)
