"""GStreamer pipelines as text: a Jetson's cameras, decoder and encoder.

This module only builds the text; others run it.
"""

import functools
import re
import shutil
import subprocess
from pathlib import Path
from typing import List, Sequence, Union

import cv2

from ..support.errors import CourseError

# how a pipeline for OpenCV ends: pictures as it wants them, of a camera only the newest
_TO_BGR = "videoconvert ! video/x-raw, format=BGR"
_NEWEST = "appsink drop=true max-buffers=1 sync=false"
_ALL = "appsink max-buffers=4 sync=false"

_JETSONS_DECODER = "nvv4l2decoder ! nvvidconv"
_JETSONS_ENCODER = (
    "nvvidconv",
    "video/x-raw(memory:NVMM),format=NV12",
    "nvv4l2h264enc bitrate=8000000",
)


@functools.lru_cache(maxsize=None)
def has_element(name: str) -> bool:
    """Whether GStreamer is here and has this element."""
    if shutil.which("gst-inspect-1.0") is None:
        return False
    return subprocess.call(["gst-inspect-1.0", "--exists", name]) == 0


def in_opencv() -> bool:
    """Whether this OpenCV can read pipelines."""
    return re.search(r"GStreamer:\s+YES", cv2.getBuildInformation()) is not None


def require(what: str, pipeline: str) -> None:
    """A CourseError where OpenCV lacks GStreamer, or GStreamer one of the pipeline's elements.

    To be called before the pipeline is opened: with an element that is not there, that would never
    come back.
    """
    if not in_opencv():
        raise CourseError(
            f"{what} needs an OpenCV with GStreamer, which pip's opencv-python never has. On a "
            "Jetson use JetPack's own OpenCV (pip uninstall opencv-python), on Debian or Ubuntu: "
            "sudo apt install python3-opencv, and run /usr/bin/python3."
        )

    # an element's name begins the pipeline or follows a !; caps have a slash in theirs
    elements = re.findall(r"(?:^|!)\s*([A-Za-z]\w*)(?=\s|$)", pipeline)
    lacking = [name for name in elements if not has_element(name)]
    if lacking and has_element("fakesink"):  # else it is gst-inspect-1.0 that is not there
        names = ", ".join(lacking)
        raise CourseError(
            f"{what} needs GStreamer's {names}, which is not here. Elements that begin with nv "
            "come with JetPack (gst-inspect-1.0 lists what there is)."
        )


def csi(
    sensor: int, width: int = 1280, height: int = 720, fps: int = 30, flip: int = 0, wb: int = 1
) -> str:
    """A camera on the Jetson's ribbon cable; an odd `flip` turns the picture on its side."""
    shown = f"width={width}, height={height}"
    if flip % 2:
        shown = f"width={height}, height={width}"
    stages = [
        f"nvarguscamerasrc sensor-id={sensor} wbmode={wb}",
        f"video/x-raw(memory:NVMM), width={width}, height={height}, framerate={fps}/1, format=NV12",
        f"nvvidconv flip-method={flip}",
        f"video/x-raw, {shown}, format=BGRx",
        _TO_BGR,
        _NEWEST,
    ]
    return " ! ".join(stages)


def rtsp(uri: str, latency: int = 200, transport: str = "tcp", codec: str = "h264") -> str:
    """An IP camera through the Jetson's decoder; `latency` in milliseconds."""
    stages = [
        f"rtspsrc location={_quoted(uri)} latency={latency} protocols={transport}",
        f"rtp{codec}depay",
        f"{codec}parse",
        _JETSONS_DECODER,
        "video/x-raw, format=BGRx",
        _TO_BGR,
        _NEWEST,
    ]
    return " ! ".join(stages)


def video_file(path: Union[str, Path], decode: str = _JETSONS_DECODER) -> str:
    """All frames of a file through the Jetson's decoder, as fast as they are taken."""
    stages = [
        f"filesrc location={_quoted(str(path))}",
        "parsebin",
        decode,
        "video/x-raw, format=BGRx",
        _TO_BGR,
        _ALL,
    ]
    return " ! ".join(stages)


def anything(pipeline: str) -> str:
    """The reader's own pipeline; one without an appsink gets it."""
    if "appsink" in pipeline:
        return pipeline
    return f"{pipeline} ! {_TO_BGR} ! {_NEWEST}"


def encode(path: Union[str, Path], encoder: Sequence[str] = _JETSONS_ENCODER) -> List[str]:
    """The command that turns Matroska with raw pictures at its input into an H.264 MP4."""
    stages = ["fdsrc fd=0", "matroskademux", *encoder, "h264parse", "qtmux faststart=true"]
    words = " ! ".join(stages).split()

    # apart from the other words: there may be blanks in it
    destination = f"location={path}"
    return ["gst-launch-1.0", "-q", *words, "!", "filesink", destination]


def _quoted(text: str) -> str:
    """As a pipeline wants a value with blanks or quotes in it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
