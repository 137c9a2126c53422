"""Where a camera may send its reader on to, and that the password does not go along."""

import itertools
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

from stand_ins.hostile_web import HostileServer
from trt_course import CourseError
from trt_course.media.sources import open_source
from trt_course.media.web import _is_same_host

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


def test_another_name_and_another_port_are_other_hosts():
    """Each alone is enough: the password stays where the reader sent it."""
    with HostileServer([PICTURE]) as other:

        def answer(request):
            if " /name " in request:
                return moved(f"http://localhost:{server.port}/shot")
            if " /port " in request:
                return moved(f"http://127.0.0.1:{other.port}/shot")
            return [PICTURE]

        with HostileServer(answer) as server:
            address = server.uri.replace("//", "//ada:byron@")
            for place, host in (("/name", "localhost"), ("/port", "127.0.0.1")):
                with pytest.raises(CourseError, match=f"redirects to {host}, which must not get"):
                    open_source(address + place)
            assert len(server.requests) == 2
        assert other.requests == []


@pytest.mark.parametrize(
    "before, after, same",
    [
        ("http://cam/a", "http://cam/b", True),
        ("http://cam:8080/a", "http://cam:8080/b", True),
        ("http://cam/a", "https://cam/b", True),  # nobody can listen in there
        ("http://cam:8080/a", "https://cam:8443/b", True),
        ("https://cam/a", "http://cam/b", False),
        ("https://cam/a", "https://cam:8443/b", False),
        ("http://cam/a", "http://cam:8080/b", False),
        ("http://cam/a", "https://other/b", False),
        ("https://cam/a", "https://cam.evil/b", False),
    ],
)
def test_where_a_password_may_go_on_to(before, after, same):
    assert _is_same_host(urlsplit(before), urlsplit(after)) == same


def test_a_user_in_a_redirect_is_not_taken_over():
    def answer(request):
        if " /shot " in request:
            return moved(f"http://eve:moriarty@127.0.0.1:{server.port}/other")
        return [PICTURE]

    with HostileServer(answer) as server:
        with open_source(server.uri + "/shot") as source:
            assert source.read().image.shape == (48, 64, 3)
        last = server.requests[-1]
    assert last.startswith("GET /other HTTP")
    assert f"Host: 127.0.0.1:{server.port}\r\n" in last
    assert "eve" not in last and "Authorization" not in last


def test_an_answer_that_breaks_off_says_where():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
    whole = head % len(JPEG) + JPEG
    with HostileServer([whole]) as server, open_source(server.uri) as source:
        assert source.read().image.shape == (48, 64, 3)
    cut = head % (len(JPEG) + 5) + JPEG
    message = f"broke off after {len(JPEG)} of {len(JPEG) + 5} bytes"
    with HostileServer([cut]) as server, pytest.raises(CourseError, match=message):
        open_source(server.uri)


def test_an_answer_that_announces_too_much_is_not_waited_for():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
    too_much = head % ((64 << 20) + 1) + JPEG
    message = "sends over 64 MiB for one picture"
    with HostileServer([too_much]) as server, pytest.raises(CourseError, match=message):
        open_source(server.uri)
