"""Where a camera may send its reader on to, and that the password does not go along."""

import itertools

import cv2
import numpy as np
import pytest

from stand_ins.hostile_web import HostileServer
from trt_course import CourseError
from trt_course.media.sources import open_source

JPEG = cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))[1].tobytes()
PICTURE = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n" + JPEG


def moved(where):
    return [f"HTTP/1.1 302 Found\r\nLocation: {where}\r\nContent-Length: 5\r\n\r\nmoved".encode()]


def test_a_password_goes_to_no_other_host():
    with HostileServer([PICTURE]) as other:
        where = other.uri.replace("127.0.0.1", "localhost") + "/shot"
        with HostileServer(moved(where)) as server:
            address = server.uri.replace("//", "//ada:byron@")
            with pytest.raises(CourseError, match="to localhost, which must not get the pass"):
                open_source(address)
            assert "Authorization: Basic" in server.requests[0]
            assert other.requests == []

            # without one there is nothing to lose
            with open_source(server.uri) as source:
                assert source.read().image.shape == (48, 64, 3)
        assert "Authorization" not in other.requests[0]


def test_a_password_goes_on_to_the_same_host():
    def answer(request):
        if " /shot " in request:
            return moved("/other")
        assert "Authorization: Basic YWRhOmJ5cm9u" in request
        return [PICTURE]

    with HostileServer(answer) as server:
        address = server.uri.replace("//", "//ada:byron@") + "/shot"
        with open_source(address) as source:
            assert source.read().image.shape == (48, 64, 3)


@pytest.mark.parametrize(
    "where, message",
    [
        ("file:///etc/passwd", "file:///etc/passwd' is not allowed"),
        ("ftp://127.0.0.1/x", "and is not followed"),
        ("/shot", "does not answer: .*redirect"),
        ("http://[", "does not answer: Invalid IPv6 URL"),
        (
            "http://h:x/",
            "is not a valid address; wanted: .*user:password@ before",
        ),
    ],
)
def test_where_no_camera_may_send_its_reader(where, message):
    with HostileServer(moved(where)) as server, pytest.raises(CourseError, match=message):
        open_source(server.uri + "/shot")


def test_the_body_of_a_redirect_is_not_read():
    def answer(request):
        if " /shot " in request:
            head = b"HTTP/1.1 302 Found\r\nLocation: /other\r\n\r\n"
            return itertools.chain([head], itertools.repeat(b"x" * 99))
        return [PICTURE]

    with HostileServer(answer, pause=0.05) as server, open_source(server.uri + "/shot") as source:
        assert source.read().image.shape == (48, 64, 3)
