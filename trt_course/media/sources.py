"""Where pictures come from: one string for a file, a folder, a video or a camera, one iterator of frames for all.

Reading only; what is done with a picture is not this module's business. Live sources are in live.py.
"""
import contextlib
import glob
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from .. import trace
from ..errors import CourseError
from ..files import kit_path

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
VIDEOS = (".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v", ".ts")
_DAMAGED = 30  # frames in a row that may be damaged before a video counts as ended


class Frame(NamedTuple):
    """A picture, uint8 BGR, not to be written to. A live source numbers every frame it captured: a gap is what the
    reader missed. `time` in seconds: in a file from its start, live the time.monotonic() of the capture."""
    image: np.ndarray
    number: int
    time: float
    name: str


class Stream(Iterator, AbstractContextManager):
    """A context manager and an iterator over what has `read`, which gives None at the end, and `close`."""

    def __next__(self):
        with trace.span("read"):
            item = self.read()
        if item is None:
            raise StopIteration
        return item

    def __exit__(self, *_):
        self.close()


class Source(Stream):
    """A Stream of frames. `frames` is what the file claims; None where nobody knows."""
    live, fps, frames, size = False, 0.0, None, None
    goes_on = False  # after a frame that cannot be read
    captured = lost = reconnects = 0
    short = False  # it ended before its end, and said so

    def __init__(self, uri, loop=False):
        self.uri, self.loop = str(uri), loop

    def read_some(self):
        """The frames that come together: mostly one; none at the end."""
        frame = self.read()
        return [] if frame is None else [frame]


def cut_off(claim, seen):
    """Whether so many frames are fewer than a file claims; some kinds of file estimate it."""
    return bool(claim) and seen < claim * 0.98 - 1


def check_whole(source):
    """For who has read a source to its end, and made something of what there was."""
    if source.short:
        raise CourseError("{}: not all of it could be read; what could be is done.".format(source.uri))


def kind_of(source):
    """'live', 'folder' (also a wildcard), 'image' or 'video', or a CourseError that says what can be read."""
    from .live import opener  # it builds on this module
    if opener(source):
        return "live"
    path = kit_path(source)
    if path.is_dir() or not path.exists() and glob.has_magic(str(path)):
        return "folder"
    if not path.is_file():
        raise CourseError("There is no file or folder {}.".format(path))
    for kind, endings in (("image", PICTURES), ("video", VIDEOS)):
        if path.suffix.lower() in endings:
            return kind
    raise CourseError("{} is neither a picture ({}) nor a video ({}).".format(
        path, " ".join(PICTURES), " ".join(VIDEOS)))


def open_source(uri, loop=False, **options):
    """The Source of a file, folder, wildcard, camera or stream; docs/video.md has all the strings and options."""
    kind = kind_of(uri)
    if kind == "live":
        from .live import LiveSource
        return LiveSource(uri, **options)
    if options:
        raise CourseError("{} is no live source and takes no {}.".format(uri, ", ".join(sorted(options))))
    return (VideoFile if kind == "video" else Pictures)(kit_path(uri), loop)


def images_in(folder):
    """The pictures directly in a folder, or those that a wildcard names, in the order of their names."""
    folder = Path(str(folder))
    found = folder.iterdir() if folder.is_dir() else map(Path, glob.glob(str(folder)))
    paths = sorted(p for p in found if p.suffix.lower() in PICTURES and p.is_file())
    if not paths:
        raise CourseError("The folder {} holds no pictures ({}).".format(folder, " ".join(PICTURES)))
    return paths


def read_image(path):
    """The picture as uint8 BGR, turned upright as its EXIF says."""
    if not Path(str(path)).is_file():
        raise CourseError("There is no file {}.".format(path))
    image = None
    with contextlib.suppress(cv2.error):  # where the file claims more pixels than OpenCV takes
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise CourseError("{} cannot be read as a picture: it is damaged, or of another kind than its name says."
                          .format(path))
    return image


class Pictures(Source):
    """One picture, or those of a folder or a wildcard."""
    goes_on = True

    def __init__(self, uri, loop=False):
        super().__init__(uri, loop)
        self.paths = [Path(self.uri)] if Path(self.uri).is_file() else images_in(self.uri)
        self.frames, self._number = len(self.paths), 0

    def read(self, timeout=None):
        if not self.paths or self._number >= self.frames and not self.loop:
            return None
        number, self._number = self._number, self._number + 1
        path = self.paths[number % self.frames]
        return Frame(read_image(path), number, 0.0, path.stem)

    def close(self):
        self.paths = []


class VideoFile(Source):
    """The frames of a video file, in order, at the times that the file gives them.

    Through a `pipeline` of GStreamer's a time is the number over the rate: OpenCV tells how far the decoder is.
    """

    def __init__(self, path, loop=False, pipeline=None):
        super().__init__(path, loop)
        if not Path(self.uri).is_file():
            raise CourseError("There is no file {}.".format(path))
        self._place, self._told = os.path.abspath(self.uri), not pipeline  # FFmpeg takes a:b for an address
        self._capture = cv2.VideoCapture(pipeline, cv2.CAP_GSTREAMER) if pipeline else cv2.VideoCapture(self._place)
        claim, self.fps, w, h = (self._capture.get(p) for p in (
            cv2.CAP_PROP_FRAME_COUNT, cv2.CAP_PROP_FPS, cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        self.frames, self.size = int(claim) if 0 < claim < 1e9 else None, (int(w), int(h))
        if not self._capture.isOpened() or not all(self.size):
            self.close()
            raise CourseError("{} cannot be read as a video: it is damaged, has no pictures, or needs a codec that "
                              "this OpenCV lacks.".format(path))
        self._number, self._time, self._begun, self._step = 0, 0.0, 0.0, 1 / self.fps if self.fps > 0 else 0.04

    def read(self, timeout=None):
        image = self._next_image()
        if image is None and self.loop and self._number:
            self._capture.open(self._place)
            self._begun = self._time + self._step
            image = self._next_image()
        if image is None:
            # some kinds of file tell their length times their rate: where the rate varies, the time says how far it is
            seen = max(self._number, self._told * (self._time / self._step + 1) if self._number else 0)
            self.short = cut_off(self.frames, seen)
            if self.short:
                print("{} claims {} frames, {} could be read: it is cut off or damaged.".format(
                    self.uri, self.frames, self._number), file=sys.stderr)
            return None
        time = self._begun + self._told * max(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3, 0.0)
        if self._number and time <= self._time:  # a stream without times, or an OpenCV that does not tell them
            time = self._time + self._step
        self._number, self._time = self._number + 1, time
        return Frame(image, self._number - 1, time, "")

    def _next_image(self):
        """Past damaged frames, as long as the file claims that there are more."""
        for _ in range(_DAMAGED):
            good, image = self._capture.read()
            if good:
                return image
            if self.frames is None or self._number % self.frames == 0:
                break
        return None

    def close(self):
        self._capture.release()
