"""Pipelines to the letter, and run by Debian's OpenCV: it has GStreamer, as a Jetson's has."""

import os
import subprocess
from pathlib import Path

import pytest

from trt_course.media import gstreamer

KIT = Path(__file__).resolve().parent.parent.parent
DEBIAN = "/usr/bin/python3"
OPENCV_HAS_GSTREAMER = (
    "import cv2, re; assert re.search(r'GStreamer: +YES', cv2.getBuildInformation())"
)


def can_read_pipelines():
    if not os.path.exists(DEBIAN):
        return False
    done = subprocess.run([DEBIAN, "-c", OPENCV_HAS_GSTREAMER], capture_output=True)
    return done.returncode == 0


# --- To the letter
TO_BGR = "videoconvert ! video/x-raw, format=BGR"
NEWEST = "appsink drop=true max-buffers=1 sync=false"


def test_a_camera_on_its_side():
    assert gstreamer.csi(1, fps=60, flip=3, wb=5) == (
        "nvarguscamerasrc sensor-id=1 wbmode=5 ! "
        "video/x-raw(memory:NVMM), width=1280, height=720, framerate=60/1, format=NV12 ! "
        "nvvidconv flip-method=3 ! video/x-raw, width=720, height=1280, format=BGRx ! "
        "videoconvert ! video/x-raw, format=BGR ! appsink drop=true max-buffers=1 sync=false"
    )
    assert "width=1280, height=720, format=BGRx" in gstreamer.csi(0, flip=2)


def test_an_ip_camera():
    assert gstreamer.rtsp('rtsp://a:"b@c/d', 50, "udp", "h265") == (
        'rtspsrc location="rtsp://a:\\"b@c/d" latency=50 protocols=udp ! '
        "rtph265depay ! h265parse ! nvv4l2decoder ! nvvidconv ! video/x-raw, format=BGRx ! "
        f"{TO_BGR} ! {NEWEST}"
    )


def test_a_file():
    assert gstreamer.video_file('a "b".mp4') == (
        'filesrc location="a \\"b\\".mp4" ! parsebin ! nvv4l2decoder ! nvvidconv ! '
        "video/x-raw, format=BGRx ! videoconvert ! video/x-raw, format=BGR ! "
        "appsink max-buffers=4 sync=false"
    )


def test_the_readers_own():
    assert gstreamer.anything("v4l2src") == f"v4l2src ! {TO_BGR} ! {NEWEST}"
    assert gstreamer.anything("a ! appsink") == "a ! appsink"


def test_the_encoder():
    assert " ".join(gstreamer.encode("o.mp4")) == (
        "gst-launch-1.0 -q fdsrc fd=0 ! matroskademux ! "
        "nvvidconv ! video/x-raw(memory:NVMM),format=NV12 ! nvv4l2h264enc bitrate=8000000 ! "
        "h264parse ! qtmux faststart=true ! filesink location=o.mp4"
    )


# --- In Debian's OpenCV
ON_JETSON = """
from trt_course.media import captures, gstreamer
from trt_course.media.sources import open_source

class Refused(Exception):
    pass

def refuse(pipeline, backend):
    asked.append((pipeline, backend))
    raise Refused

asked = []
captures.cv2.VideoCapture = refuse
gstreamer.has_element = lambda name: True
for uri in ("csi://1?flip=2&wb=3", "rtsp://camera/x"):
    try:
        open_source(uri)
        raise SystemExit("opened")
    except Exception as err:
        assert str(err) == uri + ": ", err
(camera, first), (stream, second) = asked
assert first == second == captures.cv2.CAP_GSTREAMER
assert camera == gstreamer.csi(1, flip=2, wb=3), camera
assert stream == gstreamer.rtsp("rtsp://camera/x"), stream
"""

A_FILE = """
from trt_course.media import gstreamer
from trt_course.media.video_file import VideoFile

# a CPU's decoder for the Jetson's
text = gstreamer.video_file("data/street.mp4", decode="avdec_h264 ! videoconvert")
gstreamer.require("it", text)
with VideoFile("data/street.mp4", pipeline=text) as ours, VideoFile("data/street.mp4") as plain:
    assert ours.size == plain.size == (1280, 720), ours.size
    count = 0
    for frame, wanted in zip(ours, plain):
        assert frame.number == wanted.number
        assert abs(frame.time - wanted.time) < 1e-3, (frame.time, wanted.time)
        if count % 50 == 0:
            assert abs(frame.image.astype(int) - wanted.image).mean() < 3, count
        count += 1
    assert count == 450, count
    assert ours.read() is None and plain.read() is None
"""

TEST_SOURCE = """
import os, sys, threading
from trt_course import CourseError
from trt_course.media.sources import open_source

text = "gst:videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=60/1"
with open_source(text) as source:
    frames = [source.read() for _ in range(5)]
    assert source.size == (64, 48) and source.fps == 60, source.fps
    assert frames[0].image.dtype == "uint8"
    assert len({f.number for f in frames}) == 5

try:
    open_source("gst:nosuchelement")
    raise SystemExit("opened")
except CourseError as err:
    assert "needs GStreamer's nosuchelement, which is not here" in str(err), err
try:
    open_source("gst:filesrc location=/nowhere ! decodebin")
    raise SystemExit("opened")
except CourseError as err:
    assert "gst-launch-1.0" in str(err), err

def cycle(times):
    for _ in range(times):
        with open_source(text) as source:
            source.read()
    files = len(os.listdir("/proc/self/fd"))
    tasks = len(os.listdir("/proc/self/task"))
    memory = int(open("/proc/self/statm").read().split()[1]) * 4096
    return threading.active_count(), files, tasks, memory

before = cycle(20)
after = cycle(200)
assert after[0] <= before[0] and after[1] <= before[1], (before, after)
assert after[2] <= before[2] + 2, (before, after)
assert after[3] - before[3] < 12 << 20, (before, after)
print("fine", before, after)
"""


@pytest.mark.skipif(
    not can_read_pipelines(), reason="needs Debian's python3-opencv, whose OpenCV has GStreamer"
)
@pytest.mark.slow
@pytest.mark.parametrize(
    "code", [ON_JETSON, A_FILE, TEST_SOURCE], ids=["pipelines", "file", "live"]
)
def test_gstreamer_in_debians_opencv(code):
    done = subprocess.run(
        [DEBIAN, "-c", code],
        cwd=str(KIT),
        env=dict(os.environ, PYTHONPATH=str(KIT)),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
