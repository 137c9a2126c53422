"""The kinds of still picture, by their first bytes."""

from typing import Optional

_MAGIC = {
    b"\xff\xd8\xff": "jpeg",
    b"\x89PNG\r\n\x1a\n": "png",
    b"BM": "bmp",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"\0\0\0\x0cjP  \r\n\x87\n": "jpeg2000",
    b"\xff\x4f\xff\x51": "jpeg2000",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
}


def picture_format(head: bytes) -> Optional[str]:
    """The name of the still-picture format that begins so; None for anything else."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:12] in (b"ftypavif", b"ftypavis"):
        return "avif"
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return name
    return None
