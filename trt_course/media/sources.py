"""Where pictures come from: a file, a folder, the frames of a video file.

Reading only; what is done with a picture is not this module's business.
"""
from pathlib import Path

import cv2

from ..errors import CourseError

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
VIDEOS = (".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v", ".ts")


def kind_of(source):
    """'folder', 'image' or 'video', or a CourseError that says what can be read."""
    path = Path(str(source))
    if path.is_dir():
        return "folder"
    if not path.is_file():
        raise CourseError("There is no file or folder {}.".format(path))
    kind = {**dict.fromkeys(PICTURES, "image"), **dict.fromkeys(VIDEOS, "video")}.get(path.suffix.lower())
    if kind is None:
        raise CourseError("{} is neither a picture ({}) nor a video ({}).".format(
            path, " ".join(PICTURES), " ".join(VIDEOS)))
    return kind


def images_in(folder):
    """The pictures directly in a folder, in the order of their names."""
    paths = sorted(p for p in Path(str(folder)).iterdir() if p.suffix.lower() in PICTURES and p.is_file())
    if not paths:
        raise CourseError("The folder {} holds no pictures ({}).".format(folder, " ".join(PICTURES)))
    return paths


def read_image(path):
    """The picture as uint8 BGR, turned upright as its EXIF says."""
    if not Path(str(path)).is_file():
        raise CourseError("There is no file {}.".format(path))
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise CourseError("{} cannot be read as a picture: it is damaged, or of another kind than its name says."
                          .format(path))
    return image


class VideoFile:
    """The frames of a video file, in order. A context manager; `fps`, `frames` (as the file claims) and `size`."""

    def __init__(self, path):
        if not Path(str(path)).is_file():
            raise CourseError("There is no file {}.".format(path))
        self.path = path
        self._capture = cv2.VideoCapture(str(path))
        self.frames = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.size = (int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
                     int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
        if not self._capture.isOpened() or not all(self.size):
            self._capture.release()
            raise CourseError("{} cannot be read as a video: it is damaged, has no pictures, or needs a codec that "
                              "this OpenCV lacks.".format(path))

    def __iter__(self):
        while True:
            good, frame = self._capture.read()
            if not good:
                return
            yield frame

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._capture.release()
