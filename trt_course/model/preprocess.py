"""A picture becomes the network's input tensor, by the recipe in the ModelSpec.

Pictures are uint8, height x width x 3, BGR as OpenCV reads them. The tensor is written into a
buffer that the caller gives, by way of memory that is used again for each picture.
"""

from typing import List, Optional

import cv2
import numpy as np

from ..support.errors import CourseError
from .placement import Placement, placement
from .spec import ModelSpec


def as_bgr(image: np.ndarray) -> np.ndarray:
    """The picture as uint8 BGR; grey and BGRA are converted, the rest is refused with advice."""
    _require_bytes(image)

    channels = 0
    if image.ndim == 2:
        channels = 1
    elif image.ndim == 3:
        channels = image.shape[2]

    if channels == 3:
        return image
    if channels == 1:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    if channels == 4:
        return cv2.cvtColor(image, cv2.COLOR_BGRA2BGR)
    raise CourseError(
        f"The picture has shape {image.shape}; wanted: (height, width, 3), BGR. "
        "One picture, not a batch: detect_batch takes a list."
    )


def _require_bytes(image: object) -> None:
    """Refuse what is no numpy array of bytes."""
    if image is None:
        raise CourseError(
            "There is no picture (None). cv2.imread returns None when a file is missing or "
            "unreadable: check the path."
        )
    if not isinstance(image, np.ndarray):
        raise CourseError(
            f"The picture is a {type(image).__name__}; wanted: a numpy array as cv2.imread gives. "
            "From PIL: np.asarray(picture)[:, :, ::-1]"
        )
    if image.size == 0:
        raise CourseError(f"The picture is empty: its shape is {image.shape}.")
    if image.dtype != np.uint8:
        raise CourseError(
            f"The picture has type {image.dtype}; wanted: uint8, 0 to 255. From 16 bit: "
            "(image // 256).astype('uint8'); from floats 0 to 1: (image * 255).astype('uint8')"
        )


