"""Live sources against real servers on loopback: MJPEG, pictures over HTTP, and RTSP."""

import gc
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from stand_ins.web import PictureServer
from trt_course import CourseError
from trt_course.media import captures, gstreamer, live
from trt_course.media.sources import kind_of, open_source

KIT = Path(__file__).resolve().parent.parent.parent
DEBIAN = "/usr/bin/python3"
LAG = 0.3  # seconds
MEDIAN_LAG = 0.1  # three pictures
TRIES = 4
LAG_SECONDS = float(os.environ.get("LAG_SECONDS", 6))  # 60 for the figure in docs/measured.md

RTSP_SERVER_CAN_RUN = """
import gi
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GstRtspServer, Gst
import numpy
Gst.init(None)
assert Gst.ElementFactory.find("x264enc")
"""


def can_serve_rtsp():
    if not os.path.exists(DEBIAN):
        return False
    done = subprocess.run([DEBIAN, "-c", RTSP_SERVER_CAN_RUN], capture_output=True)
    return done.returncode == 0


needs_rtsp = pytest.mark.skipif(
    not can_serve_rtsp(),
    reason="needs Debian's gir1.2-gst-rtsp-server-1.0, python3-gi, python3-numpy, "
    "gstreamer1.0-plugins-ugly",
)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


# --- HTTP
@pytest.fixture
def web():
    server = PictureServer()
    yield server
    server.stop()


def test_each_frame_once_and_what_is_missed_is_counted(web):
    with open_source(web.uri + "/mjpeg") as source:
        assert source.live
        assert source.size == (64, 48)
        assert source.frames is None

        # eight frames slowly, then eight as they come
        frames = []
        for frame in source:
            frames.append(frame)
            if len(frames) < 8:
                time.sleep(0.05)
            if len(frames) == 16:
                break

        numbers = [frame.number for frame in frames]
        assert numbers == sorted(set(numbers))
        assert numbers[7] - numbers[0] > 10
        assert all(one.time < next_one.time for one, next_one in zip(frames, frames[1:]))
        assert abs(frames[-1].time - time.monotonic()) < 1
        assert source.lost >= numbers[-1] + 1 - len(numbers) > 0
        assert source.captured >= numbers[-1] + 1


def test_still_is_polled_at_its_rate(web):
    with open_source(web.uri + "/still", rate=20) as source:
        began = time.monotonic()
        numbers = [source.read().number for _ in range(10)]
        assert numbers == list(range(numbers[0], numbers[0] + 10))
        assert time.monotonic() - began > 0.35
        assert source.size == (64, 48)
        assert source.fps == 20


def test_password_in_the_address(web):
    with open_source(web.uri.replace("//", "//ada:byron@") + "/private") as source:
        assert source.read().image.shape == (48, 64, 3)
    with pytest.raises(CourseError, match="401.*user and password"):
        open_source(web.uri + "/private")


@pytest.mark.parametrize(
    "path, message", [("/text", "sends text/html; wanted: MJPEG"), ("/silent", "no frame in 1 s")]
)
def test_addresses_that_give_no_pictures(web, path, message):
    if path == "/silent":
        threading.Timer(1.5, web.stopped.set).start()
    with pytest.raises(CourseError, match=message):
        open_source(web.uri + path, limit=1)


