"""A file behind a camera comes at its own rate, and whoever is late misses frames."""

import threading
import time
from types import SimpleNamespace

import pytest

from stand_ins.camera import Tape, numbers_of, quick
from trt_course.camera import AsyncCamera, SyncCamera
from trt_course.media import paced
from trt_course.media.paced import Paced
from waiting import PATIENCE, started, wait_for, waiters


class Clock:
    """Time that passes when somebody waits, or takes his time: tests of a rate take none."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def wait(self, seconds):
        assert seconds >= 0
        self.now += seconds


class SlowTape(Tape):
    """A file on the same clock, where a frame takes so many seconds."""

    def __init__(self, clock, frames, takes=0.0, **options):
        super().__init__(frames, **options)
        self.clock = clock
        self.takes = takes
        self.moments = []  # of the frames, where they are not at the file's rate

    def read(self, timeout=None):
        self.clock.now += self.takes
        frame = super().read()
        if self.moments:
            return frame._replace(time=self.moments.pop(0))
        return frame


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(paced, "time", clock)
    return clock


def playing(clock, frames, **options):
    """A Paced file whose time is this clock's."""
    tape = Paced(SlowTape(clock, frames, **options))
    tape._closed = SimpleNamespace(is_set=lambda: False, wait=clock.wait)
    return tape


def played(clock, tape, count, look=0.0):
    """The numbers of so many frames and when each was there, for who looks at each for a while."""
    numbers = []
    moments = []
    for _ in range(count):
        frame = tape.read()
        if frame is None:
            break
        numbers.append(frame.number)
        moments.append(clock.now - 1000)
        assert frame.time <= clock.now
        clock.now += look
    return numbers, moments


def test_a_file_is_played_at_its_own_rate(clock):
    numbers, moments = played(clock, playing(clock, 31, fps=25.0), 99)
    assert numbers == list(range(31))
    assert moments == pytest.approx([number / 25 for number in numbers])


def test_pictures_come_two_a_second(clock):
    numbers, moments = played(clock, playing(clock, 5, fps=0.0), 99)
    assert numbers == [0, 1, 2, 3, 4]
    assert moments == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0])


def test_a_file_whose_rate_varies_is_played_by_the_times_of_its_frames(clock):
    """As phones record: in the dark they leave frames out."""
    tape = playing(clock, 9, fps=20.0)
    tape._source.moments = [0.0, 0.05, 0.5, 0.55, 2.0]
    numbers, moments = played(clock, tape, 5)
    assert numbers == [0, 1, 2, 3, 4]
    assert moments == pytest.approx([0.0, 0.05, 0.5, 0.55, 2.0])


def test_a_looping_file_goes_on(clock):
    numbers, moments = played(clock, playing(clock, 10, fps=25.0, loop=True), 35)
    assert numbers == list(range(35))
    assert moments[-1] == pytest.approx(34 / 25)


def test_who_is_late_gets_the_frame_that_is_the_newest_then(clock):
    """As from a camera: it stays the newest until the next one is due."""
    numbers, moments = played(clock, playing(clock, 50, fps=20.0), 99, look=0.12)
    assert numbers[:6] == [0, 2, 4, 7, 9, 12]
    assert moments[:6] == pytest.approx([0.0, 0.12, 0.24, 0.36, 0.48, 0.60])
    assert numbers[-1] == 48


def test_a_frame_is_the_newest_until_the_moment_of_the_next_one(clock):
    numbers, _ = played(clock, playing(clock, 9, fps=4.0), 99, look=0.5)
    assert numbers == [0, 2, 4, 6, 8]


def test_a_file_that_begins_late_is_not_waited_for(clock):
    """The times in a part that was cut out of a video may begin anywhere."""
    tape = playing(clock, 110, fps=20.0)
    tape._source.number = 100
    numbers, moments = played(clock, tape, 99)
    assert numbers == list(range(100, 110))
    assert moments == pytest.approx([number / 20 for number in range(10)])


def test_a_frame_s_time_is_when_a_camera_would_have_captured_it(clock):
    tape = playing(clock, 50, fps=20.0)
    assert tape.read().time == 1000
    clock.now += 0.12
    assert tape.read().time == pytest.approx(1000.10)
    assert tape.read().time == pytest.approx(1000.15) == clock.now


def test_a_file_that_decodes_too_slowly_is_shown_all_the_same(clock):
    """It cannot catch up. Without end it would skip frames in search of one that is not late."""
    tape = playing(clock, 60, fps=20.0, takes=0.1)
    moments = []
    ages = []
    for frame in tape:
        moments.append(clock.now)
        ages.append(clock.now - frame.time)
    assert len(moments) >= 20
    waits = [after - before for before, after in zip(moments, moments[1:])]
    assert max(waits) <= 0.25 + 0.1 + 0.01
    assert max(ages) <= 0.25 + 0.1 + 0.01


def test_a_file_that_decodes_slowly_for_a_while_is_back_at_its_rate_after_it(clock):
    tape = playing(clock, 60, fps=20.0, takes=0.2)
    _, moments = played(clock, tape, 10)
    tape._source.takes = 0.0
    numbers, moments = played(clock, tape, 20)
    waits = [after - before for before, after in zip(moments, moments[1:])]
    assert waits == pytest.approx([0.05] * 19)
    assert numbers == list(range(numbers[0], numbers[0] + 20))


# --- In real time
def test_a_camera_plays_a_file_in_real_time():
    began = time.monotonic()
    with AsyncCamera(Tape(16), quick) as camera:
        views = list(camera)
    seconds = time.monotonic() - began
    numbers = numbers_of(views)
    assert numbers == sorted(set(numbers))
    assert 0 < numbers[-1] / 30 <= seconds
    times = [view.frame.time - views[0].frame.time for view in views]
    assert times == pytest.approx([(number - numbers[0]) / 30 for number in numbers])
    assert camera.source._source.closed


def test_closing_wakes_who_waits_for_the_next_picture():
    camera = SyncCamera(Tape(3, fps=0.001), quick)
    camera.read()
    reader = started(lambda: list(camera))
    wait_for(lambda: waiters(camera.source._closed._cond))
    camera.close()
    reader.join(PATIENCE)
    assert not reader.is_alive()
    assert camera.source._source.closed


class Decoding(Tape):
    """A file whose second frame takes until the test lets it come."""

    def __init__(self):
        super().__init__(3)
        self.let = threading.Event()
        self.reading = False

    def read(self, timeout=None):
        self.reading = True
        if self.number == 1:
            assert self.let.wait(PATIENCE)
        frame = super().read()
        self.reading = False
        return frame

    def close(self):
        assert not self.reading, "freed while it reads"
        super().close()


def test_a_file_is_not_closed_while_a_frame_is_decoded():
    """The decoder's memory would be freed while it writes there: Python would crash."""
    tape = Decoding()
    source = Paced(tape)
    assert source.read().number == 0
    frames = []
    reader = started(lambda: frames.append(source.read()))
    wait_for(lambda: tape.reading)
    closer = started(source.close)
    closer.join(0.1)
    assert closer.is_alive()
    assert not tape.closed
    tape.let.set()
    closer.join(PATIENCE)
    reader.join(PATIENCE)
    assert tape.closed
    assert frames == [None]
    assert source.read() is None
