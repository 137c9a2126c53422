"""Where pictures come from: one string names a file, a folder or a camera, one Source reads it.

A file is recognized by its content, not by its name. Another kind of file is another Source and a
line in READERS; another kind of camera is a function in captures.py. What is done with the frames
is not this module's business.
"""

import glob
import stat
from pathlib import Path
from typing import Any, Callable, Dict, Tuple, Union

from ..support.errors import CourseError
from ..support.files import kit_path
from .base import Frame, Source
from .captures import is_live
from .containers import video_format
from .live import LiveSource
from .picture_formats import picture_format, read_head
from .pictures import Pictures
from .sequence import Sequence, is_sequence
from .video_file import VideoFile

# which Source reads what
READERS: Dict[str, Callable[..., Source[Frame]]] = {
    "image": Pictures,
    "folder": Pictures,
    "video": VideoFile,
    "sequence": Sequence,
}

# which Source should explain what is wrong with a file that is damaged from its first byte on
_ENDINGS: Dict[str, Tuple[str, ...]] = {
    "image": (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".jp2", ".avif"),
    "video": (".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v", ".ts", ".mpg", ".mpeg", ".gif"),
}

# JPEGs one after the other: only the ending tells them from a phone's photo with others behind it
_JPEG_STREAMS = (".mjpg", ".mjpeg")

_SPECIAL = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def kind_of(source: Union[str, int, Path]) -> str:
    """'live', 'folder' (a wildcard, too), 'image' or 'video'; a CourseError for anything else."""
    kind = _kind_of_reader(source)
    if kind == "sequence":
        return "video"
    return kind


def _kind_of_reader(source: Union[str, int, Path]) -> str:
    """A key of READERS, or 'live'."""
    if is_live(source):
        return "live"

    path = kit_path(str(source))
    try:
        if is_sequence(path):
            return "sequence"
        is_wildcard = glob.has_magic(str(path)) and not path.exists()
        if path.is_dir() or is_wildcard:
            return "folder"
        _require_file(path)
        return _kind_of_file(path)
    except OSError as err:
        raise CourseError(f"{path} cannot be read: {err.strerror}.") from None


def _require_file(path: Path) -> None:
    """Refuse what does not exist, may never end, or can be read only once."""
    if not path.exists():
        raise CourseError(f"There is no file or folder {path}.")
    if not path.is_file():
        what = _SPECIAL.get(stat.S_IFMT(path.stat().st_mode), "no file")
        raise CourseError(
            f"{path} is {what}, which cannot be read as a picture or a video: give a file, a "
            "folder, a camera (/dev/video0) or an address."
        )


def _kind_of_file(path: Path) -> str:
    head = read_head(path)
    if video_format(head) or path.suffix.lower() in _JPEG_STREAMS:
        return "video"
    if picture_format(head):
        return "image"

    # A library may still know it. If it does not, it explains best what is wrong with the file.
    for kind, endings in _ENDINGS.items():
        if path.suffix.lower() in endings:
            return kind
    if _opens_as_video(path):
        return "video"
    raise CourseError(f"{path} is neither a picture nor a video that can be read here.")


def _opens_as_video(path: Path) -> bool:
    try:
        VideoFile(path).close()
    except CourseError:
        return False
    return True


def open_source(uri: Union[str, int, Path], loop: bool = False, **options: Any) -> Source[Frame]:
    """The Source of a file, folder, wildcard, camera or stream.

    docs/video.md lists all that `uri` may be, and the options of live sources.

    >>> with open_source("data/street.mp4") as video:
    ...     frame = video.read()
    >>> video.size, video.fps, frame.number, frame.image.shape
    ((1280, 720), 30.0, 0, (720, 1280, 3))
    """
    kind = _kind_of_reader(uri)
    if kind == "live":
        return LiveSource(uri, **options)
    if options:
        names = ", ".join(sorted(options))
        raise CourseError(f"{uri} is no live source and takes no {names}.")
    return READERS[kind](kit_path(str(uri)), loop)
