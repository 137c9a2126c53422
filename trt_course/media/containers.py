"""Kinds of video file: which one a file is, by its first bytes, and whether its end is missing.

A decoder reads a file that was cut off up to the cut and says nothing. But most kinds of file say
how long their parts are, and that shows it. Nothing is decoded here.
"""

import os
import struct
from pathlib import Path
from typing import BinaryIO, Callable, Dict, Optional, Tuple, Union

from .picture_formats import HEAD_BYTES, picture_format, read_head

_TAIL = 1 << 20  # bytes at the end of a file, among which its last part begins

# packets of a transport stream, by their length: 192 with times, 204 with a checksum
_TS_LENGTHS = {188: 0, 192: 4, 204: 0}
_TS_SYNC = 0x47
_TS_PACKETS = 4  # so many in a row make a transport stream

# the parts that an MP4 may have, and AVIF too
_MP4_PARTS = {b"ftyp", b"moov", b"mdat", b"moof", b"mfra", b"sidx", b"styp", b"free", b"skip"}
_MP4_PARTS |= {b"wide", b"meta", b"uuid", b"pnot"}

_EBML = bytes.fromhex("1a45dfa3")
_SEGMENT = 0x18538067
_CLUSTER = 0x1F43B675

_PACK = b"\x00\x00\x01\xba"  # a program stream is made of packs
_PROGRAM_END = 0xB9
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_FILE_FACTS = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")

_MAGIC = {
    _EBML: "matroska",
    _PACK: "mpeg",
    b"\x00\x00\x01\xb3": "mpegvideo",
    _ASF: "asf",
    b"FLV\x01": "flv",
    b"YUV4MPEG2 ": "yuv4mpeg",
    b"OggS": "ogg",
    b"DKIF": "ivf",
    b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02": "mxf",
    b"\x00\x00\x00\x01\x67": "h264",
    b"\x00\x00\x00\x01\x40\x01": "hevc",
}


def video_format(head: bytes) -> Optional[str]:
    """The kind of video whose file begins with these HEAD_BYTES; None if it is none known here.

    A picture that moves is a video, and its kind is what `picture_format` says.

    >>> video_format(b"GIF89a and more")
    'gif'
    >>> video_format(b"RIFF....AVI LIST")
    'avi'
    """
    picture = picture_format(head)
    if picture is not None:
        return picture if _is_moving(head, picture) else None

    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return name
    if head[4:8] in _MP4_PARTS:
        return "mp4"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if _ts_length(head):
        return "mpegts"
    return None


def kind_of_video(path: Union[str, Path]) -> Optional[str]:
    """The kind of video that a file is; None if it is none known here."""
    return video_format(read_head(path))


def _is_moving(head: bytes, picture: str) -> bool:
    """Whether a file of this kind of picture holds several, to be shown one after the other."""
    if picture == "gif":  # a still one counts as a video of one frame
        return True
    if picture == "png":
        return b"acTL" in head.partition(b"IDAT")[0]
    return picture == "avif" and head[8:12] == b"avis"