@pytest.mark.parametrize(
    "uri, options, message",
    [
        ("http://127.0.0.1:9/x.jpg", {}, "does not answer: .*refused"),
        ("rtsp://127.0.0.1:9/x", {}, "cannot be opened. Are the address"),
        ("rtsp://127.0.0.1:9/x", {"transport": "pigeon"}, "transport must be tcp or udp"),
        ("rtmp://127.0.0.1:9/x", {}, "cannot be opened: rtmp is none of csi, gst, rtsp"),
        ("file:///x.mp4", {}, "For a file give its path"),
        ("http://127.0.0.1:9/x", {"rate": 0}, "rate must be above 0"),
        ("rtsp://ada:s3/cret@h/x", {}, "is not a valid address.* write %2F for /"),
        ("/dev/video99", {}, "no camera /dev/video99. Is it plugged in"),
        (99, {}, "no camera /dev/video99"),
        ("csi://one", {}, "is not understood; wanted: csi://0"),
        ("csi://0?hue=3", {}, "is not understood; wanted: csi://0"),
        ("csi://0", {}, "needs an OpenCV with GStreamer.*JetPack's own"),
        ("gst:videotestsrc", {}, "needs an OpenCV with GStreamer"),
        ("rtsp://127.0.0.1:9/x", {"colour": 1}, "colour"),
    ],
)
@pytest.mark.skipif(gstreamer.in_opencv(), reason="for an OpenCV without GStreamer")
def test_failures_say_what_to_do(uri, options, message):
    assert kind_of(uri) == "live"
    with pytest.raises(CourseError, match=message):
        open_source(uri, **options)


def test_a_source_that_falls_silent_is_reported_and_comes_back():
    port = free_port()
    server = PictureServer(port)
    with open_source(f"http://127.0.0.1:{port}/mjpeg") as source:
        source.read()
        server.stop()
        with pytest.raises(CourseError, match="no new frame in 0.7 s.*(ended|does not answer)"):
            while True:
                source.read(timeout=0.7)

        before = source.captured
        server = PictureServer(port)
        number = source.read(timeout=10).number  # a gap: it was late
        assert before <= number <= before + 9
        assert source.reconnects == 1
    server.stop()


def test_opening_again_closes_the_former(web):
    first = open_source(web.uri + "/mjpeg")
    with open_source(web.uri + "/mjpeg") as second:
        assert not first._thread.is_alive()
        assert first.read() is None
        assert list(first) == []
        assert second.read().number >= 0
    second.close()
    assert not second._thread.is_alive()


def test_closing_wakes_who_waits(web):
    source = open_source(web.uri + "/still", rate=0.1)
    source.read()
    threading.Timer(0.2, source.close).start()
    began = time.monotonic()
    assert source.read() is None
    source._thread.join()
    assert time.monotonic() - began < 2


class Stuck:
    """A device whose second read does not come back until it is released."""

    def __init__(self):
        self.reads = 0
        self.free = threading.Event()

    def read(self):
        self.reads += 1
        if self.reads > 1:
            self.free.wait()
        return self.reads == 1, np.zeros((4, 4, 3), np.uint8)

    def get(self, prop):
        return 30.0

    def release(self):
        pass


def test_a_driver_that_hangs_does_not_hang_the_reader(monkeypatch, capsys):
    stuck = Stuck()
    monkeypatch.setattr(live, "_PATIENCE", 0.2)
    monkeypatch.setitem(captures.SCHEMES, "csi", lambda uri: stuck)
    source = open_source("csi://0")
    source.read()
    with pytest.raises(CourseError, match="no new frame in 0.1 s"):
        source.read(timeout=0.1)
    source.close()
    assert "cannot be closed" in capsys.readouterr().err
    stuck.free.set()
    source._thread.join(5)


@pytest.mark.long
def test_200_times_opened_and_closed_leaves_nothing(web):
    me = psutil.Process()

    def cycle(times):
        """Threads, files and memory after so many turns."""
        for turn in range(times):
            source = open_source(web.uri + "/mjpeg")
            source.read()
            if turn % 2:
                source.close()  # the others are closed by the next one
        source.close()
        gc.collect()

        limit = time.monotonic() + 5
        while threading.active_count() > 3 and time.monotonic() < limit:
            time.sleep(0.05)  # the server's own threads end too
        return threading.active_count(), me.num_fds(), me.memory_info().rss

    threads, files, memory = cycle(40)
    threads_after, files_after, memory_after = cycle(200)
    assert threads_after <= threads
    assert files_after <= files
    assert memory_after - memory < 12 << 20


