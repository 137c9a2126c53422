"""The recipe of a model's pictures as ONNX nodes: what Preprocessor does, inside the network.

For pictures of one size. It makes nodes; inside.py puts them before a model.
"""

from typing import List, Tuple

import numpy as np

from ..model.placement import placement
from ..model.spec import ModelSpec
from .nodes import ABSENT, Nodes, Operand

# BT.601's way from brightness and colour (16 to 235 and 240) to blue, green and red, as OpenCV
# takes it. OpenCV rounds down, for green twice: that is what LOST makes up for.
YUV_TO_BGR = np.array([[1.164, 2.017, 0], [1.164, -0.392, -0.813], [1.164, 0, 1.596]], np.float32)
BLACK = np.array([16, 128, 128], np.float32)
LOST = np.array([0.8, 1.3, 0.8], np.float32)

# From blue, green and red to the network's colours.
COLOURS = {
    "BGR": np.eye(3, dtype=np.float32),
    "RGB": np.eye(3, dtype=np.float32)[::-1],
    "GREY": np.array([[0.114, 0.587, 0.299]], np.float32),
}


class Recipe:
    """The way of pictures of one size into the network's input, as nodes.

    It does what Preprocessor does on the host: `from_bgr` or `from_nv12`, then `finish`.
    Shapes: b pictures of h x w, and the network's input of in_h x in_w.
    """

    def __init__(self, nodes: Nodes, spec: ModelSpec, source: Tuple[int, int]) -> None:
        self.nodes = nodes
        self.entry = spec.input

        # the picture, and where it goes
        width, height = source
        self.width = width
        self.height = height
        self.placement = placement(spec, width, height)

        # height and width that it is resized to: a letterbox leaves room for borders
        if self.entry.resize == "crop":
            self.resized = [self.entry.height, self.entry.width]
        else:
            self.resized = [
                round(height * self.placement.scale_y),
                round(width * self.placement.scale_x),
            ]

    def from_bgr(self, pixels: str) -> str:
        """OpenCV's pixels (b, h, w, 3) as resized planes (b, 3, in_h, in_w)."""
        return self._resize(self.nodes.transpose(pixels, [0, 3, 1, 2]))

    def from_nv12(self, pixels: str) -> str:
        """A decoder's bytes (b, h * 3 / 2, w, 1) as resized planes (b, 3, in_h, in_w).

        Resized first: that commutes with the matrix of the colours, and leaves it fewer pixels.
        """
        nodes = self.nodes
        height = self.height
        width = self.width

        # Brightness is the upper part. Below it, each pair of colours is for 2 x 2 pixels.
        luma = nodes.cut(pixels, [0], [height], axes=[1])
        luma = nodes.reshape(luma, [0, 1, height, width])  # (b, 1, h, w)
        chroma = nodes.cut(pixels, [height], [height * 3 // 2], axes=[1])
        chroma = nodes.reshape(chroma, [0, height // 2, width // 2, 2])
        chroma = nodes.transpose(chroma, [0, 3, 1, 2])  # (b, 2, h / 2, w / 2)
        chroma = nodes.add(
            "Resize",
            [chroma, ABSENT, [1.0, 1.0, 2.0, 2.0]],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )  # (b, 2, h, w)
        luma = self._resize(luma)  # (b, 1, in_h, in_w)
        chroma = self._resize(chroma)  # (b, 2, in_h, in_w)
        planes = nodes.concat([luma, chroma], axis=1)  # (b, 3, in_h, in_w)

        # A convolution of 1 x 1 is a matrix for each pixel.
        weights = YUV_TO_BGR.reshape(3, 3, 1, 1)
        bias = -YUV_TO_BGR @ BLACK - LOST
        colours = nodes.add("Conv", [planes, weights, bias])
        return nodes.add("Clip", [colours, 0.0, 255.0])

    def finish(self, planes: str) -> None:
        """Borders, then the order of colours, mean and scale, into the network's input."""
        entry = self.entry
        if entry.resize == "letterbox":
            planes = self._pad(planes)

        # Order, mean and scale are one matrix for each pixel: a convolution of 1 x 1.
        gain = 1 / np.array(entry.scale, np.float32)  # (3,)
        weights = COLOURS[entry.color] * gain[:, np.newaxis]  # (c, 3)
        bias = -np.array(entry.mean, np.float32) * gain
        operands: List[Operand] = [planes, weights[:, :, np.newaxis, np.newaxis], bias]
        last = self.nodes.add("Conv", operands)  # (b, c, in_h, in_w)
        if entry.layout == "nhwc":
            last = self.nodes.transpose(last, [0, 2, 3, 1])  # (b, in_h, in_w, c)
        kind = "FLOAT16" if entry.dtype == "float16" else "FLOAT"
        self.nodes.cast(last, kind, entry.name)

    def _resize(self, planes: str) -> str:
        """Planes cropped and resized as OpenCV's linear interpolation does it."""
        nodes = self.nodes
        if self.entry.resize == "crop":
            planes = self._crop(planes)
        shape = nodes.add("Shape", [planes])  # (4,)
        whole = nodes.add("Slice", [shape, [0], [2]])  # (2,): the batch and its planes
        wanted = nodes.concat([whole, self.resized], axis=0)  # (4,)
        return nodes.add(
            "Resize",
            [planes, ABSENT, ABSENT, wanted],
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )

    def _crop(self, planes: str) -> str:
        """The middle of the picture, as its Placement has it."""
        where = self.placement
        top = round(-where.shift_y / where.scale_y)
        left = round(-where.shift_x / where.scale_x)
        bottom = top + round(self.resized[0] / where.scale_y)
        right = left + round(self.resized[1] / where.scale_x)
        return self.nodes.cut(planes, [top, left], [bottom, right], axes=[2, 3])

    def _pad(self, planes: str) -> str:
        """Borders in the colour of the record, around a picture in the middle."""
        nodes = self.nodes
        colour = np.resize(np.round(self.entry.pad).clip(0, 255), 3)  # grey in all three
        if self.entry.color == "RGB":
            colour = colour[::-1]
        colour = colour.reshape(1, 3, 1, 1)

        top = int(self.placement.shift_y)
        left = int(self.placement.shift_x)
        bottom = self.entry.height - self.resized[0] - top
        right = self.entry.width - self.resized[1] - left
        borders = [0, 0, top, left, 0, 0, bottom, right]

        # Borders are zeros, so the colour is taken off first and put back afterwards.
        around = nodes.add("Pad", [nodes.add("Sub", [planes, colour]), borders], mode="constant")
        return nodes.add("Add", [around, colour])
