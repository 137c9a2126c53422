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

from ..errors import CourseError
from . import gstreamer
from .sources import Frame, Source

LIMIT = 10.0  # seconds to wait for a frame
_SILENCE = 5  # seconds after which a connection that sends nothing counts as lost
_BACKOFF = 0.25, 2.0  # seconds: the first and the longest wait before connecting again
_open = weakref.WeakValueDictionary()  # a notebook's cell, run again, closes what it opened before
_environment = threading.Lock()


def _checked(capture, name, advice):
    if not capture.isOpened():
        capture.release()
        raise CourseError("{} cannot be opened. {}".format(name, advice))
    return capture


def _usb(uri, width=0, height=0, fps=0):
    if not os.path.exists(uri):
        raise CourseError("There is no camera {}. Is it plugged in? ls /dev/video* lists what is there.".format(uri))
    capture = _checked(cv2.VideoCapture(uri, cv2.CAP_V4L2), uri, "Another program may hold it (fuser -v {}), or you "
                       "may not use it (sudo usermod -aG video $USER, then log in anew).".format(uri))
    if width or height or fps:  # many large frames pass through USB as JPEG only
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*"MJPG"))
    for prop, value in ((cv2.CAP_PROP_FRAME_WIDTH, width), (cv2.CAP_PROP_FRAME_HEIGHT, height),
                        (cv2.CAP_PROP_FPS, fps), (cv2.CAP_PROP_BUFFERSIZE, 1)):
        if value:
            capture.set(prop, value)
    return capture


def _pipeline(text, name, advice):
    gstreamer.need_opencv(name)
    return _checked(cv2.VideoCapture(text, cv2.CAP_GSTREAMER), name, advice + " The pipeline: " + text)


def _csi(uri):
    parts = urlsplit(uri)
    try:
        text = gstreamer.csi(int(parts.netloc), **{key: int(value) for key, value in parse_qsl(parts.query)})
    except (TypeError, ValueError):
        raise CourseError("{} is not understood; wanted: csi://0, or csi://0?width=1280&height=720&fps=30&flip=2&wb=1"
                          .format(uri)) from None
    return _pipeline(text, uri, "Is the ribbon cable in? A program that crashed may hold the camera: sudo systemctl "
                                "restart nvargus-daemon.")


def _gst(uri):
    return _pipeline(gstreamer.anything(uri[len("gst:"):]), "gst:", "Try it first with gst-launch-1.0.")


def _rtsp(uri, latency=200, transport="tcp", codec="h264"):
    if transport not in ("tcp", "udp") or codec not in ("h264", "h265"):
        raise CourseError("{}: transport is tcp or udp, codec h264 or h265".format(uri))
    advice = "Are address, user and password right (ffplay URI shows it)? Some cameras want transport='udp'."
    if gstreamer.in_opencv() and gstreamer.has_element("nvv4l2decoder"):
        return _pipeline(gstreamer.rtsp(uri, latency, transport, codec), uri, advice)
    wanted = [("CAP_PROP_OPEN_TIMEOUT_MSEC", _SILENCE * 1000), ("CAP_PROP_READ_TIMEOUT_MSEC", _SILENCE * 1000),
              ("CAP_PROP_N_THREADS", 1)]  # each further thread would hold one frame back
    known = [x for name, value in wanted if hasattr(cv2, name) for x in (getattr(cv2, name), value)]
    with _environment:  # OpenCV has no other way for these
        mine = os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;{}|max_delay;{}|fflags;nobuffer"
                                     .format(transport, latency * 1000))
        try:
            capture = cv2.VideoCapture(uri, cv2.CAP_FFMPEG, *([known] if known else []))
        finally:
            del os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"]
    return _checked(capture, uri, advice)


class _Http:
    """MJPEG, or a picture that is asked for `rate` times a second. Reads as a cv2.VideoCapture does."""

    def __init__(self, uri, rate=5.0):
        parts, headers = urlsplit(uri), {}
        if parts.username:
            word = "{}:{}".format(unquote(parts.username), unquote(parts.password or ""))
            headers["Authorization"] = "Basic " + base64.b64encode(word.encode()).decode()
            uri = uri.replace(parts.netloc, parts.netloc.rpartition("@")[2], 1)
        self._request = urllib.request.Request(uri, headers=headers)
        self._reply = self._ask()
        kind, boundary = self._reply.headers.get_content_type(), self._reply.headers.get_param("boundary")
        if not kind.startswith("image/") and kind != "multipart/x-mixed-replace":
            self.release()
            raise CourseError("{} sends {}; wanted: MJPEG (multipart/x-mixed-replace) or a picture.".format(uri, kind))
        self._boundary = boundary and boundary.strip('"-').encode()
        self.pause = 0 if boundary else 1.0 / rate

    def _ask(self):
        try:
            return urllib.request.urlopen(self._request, timeout=_SILENCE)
        except (OSError, http.client.HTTPException, ValueError) as err:
            raise CourseError("{} does not answer as it should: {}. Are address, user and password right?".format(
                self._request.full_url, err)) from None

    def read(self):
        try:
            if self._boundary:
                data = self._part()
            else:
                with self._reply or self._ask() as reply:
                    data, self._reply = reply.read(), None
        except (OSError, http.client.HTTPException, ValueError) as err:
            raise CourseError("{} broke off: {}".format(self._request.full_url, err)) from None
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
        return image is not None, image

    def _part(self):
        """The next part's content: as long as its header says, else up to the next boundary."""
        inside, length = False, None
        for line in iter(self._reply.readline, b""):
            inside = inside or self._boundary in line
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
            if inside and not line.strip():
                break
        if length is not None:
            return self._reply.read(length)
        lines = []
        for line in iter(self._reply.readline, b""):
            if line.startswith(b"--" + self._boundary):
                break
            lines.append(line)
        return b"".join(lines)

    def get(self, prop):
        return 0.0

    def release(self):
        if self._reply is not None:
            self._reply.close()