def test_leaving_python_without_closing_ends(web):
    code = (
        f"from trt_course.media.sources import open_source; open_source('{web.uri}/mjpeg').read()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=str(KIT), timeout=30)
    assert done.returncode == 0


# --- RTSP
class Server:
    """tests/rtsp_server.py as a child; stopped and started again on its port."""

    def __init__(self, codec="h264"):
        self.port = free_port()
        self.codec = codec
        self.uri = f"rtsp://127.0.0.1:{self.port}/clock"
        self.child = None

    def start(self):
        program = str(KIT / "tests/rtsp_server.py")
        self.child = subprocess.Popen(
            [DEBIAN, program, str(self.port), self.codec], stdout=subprocess.PIPE, text=True
        )
        assert self.child.stdout.readline() == "ready\n"

    def stop(self):
        self.child.kill()
        self.child.wait()
        self.child.stdout.close()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


def clock(image):
    """The seconds that the server drew: 40 blocks, black or white."""
    bits = (image[20::40, 20::40, 1] > 127).ravel()
    assert bits.size == 40
    digits = "".join(str(int(bit)) for bit in bits)
    return int(digits, 2) / 1e3


def lag(frame):
    return time.monotonic() - clock(frame.image)


@needs_rtsp
@pytest.mark.slow
@pytest.mark.parametrize("transport, codec", [("tcp", "h264"), ("udp", "h264"), ("tcp", "h265")])
def test_rtsp_frames_are_fresh(transport, codec):
    """All of them, and mostly the picture before the next one that the server sends."""
    options = {"transport": transport, "codec": codec, "latency": 100}
    best = np.full(2, np.inf)  # of the medians, and of the worst lags
    with Server(codec) as server:
        for _ in range(TRIES):
            with open_source(server.uri, **options) as source:
                assert source.size == (320, 200)
                assert 25 < source.fps < 35
                lags = [lag(source.read()) for _ in range(20)]
            best = np.minimum(best, [np.median(lags), max(lags)])
            if best[0] < MEDIAN_LAG and best[1] < LAG:
                break
    assert best[0] < MEDIAN_LAG
    assert best[1] < LAG
    assert captures._FFMPEG_OPTIONS not in os.environ


def lags_of_a_slow_detector(source):
    lags = []
    end = time.monotonic() + LAG_SECONDS
    while time.monotonic() < end:
        lags.append(lag(source.read()))
        time.sleep(0.1)  # the detector
    assert source.lost > len(lags)
    return lags


@needs_rtsp
@pytest.mark.slow
def test_rtsp_does_not_lag_behind_a_slow_detector():
    """Also the last second is fresh: a reader without a thread would be seconds late by then."""
    worst = []
    with Server() as server:
        for _ in range(TRIES):
            with open_source(server.uri) as source:
                lags = lags_of_a_slow_detector(source)
            worst.append(max(lags))
            if worst[-1] < LAG:
                break

    median = np.median(lags) * 1e3
    print(f"lag over {LAG_SECONDS:g} s: median {median:.0f} ms, worst {worst[-1] * 1e3:.0f} ms")
    assert min(worst) < LAG, worst


def wait_after_a_restart():
    """Seconds until frames come again."""
    with Server() as server, open_source(server.uri) as source:
        source.read()
        server.stop()
        time.sleep(1)
        server.start()
        began = time.monotonic()
        last = source.captured
        while source.captured <= last + 10 and time.monotonic() - began < 20:
            source.read(timeout=20)
        assert source.reconnects == 1
        return time.monotonic() - began


@needs_rtsp
@pytest.mark.slow
def test_rtsp_comes_back_after_a_restart():
    waits = []
    for _ in range(TRIES):
        waits.append(wait_after_a_restart())
        if waits[-1] < 5:
            break
    assert min(waits) < 5, waits


def test_a_machine_that_gives_no_more_threads(monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(CourseError, match="allows no more threads"):
        open_source("http://127.0.0.1:9/picture.jpg")
