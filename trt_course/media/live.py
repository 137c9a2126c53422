"""Live sources: a camera or a stream is read in a thread of its own; whoever asks gets the newest frame, and once.

What nobody asked for in time is counted and dropped: a slow reader misses frames and never falls behind. After a loss
the thread tries again, at growing intervals. Files are in sources.py.
"""

import atexit
import base64
import http.client
import os
import re
import sys
import threading
import time
import urllib.request
import weakref
from urllib.parse import parse_qsl, unquote, urlsplit

import cv2
import numpy as np

from ..support.errors import CourseError
from . import gstreamer
from .base import Frame, Source

_SILENCE = 5  # seconds after which a connection that sends nothing counts as lost
_BACKOFF = 0.25, 2.0  # seconds: the first and the longest wait before connecting again
_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_open = weakref.WeakValueDictionary()  # a notebook's cell, run again, closes what it opened before
atexit.register(lambda: [source.close() for source in list(_open.values())])
_environment = threading.Lock()


def _checked(capture, name, advice):
    if not capture.isOpened():
        raise CourseError(f"{name} cannot be opened. {advice}")
    return capture


def _usb(uri):
    if not os.path.exists(uri):
        raise CourseError(
            f"There is no camera {uri}. Is it plugged in? ls /dev/video* lists what is there."
        )
    return _checked(
        cv2.VideoCapture(uri, cv2.CAP_V4L2),
        uri,
        f"Another program may hold it (fuser -v {uri}), or you may "
        "not use it (sudo usermod -aG video $USER, then log in anew).",
    )


def _gst(uri, advice="Try it first with gst-launch-1.0.", text=None):
    text = text or gstreamer.anything(uri[len("gst:") :])
    gstreamer.require(uri, text)
    return _checked(
        cv2.VideoCapture(text, cv2.CAP_GSTREAMER), uri, f"{advice} The pipeline: {text}"
    )


def _csi(uri):
    parts = urlsplit(uri)
    try:
        text = gstreamer.csi(
            int(parts.netloc), **{key: int(value) for key, value in parse_qsl(parts.query)}
        )
    except (TypeError, ValueError):
        raise CourseError(
            f"{uri} is not understood; wanted: csi://0 or csi://0?width=1280&height=720&fps=30&flip=2&wb=1"
        ) from None
    return _gst(
        uri,
        "Is the ribbon cable in? A program that crashed may hold the camera: sudo systemctl restart "
        "nvargus-daemon.",
        text,
    )


def _rtsp(uri, latency=200, transport="tcp", codec="h264"):
    if transport not in ("tcp", "udp") or codec not in ("h264", "h265"):
        raise CourseError(f"{uri}: transport is tcp or udp, codec h264 or h265")
    advice = "Are address, user and password right (ffplay URI shows it)? Some cameras want transport='udp'."
    if gstreamer.in_opencv() and gstreamer.has_element("nvv4l2decoder"):
        return _gst(uri, advice, gstreamer.rtsp(uri, latency, transport, codec))
    return _ffmpeg(
        uri, f"rtsp_transport;{transport}|max_delay;{latency * 1000}|fflags;nobuffer", advice
    )


def _ffmpeg(uri, options, advice):
    """By OpenCV's FFmpeg, with limits to its waiting where this OpenCV knows them; each thread holds a frame back."""
    limits = {
        "CAP_PROP_OPEN_TIMEOUT_MSEC": _SILENCE * 1000,
        "CAP_PROP_READ_TIMEOUT_MSEC": _SILENCE * 1000,
        "CAP_PROP_N_THREADS": 1,
    }
    known = [
        x
        for name, value in limits.items()
        if hasattr(cv2, name)
        for x in (getattr(cv2, name), value)
    ]
    with _environment:  # OpenCV takes such options in no other way; the reader's own go first
        own = _OPTIONS in os.environ
        os.environ.setdefault(_OPTIONS, options)
        try:
            return _checked(
                cv2.VideoCapture(uri, cv2.CAP_FFMPEG, *([known] if known else [])), uri, advice
            )
        finally:
            if not own:
                del os.environ[_OPTIONS]


def _ask(uri):
    """The answer to a request; user and password may stand in the address."""
    parts = urlsplit(uri)
    who, _, host = parts.netloc.rpartition("@")
    headers = (
        {"Authorization": "Basic " + base64.b64encode(unquote(who).encode()).decode()}
        if who
        else {}
    )
    try:
        request = urllib.request.Request(parts._replace(netloc=host).geturl(), headers=headers)
        return urllib.request.urlopen(request, timeout=_SILENCE)
    except (OSError, http.client.HTTPException, ValueError) as err:
        raise CourseError(
            f"{host} does not answer: {err}. Are address, user and password right?"
        ) from None


