"""No camera takes the machine's memory or goes on for ever: whatever it sends is bounded."""

import gzip
import itertools
import json
import re
import struct
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from stand_ins.hostile_rtsp import ENDLESS_PICTURE, HostileRtsp, packets
from stand_ins.hostile_web import HostileServer
from trt_course import CourseError
from trt_course.media import bounds
from trt_course.media.sources import open_source

KIT = Path(__file__).resolve().parent.parent.parent
TOO_MUCH = "over 64 MiB for one picture|took over 1.5 s"
MOST_GROWTH = 300  # MiB of memory that one bad picture may cost

# Prints for each address what came of it, the seconds that took and the MiB that memory has grown.
WATCHED = """
import json, resource, sys, time
from trt_course import CourseError
from trt_course.media import bounds
from trt_course.media.sources import open_source

bounds.MOST_SECONDS = 1.5

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

for uri in sys.argv[1:]:
    before = peak()
    began = time.monotonic()
    said = "a picture"
    try:
        with open_source(uri) as source:
            source.read()
    except CourseError as err:
        said = str(err)
    print(json.dumps([said, time.monotonic() - began, peak() - before]), flush=True)
"""

BLOCK = b"x" * (1 << 20)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
MJPEG = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=cut\r\n\r\n--cut\r\n"
JPEG = cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))[1].tobytes()
PART = b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n--cut\r\n" % (len(JPEG), JPEG)


def endless(piece):
    return itertools.repeat(piece)


class Begun:
    """The head and then the pieces, for each connection anew."""

    def __init__(self, head, pieces):
        self.head = head
        self.pieces = pieces

    def __iter__(self):
        return itertools.chain([self.head], self.pieces)


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height):
    """A grey picture, which says its size, has all its rows, and is small."""
    packer = zlib.compressobj(1)
    row = bytes(1 + width)
    rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = png_chunk(b"IHDR", head) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def attacks():
    """By name: what is sent, and what is said of it."""
    bomb = png(12000, 10000)
    zeros = gzip.compress(bytes(300 << 20), 1)
    part = b"Content-Length: %d\r\n\r\n%s\r\n--cut\r\n"
    return {
        "endless still": (Begun(HEAD + b"\r\n", endless(BLOCK)), TOO_MUCH),
        "still claims 10 TB": (
            [HEAD + b"Content-Length: 10000000000000\r\n\r\n" + JPEG],
            TOO_MUCH,
        ),
        "still is cut short": (
            [HEAD + b"Content-Length: 100000\r\n\r\n" + JPEG],
            "broke off after [0-9]+ of 100000 bytes",
        ),
        "chunk of 10 TB": (
            Begun(
                CHUNKED,
                Begun(b"9184e72a000\r\n", endless(BLOCK)),
            ),
            TOO_MUCH,
        ),
        "endless chunks": (
            Begun(
                HEAD + b"Transfer-Encoding: chunked\r\n\r\n", endless(b"100000\r\n%s\r\n" % BLOCK)
            ),
            TOO_MUCH,
        ),
        "endless head": (Begun(HEAD, endless(b"X: y\r\n" * 999)), "got more than 100 headers"),
        "endless line": (Begun(HEAD + b"X: ", endless(BLOCK)), "got more than 65536 bytes"),
        "endless continues": (
            endless(b"HTTP/1.1 100 Continue\r\n\r\n" * 9999),
            TOO_MUCH,
        ),
        "a gzip bomb": (
            [HEAD + b"Content-Encoding: gzip\r\n\r\n" + zeros],
            "cannot be read as a picture",
        ),
        "a bomb of pixels": ([HEAD + b"\r\n" + bomb], "12000 x 10000 pixels.*100 million"),
        "nothing": ([HEAD + b"\r\n"], "cannot be read as a picture"),
        "endless part": (Begun(MJPEG + b"\r\n", endless(BLOCK)), TOO_MUCH),
        "part claims 10 TB": (
            Begun(MJPEG + b"Content-Length: 10000000000000\r\n\r\n", endless(BLOCK)),
            TOO_MUCH,
        ),
        "part of ends of lines": (
            Begun(MJPEG + b"\r\n", endless(b"\n" * (1 << 20))),
            TOO_MUCH,
        ),
        "part with an endless head": (
            Begun(MJPEG, endless(b"X: y\r\n" * 9999)),
            TOO_MUCH,
        ),
        "no part at all": (
            Begun(MJPEG[:-7], endless(b"x: y\n" * 9999)),
            TOO_MUCH,
        ),
        "parts that are bombs": (
            Begun(MJPEG, endless(part % (len(bomb), bomb))),
            "12000 x 10000 pixels.*100 million",
        ),
    }


