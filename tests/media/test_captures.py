"""How cameras are opened: what FFmpeg is told, who else hears of it, and who may come in."""

import base64
import os

import cv2
import numpy as np
import pytest

from stand_ins.hostile_rtsp import HostileRtsp
from stand_ins.hostile_web import HostileServer
from trt_course import CourseError
from trt_course.media import captures, gstreamer
from trt_course.media.sources import open_source

OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
JPEG = cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))[1].tobytes()
PICTURE = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n" + JPEG

by_ffmpeg = pytest.mark.skipif(gstreamer.in_opencv(), reason="for an OpenCV without GStreamer")


@pytest.fixture
def heard(monkeypatch):
    """The options that FFmpeg finds in the environment when a capture is opened."""
    found = []
    real = cv2.VideoCapture

    def capture(*arguments):
        found.append(os.environ.get(OPTIONS))
        return real(*arguments)

    monkeypatch.setattr(captures.cv2, "VideoCapture", capture)
    return found


def require_refused(**options):
    """Ask a camera that lets nobody in."""
    with HostileRtsp(refuse="401 Unauthorized") as camera:
        address = f"rtsp://127.0.0.1:{camera.port}/live"
        with pytest.raises(CourseError, match="cannot be opened. Are the address"):
            open_source(address, **options)


@by_ffmpeg
@pytest.mark.parametrize(
    "options, wanted",
    [
        ({}, "rtsp_transport;tcp|max_delay;200000|fflags;nobuffer"),
        (
            {"transport": "udp", "latency": 50},
            "rtsp_transport;udp|max_delay;50000|fflags;nobuffer",
        ),
    ],
)
def test_the_options_of_rtsp_are_in_the_environment_only_meanwhile(
    heard, monkeypatch, options, wanted
):
    """Whoever opens a video with OpenCV afterwards must not get them."""
    monkeypatch.delenv(OPTIONS, raising=False)
    require_refused(**options)
    assert heard == [wanted]
    assert OPTIONS not in os.environ


@by_ffmpeg
def test_the_readers_own_options_of_rtsp_win_and_stay(heard, monkeypatch):
    monkeypatch.setenv(OPTIONS, "rtsp_transport;udp")
    require_refused()
    assert heard == ["rtsp_transport;udp"]
    assert os.environ[OPTIONS] == "rtsp_transport;udp"


@pytest.mark.parametrize(
    "written, meant",
    [
        ("ada:byron", "ada:byron"),
        ("ada:by%40ron%2F%3F%23", "ada:by@ron/?#"),
        ("ada%40home:byron", "ada@home:byron"),
        ("ada:by@ron", "ada:by@ron"),
        ("ada:gr%C3%BC%C3%9Fe", "ada:grüße"),
        ("ada:a%25b", "ada:a%b"),
        ("ada:a+b", "ada:a+b"),
        ("ada:", "ada:"),
    ],
)
def test_user_and_password_arrive_as_they_are_meant(written, meant):
    with HostileServer([PICTURE]) as camera:
        address = camera.uri.replace("//", f"//{written}@")
        with open_source(address + "/shot?size=1#top") as source:
            assert source.read().image.shape == (48, 64, 3)
        request = camera.requests[0]
    sent = request.partition("Authorization: Basic ")[2].split("\r\n")[0]
    assert base64.b64decode(sent).decode() == meant
    assert request.startswith("GET /shot?size=1 HTTP")
    assert f"Host: 127.0.0.1:{camera.port}\r\n" in request


def test_without_a_user_nothing_is_said_of_one():
    with HostileServer([PICTURE]) as camera, open_source(camera.uri) as source:
        source.read()
        assert all("Authorization" not in request for request in camera.requests)
