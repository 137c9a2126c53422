"""Pictures from files: one, a folder or a wildcard, read upright as uint8 BGR."""

import contextlib
import glob
from pathlib import Path
from typing import List, Optional, Union

import cv2
import numpy as np

from ..support.errors import CourseError
from .base import Frame, Source

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


def images_in(folder: Union[str, Path]) -> List[Path]:
    """The pictures directly in a folder, or those that a wildcard names, sorted by name."""
    folder = Path(str(folder))
    if folder.is_dir():
        found = list(folder.iterdir())
    else:
        found = [Path(name) for name in glob.glob(str(folder))]

    paths = sorted(path for path in found if path.suffix.lower() in PICTURES and path.is_file())
    if not paths:
        endings = " ".join(PICTURES)
        raise CourseError(f"The folder {folder} holds no pictures ({endings}).")
    return paths


def read_image(path: Union[str, Path]) -> np.ndarray:
    """The picture as uint8 BGR, turned upright as its EXIF says."""
    if not Path(str(path)).is_file():
        raise CourseError(f"There is no file {path}.")

    image = None
    with contextlib.suppress(cv2.error):  # where the file claims more pixels than OpenCV takes
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise CourseError(
            f"{path} cannot be read as a picture: it is damaged, or of another kind than its "
            "name says."
        )
    return image


class Pictures(Source[Frame]):
    """One picture, or those of a folder or a wildcard. They have no rate, and every time is 0."""

    def __init__(self, uri: Union[str, Path], loop: bool = False) -> None:
        super().__init__(uri, loop)
        if Path(self.uri).is_file():
            self.paths = [Path(self.uri)]
        else:
            self.paths = images_in(self.uri)

        self.frames = len(self.paths)
        self.goes_on = True
        self._number = 0  # of the next picture

    def read(self, timeout: Optional[float] = None) -> Optional[Frame]:
        """The next picture; None at the end. A CourseError about one does not end the others."""
        if not self.paths:  # closed
            return None
        if self._number >= len(self.paths) and not self.loop:
            return None

        number = self._number
        self._number += 1
        path = self.paths[number % len(self.paths)]
        return Frame(read_image(path), number, 0.0, path.stem)

    def close(self) -> None:
        """Give no more pictures."""
        self.paths = []