def _http(uri, rate=5.0):
    with _ask(uri) as reply:
        kind = reply.headers.get_content_type()
    if kind == "multipart/x-mixed-replace":
        return _ffmpeg(uri, "fflags;nobuffer", "It says that it is MJPEG, but is not.")
    if not kind.startswith("image/"):
        raise CourseError(
            f"{uri} sends {kind}; wanted: MJPEG (multipart/x-mixed-replace) or a picture."
        )
    return _Still(uri, rate)


class _Still:
    """A picture at an address, asked for `rate` times a second. Reads as a cv2.VideoCapture does."""

    def __init__(self, uri, rate):
        self.uri, self.rate = uri, rate

    def read(self):
        self.due = time.monotonic() + 1 / self.rate
        with _ask(self.uri) as reply:
            image = cv2.imdecode(np.frombuffer(reply.read(), np.uint8), cv2.IMREAD_COLOR)
        return image is not None, image

    def get(self, _):
        return self.rate

    def release(self):
        pass


_OPENERS = {"csi": _csi, "gst": _gst, "rtsp": _rtsp, "http": _http, "https": _http}


_LIVE = re.compile(r"\d+$|/dev/video|(csi|gst|rtsp|https?):")


def is_live(uri):
    """Whether a string names a camera or a stream, not a file."""
    return _LIVE.match(str(uri)) is not None


def _capture_opener(uri):
    """The function that opens a live source's captures."""
    return _OPENERS.get(_LIVE.match(uri).group(1), _usb)


class LiveSource(Source):
    """`limit`: seconds that opening, and every `read` without a timeout of its own, waits for a frame."""

    live = True

    def __init__(self, uri, limit=10.0, **options):
        super().__init__(f"/dev/video{uri}" if str(uri).isdigit() else uri)
        self.limit, self._options, self._open_capture = limit, options, _capture_opener(self.uri)
        self._stop, self._changed = threading.Event(), threading.Condition()
        self._newest = self._trouble = None
        if self.uri in _open:
            _open[self.uri].close()
        self._thread = threading.Thread(target=self._run, name="live " + self.uri, daemon=True)
        self._thread.start()
        _open[self.uri] = self
        with self._changed:
            self._changed.wait_for(lambda: self.captured or self._trouble, limit)
            trouble = self._trouble or CourseError(f"{self.uri} sent no frame in {limit:g} s.")
        if not self.captured:
            self.close()
            raise trouble

    def _run(self):
        pause = _BACKOFF[0]
        while not self._stop.is_set():
            before = self.captured
            try:
                self._follow()
            except Exception as err:  # whatever it is, the thread lives on and the reader is told
                with self._changed:
                    self._trouble = (
                        err if isinstance(err, CourseError) else CourseError(f"{self.uri}: {err}")
                    )
                    self._changed.notify_all()
            if not self.captured:
                return
            pause = _BACKOFF[0] if self.captured > before else min(2 * pause, _BACKOFF[1])
            self._stop.wait(pause)

    def _follow(self):
        """Hand on frames until the source ends or is closed."""
        capture, again = self._open_capture(self.uri, **self._options), self.captured
        try:
            while not self._stop.is_set():
                good, image = capture.read()
                if not good:
                    raise CourseError(
                        f"{self.uri} sends no more: it has ended, or the connection is lost."
                    )
                if self.captured == again:
                    self.fps = min(max(capture.get(cv2.CAP_PROP_FPS), 0.0), 1000.0)
                    self.reconnects += again > 0
                self._hand(image)
                self._stop.wait(
                    max(0, getattr(capture, "due", 0) - time.monotonic())
                )  # a _Still has a next one due
        finally:
            capture.release()

    def _hand(self, image):
        with self._changed:
            self.lost += self._newest is not None
            self._newest = Frame(image, self.captured, time.monotonic(), "")
            self.size, self._trouble = (image.shape[1], image.shape[0]), None
            self.captured += 1
            self._changed.notify_all()

    def read(self, timeout=None):
        """A frame newer than the last one handed out; None once the source is closed."""
        limit = self.limit if timeout is None else timeout
        with self._changed:
            if not self._changed.wait_for(lambda: self._newest or self._stop.is_set(), limit):
                raise CourseError(
                    "{}: no new frame in {:g} s. {}".format(self.uri, limit, self._trouble or "")
                )
            frame, self._newest = self._newest, None
        return None if self._stop.is_set() else frame

    def close(self):
        with self._changed:
            self._stop.set()
            self._changed.notify_all()
        self._thread.join(_SILENCE + 1)
        if self._thread.is_alive():
            print(
                f"{self.uri} does not let go: its driver has not answered for {_SILENCE + 1} s, and may hold the device until Python ends.",
                file=sys.stderr,
            )
