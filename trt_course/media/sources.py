"""Where pictures come from: one string for a file, a folder, a video or a camera, one iterator of frames for all.

Reading only; what is done with a picture is not this module's business. Live sources are in live.py.
"""

import glob

from ..support.errors import CourseError
from ..support.files import kit_path
from .live import LiveSource, is_live
from .pictures import PICTURES, Pictures
from .video_file import VIDEOS, VideoFile


def kind_of(source):
    """'live', 'folder' (also a wildcard), 'image' or 'video', or a CourseError that says what can be read."""
    if is_live(source):
        return "live"
    path = kit_path(source)
    if path.is_dir() or not path.exists() and glob.has_magic(str(path)):
        return "folder"
    if not path.is_file():
        raise CourseError(f"There is no file or folder {path}.")
    for kind, endings in (("image", PICTURES), ("video", VIDEOS)):
        if path.suffix.lower() in endings:
            return kind
    raise CourseError(
        "{} is neither a picture ({}) nor a video ({}).".format(
            path, " ".join(PICTURES), " ".join(VIDEOS)
        )
    )


def open_source(uri, loop=False, **options):
    """The Source of a file, folder, wildcard, camera or stream; docs/video.md has all the strings and options."""
    kind = kind_of(uri)
    if kind == "live":
        return LiveSource(uri, **options)
    if options:
        raise CourseError(
            "{} is no live source and takes no {}.".format(uri, ", ".join(sorted(options)))
        )
    return (VideoFile if kind == "video" else Pictures)(kit_path(uri), loop)
