"""Pictures from files: one, a folder or a wildcard, read upright as uint8 BGR."""

import contextlib
import glob
from pathlib import Path

import cv2

from ..support.errors import CourseError
from .base import Frame, Source

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


def images_in(folder):
    """The pictures directly in a folder, or those that a wildcard names, in the order of their names."""
    folder = Path(str(folder))
    found = folder.iterdir() if folder.is_dir() else map(Path, glob.glob(str(folder)))
    paths = sorted(p for p in found if p.suffix.lower() in PICTURES and p.is_file())
    if not paths:
        raise CourseError(
            "The folder {} holds no pictures ({}).".format(folder, " ".join(PICTURES))
        )
    return paths


def read_image(path):
    """The picture as uint8 BGR, turned upright as its EXIF says."""
    if not Path(str(path)).is_file():
        raise CourseError(f"There is no file {path}.")
    image = None
    with contextlib.suppress(cv2.error):  # where the file claims more pixels than OpenCV takes
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise CourseError(
            f"{path} cannot be read as a picture: it is damaged, or of another kind than its name says."
        )
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