class Preprocessor:
    """Writes pictures into input tensors for one ModelSpec. Each thread needs one of its own.

    Where an engine has a part of the recipe inside, the spec's input is what the engine takes, and
    `inner` is the Placement from there to the network's own input.

    A white picture of another size becomes the signs model's tensor, where white is 1:

    >>> from trt_course import find_model
    >>> spec = find_model("ssd_mobilenet_v2_signs")
    >>> preprocess = Preprocessor(spec)
    >>> tensor = np.zeros(spec.input.shape, np.float32)  # (3, 300, 300)
    >>> placed = preprocess(np.full((600, 900, 3), 255, np.uint8), tensor)
    >>> float(tensor.min()), float(tensor.max())
    (1.0, 1.0)
    >>> placed.scale_y  # the picture's 600 rows are 300 now
    0.5
    """

    def __init__(self, spec: ModelSpec, inner: Optional[Placement] = None) -> None:
        self.spec = spec
        self.inner = inner

        # The recipe, for each colour in the tensor's order: what every byte becomes.
        self._reversed = spec.input.color == "RGB"  # OpenCV's is BGR
        self._plane_tables = _byte_tables(spec)  # (channels, 256)
        self._pixel_table = self._plane_tables.T[np.newaxis]  # (1, 256, channels)
        self._border = _border_color(spec)  # (3,) BGR

        # Scratch memory for one picture, BGR.
        height = spec.input.height
        width = spec.input.width
        self._resized = np.empty((height, width, 3), np.uint8)
        self._planes = [np.empty((height, width), np.uint8) for _ in range(3)]

    def __call__(self, image: np.ndarray, out: np.ndarray) -> Placement:
        """Write the picture's tensor into `out`, which has the spec's shape and type.

        Returns the Placement that brings boxes back to the picture.
        """
        entry = self.spec.input
        if out.shape != entry.shape or out.dtype != np.dtype(entry.dtype):
            raise CourseError(
                f"The input buffer is {out.dtype} {out.shape}; the model {self.spec.name} "
                f"wants {entry.dtype} {entry.shape}"
            )

        placed = placement(self.spec, image.shape[1], image.shape[0])
        if self._is_tensor(image, out):
            _copy(image, out)
        else:
            self._resize(image, placed)
            self._fill(out)

        if self.inner is None:
            return placed
        return placed.then(self.inner)

    def _is_tensor(self, image: np.ndarray, out: np.ndarray) -> bool:
        """Whether the picture is what the engine takes as it is."""
        as_read = self.spec.input.layout == "nhwc" and not self._reversed
        return as_read and image.shape == out.shape and image.dtype == out.dtype

    def _resize(self, image: np.ndarray, placed: Placement) -> None:
        """Put the picture into the scratch memory, by the record's way to resize."""
        part = image  # what of the picture is used
        target = self._resized  # and where it goes
        if self.spec.input.resize == "letterbox":
            self._resized[:] = self._border
            target = self._inside_borders(image, placed)
        elif self.spec.input.resize == "crop":
            part = self._middle_of(image, placed)

        height, width = target.shape[:2]
        resized = cv2.resize(part, (width, height), dst=target)
        # OpenCV does not write into a target that it cannot use, such as one with gaps.
        if resized is not target:
            target[:] = resized

    def _inside_borders(self, image: np.ndarray, placed: Placement) -> np.ndarray:
        """The part of the scratch memory that a letterboxed picture takes."""
        x = int(placed.shift_x)
        y = int(placed.shift_y)
        height = round(image.shape[0] * placed.scale_y)
        width = round(image.shape[1] * placed.scale_x)
        return self._resized[y : y + height, x : x + width]

    def _middle_of(self, image: np.ndarray, placed: Placement) -> np.ndarray:
        """The part of the picture that cropping leaves."""
        x = round(-placed.shift_x / placed.scale_x)
        y = round(-placed.shift_y / placed.scale_y)
        height = round(self.spec.input.height / placed.scale_y)
        width = round(self.spec.input.width / placed.scale_x)
        return image[y : y + height, x : x + width]

    def _fill(self, out: np.ndarray) -> None:
        """From the resized picture to the tensor."""
        if self.spec.input.layout == "nchw":
            self._fill_planes(out)
        elif self.spec.input.layout == "nhwc":
            self._fill_pixels(out)
        else:
            _fill_nv12(self._resized, out)

    def _fill_planes(self, out: np.ndarray) -> None:
        """A plane for each colour: out is (channels, h, w)."""
        planes = self._colours()
        for plane, table, target in zip(planes, self._plane_tables, out):
            cv2.LUT(plane, table, dst=target)

    def _colours(self) -> List[np.ndarray]:
        """The planes (h, w) of the resized picture in the tensor's order."""
        if self.spec.input.color == "GREY":
            return [cv2.cvtColor(self._resized, cv2.COLOR_BGR2GRAY)]
        planes = list(cv2.split(self._resized, self._planes))
        if self._reversed:
            planes.reverse()
        return planes

    def _fill_pixels(self, out: np.ndarray) -> None:
        """The colours of a pixel side by side: out is (h, w, channels)."""
        pixels: np.ndarray = self._resized
        if self.spec.input.color == "GREY":
            pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
            cv2.LUT(pixels, self._pixel_table, dst=out[:, :, 0])
            return
        if self._reversed:
            pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
        cv2.LUT(pixels, self._pixel_table, dst=out)


def _byte_tables(spec: ModelSpec) -> np.ndarray:
    """What the recipe makes of every byte, by colour in the tensor's order: (channels, 256)."""
    every_byte = np.arange(256, dtype=np.float32)
    mean = np.array(spec.input.mean, np.float32)
    gain = np.float32(1) / np.array(spec.input.scale, np.float32)
    values = (every_byte - mean[:, np.newaxis]) * gain[:, np.newaxis]
    return values.astype(spec.input.dtype)


def _border_color(spec: ModelSpec) -> np.ndarray:
    """What letterboxing puts around a picture, as a BGR pixel (3,)."""
    color = np.resize(np.array(spec.input.pad), 3)  # grey is the same in all colours
    if spec.input.color == "RGB":
        color = color[::-1]
    return color.round().clip(0, 255).astype(np.uint8)


def _copy(image: np.ndarray, out: np.ndarray) -> None:
    """Copy the picture as it is."""
    # A threshold of 0 changes no byte, and unlike a plain copy it uses all cores.
    cv2.threshold(image, 0, 255, cv2.THRESH_TOZERO, dst=out)


def _fill_nv12(image: np.ndarray, out: np.ndarray) -> None:
    """As a GPU's video decoder leaves a picture: brightness, and below it colours in pairs."""
    height, width = image.shape[:2]
    planar = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420)  # (3h/2, w): y, then u, then v
    out[:height, :, 0] = planar[:height]

    # I420 has all of u before all of v; NV12 has them in turns.
    chroma = planar[height:].reshape(2, height // 2, width // 2)
    pairs = out[height:].reshape(height // 2, width // 2, 2)
    pairs[:, :, 0] = chroma[0]
    pairs[:, :, 1] = chroma[1]
