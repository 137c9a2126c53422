"""GStreamer pipelines as text: a Jetson's cameras, decoder and encoder. It builds them; others run them."""
import functools
import re
import shutil
import subprocess

import cv2

from ..errors import CourseError

# the newest picture only, as BGR: what OpenCV wants at the end of every pipeline
_BGR = "video/x-raw, format=BGR ! appsink drop=true max-buffers=1 sync=false"
_FROM_NVMM = "video/x-raw, format=BGRx ! videoconvert ! " + _BGR


@functools.lru_cache(maxsize=None)
def has_element(name):
    """Whether this machine's GStreamer has it."""
    return bool(shutil.which("gst-inspect-1.0")) and subprocess.call(["gst-inspect-1.0", "--exists", name]) == 0


def in_opencv():
    return bool(re.search(r"GStreamer:\s+YES", cv2.getBuildInformation()))


def need_opencv(what):
    if not in_opencv():
        raise CourseError("{} needs an OpenCV with GStreamer, which pip's opencv-python never has. On a Jetson use "
                          "JetPack's own OpenCV (pip uninstall opencv-python), on Debian or Ubuntu: sudo apt install "
                          "python3-opencv, and run /usr/bin/python3.".format(what))


def csi(sensor, width=1280, height=720, fps=30, flip=0, wb=1):
    """A camera on the Jetson's ribbon cable; an odd `flip` turns it on its side."""
    shown = (height, width) if flip % 2 else (width, height)
    return ("nvarguscamerasrc sensor-id={} wbmode={} ! video/x-raw(memory:NVMM), width={}, height={}, framerate={}/1, "
            "format=NV12 ! nvvidconv flip-method={} ! video/x-raw, width={}, height={}, format=BGRx ! videoconvert ! {}"
            .format(sensor, wb, width, height, fps, flip, shown[0], shown[1], _BGR))


def rtsp(uri, latency=200, transport="tcp", codec="h264"):
    """An IP camera through the Jetson's decoder."""
    location = uri.replace("\\", "\\\\").replace('"', '\\"')
    return ('rtspsrc location="{0}" latency={1} protocols={2} ! rtp{3}depay ! {3}parse ! nvv4l2decoder ! nvvidconv ! {4}'
            .format(location, latency, transport, codec, _FROM_NVMM))


def anything(text):
    """The reader's own pipeline; without an appsink it gets one."""
    return text if "appsink" in text else text + " ! videoconvert ! " + _BGR


def encode(path, encoder=("nvvidconv", "!", "video/x-raw(memory:NVMM),format=NV12", "!", "nvv4l2h264enc",
                          "bitrate=8000000")):
    """The command that turns Matroska with raw pictures at its input into an H.264 MP4."""
    return (["gst-launch-1.0", "-q", "fdsrc", "fd=0", "!", "matroskademux", "!"] + list(encoder)
            + ["!", "h264parse", "!", "qtmux", "faststart=true", "!", "filesink", "location=" + str(path)])
