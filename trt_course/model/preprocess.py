"""A picture becomes the network's input tensor, by the recipe in the ModelSpec, in a buffer that the caller gives.

Pictures are uint8, height x width x 3, BGR as OpenCV reads them. Nothing is allocated a frame but views.
"""

import cv2
import numpy as np

from ..support.errors import CourseError
from .placement import placement


def as_bgr(image):
    """The picture as uint8 BGR; grey and BGRA are converted, the rest is refused with advice."""
    if image is None:
        raise CourseError(
            "There is no picture (None). cv2.imread returns None when a file is missing or unreadable: "
            "check the path."
        )
    if not isinstance(image, np.ndarray):
        raise CourseError(
            f"The picture is a {type(image).__name__}; wanted: a numpy array as cv2.imread gives. From PIL: "
            "np.asarray(picture)[:, :, ::-1]"
        )
    if image.size == 0:
        raise CourseError(f"The picture is empty: its shape is {image.shape}.")
    if image.dtype != np.uint8:
        raise CourseError(
            f"The picture has type {image.dtype}; wanted: uint8, 0 to 255. From 16 bit: (image // 256).astype"
            "('uint8'); from floats 0 to 1: (image * 255).astype('uint8')"
        )
    colours = 1 if image.ndim == 2 else image.shape[2] if image.ndim == 3 else 0
    if colours not in (1, 3, 4):
        raise CourseError(
            f"The picture has shape {image.shape}; wanted: (height, width, 3), BGR. One picture, not a batch: "
            "detect_batch takes a list."
        )
    return (
        image
        if colours == 3
        else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR if colours == 1 else cv2.COLOR_BGRA2BGR)
    )


def _to_nv12(image, out):
    h, w = image.shape[:2]
    planar = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420)  # (3h/2, w)
    out[:h, :, 0] = planar[:h]
    colours = out[h:].reshape(h // 2, w // 2, 2)
    colours[:, :, 0], colours[:, :, 1] = planar[h:].reshape(2, h // 2, w // 2)


class Preprocessor:
    """Fills input tensors for one ModelSpec. Holds its scratch memory: one object a thread.

    `inner` is the way on from the input it fills to the network's, where an engine has one inside.
    """

    def __init__(self, spec, inner=None):
        self.spec = spec
        self.inner = inner
        size = (spec.input.height, spec.input.width)
        self._resized = np.empty(size + (3,), np.uint8)  # (h, w, 3) BGR
        self._planes = [np.empty(size, np.uint8) for _ in range(3)]
        gain = np.float32(1) / np.array(spec.input.scale, np.float32)
        values = (
            np.arange(256, dtype=np.float32)[:, None] - np.array(spec.input.mean, np.float32)
        ) * gain  # (256, 3)
        self._tables = np.ascontiguousarray(
            values.T, spec.input.dtype
        )  # what each byte becomes, for 3 colours
        self._order = 1 if spec.input.color == "BGR" else -1  # of the colours, to BGR and back
        self._pad = np.array(spec.input.pad)[:: self._order].round().clip(0, 255).astype(np.uint8)

    def __call__(self, image, out):
        """Write the picture's tensor into `out`, of the spec's shape and dtype. Returns its Placement."""
        if out.shape != self.spec.input.shape or out.dtype != np.dtype(self.spec.input.dtype):
            raise CourseError(
                f"The input buffer is {out.dtype} {out.shape}; the model {self.spec.name} wants {self.spec.input.dtype} {self.spec.input.shape}"
            )
        where = placement(self.spec, image.shape[1], image.shape[0])
        self._fill(image, where, out)
        return where if self.inner is None else where.then(self.inner)

    def _fill(self, image, where, out):
        if image.shape == out.shape and out.dtype == image.dtype and self.spec.input.color == "BGR":
            cv2.threshold(
                image, 0, 255, cv2.THRESH_TOZERO, dst=out
            )  # changes nothing, and uses all cores
            return
        self._resize(image, where)
        if self.spec.input.layout == "nv12":
            _to_nv12(self._resized, out)
            return
        for pixels, table, target in self._parts(out):
            cv2.LUT(pixels, table, dst=target)

    def _resize(self, image, where):
        source, target = image, self._resized
        h, w = target.shape[:2]
        if self.spec.input.resize == "letterbox":
            target[:] = self._pad
            x, y = int(where.shift_x), int(where.shift_y)
            target = target[
                y : y + round(image.shape[0] * where.scale_y),
                x : x + round(image.shape[1] * where.scale_x),
            ]
        elif self.spec.input.resize == "crop":
            x, y = round(-where.shift_x / where.scale_x), round(-where.shift_y / where.scale_y)
            source = image[y : y + round(h / where.scale_y), x : x + round(w / where.scale_x)]
        resized = cv2.resize(source, (target.shape[1], target.shape[0]), dst=target)
        if resized is not target:
            target[:] = resized

    def _parts(self, out):
        """What is filled in one go, with its table: a plane each, or all pixels where colours lie together."""
        if self.spec.input.layout == "nhwc":
            pixels = (
                cv2.cvtColor(self._resized, cv2.COLOR_BGR2RGB)
                if self._order == -1
                else self._resized
            )
            return [(pixels, self._tables.T[None], out)]  # (h, w, 3), (1, 256, 3)
        return zip(
            cv2.split(self._resized, self._planes)[:: self._order], self._tables, out
        )  # 3 x (h, w)
