"""How large a picture is, and whether all of it is there: read from its bytes before decoding.

Decoders are lenient: some fill in missing parts with grey, and they allocate memory for any size
that a header claims. So a few lines for each kind of file look first, and only at these two things:
a file that other programs show whole is whole here too, and the decoder finds any other damage.
"""

import re
import struct
from typing import Callable, Dict

from .picture_containers import avif_facts, jpeg2000_facts, tiff_facts
from .picture_formats import PictureFacts

# A JPEG's markers. Within compressed data, 0xFF is followed by 0x00 or belongs to a restart marker
# (0xD0 to 0xD7), so a search for the others passes over the data. Frames (SOF) state the size.
_JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_JPEG_END = 0xD9
_JPEG_WITHOUT_LENGTH = (0x01, 0xD8)
_JPEG_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

_GIF_IMAGE = 0x2C
_GIF_EXTENSION = 0x21
_GIF_END = 0x3B

_BMP_RUN_LENGTHS = (1, 2)  # compressed data, whose size the header states

_PNM_HEADER_BYTES = 4096
_PNM_SPACE = rb"(?:\s|#[^\r\n]*[\r\n])+"
_PNM_NUMBER = _PNM_SPACE + rb"(\d{1,9})"
_PNM_HEADER = re.compile(rb"P([1-6])" + _PNM_NUMBER + _PNM_NUMBER)
_PNM_GREATEST = re.compile(_PNM_NUMBER + rb"\s")


def picture_facts(data: bytes, kind: str) -> PictureFacts:
    """The size that a picture of this kind states, and whether it is whole.

    The size is 0 x 0 where the bytes end before they state it.
    """
    try:
        return _FACTS[kind](data)
    except (struct.error, LookupError, ValueError, OverflowError):
        # It points to something that is not there.
        return PictureFacts(0, 0, whole=False)


def _jpeg_facts(data: bytes) -> PictureFacts:
    """Goes from marker to marker up to the end marker.

    A thumbnail lies within a segment, which is stepped over; a second picture or a clip after the
    end does not concern us.
    """
    width = 0
    height = 0
    position = 2
    while True:
        found = _JPEG_MARKER.search(data, position)
        if found is None:
            return PictureFacts(width, height, whole=False)

        marker = data[found.start() + 1]
        position = found.end()
        if marker == _JPEG_END:
            return PictureFacts(width, height, whole=True)
        if marker in _JPEG_WITHOUT_LENGTH:
            continue
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, position + 3)
        (length,) = struct.unpack_from(">H", data, position)
        position += length


def _png_facts(data: bytes) -> PictureFacts:
    """Goes from chunk to chunk up to IEND."""
    width, height = struct.unpack_from(">II", data, 16)
    position = 8
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        position += 12 + length
        if kind == b"IEND":
            return PictureFacts(width, height, whole=position <= len(data))
    return PictureFacts(width, height, whole=False)


def _gif_facts(data: bytes) -> PictureFacts:
    """Goes from block to block up to the trailer."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    position = 13 + _gif_palette(flags)
    while position < len(data):
        block = data[position]
        if block == _GIF_IMAGE:
            flags = data[position + 9]
            position += 11 + _gif_palette(flags)
        elif block == _GIF_EXTENSION:
            position += 2
        else:
            return PictureFacts(width, height, whole=block == _GIF_END)

        # The block's data: pieces that begin with their length, up to one of length 0.
        while data[position]:
            position += 1 + data[position]
        position += 1
    return PictureFacts(width, height, whole=False)


def _gif_palette(flags: int) -> int:
    """How many bytes the palette has that these flags announce."""
    if flags & 0x80:
        return 3 << ((flags & 7) + 1)
    return 0


def _bmp_facts(data: bytes) -> PictureFacts:
    """The file size that a BMP states is often wrong, so the rows are counted."""
    start, header = struct.unpack_from("<II", data, 10)
    if header == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        return PictureFacts(width, height, start + _bmp_rows(width, height, bits) <= len(data))

    width, height, _, bits, compression, size = struct.unpack_from("<iiHHII", data, 18)
    height = abs(height)  # negative where the first row is the top one
    if compression not in _BMP_RUN_LENGTHS:
        size = _bmp_rows(width, height, bits)
    return PictureFacts(width, height, start + size <= len(data))


def _bmp_rows(width: int, height: int, bits: int) -> int:
    """How many bytes uncompressed rows have; each is padded to a multiple of four."""
    return (width * bits + 31) // 32 * 4 * height


def _webp_facts(data: bytes) -> PictureFacts:
    """By the first chunk, which states the size; there are three kinds of it."""
    (length,) = struct.unpack_from("<I", data, 4)
    whole = 8 + length <= len(data)

    kind = data[12:16]
    width = 0
    height = 0
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        width &= 0x3FFF
        height &= 0x3FFF
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        width = 1 + (bits & 0x3FFF)
        height = 1 + ((bits >> 14) & 0x3FFF)
    elif kind == b"VP8X":
        width = 1 + int.from_bytes(data[24:27], "little")
        height = 1 + int.from_bytes(data[27:30], "little")
    return PictureFacts(width, height, whole)


def _pnm_facts(data: bytes) -> PictureFacts:
    """In P1 to P3, whose pixels are digits, only the decoder can tell whether all are there."""
    header = _PNM_HEADER.match(data, 0, _PNM_HEADER_BYTES)
    if header is None:
        return PictureFacts(0, 0, whole=False)

    kind, width, height = map(int, header.groups())
    if kind <= 3:
        return PictureFacts(width, height, whole=True)
    if kind == 4:  # a bit a pixel
        needed = header.end() + 1 + (width + 7) // 8 * height
        return PictureFacts(width, height, whole=needed <= len(data))

    greatest = _PNM_GREATEST.match(data, header.end(), _PNM_HEADER_BYTES)
    if greatest is None:
        return PictureFacts(width, height, whole=False)
    channels = 1
    if kind == 6:
        channels = 3
    samples = width * height * channels
    needed = greatest.end() + samples * _pnm_bytes(int(greatest.group(1)))
    return PictureFacts(width, height, whole=needed <= len(data))


def _pnm_bytes(greatest: int) -> int:
    """How many bytes a sample has if this is its greatest value."""
    if greatest > 255:
        return 2
    return 1


_FACTS: Dict[str, Callable[[bytes], PictureFacts]] = {
    "jpeg": _jpeg_facts,
    "png": _png_facts,
    "gif": _gif_facts,
    "bmp": _bmp_facts,
    "webp": _webp_facts,
    "pnm": _pnm_facts,
    "tiff": tiff_facts,
    "jpeg2000": jpeg2000_facts,
    "avif": avif_facts,
}
