"""Raw pictures with their times, as the bytes of a Matroska stream: what an encoder reads.

A stream is made of elements, each an id, a length and a payload. This module knows the few that
one track of uncompressed video needs; matroska.org/technical/elements.html describes them all.
"""

_EBML = bytes.fromhex("1a45dfa3")
_DOC_TYPE = bytes.fromhex("4282")

_SEGMENT = bytes.fromhex("18538067")
_INFO = bytes.fromhex("1549a966")
_TIMESTAMP_SCALE = bytes.fromhex("2ad7b1")  # nanoseconds in a unit of time

_TRACKS = bytes.fromhex("1654ae6b")
_TRACK_ENTRY = bytes.fromhex("ae")
_TRACK_NUMBER = bytes.fromhex("d7")
_TRACK_UID = bytes.fromhex("73c5")
_TRACK_TYPE = bytes.fromhex("83")
_DEFAULT_DURATION = bytes.fromhex("23e383")  # nanoseconds of a picture
_CODEC_ID = bytes.fromhex("86")
_VIDEO = bytes.fromhex("e0")
_PIXEL_WIDTH = bytes.fromhex("b0")
_PIXEL_HEIGHT = bytes.fromhex("ba")
_UNCOMPRESSED_FORMAT = bytes.fromhex("2eb524")

_CLUSTER = bytes.fromhex("1f43b675")
_TIMESTAMP = bytes.fromhex("e7")
_SIMPLE_BLOCK = bytes.fromhex("a3")

_VIDEO_TRACK = 1  # the type
_MICROSECOND = 1000  # nanoseconds
_EIGHT_BYTES = 1 << 56  # in a length's first byte: it is eight bytes long
_UNKNOWN_LENGTH = b"\x01" + 7 * b"\xff"
_BLOCK_HEAD = b"\x81\x00\x00\x80"  # track 1, at the cluster's own time, a key frame


def stream_head(width: int, height: int, fps: float) -> bytes:
    """What a stream of I420 pictures begins with."""
    video = (
        _number(_PIXEL_WIDTH, width)
        + _number(_PIXEL_HEIGHT, height)
        + _element(_UNCOMPRESSED_FORMAT, b"I420")
    )
    nanoseconds = int(round(1e9 / fps))
    track = (
        _number(_TRACK_NUMBER, 1)
        + _number(_TRACK_UID, 1)
        + _number(_TRACK_TYPE, _VIDEO_TRACK)
        + _number(_DEFAULT_DURATION, nanoseconds)
        + _element(_CODEC_ID, b"V_UNCOMPRESSED")
        + _element(_VIDEO, video)
    )
    doc_type = _element(_DOC_TYPE, b"matroska")
    return (
        _element(_EBML, doc_type)
        + _SEGMENT
        + _UNKNOWN_LENGTH
        + _element(_INFO, _number(_TIMESTAMP_SCALE, _MICROSECOND))
        + _element(_TRACKS, _element(_TRACK_ENTRY, track))
    )


def picture_head(microseconds: int, size: int) -> bytes:
    """What stands before a picture of `size` bytes: a cluster of its own, for its own time."""
    time = _number(_TIMESTAMP, microseconds)
    block = _element(_SIMPLE_BLOCK, _BLOCK_HEAD, to_come=size)
    return _element(_CLUSTER, time + block, to_come=size)


def _element(name: bytes, payload: bytes, to_come: int = 0) -> bytes:
    """An element, or the beginning of one whose last `to_come` bytes are written by others."""
    length = len(payload) + to_come
    return name + (length | _EIGHT_BYTES).to_bytes(8, "big") + payload


def _number(name: bytes, value: int) -> bytes:
    return _element(name, value.to_bytes(8, "big"))
