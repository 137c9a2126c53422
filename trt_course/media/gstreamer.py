"""GStreamer pipelines as text: a Jetson's cameras, decoder and encoder. It builds them; others run them."""

import functools
import re
import shutil
import subprocess

import cv2

from ..support.errors import CourseError

_BGR = "video/x-raw, format=BGR ! appsink drop=true max-buffers=1 sync=false"  # the newest picture, as OpenCV wants it
_ON_JETSON = ("nvvidconv", "video/x-raw(memory:NVMM),format=NV12", "nvv4l2h264enc bitrate=8000000")


@functools.lru_cache(maxsize=None)
def has_element(name):
    return (
        bool(shutil.which("gst-inspect-1.0"))
        and subprocess.call(["gst-inspect-1.0", "--exists", name]) == 0
    )


def in_opencv():
    return bool(re.search(r"GStreamer:\s+YES", cv2.getBuildInformation()))


def require(what, text):
    """OpenCV must have GStreamer, and GStreamer the pipeline's elements: opening it waits for ever for one it lacks."""
    if not in_opencv():
        raise CourseError(
            f"{what} needs an OpenCV with GStreamer, which pip's opencv-python never has. On a Jetson use "
            "JetPack's own OpenCV (pip uninstall opencv-python), on Debian or Ubuntu: sudo apt install "
            "python3-opencv, and run /usr/bin/python3."
        )
    lacking = [
        name
        for name in re.findall(r"(?:^|!)\s*([A-Za-z]\w*)(?=\s|$)", text)
        if not has_element(name)
    ]
    if lacking and has_element("fakesink"):
        raise CourseError(
            "{} needs GStreamer's {}, which is not here. Elements that begin with nv come with JetPack "
            "(gst-inspect-1.0 lists what there is).".format(what, ", ".join(lacking))
        )


def csi(sensor, width=1280, height=720, fps=30, flip=0, wb=1):
    """A camera on the Jetson's ribbon cable; an odd `flip` turns the picture on its side."""
    shown = (height, width) if flip % 2 else (width, height)
    return (
        f"nvarguscamerasrc sensor-id={sensor} wbmode={wb} ! video/x-raw(memory:NVMM), width={width}, height={height}, framerate={fps}/1, "
        f"format=NV12 ! nvvidconv flip-method={flip} ! video/x-raw, width={shown[0]}, height={shown[1]}, format=BGRx ! videoconvert ! {_BGR}"
    )


def _quoted(text):
    return '"{}"'.format(text.replace("\\", "\\\\").replace('"', '\\"'))


def rtsp(uri, latency=200, transport="tcp", codec="h264"):
    """An IP camera through the Jetson's decoder."""
    return (
        f"rtspsrc location={_quoted(uri)} latency={latency} protocols={transport} ! rtp{codec}depay ! {codec}parse ! nvv4l2decoder ! nvvidconv ! "
        f"video/x-raw, format=BGRx ! videoconvert ! {_BGR}"
    )


def video_file(path, decode="nvv4l2decoder ! nvvidconv"):
    """All frames of a file through the Jetson's decoder, as fast as they are taken."""
    return (
        f"filesrc location={_quoted(str(path))} ! parsebin ! {decode} ! video/x-raw, format=BGRx ! videoconvert ! video/x-raw, format=BGR ! "
        "appsink max-buffers=4 sync=false"
    )


def anything(text):
    """The reader's own pipeline; one without an appsink gets it."""
    return text if "appsink" in text else text + " ! videoconvert ! " + _BGR


def encode(path, encoder=_ON_JETSON):
    """The command that turns Matroska with raw pictures at its input into an H.264 MP4."""
    stages = (
        ("fdsrc fd=0", "matroskademux") + tuple(encoder) + ("h264parse", "qtmux faststart=true")
    )
    return (
        ["gst-launch-1.0", "-q"]
        + " ! ".join(stages).split()
        + ["!", "filesink", f"location={path}"]
    )
