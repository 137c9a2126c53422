"""The forms in which cameras send MJPEG, each read to the byte."""

import itertools

import cv2
import numpy as np
import pytest

from stand_ins.hostile_web import HostileServer
from trt_course.media.sources import open_source

PICTURES = 6


def picture(number):
    """A JPEG with the bytes that a line ends with in it, and one that is brighter than before."""
    image = np.full((48, 64, 3), 30 * number, np.uint8)
    encoded = cv2.imencode(".jpg", image)[1].tobytes()
    return encoded[:2] + b"\xff\xfe\x00\x0a--cut\r\n\n" + encoded[2:]


def parts(line, with_length, number):
    """One part, behind the line that comes before it."""
    data = picture(number)
    length = b"Content-Length: %d\r\n" % len(data) if with_length else b""
    if not with_length:
        data = data.replace(b"--cut\r\n\n", b"=======\n")
    return b"%s\r\nContent-Type: image/jpeg\r\n%s\r\n%s\r\n" % (line, length, data)


def chunks(pieces):
    """As HTTP's chunks, which begin and end where they like."""
    for piece in pieces:
        for part in (piece[:100], piece[100:]):
            if part:
                yield b"%x\r\n%s\r\n" % (len(part), part)
    yield b"0\r\n\r\n"


@pytest.mark.parametrize("with_length", [True, False])
@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize(
    "announced, line",
    [
        ("; boundary=cut", b"--cut"),
        ('; boundary="cut"', b"--cut"),
        ("; boundary=--cut", b"--cut"),
        ("", b"--cut"),
        ("; boundary=other", b"--cut"),  # OpenCV's own reader takes that, too
    ],
)
def test_forms_of_mjpeg(announced, line, chunked, with_length):
    head = f"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace{announced}\r\n"
    if chunked:
        head += "Transfer-Encoding: chunked\r\n"
    pieces = [b"preamble\r\n"]
    pieces += [parts(line, with_length, number) for number in range(1, PICTURES)]
    pieces += [line + b"\r\n"]
    if chunked:
        pieces = list(chunks(pieces))

    answer = [head.encode() + b"\r\n", *pieces]
    with HostileServer(answer, pause=0.03) as server, open_source(server.uri, limit=20) as source:
        seen = {}
        for frame in itertools.islice(source, PICTURES - 2):
            seen[frame.number] = frame.image
        assert source.size == (64, 48)
        assert source.fps == 0
        for number, image in seen.items():
            if number < PICTURES - 1:  # later ones are of the next connection
                assert np.all(image == 30 * (number + 1)), number


def test_damaged_pictures_are_left_out():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=cut\r\n\r\n"
    good = parts(b"--cut", True, 1)
    bad = b"--cut\r\nContent-Length: 5\r\n\r\n12345\r\n"
    answer = [head, bad, good, bad, bad, good, bad, good, *[good] * 2000]  # a minute
    with HostileServer(answer, pause=0.03) as server, open_source(server.uri) as source:
        while source.captured < 8:
            assert np.all(source.read().image == 30)
        assert source.reconnects == 0
