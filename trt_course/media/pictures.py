"""Pictures from files: one, a folder or a wildcard, read upright as uint8 BGR.

A file's bytes tell what it is, not its name. The bytes are read here and handed to OpenCV, which
never gets a name: OpenCV 5 crashes on one that is not UTF-8.
"""

import contextlib
import glob
import os
from pathlib import Path
from typing import List, Optional, Union

import cv2
import numpy as np

from ..support.errors import CourseError
from ..support.files import MIB, is_hidden, read_small
from .base import Frame, Source
from .bounds import require_pixels
from .picture_containers import avif_upright
from .picture_facts import picture_facts
from .picture_formats import HEAD_BYTES, TITLES, picture_format, read_head

# In a folder, files with these endings count as pictures whatever they hold: one that cannot be
# read is reported, not passed over. Files with other names count by their content.
_COMMON = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff")
_RARE = (".jp2", ".j2k", ".avif", ".pnm", ".pbm", ".pgm", ".ppm")
PICTURES = _COMMON + _RARE

_MOST_FILE_BYTES = 512 * MIB  # room for MOST_PIXELS of 16 bits that are hardly compressed


def images_in(folder: Union[str, Path]) -> List[Path]:
    """The pictures directly in a folder, or those that a wildcard names, sorted by name.

    Hidden files do not count.
    """
    place = str(folder)
    if os.path.isdir(place):
        names = _names_in(place)
    else:
        names = glob.glob(place)

    found = [name for name in names if _is_picture(name)]
    if not found:
        kinds = ", ".join(TITLES.values())
        raise CourseError(f"The folder {place} holds no pictures ({kinds}).")
    found.sort(key=lambda name: name.split(os.sep))
    return [Path(name) for name in found]


def _names_in(folder: str) -> List[str]:
    try:
        return [os.path.join(folder, name) for name in os.listdir(folder)]
    except OSError as err:
        raise CourseError(f"The folder {folder} cannot be read ({err.strerror}).") from err


def _is_picture(name: str) -> bool:
    """Whether a file in a folder counts as a picture; it is opened only if its name cannot tell."""
    last = os.path.basename(name)
    if is_hidden(last):
        return False
    ending = os.path.splitext(last)[1].lower()
    if ending in PICTURES:
        return not os.path.isdir(name)
    if not os.path.isfile(name):  # opening a pipe would wait for its writer
        return False

    try:
        return picture_format(read_head(name)) is not None
    except OSError:
        return False


def read_image(path: Union[str, Path]) -> np.ndarray:
    """A picture as uint8 BGR, turned upright as its EXIF says; the first if there are several."""
    return decode_picture(read_small(path, "a picture", _MOST_FILE_BYTES), str(path))


def decode_picture(data: bytes, what: str) -> np.ndarray:
    """The bytes of a picture, decoded to uint8 BGR, upright; `what` names it in error messages.

    Its size and its end are checked first: a decoder would allocate memory for any size that the
    header claims, and may accept a picture that was cut off.
    """
    kind = picture_format(data[:HEAD_BYTES])
    if kind is None:
        kinds = ", ".join(TITLES.values())
        raise CourseError(f"{what} cannot be read as a picture: its content is none of {kinds}.")
    title = TITLES[kind]
    if kind == "heic":
        raise CourseError(
            f"{what} cannot be read as a picture: it is HEIC, which OpenCV does not read; save it "
            "as JPEG or PNG."
        )

    facts = picture_facts(data, kind)
    if not facts.whole:
        raise CourseError(
            f"{what} cannot be read as a picture: it is a {title} that was cut off or is damaged. "
            "Get it again."
        )
    require_pixels(facts.width, facts.height, what)

    image = None
    mode = cv2.IMREAD_COLOR
    if kind == "avif":
        mode |= cv2.IMREAD_IGNORE_ORIENTATION  # of its EXIF, which does not count there
    with contextlib.suppress(cv2.error):
        image = cv2.imdecode(np.frombuffer(data, np.uint8), mode)
    if image is None:
        raise CourseError(
            f"{what} cannot be read as a picture: it is a damaged {title}, or one of a variety "
            f"that OpenCV {cv2.__version__} does not read."
        )
    if kind == "avif":
        image = avif_upright(image, data)
    return image


class Pictures(Source[Frame]):
    """One picture, or those of a folder or a wildcard. They have no rate; every time is 0."""

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
        """The next picture; None at the end. After a CourseError about one, the others go on."""
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
