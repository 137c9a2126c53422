"""What every decoder of video files on the CPU offers; the two kinds are av_file.py and cv_file.py.

How far a file was read, whether it was whole, and when to begin again is video_file.py's business.
"""

from typing import NamedTuple, Optional, Tuple

import cv2
import numpy as np

from ..support.errors import CourseError

_MOST_STRETCHED = 16  # a pixel's long side over its short one


class Picture(NamedTuple):
    """A picture as it is to be shown: upright, with square pixels."""

    image: np.ndarray  # (height, width, 3), uint8, BGR
    time: Optional[float]  # seconds from the file's start; None where nobody knows


class VideoDecoder:
    """An open video file. A subclass sets what the file claims, and reads the pictures."""

    def __init__(self, path: str) -> None:
        self.path = path

        # what the file claims
        self.size: Tuple[int, int] = (0, 0)  # width, height of the pictures as they are shown
        self.fps = 0.0
        self.frames: Optional[int] = None
        self.least_frames = 0.0  # that a whole file has; 0 where it does not say
        self.is_plain = True  # every decoded picture is shown, exactly as it was decoded

        # how it is read
        self.tells_times = True
        self.ends_damaged = False  # the last picture that was read is damaged

    def read(self) -> Optional[Picture]:
        """The next picture that can be read; None at the end."""
        raise NotImplementedError

    def begin_again(self) -> None:
        """Go back: the next picture will be the first one."""
        raise NotImplementedError

    def close(self) -> None:
        """Free what the decoder holds. May be called again."""
        raise NotImplementedError


class Showing(NamedTuple):
    """How a decoded picture becomes one to be shown: how it is widened, and how it is turned."""

    stretch: float = 1.0  # a pixel's width over its height
    turn: Optional[int] = None  # as cv2.rotate wants it
    mirrored: bool = False  # before that, what is above goes below, as some front cameras want it

    def of(self, image: np.ndarray) -> np.ndarray:
        """The picture with square pixels, upright. None of its pixels is lost."""
        height, width = image.shape[:2]
        square = self._square(width, height)
        if square != (width, height):
            image = cv2.resize(image, square, interpolation=cv2.INTER_LINEAR)
        if self.mirrored:
            image = cv2.flip(image, 0)
        if self.turn is not None:
            image = cv2.rotate(image, self.turn)
        return image

    def size_of(self, width: int, height: int) -> Tuple[int, int]:
        """The size at which a decoded picture of this size is shown."""
        width, height = self._square(width, height)
        if self.turn in (None, cv2.ROTATE_180):
            return width, height
        return height, width

    def _square(self, width: int, height: int) -> Tuple[int, int]:
        """The size with square pixels: the short side of each pixel is stretched."""
        if self.stretch > 1:
            return int(round(width * self.stretch)), height
        return width, int(round(height / self.stretch))


_TURNS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_CLOCKWISE,
}


def showing(path: str, stretch: float, degrees: float, mirrored: bool = False) -> Showing:
    """The Showing for pixels of this shape, turned by so many degrees anticlockwise."""
    if stretch <= 0:  # it is not stated
        stretch = 1.0
    if not 1 / _MOST_STRETCHED <= stretch <= _MOST_STRETCHED:
        raise CourseError(
            f"{path} claims that its pixels are {stretch:g} times as wide as high: it is damaged."
        )
    quarter = int(round(degrees / 90)) * 90 % 360
    return Showing(stretch, _TURNS.get(quarter), mirrored)


def unreadable(path: str, library: str, advice: str = "") -> CourseError:
    """The error for a file in which no picture can be read."""
    return CourseError(
        f"{path} cannot be read as a video: it is damaged, has no pictures, or needs a "
        f"codec that this {library} lacks{advice}."
    )