ATTACKS = attacks()


def in_a_child(code, *words):
    return subprocess.run(
        [sys.executable, "-c", code, *words], cwd=str(KIT), capture_output=True, text=True
    )


def watched(addresses):
    """What a child process reports of each address."""
    done = in_a_child(WATCHED, *addresses)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(addresses), done.stderr
    return lines


@pytest.fixture(scope="module")
def reports():
    """By the attack's name: what was said, the seconds, and the growth of memory."""
    servers = [HostileServer(pieces) for pieces, _ in ATTACKS.values()]
    lines = watched([server.uri + "/shot" for server in servers])
    print(*zip(ATTACKS, lines), sep="\n")
    return dict(zip(ATTACKS, lines))


@pytest.mark.slow
@pytest.mark.parametrize("name", list(ATTACKS))
def test_whatever_a_web_camera_sends_ends_in_a_sentence(reports, name):
    said, seconds, growth = reports[name]
    assert re.search(ATTACKS[name][1], said), said
    assert seconds < 60
    assert growth < MOST_GROWTH


@pytest.mark.long
@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"\r\n",
        HEAD + b"Content-Length: 1000000\r\n\r\n",
        CHUNKED,
        b"HTTP/1.1 ",
        HEAD + b"X: ",
        MJPEG + b"\r\n",
        MJPEG + b"Content-Length: 1000000\r\n\r\n",
        MJPEG + b"X: ",
    ],
)
def test_a_camera_that_drips_is_given_up(head, monkeypatch):
    monkeypatch.setattr("trt_course.media.bounds.MOST_SECONDS", 1.0)
    with HostileServer(Begun(head, endless(b"1")), pause=0.1) as server:
        began = time.monotonic()
        with pytest.raises(CourseError, match="took over 1 s for one picture"):
            open_source(server.uri + "/shot")
        assert time.monotonic() - began < 60  # the drip itself never ends
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("live ")]


@pytest.mark.parametrize("bad", [b"x: y\r\n" * 9, b"Content-Length: 99999999999\r\n\r\n", b"\r\n1"])
def test_a_stream_that_goes_bad_counts_as_lost_and_is_tried_again(bad, monkeypatch):
    """After three pictures it sends the bad bytes; the next connection is a good one."""
    monkeypatch.setattr("trt_course.media.bounds.MOST_SECONDS", 1.0)
    calls = itertools.count()

    def answer(_):
        if next(calls) == 0:
            return itertools.chain([MJPEG], [PART] * 3, endless(bad))
        return Begun(MJPEG, endless(PART))

    with HostileServer(answer, pause=0.02) as server, open_source(server.uri) as source:
        while source.reconnects == 0:
            assert source.read(timeout=60).image.shape == (48, 64, 3)
        assert source.read().image.shape == (48, 64, 3)
        assert source.reconnects == 1


# --- RTSP
SMALL_MEMORY = """
from trt_course.media import bounds
bounds._MOST_MEMORY = 50 << 20
"""


@pytest.mark.slow
def test_a_picture_of_rtsp_that_never_ends():
    with HostileRtsp(packets(ENDLESS_PICTURE)) as server:
        address = f"rtsp://127.0.0.1:{server.port}/x"
        done = in_a_child(SMALL_MEMORY + WATCHED, address)
    said, seconds, growth = json.loads(done.stdout)
    assert "sent no frame in 10 s" in said or "has stopped" in said
    assert seconds < 60
    assert growth < MOST_GROWTH


def test_ffmpeg_takes_no_more_memory_at_once_than_a_picture_of_the_most_pixels(tmp_path):
    """What a camera states when it is opened, and what comes of it later, is bounded alike."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (1600, 1200))
    writer.write(np.zeros((1200, 1600, 3), np.uint8))
    writer.release()
    code = f"""
import cv2
from trt_course.media import bounds
assert cv2.VideoCapture({str(path)!r}, cv2.CAP_FFMPEG).read()[0]
bounds._MOST_MEMORY = 3 << 20
bounds.bound_ffmpeg()
assert not cv2.VideoCapture({str(path)!r}, cv2.CAP_FFMPEG).read()[0]
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=str(KIT), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_library_whose_file_was_replaced_stops_nothing(monkeypatch):
    """So Linux names it after `pip install --upgrade` while a notebook runs."""
    gone = {"/usr/lib/libavutil.so.59 (deleted)"}
    monkeypatch.setattr(bounds, "_loaded_libraries", lambda name: gone)
    bounds.bound_ffmpeg()
