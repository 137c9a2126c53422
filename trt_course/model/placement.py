"""Where a picture lies in the network's input, and the way back for boxes."""

from typing import NamedTuple

import numpy as np

from .spec import ModelSpec


class Placement(NamedTuple):
    """How one picture was put into the network's input: input = picture * scale + shift, in pixels.

    `width` and `height` are the picture's own, so that a Placement alone brings boxes home:

    >>> import numpy as np
    >>> half = Placement(0.5, 0.5, shift_x=0.0, shift_y=20.0, width=640, height=400)
    >>> half.to_image(np.array([[10, 30, 20, 40]])).tolist()
    [[20.0, 20.0, 40.0, 40.0]]
    """

    scale_x: float
    scale_y: float
    shift_x: float
    shift_y: float
    width: int
    height: int

    def to_image(self, boxes: np.ndarray) -> np.ndarray:
        """Boxes (n, 4) from pixels of the network's input to pixels of the picture."""
        shift = np.array([self.shift_x, self.shift_y, self.shift_x, self.shift_y], np.float32)
        scale = np.array([self.scale_x, self.scale_y, self.scale_x, self.scale_y], np.float32)
        return (boxes - shift) / scale  # (n, 4)

    def then(self, following: "Placement") -> "Placement":
        """This Placement followed by another: from this picture to the other's input."""
        return Placement(
            scale_x=self.scale_x * following.scale_x,
            scale_y=self.scale_y * following.scale_y,
            shift_x=self.shift_x * following.scale_x + following.shift_x,
            shift_y=self.shift_y * following.scale_y + following.shift_y,
            width=self.width,
            height=self.height,
        )


def placement(spec: ModelSpec, width: int, height: int) -> Placement:
    """The Placement of a picture of this size, by the record's way to resize."""
    way = _WAYS[spec.input.resize]
    return way(spec.input.width, spec.input.height, width, height)


def _stretch(in_width: int, in_height: int, width: int, height: int) -> Placement:
    """Each side by its own factor: the whole picture, and its shape is lost."""
    return Placement(in_width / width, in_height / height, 0.0, 0.0, width, height)


def _letterbox(in_width: int, in_height: int, width: int, height: int) -> Placement:
    """Both sides by the smaller factor, in the middle, with borders."""
    scale = min(in_width / width, in_height / height)
    new_width = max(1, round(width * scale))
    new_height = max(1, round(height * scale))
    return Placement(
        scale_x=new_width / width,
        scale_y=new_height / height,
        shift_x=float((in_width - new_width) // 2),
        shift_y=float((in_height - new_height) // 2),
        width=width,
        height=height,
    )


def _crop(in_width: int, in_height: int, width: int, height: int) -> Placement:
    """Both sides by the larger factor: the middle of the picture, its edges are cut off."""
    scale = max(in_width / width, in_height / height)
    part_width = min(width, max(1, round(in_width / scale)))
    part_height = min(height, max(1, round(in_height / scale)))
    scale_x = in_width / part_width
    scale_y = in_height / part_height
    return Placement(
        scale_x=scale_x,
        scale_y=scale_y,
        shift_x=-((width - part_width) // 2) * scale_x,
        shift_y=-((height - part_height) // 2) * scale_y,
        width=width,
        height=height,
    )


_WAYS = {"stretch": _stretch, "letterbox": _letterbox, "crop": _crop}
