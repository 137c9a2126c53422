"""The facts about TIFF, JPEG 2000 and AVIF pictures, whose parts may lie anywhere in the file."""

import struct
from typing import Dict, Iterator, NamedTuple, Sequence

import numpy as np

from .picture_formats import PictureFacts

# TIFF: the types of fields that are whole numbers, and the tags that are needed here
_TIFF_TYPES = {3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}
_WIDTH = 256
_HEIGHT = 257
_PIECES = ((273, 279), (324, 325))  # where strips or tiles begin, and how many bytes each has
_WANTED = (_WIDTH, _HEIGHT, 273, 279, 324, 325)

_JPEG2000_STREAM = b"\xff\x4f\xff\x51"
_JPEG2000_END = b"\xff\xd9"

# Where an AVIF's properties are: each box within the one before
_AVIF_PROPERTIES = (b"meta", b"iprp", b"ipco")
_AVIF_SIZES = _AVIF_PROPERTIES + (b"ispe",)
_AVIF_TURNS = _AVIF_PROPERTIES + (b"irot",)
_AVIF_MIRRORS = _AVIF_PROPERTIES + (b"imir",)


class _Box(NamedTuple):
    """A part of a file that begins with its length and its kind."""

    kind: bytes
    start: int  # of its content
    end: int  # as it states: beyond the end of a file that was cut off


def tiff_facts(data: bytes) -> PictureFacts:
    """By the directory of a TIFF's first picture; it is whole if all its pieces are in the file."""
    tags = _tiff_tags(data)
    width = int(tags[_WIDTH][0])
    height = int(tags[_HEIGHT][0])

    whole = True
    for starts, sizes in _PIECES:
        if starts in tags and sizes in tags:
            ends = tags[starts].astype(float) + tags[sizes]
            if ends.max() > len(data):
                whole = False
    return PictureFacts(width, height, whole)


def _tiff_tags(data: bytes) -> Dict[int, np.ndarray]:
    """The numbers of the wanted tags in the first directory."""
    order = ">"
    if data.startswith(b"II"):
        order = "<"

    # BigTIFF's positions and counts take eight bytes.
    (version,) = struct.unpack_from(order + "H", data, 2)
    if version == 43:
        (directory,) = struct.unpack_from(order + "Q", data, 8)
        (count,) = struct.unpack_from(order + "Q", data, directory)
        entry = struct.Struct(order + "HHQ")
        place = struct.Struct(order + "Q")
        position = directory + 8
    else:
        (directory,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, directory)
        entry = struct.Struct(order + "HHI")
        place = struct.Struct(order + "I")
        position = directory + 2

    tags: Dict[int, np.ndarray] = {}
    for _ in range(count):
        tag, kind, length = entry.unpack_from(data, position)
        if tag in _WANTED and tag not in tags and kind in _TIFF_TYPES:
            # The numbers follow here if they fit; otherwise their position does.
            numbers = np.dtype(order + _TIFF_TYPES[kind])
            start = position + entry.size
            if length * numbers.itemsize > place.size:
                (start,) = place.unpack_from(data, start)
            tags[tag] = np.frombuffer(data, numbers, length, start)
        position += entry.size + place.size
    return tags


def jpeg2000_facts(data: bytes) -> PictureFacts:
    """By the stream itself: the box around it may claim another size."""
    stream = _Box(b"jp2c", 0, len(data))
    if not data.startswith(_JPEG2000_STREAM):
        (stream,) = [box for box in _boxes(data, 0, len(data)) if box.kind == b"jp2c"][:1]
    right, bottom, left, top = struct.unpack_from(">IIII", data, stream.start + 8)

    whole = stream.end <= len(data)
    if stream.end == len(data):  # perhaps no length was stated
        whole = data.rfind(_JPEG2000_END) > stream.start
    return PictureFacts(right - left, bottom - top, whole)


def avif_facts(data: bytes) -> PictureFacts:
    """By the largest size stated: a picture may have tiles, a mask and a thumbnail."""
    ends = [box.end for box in _boxes(data, 0, len(data))]
    whole = max(ends) <= len(data)

    width = 0
    height = 0
    for box in _boxes_within(data, 0, len(data), _AVIF_SIZES):
        box_width, box_height = struct.unpack_from(">II", data, box.start + 4)
        width = max(width, box_width)
        height = max(height, box_height)
    return PictureFacts(width, height, whole)


def avif_upright(image: np.ndarray, data: bytes) -> np.ndarray:
    """The decoded picture as the properties of its file turn and mirror it; OpenCV does not."""
    for turns in _avif_bytes(data, _AVIF_TURNS):
        image = np.rot90(image, turns & 3)  # anticlockwise
    for axis in _avif_bytes(data, _AVIF_MIRRORS):
        image = np.flip(image, axis & 1)  # 0: top and bottom change places
    return np.ascontiguousarray(image)


def _avif_bytes(data: bytes, kinds: Sequence[bytes]) -> bytes:
    """What the first property of a kind holds, which is one byte; none where there is no such."""
    for box in _boxes_within(data, 0, len(data), kinds):
        return data[box.start : box.start + 1]
    return b""


def _boxes(data: bytes, start: int, end: int) -> Iterator[_Box]:
    """The boxes between two positions, up to the first thing that is not a box."""
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        inside = start + 8
        if size == 1:  # the length follows, in eight bytes
            (size,) = struct.unpack_from(">Q", data, inside)
            inside += 8
        elif size == 0:  # it goes on until the end
            size = end - start
        if size < inside - start:
            return
        yield _Box(kind, inside, start + size)
        start += size


def _boxes_within(data: bytes, start: int, end: int, kinds: Sequence[bytes]) -> Iterator[_Box]:
    """The boxes of the last kind, each within one of the kind before."""
    for box in _boxes(data, start, min(end, len(data))):
        if box.kind != kinds[0]:
            continue
        if len(kinds) == 1:
            yield box
            continue
        inside = box.start
        if box.kind == b"meta":  # a version stands before its boxes
            inside += 4
        yield from _boxes_within(data, inside, box.end, kinds[1:])
