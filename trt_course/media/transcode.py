"""Any video file as an MP4 that plays in a browser."""

import contextlib
from pathlib import Path
from typing import Optional, Union

from ..support.errors import CourseError
from ..support.files import kit_path, require_apart
from ..support.outputs import Outputs
from ..support.progress import progress
from .base import Source, require_whole
from .pipeline import ahead
from .sources import open_source
from .writer import VideoWriter


def transcode(
    source: Union[str, Path],
    out: Union[str, Path] = "out",
    encoder: str = "auto",
    outputs: Optional[Outputs] = None,
) -> Path:
    """Write any video file, such as the AVI of the original course, as out/NAME.mp4.

    Without sound; each frame keeps its time. Returns the new file's path. `outputs` is
    VideoWriter's.
    """
    path = kit_path(source)
    target = Path(str(out)) / (path.stem + ".mp4")
    require_apart(path, target)

    with contextlib.ExitStack() as opened:
        video = opened.enter_context(open_source(path))
        writer = opened.enter_context(VideoWriter(target, video.fps, encoder, outputs))
        _copy(video, writer)
    if not writer.frames:
        raise CourseError(f"{path} holds no frame that can be read.")
    require_whole(video)
    return target


def _copy(video: Source, writer: VideoWriter) -> None:
    with contextlib.closing(ahead(video)) as frames:
        for frame in progress(frames, total=video.frames, desc="transcode", unit="frame"):
            writer.write(frame.image, frame.time)
