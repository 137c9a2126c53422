"""A live source whose camera fails: how it is tried again, what is told, and what is let go."""

import threading
import time

import numpy as np
import pytest

from trt_course import CourseError
from trt_course.media import captures, live
from trt_course.media.sources import open_source

DEADLINE = 30.0  # seconds, that only a failure waits for
BLACK = np.zeros((48, 64, 3), np.uint8)


def until(good):
    limit = time.monotonic() + DEADLINE
    while not good():
        assert time.monotonic() < limit, "it did not come to that"
        time.sleep(0.002)


class Camera:
    """One connection: it gives these pictures and fails then, or waits until it is released.

    An exception among the pictures is raised.
    """

    def __init__(self, pictures, rate=25.0, waits=False):
        self.pictures = iter(pictures)
        self.rate = rate
        self.waits = waits
        self.released = threading.Event()

    def read(self):
        picture = next(self.pictures, None)
        if isinstance(picture, Exception):
            raise picture
        if picture is None and self.waits:
            self.released.wait(DEADLINE)
        return picture is not None, picture

    def get(self, prop):
        return self.rate

    def release(self):
        self.released.set()


@pytest.fixture
def connect(monkeypatch):
    """Let csi://0 be these cameras, one after the other; an exception is raised instead of one.

    What it returns are the moments at which somebody asked.
    """

    def connections(*cameras):
        moments = []
        left = iter(cameras)

        def answer(uri, **options):
            moments.append(time.monotonic())
            camera = next(left, None)
            if camera is None:
                raise CourseError("the cable is out")
            if isinstance(camera, Exception):
                raise camera
            return camera

        monkeypatch.setitem(captures.SCHEMES, "csi", answer)
        return moments

    return connections


def test_it_is_tried_again_at_growing_intervals_and_at_once_after_a_success(connect, monkeypatch):
    """All fifty times faster here than docs/video.md says."""
    assert (live._FIRST_PAUSE, live._LONGEST_PAUSE) == (0.25, 2.0)
    monkeypatch.setattr(live, "_FIRST_PAUSE", 0.005)
    monkeypatch.setattr(live, "_LONGEST_PAUSE", 0.04)
    rounds = 5
    connections = []
    for _ in range(rounds):
        connections += [Camera([BLACK])] + [CourseError("no")] * 5
    moments = connect(*connections)
    with open_source("csi://0"):
        until(lambda: len(moments) > 6 * rounds)
    pauses = np.diff(moments)[: 6 * rounds].reshape(rounds, 6)

    # None is too short on any machine; the shortest of each kind are not too long either
    wanted = [0.005, 0.01, 0.02, 0.04, 0.04, 0.04]
    assert (pauses >= wanted).all()
    assert pauses[:, 0].min() < 0.02
    assert pauses[:, 5].min() < 0.16


def test_each_connection_is_let_go(connect, monkeypatch):
    monkeypatch.setattr(live, "_FIRST_PAUSE", 0.01)
    cameras = [Camera([BLACK]), Camera([BLACK, RuntimeError("no")]), Camera([BLACK], waits=True)]
    connect(*cameras)
    source = open_source("csi://0")
    until(lambda: source.reconnects == 2)
    assert cameras[0].released.is_set() and cameras[1].released.is_set()
    closing = threading.Thread(target=source.close)
    closing.start()
    cameras[2].released.set()
    closing.join(DEADLINE)
    assert not source._thread.is_alive()
    assert source.read() is None


def test_what_went_wrong_is_forgotten_when_frames_come_again(connect, monkeypatch):
    monkeypatch.setattr(live, "_FIRST_PAUSE", 0.01)
    back = Camera([BLACK], waits=True)
    connect(Camera([BLACK, ValueError("the lens is off")]), back)
    with open_source("csi://0", limit=0.2) as source:
        until(lambda: source.captured == 2)
        source.read()
        with pytest.raises(CourseError, match=r"^csi://0: no new frame in 0\.2 s\. $"):
            source.read()
        back.released.set()


def test_an_error_of_any_kind_names_its_source(connect):
    connect(Camera([BLACK, ValueError("the lens is off")]), *[ValueError("the lens is off")] * 99)
    with open_source("csi://0") as source:
        source.read()
        with pytest.raises(CourseError, match=r"no new frame in 0\.1 s\. csi://0: the lens is off"):
            source.read(timeout=0.1)


@pytest.mark.parametrize("first", [(True, None), (False, None), (False, BLACK)])
def test_a_first_picture_that_is_none_is_no_opening(monkeypatch, first):
    camera = Camera([])
    camera.read = lambda: first
    monkeypatch.setitem(captures.SCHEMES, "csi", lambda uri: camera)
    with pytest.raises(CourseError, match="csi://0 has stopped: it has ended, or the connection"):
        open_source("csi://0")
    assert camera.released.is_set()


def test_a_camera_that_sends_nothing_in_time_is_let_go_when_it_does(connect, monkeypatch):
    free = threading.Event()
    late = Camera([])
    late.read = lambda: (free.wait(DEADLINE), BLACK)
    connect(late)
    monkeypatch.setattr(live, "_PATIENCE", 0.1)
    with pytest.raises(CourseError, match=r"csi://0 sent no frame in 0\.3 s"):
        open_source("csi://0", limit=0.3)
    free.set()
    until(late.released.is_set)
    until(lambda: "live csi://0" not in {thread.name for thread in threading.enumerate()})


@pytest.mark.parametrize(
    "claimed, fps",
    [(25.0, 25.0), (0.0, 0.0), (-1.0, 0.0), (90000.0, 1000.0), (float("nan"), 0.0)],
)
def test_a_rate_that_no_camera_has_is_not_believed(connect, claimed, fps):
    camera = Camera([BLACK] * 2, rate=claimed, waits=True)
    connect(camera)
    source = open_source("csi://0")
    camera.released.set()
    assert source.fps == fps
    source.close()


def test_frames_that_nobody_took_are_counted_and_the_newest_is_kept(connect):
    pictures = [np.full((48, 64, 3), number, np.uint8) for number in range(5)]
    pictures[4] = np.full((24, 32, 3), 4, np.uint8)
    camera = Camera(pictures, waits=True)
    connect(camera)
    source = open_source("csi://0")
    until(lambda: source.captured == 5)
    frame = source.read()
    assert (frame.number, int(frame.image[0, 0, 0])) == (4, 4)
    assert source.lost == 4
    assert source.size == (32, 24)  # of the newest
    camera.released.set()
    source.close()