_OPENERS = {"usb": _usb, "csi": _csi, "gst": _gst, "rtsp": _rtsp, "http": _Http, "https": _Http}


def _scheme(uri):
    match = re.match(r"(?P<usb>\d+$|/dev/video)|(csi|rtsp|https?)://|(gst):", str(uri))
    return match and ("usb" if match.group("usb") else match.group(2) or match.group(3))


def is_live(uri):
    return bool(_scheme(uri))


class LiveSource(Source):
    """`limit`: seconds that opening, and every `read` without a timeout of its own, waits for a frame."""
    live = True

    def __init__(self, uri, limit=LIMIT, **options):
        super().__init__("/dev/video{}".format(uri) if str(uri).isdigit() else uri)
        self.limit, self._options, self._opener = limit, options, _OPENERS[_scheme(uri)]
        self._stop, self._changed = threading.Event(), threading.Condition()
        self._newest = self._trouble = None
        former = _open.pop(self.uri, None)
        if former is not None:
            former.close()
        self._thread = threading.Thread(target=self._run, name="live " + self.uri, daemon=True)
        self._thread.start()
        _open[self.uri] = self
        with self._changed:
            self._changed.wait_for(lambda: self.captured or self._trouble, limit)
        if not self.captured:
            self.close()
            raise self._trouble or CourseError("{} opened, but sent no frame in {:g} s.".format(self.uri, limit))

    def _run(self):
        pause, before = _BACKOFF[0], 0
        while not self._stop.is_set():
            try:
                self._follow()
            except Exception as err:  # whatever it is, the thread lives on and the reader is told
                self._tell(err)
            if not self.captured:
                return
            pause = _BACKOFF[0] if self.captured > before else min(2 * pause, _BACKOFF[1])
            before = self.captured
            self._stop.wait(pause)

    def _follow(self):
        """Hand on frames until the source ends or is closed."""
        capture, first = self._opener(self.uri, **self._options), True
        try:
            while not self._stop.is_set():
                good, image = capture.read()
                if not good:
                    raise CourseError("{} sends no more: it has ended, or the connection is lost.".format(self.uri))
                if first:
                    self.fps = min(max(capture.get(cv2.CAP_PROP_FPS), 0.0), 1000.0)
                    self.reconnects, first = self.reconnects + bool(self.captured), False
                self._hand(image)
                self._stop.wait(getattr(capture, "pause", 0))
        finally:
            capture.release()

    def _hand(self, image):
        with self._changed:
            self.lost += self._newest is not None
            self._newest = Frame(image, self.captured, time.monotonic(), "")
            self.size, self._trouble = (image.shape[1], image.shape[0]), None
            self.captured += 1
            self._changed.notify_all()

    def _tell(self, err):
        with self._changed:
            self._trouble = err if isinstance(err, CourseError) else CourseError("{}: {!r}".format(self.uri, err))
            self._changed.notify_all()

    def read(self, timeout=None):
        """A frame newer than the last one handed out; None once the source is closed."""
        limit = self.limit if timeout is None else timeout
        with self._changed:
            if not self._changed.wait_for(lambda: self._newest or self._stop.is_set(), limit):
                raise CourseError("{}: no new frame in {:g} s. {}".format(self.uri, limit, self._trouble or ""))
            frame, self._newest = self._newest, None
        return None if self._stop.is_set() else frame

    def close(self):
        if self._stop.is_set() and not self._thread.is_alive():
            return
        with self._changed:
            self._stop.set()
            self._changed.notify_all()
        self._thread.join(_SILENCE + 1)
        if self._thread.is_alive():
            print("{} does not let go: its driver has not answered for {} s, and may hold the device until Python ends."
                  .format(self.uri, _SILENCE + 1), file=sys.stderr)


@atexit.register
def _close_all():
    for source in list(_open.values()):
        source.close()
