"""What a picture's bytes say before decoding: its kind, its size, and whether its end is there."""

import random
import struct

import cv2
import numpy as np
import pytest

from trt_course import CourseError
from trt_course.media.bounds import MOST_PIXELS, require_pixels
from trt_course.media.picture_facts import picture_facts
from trt_course.media.picture_formats import HEAD_BYTES, picture_format
from trt_course.media.pictures import decode_picture

KINDS = {
    "jpg": "jpeg",
    "png": "png",
    "gif": "gif",
    "bmp": "bmp",
    "webp": "webp",
    "tif": "tiff",
    "jp2": "jpeg2000",
    "avif": "avif",
    "ppm": "pnm",
}


def encoded(ending, width=70, height=50):
    picture = np.random.RandomState(1).randint(0, 256, (height, width, 3), np.uint8)
    try:
        done, data = cv2.imencode("." + ending, picture)
    except cv2.error:
        done = False
    if not done:
        pytest.skip(f"OpenCV {cv2.__version__} writes no {ending}")
    return data.tobytes()


@pytest.mark.parametrize("ending", sorted(KINDS))
def test_kind_size_and_end(ending):
    data = encoded(ending)
    kind = picture_format(data[:HEAD_BYTES])
    assert kind == KINDS[ending]
    assert picture_facts(data, kind) == (70, 50, True)

    # TIFF and AVIF keep a little beside the picture behind it, which the decoder misses, not we.
    for share in (0.05, 0.3, 0.6, 0.9):
        assert not picture_facts(data[: int(len(data) * share)], kind).whole


# Headers of other forms, made by hand: 300 x 200 each


def box(kind, body):
    return struct.pack(">I4s", 8 + len(body), kind) + body


def tiff(order, width, height):
    mark = b"II" if order == "<" else b"MM"
    entries = struct.pack(order + "HHIHH", 256, 3, 1, width, 0)
    entries += struct.pack(order + "HHII", 257, 4, 1, height)
    return mark + struct.pack(order + "HIH", 42, 8, 2) + entries + bytes(4)


def big_tiff(width, height):
    entries = struct.pack("<HHQQ", 256, 4, 1, width) + struct.pack("<HHQQ", 257, 4, 1, height)
    return b"II" + struct.pack("<HHHQQ", 43, 8, 0, 16, 2) + entries + bytes(8)


def avif(width, height):
    small = box(b"ispe", struct.pack(">III", 0, 2, 2))
    large = box(b"ispe", struct.pack(">III", 0, width, height))
    properties = box(b"iprp", box(b"ipco", small + large))
    head = box(b"ftyp", b"mif1" + bytes(4) + b"mif1avif")
    return head + box(b"meta", bytes(4) + properties) + box(b"mdat", b"x")


HEADERS = {
    "tiff, little end first": tiff("<", 300, 200),
    "tiff, big end first": tiff(">", 300, 200),
    "bigtiff": big_tiff(300, 200),
    "avif": avif(300, 200),
    "jpeg 2000, no boxes": b"\xff\x4f\xff\x51"
    + struct.pack(">HHIIII", 41, 0, 310, 220, 10, 20)
    + b"\xff\xd9",
    "webp, lossy": b"RIFF\x16\0\0\0WEBPVP8 " + bytes(10) + struct.pack("<HH", 300, 200),
    "webp, lossless": b"RIFF\x11\0\0\0WEBPVP8L" + bytes(5) + struct.pack("<I", 299 | 199 << 14),
    "webp, extended": b"RIFF\x16\0\0\0WEBPVP8X" + bytes(8) + b"\x2b\x01\0\xc7\0\0",
    "bmp, the oldest": b"BM" + struct.pack("<IIIIHHHH", 0, 0, 26, 12, 300, 200, 1, 1) + bytes(8000),
    "bmp, top row first": b"BM"
    + struct.pack("<IIIIiiHHII", 0, 0, 54, 40, 300, -200, 1, 1, 0, 0)
    + bytes(16 + 8000),
    "pbm": b"P4 # a comment\n300\n# another\n200\n" + bytes(38 * 200),
    "pgm of 16 bits": b"P5 300 200 65535\n" + bytes(300 * 200 * 2),
    "ppm in digits": b"P3 300 200 255\n1 2 3",
}


@pytest.mark.parametrize("form", sorted(HEADERS))
def test_headers_of_other_forms(form):
    data = HEADERS[form]
    kind = picture_format(data[:HEAD_BYTES])
    assert picture_facts(data, kind) == (300, 200, True)


@pytest.mark.parametrize("make", [avif, big_tiff, lambda w, h: tiff("<", w // 10, h * 10)])
def test_a_size_beyond_the_bound_is_told_from_the_header(make, monkeypatch):
    monkeypatch.setattr(cv2, "imdecode", None)
    with pytest.raises(CourseError, match="this one claims to be .* at most 100 million"):
        decode_picture(make(200000, 200000), "this one")


def test_the_bound_on_pixels():
    require_pixels(MOST_PIXELS, 1, "a")
    with pytest.raises(CourseError, match="a claims to be 100000001 x 1 pixels; at most 100 "):
        require_pixels(MOST_PIXELS + 1, 1, "a")
    with pytest.raises(CourseError, match="0 x 5 pixels, which is no picture"):
        require_pixels(0, 5, "a")


@pytest.mark.parametrize("ending", sorted(KINDS))
def test_changed_bytes_give_a_picture_or_a_sentence(ending):
    """Nothing else is raised, and nothing goes round for ever."""
    data = encoded(ending, 72, 64)
    chance = random.Random(ending)
    for _ in range(60):
        changed = bytearray(data)
        for _ in range(chance.randint(1, 6)):
            place = chance.choice([chance.randrange(len(data)), chance.randrange(64)])
            changed[place] = chance.choice([0, 1, 127, 128, 255, chance.randrange(256)])
        try:
            image = decode_picture(bytes(changed), "this one")
        except CourseError as err:
            assert str(err).startswith("this one ")
        else:
            assert image.dtype == np.uint8
            assert image.ndim == 3


@pytest.mark.parametrize(
    "head", [b"", b"BM", b"BMW is a car", b"P6 is up", b"RIFF1234WAVE", b"\0\0\0\x18ftypmp42"]
)
def test_what_is_no_picture(head):
    assert picture_format(head) is None
