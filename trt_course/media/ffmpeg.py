"""Where the program ffmpeg is, which encodes videos and says what is in a file."""

import shutil

from ..support.errors import CourseError, need


def ffmpeg_path() -> str:
    """The system's own ffmpeg, or the one that comes with imageio-ffmpeg."""
    installed = shutil.which("ffmpeg")
    if installed is not None:
        return installed

    library = need("imageio_ffmpeg")
    try:
        return str(library.get_ffmpeg_exe())
    except RuntimeError:  # there is none for this kind of machine
        raise CourseError(
            "There is no program ffmpeg on this machine, and imageio-ffmpeg did not bring one. "
            "Install it with: sudo apt install ffmpeg"
        ) from None
