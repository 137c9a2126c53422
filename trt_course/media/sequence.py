"""Pictures whose names have a number, such as img_0001.png, img_0002.png: the frames of a video."""

import re
from pathlib import Path
from typing import List, NamedTuple, Optional, Union

from ..support.errors import CourseError
from .base import Frame, Source
from .pictures import read_image

_RATE = 25.0  # frames a second, as FFmpeg assumes
_NUMBER = re.compile(r"%(0(?P<digits>\d{1,2}))?d")


class _Numbered(NamedTuple):
    number: int
    path: Path


def is_sequence(path: Path) -> bool:
    """Whether it is a pattern for numbered names (img_%04d.png) and not the name of a file."""
    return _NUMBER.search(path.name) is not None and not path.exists()


class Sequence(Source[Frame]):
    """The pictures that a pattern names, by their numbers, at 25 frames a second.

    A gap in the numbers is refused: all times after it would be wrong.
    """

    def __init__(self, uri: Union[str, Path], loop: bool = False) -> None:
        super().__init__(uri, loop)
        self._paths = _pictures_of(Path(self.uri))

        # what is known of the frames
        first = read_image(self._paths[0])
        height, width = first.shape[:2]
        self.size = (width, height)
        self.fps = _RATE
        self.frames = len(self._paths)

        self._number = 0  # of the next frame

    def read(self, timeout: Optional[float] = None) -> Optional[Frame]:
        """The next frame; None at the end."""
        if not self._paths:  # closed
            return None
        if self._number >= len(self._paths) and not self.loop:
            return None

        number = self._number
        self._number += 1
        path = self._paths[number % len(self._paths)]
        return Frame(read_image(path), number, number / _RATE, "")

    def close(self) -> None:
        """Give no more pictures."""
        self._paths = []


def _pictures_of(pattern: Path) -> List[Path]:
    """The files that match the pattern, in order; a CourseError if a number is missing."""
    found = _numbered_files(pattern)
    if not found:
        raise CourseError(f"There is no picture {pattern}: %d stands for a number in its name.")
    for before, after in zip(found, found[1:]):
        if after.number != before.number + 1:
            raise CourseError(
                f"The sequence {pattern} has a gap: {before.path.name} is followed by "
                f"{after.path.name}."
            )
    return [one.path for one in found]


def _numbered_files(pattern: Path) -> List[_Numbered]:
    """The files that match the pattern, sorted by their numbers."""
    match = _NUMBER.search(pattern.name)
    if match is None or not pattern.parent.is_dir():
        return []
    digits = int(match.group("digits") or 1)
    before = re.escape(pattern.name[: match.start()])
    after = re.escape(pattern.name[match.end() :])
    name = re.compile(f"{before}([0-9]{{{digits},}}){after}")

    found = []
    for path in pattern.parent.iterdir():
        fits = name.fullmatch(path.name)
        if fits and len(fits.group(1).lstrip("0")) <= max(digits, 9):
            found.append(_Numbered(int(fits.group(1)), path))
    return sorted(found)
