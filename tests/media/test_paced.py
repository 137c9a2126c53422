"""A file behind a camera comes at its own rate, and whoever is late misses frames."""

import time

from stand_ins.camera import Detector, Tape, numbers_of, quick
from trt_course.camera import AsyncCamera, SyncCamera


def test_a_file_is_played_at_its_own_rate():
    for _ in range(3):
        started = time.monotonic()
        with AsyncCamera(Tape(31), lambda: Detector(0.04)) as camera:
            views = list(camera)
        assert time.monotonic() - started < 2.2
        numbers = numbers_of(views)
        seconds = camera.counts().seconds
        if numbers == list(range(31)) and 0.97 < seconds < 1.1:
            break
    assert numbers == list(range(31))
    assert 0.97 < seconds < 1.1
    assert abs(views[30].frame.time - views[0].frame.time - 1.0) < 1e-6
    assert camera.source._source.closed


def test_who_is_late_misses_frames_of_a_file():
    with SyncCamera(Tape(61), lambda: Detector(0.1)) as camera:
        numbers = numbers_of(camera)
    assert 12 <= len(numbers) <= 22
    assert numbers[-1] >= 57
    assert 1.8 < camera.counts().seconds < 2.3
    assert camera.counts().dropped > 35


def test_a_looping_file_goes_on():
    with AsyncCamera(Tape(10, loop=True), quick) as camera:
        started = time.monotonic()
        views = [camera.read() for _ in range(35)]
        assert views[-1].frame.number >= 34
    assert 1.0 < time.monotonic() - started < 1.6


def test_a_file_that_decodes_too_slowly_is_shown_all_the_same():
    with SyncCamera(Tape(50, fps=50.0, decode=0.05), quick) as camera:
        views = list(camera)
    assert len(views) >= 9
    assert views[-1].age < 0.9
    assert camera.counts().seconds > 2


def test_pictures_come_two_a_second():
    with AsyncCamera(Tape(3, fps=0.0), quick) as camera:
        assert numbers_of(camera) == [0, 1, 2]
    assert 0.9 < camera.counts().seconds < 1.3
