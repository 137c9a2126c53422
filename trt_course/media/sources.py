"""Where pictures come from: one string names a file, a folder or a camera, one Source reads it.

Another kind of file is another Source and a line in each of the two tables here; another kind of
camera is a function in captures.py. What is done with the frames is not this module's business.
"""

import glob
from pathlib import Path
from typing import Any, Callable, Dict, Tuple, Union

from ..support.errors import CourseError
from ..support.files import kit_path
from .base import Frame, Source
from .captures import is_live
from .live import LiveSource
from .pictures import PICTURES, Pictures
from .video_file import VIDEOS, VideoFile

# the kinds of file by the endings of their names, and who reads each
ENDINGS: Dict[str, Tuple[str, ...]] = {"image": PICTURES, "video": VIDEOS}
READERS: Dict[str, Callable[..., Source[Frame]]] = {
    "image": Pictures,
    "folder": Pictures,
    "video": VideoFile,
}


def kind_of(source: Union[str, int, Path]) -> str:
    """'live', 'folder' (also a wildcard), 'image' or 'video'; a CourseError for anything else."""
    if is_live(source):
        return "live"

    path = kit_path(str(source))
    is_wildcard = glob.has_magic(str(path)) and not path.exists()
    if path.is_dir() or is_wildcard:
        return "folder"
    if not path.is_file():
        raise CourseError(f"There is no file or folder {path}.")

    for kind, endings in ENDINGS.items():
        if path.suffix.lower() in endings:
            return kind
    pictures = " ".join(PICTURES)
    videos = " ".join(VIDEOS)
    raise CourseError(f"{path} is neither a picture ({pictures}) nor a video ({videos}).")


def open_source(uri: Union[str, int, Path], loop: bool = False, **options: Any) -> Source[Frame]:
    """The Source of a file, folder, wildcard, camera or stream.

    docs/video.md has all the strings, and the options that live sources take.

    >>> with open_source("data/street.mp4") as video:
    ...     frame = video.read()
    >>> video.size, video.fps, frame.number, frame.image.shape
    ((1280, 720), 30.0, 0, (720, 1280, 3))
    """
    kind = kind_of(uri)
    if kind == "live":
        return LiveSource(uri, **options)
    if options:
        names = ", ".join(sorted(options))
        raise CourseError(f"{uri} is no live source and takes no {names}.")
    return READERS[kind](kit_path(str(uri)), loop)
