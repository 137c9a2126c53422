"""Opens what a live source reads from: cameras, GStreamer pipelines, and network streams.

Another kind of camera is another function here and a line in SCHEMES. Each returns a
cv2.VideoCapture, or one of our own classes with the same methods (see Capture); live.py reads it.
"""

import contextlib
import os
import re
import threading
from typing import Any, Callable, Dict, Iterator, List, Union
from urllib.parse import parse_qsl, urlsplit

import cv2

from ..support.errors import CourseError
from . import gstreamer
from .bounds import SILENCE, Meter, bound_ffmpeg, require_pixels
from .web import ask, require_address
from .web_cameras import Mjpeg, Still

_HIGHEST_RATE = 1000.0  # requests a second
_FFMPEG_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_environment = threading.Lock()
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


# `read` waits for the next picture, except that of a Still, which asks at once
Capture = Union[cv2.VideoCapture, Mjpeg, Still]


def open_usb(uri: str) -> Capture:
    """A camera that Linux shows as /dev/video0, /dev/video1 and so on."""
    if not os.path.exists(uri):
        raise CourseError(
            f"There is no camera {uri}. Is it plugged in? ls /dev/video* lists what is there."
        )
    capture = cv2.VideoCapture(uri, cv2.CAP_V4L2)
    return _require_open(
        capture,
        uri,
        f"Another program may be using it (fuser -v {uri}), or you may have no permission "
        "(sudo usermod -aG video $USER, then log in again).",
    )


def open_csi(uri: str) -> Capture:
    """A camera on the Jetson's ribbon cable: csi://SENSOR, with the settings of gstreamer.csi."""
    parts = urlsplit(uri)
    try:
        settings = {key: int(value) for key, value in parse_qsl(parts.query)}
        pipeline = gstreamer.csi(int(parts.netloc), **settings)
    except (TypeError, ValueError):
        raise CourseError(
            f"{uri} is not understood; wanted: csi://0 or "
            "csi://0?width=1280&height=720&fps=30&flip=2&wb=1"
        ) from None
    return _open_pipeline(
        uri,
        pipeline,
        "Is the ribbon cable in? A crashed program may still hold the camera: "
        "sudo systemctl restart nvargus-daemon.",
    )


def open_gst(uri: str) -> Capture:
    """The reader's own pipeline of GStreamer, after gst: in the address."""
    pipeline = gstreamer.anything(uri[len("gst:") :])
    return _open_pipeline(uri, pipeline, "Try it first with gst-launch-1.0.")


def open_rtsp(uri: str, latency: int = 200, transport: str = "tcp", codec: str = "h264") -> Capture:
    """An IP camera, through the Jetson's decoder where there is one. `latency` in milliseconds."""
    require_address(uri)
    if transport not in ("tcp", "udp") or codec not in ("h264", "h265"):
        raise CourseError(f"{uri}: transport must be tcp or udp, and codec h264 or h265.")

    advice = (
        "Are the address, user and password right (try ffplay URI)? "
        "Some cameras need transport='udp'."
    )
    if gstreamer.in_opencv() and gstreamer.has_element("nvv4l2decoder"):
        return _open_pipeline(uri, gstreamer.rtsp(uri, latency, transport, codec), advice)
    options = f"rtsp_transport;{transport}|max_delay;{latency * 1000}|fflags;nobuffer"
    return _open_ffmpeg(uri, options, advice)


def open_http(uri: str, rate: float = 5.0) -> Capture:
    """MJPEG as it arrives, or a picture that is requested `rate` times a second."""
    if not 0 < rate <= _HIGHEST_RATE:
        raise CourseError(
            f"{uri}: rate must be above 0 and at most {_HIGHEST_RATE:g} pictures a second."
        )

    meter = Meter(uri)
    reply = ask(uri, meter)
    kind = reply.headers.get_content_type()
    if kind == "multipart/x-mixed-replace":
        return Mjpeg(uri, reply, meter)

    reply.close()
    if kind.startswith("image/"):
        return Still(uri, rate)
    raise CourseError(
        f"{uri} sends {kind}; wanted: MJPEG (multipart/x-mixed-replace) or a picture."
    )


# by what stands before the colon; an address without a colon is a USB camera's device
SCHEMES: Dict[str, Callable[..., Capture]] = {
    "csi": open_csi,
    "gst": open_gst,
    "rtsp": open_rtsp,
    "http": open_http,
    "https": open_http,
}


def is_live(uri: object) -> bool:
    """Whether it names a camera or a stream, even one of an unknown kind, and not a file."""
    text = str(uri)
    if text.isdecimal() or text.startswith("/dev/video"):
        return True
    scheme, colon, _ = text.partition(":")
    if colon and scheme.lower() in SCHEMES:
        return True
    return _ADDRESS.match(text) is not None


def open_capture(uri: str, **options: Any) -> Capture:
    """Open the camera or stream at an address; a CourseError says what to do if that fails."""
    scheme, colon, rest = uri.partition(":")
    if not colon:
        return open_usb(uri, **options)

    scheme = scheme.lower()
    if scheme not in SCHEMES:
        known = ", ".join(SCHEMES)
        raise CourseError(
            f"{uri} cannot be opened: {scheme} is none of {known}. For a file give its path."
        )
    return SCHEMES[scheme](scheme + colon + rest, **options)


def _require_open(capture: cv2.VideoCapture, uri: str, advice: str) -> cv2.VideoCapture:
    if not capture.isOpened():
        raise CourseError(f"{uri} cannot be opened. {advice}")
    return capture


def _open_pipeline(uri: str, pipeline: str, advice: str) -> cv2.VideoCapture:
    """Open a pipeline with OpenCV's GStreamer."""
    gstreamer.require(uri, pipeline)
    capture = cv2.VideoCapture(pipeline, cv2.CAP_GSTREAMER)
    return _require_open(capture, uri, f"{advice} The pipeline: {pipeline}")


def _open_ffmpeg(uri: str, options: str, advice: str) -> cv2.VideoCapture:
    """Open an address with OpenCV's FFmpeg."""
    bound_ffmpeg()
    limits = _ffmpeg_limits()
    with _ffmpeg_options(options):
        if limits:
            capture = cv2.VideoCapture(uri, cv2.CAP_FFMPEG, limits)
        else:
            capture = cv2.VideoCapture(uri, cv2.CAP_FFMPEG)
    _require_open(capture, uri, advice)

    # if the size is not known yet, bound_ffmpeg stops what is too large
    width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
    height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    if width and height:
        require_pixels(width, height, uri)
    return capture


def _ffmpeg_limits() -> List[int]:
    """A flat list of properties and their values, as far as this OpenCV knows them."""
    wanted = {
        "CAP_PROP_OPEN_TIMEOUT_MSEC": int(SILENCE * 1000),
        "CAP_PROP_READ_TIMEOUT_MSEC": int(SILENCE * 1000),
        "CAP_PROP_N_THREADS": 1,  # each thread holds a frame back
    }
    limits = []
    for name, value in wanted.items():
        if hasattr(cv2, name):
            limits += [getattr(cv2, name), value]
    return limits


@contextlib.contextmanager
def _ffmpeg_options(options: str) -> Iterator[None]:
    """Set FFmpeg's options while a capture is opened: OpenCV reads them from the environment only.

    Options that the reader has set there take precedence.
    """
    with _environment:
        set_by_reader = _FFMPEG_OPTIONS in os.environ
        os.environ.setdefault(_FFMPEG_OPTIONS, options)
        try:
            yield
        finally:
            if not set_by_reader:
                del os.environ[_FFMPEG_OPTIONS]
