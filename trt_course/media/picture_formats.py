"""What kind of picture a file is, told by its first bytes and never by its name."""

import re
from pathlib import Path
from typing import NamedTuple, Optional, Union

# That many bytes at the beginning of a file tell its kind, be it a picture or a video.
HEAD_BYTES = 4096

# The kinds, as messages to the reader call them. OpenCV does not read HEIC; it is recognized so
# that the reader learns why.
TITLES = {
    "jpeg": "JPEG",
    "png": "PNG",
    "gif": "GIF",
    "bmp": "BMP",
    "webp": "WebP",
    "tiff": "TIFF",
    "jpeg2000": "JPEG 2000",
    "avif": "AVIF",
    "heic": "HEIC",
    "pnm": "PNM",
}

_BEGINNINGS = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),  # BigTIFF
    (b"MM\0+", "tiff"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jpeg2000"),
    (b"\xff\x4f\xff\x51", "jpeg2000"),  # without the boxes around the stream
)

# A text may begin with "BM", too. In a BMP the size of its second header follows, one of these.
_BMP_HEADER_SIZES = (12, 40, 52, 56, 64, 108, 124)

# P7, called PAM, is not among them: OpenCV 5 mixes up its colours, without a word.
_PNM = re.compile(rb"P[1-6][ \t\r\n]+[#0-9]")

_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}


class PictureFacts(NamedTuple):
    """What a picture's bytes say about it before they are decoded."""

    width: int
    height: int
    whole: bool  # nothing is missing at its end


def read_head(path: Union[str, Path]) -> bytes:
    """The first HEAD_BYTES of a file."""
    with open(str(path), "rb", buffering=0) as stream:
        return stream.read(HEAD_BYTES)


def picture_format(head: bytes) -> Optional[str]:
    """The kind of picture whose file begins with these HEAD_BYTES; None if it is no picture.

    >>> picture_format(b"GIF89a and more")
    'gif'
    >>> picture_format(b"some text") is None
    True
    """
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind

    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return "bmp"
    if _PNM.match(head):
        return "pnm"
    if head[4:8] == b"ftyp":
        return _format_by_brands(head)
    return None


def _format_by_brands(head: bytes) -> Optional[str]:
    """AVIF and HEIC share their container with MP4: the brands in its first box tell them apart."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12]}  # the major one; then come its version and the compatible ones
    for start in range(16, end - 3, 4):
        brands.add(head[start : start + 4])

    if brands & _AVIF_BRANDS:
        return "avif"
    if brands & _HEIC_BRANDS:
        return "heic"
    return None
