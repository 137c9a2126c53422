"""How much a picture may be, whoever sends it.

What comes from a file or the network may be hostile, broken or merely a mistake. It is refused by
one sentence before it takes the machine's memory.
"""

from ..support.errors import CourseError

MOST_PIXELS = 100 * 1000 * 1000  # of a picture: 300 MB as BGR, and some three times that on the way


def require_pixels(width: int, height: int, what: str) -> None:
    """A CourseError for a picture without pixels, or of more than MOST_PIXELS.

    To be asked before it is decoded: `what` names the picture's file or its camera.
    """
    if width < 1 or height < 1:
        raise CourseError(f"{what} says that it is {width} x {height} pixels, which is no picture.")
    if width * height > MOST_PIXELS:
        raise CourseError(
            f"{what} says that it is {width} x {height} pixels; at most "
            f"{MOST_PIXELS // 10**6} million are taken, for more would not fit into memory. "
            "Scale it down first."
        )