def is_cut(path: Union[str, Path]) -> bool:
    """Whether the end of a video file is missing, as far as its kind of file can tell.

    One that ends between two of its parts counts as whole.
    """
    test = _TESTS.get(kind_of_video(path) or "")
    if test is None:
        return False
    with open(str(path), "rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        try:
            return test(stream, size)
        except (struct.error, IndexError):  # it ends in the head of a part
            return True


def _bytes_at(stream: BinaryIO, place: int, count: int) -> bytes:
    stream.seek(place)
    return stream.read(count)


def _mp4_is_cut(stream: BinaryIO, size: int) -> bool:
    """Goes from box to box; the last one must end where the file does."""
    place = 0
    box = b""
    while place < size:
        head = _bytes_at(stream, place, 16)
        length = struct.unpack(">I", head[:4])[0]
        name = head[4:8]
        if name not in _MP4_PARTS:
            # something that another program has appended, or the head of a box that is cut
            return len(head) < 8 and any(head)
        if length == 0:  # to the end of the file
            return False
        if length == 1:
            length = struct.unpack(">Q", head[8:16])[0]
        if length < 8:
            return False
        place += length
        box = name
    return place > size or box == b"moof"  # whose pictures should follow it


def _matroska_is_cut(stream: BinaryIO, size: int) -> bool:
    """Goes from element to element, and inside those that do not say how long they are."""
    place = 0
    while place < size:
        if _bytes_at(stream, place, 1) == b"\0":
            return False  # no part begins so: recorders fill their files up with zeros
        element, length, start = _ebml_head(stream, place)
        if length is None:
            if element not in (_SEGMENT, _CLUSTER):
                return False
            place = start  # go on inside it
        else:
            place = start + length
    return place > size


def _ebml_head(stream: BinaryIO, place: int) -> Tuple[int, Optional[int], int]:
    """The id of an element, the length of its content (None if unknown) and where that begins."""
    head = _bytes_at(stream, place, 16)
    id_bytes = 9 - head[0].bit_length()
    element = int.from_bytes(head[:id_bytes], "big")
    first = head[id_bytes]
    length_bytes = 9 - first.bit_length()
    field = head[id_bytes : id_bytes + length_bytes]
    if len(field) < length_bytes or not first:
        raise IndexError
    value = int.from_bytes(field, "big") & ((1 << (7 * length_bytes)) - 1)
    start = place + id_bytes + length_bytes
    if value == (1 << (7 * length_bytes)) - 1:
        return element, None, start
    return element, value, start


def _ts_length(head: bytes) -> int:
    """The length of a transport stream's packets; 0 if it is no such stream."""
    for length, first in _TS_LENGTHS.items():
        places = range(first, first + _TS_PACKETS * length, length)
        seen = [head[place] == _TS_SYNC for place in places if place < len(head)]
        if seen and all(seen) and len(seen) == min(_TS_PACKETS, 1 + len(head) // length):
            return length
    return 0


def _ts_is_cut(stream: BinaryIO, size: int) -> bool:
    """Whether the last packet is cut. Only the decoder can tell if whole packets are missing."""
    length = _ts_length(_bytes_at(stream, 0, HEAD_BYTES))
    rest = size % length
    if rest == 0:
        return False
    sync = _bytes_at(stream, size - rest, rest)[_TS_LENGTHS[length] :][:1]
    return sync in (b"", bytes([_TS_SYNC]))  # anything else is no packet


def _mpeg_is_cut(stream: BinaryIO, size: int) -> bool:
    """Goes through the packets after the last pack: each says how long it is."""
    begin = max(0, size - _TAIL)
    tail = _bytes_at(stream, begin, _TAIL)
    place = tail.rfind(_PACK)
    while 0 <= place < len(tail):
        is_packet = tail[place : place + 3] == _PACK[:3]
        if not is_packet or tail[place + 3] == _PROGRAM_END:
            return False
        place = _end_of_packet(tail, place)
    return place > len(tail)


def _end_of_packet(tail: bytes, place: int) -> int:
    """Where a packet of a program stream ends that begins at `place`."""
    if tail[place : place + 4] != _PACK:
        return place + 6 + struct.unpack_from(">H", tail, place + 4)[0]
    is_mpeg2 = tail[place + 4] >> 6 == 1
    if is_mpeg2:
        return place + 14 + (tail[place + 13] & 7)
    return place + 12


def _flv_is_cut(stream: BinaryIO, size: int) -> bool:
    """A tag states its length twice, in front and behind: in the last one both must agree."""
    tag_size = struct.unpack(">I", _bytes_at(stream, size - 4, 4))[0]
    begin = size - 4 - tag_size
    if begin < 0:
        return True
    tag = _bytes_at(stream, begin, 4)
    payload = int.from_bytes(tag[1:4], "big")
    return tag[0] & 0x1F not in (8, 9, 18) or payload + 11 != tag_size


def _riff_is_cut(stream: BinaryIO, size: int) -> bool:
    """The length is stated at the beginning; files over 1 GB have several such parts."""
    place = 0
    while place + 8 <= size:
        head = _bytes_at(stream, place, 8)
        if head[:4] != b"RIFF":
            return False
        length = struct.unpack("<I", head[4:])[0]
        if length in (0, 0xFFFFFFFF):  # it was written into a pipe
            return False
        place += 8 + length
    return place > size


def _asf_is_cut(stream: BinaryIO, size: int) -> bool:
    """The head states the length of the file."""
    head = _bytes_at(stream, 0, HEAD_BYTES)
    place = head.find(_ASF_FILE_FACTS)
    if place < 0:
        return False
    return size < struct.unpack_from("<Q", head, place + 40)[0]


def _gif_is_cut(stream: BinaryIO, size: int) -> bool:
    """A whole one ends with a semicolon, after which some programs write zeros."""
    tail = _bytes_at(stream, max(0, size - HEAD_BYTES), HEAD_BYTES)
    return not tail.rstrip(b"\0").endswith(b";")


def _ogg_is_cut(stream: BinaryIO, size: int) -> bool:
    """The last page says how long each of its parts is."""
    tail = _bytes_at(stream, max(0, size - _TAIL), _TAIL)
    page = tail.rfind(b"OggS")
    segments = tail[page + 26]
    lengths = tail[page + 27 : page + 27 + segments]
    return page + 27 + segments + sum(lengths) > len(tail)


_TESTS: Dict[str, Callable[[BinaryIO, int], bool]] = {
    "mp4": _mp4_is_cut,
    "matroska": _matroska_is_cut,
    "mpegts": _ts_is_cut,
    "mpeg": _mpeg_is_cut,
    "flv": _flv_is_cut,
    "avi": _riff_is_cut,
    "asf": _asf_is_cut,
    "avif": _mp4_is_cut,
    "gif": _gif_is_cut,
    "ogg": _ogg_is_cut,
}
