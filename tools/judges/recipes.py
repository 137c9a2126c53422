"""How each family's own code prepares a picture, and brings boxes back to it.

This is written from the published code, and not from the kit's records, which it judges.
"""

from typing import NamedTuple, Tuple

import cv2
import numpy as np

Array = np.ndarray


class Recipe(NamedTuple):
    """A published way from a picture to a tensor."""

    width: int
    height: int
    color: str = "RGB"
    mean: Tuple[float, ...] = (0.0, 0.0, 0.0)  # of bytes
    scale: Tuple[float, ...] = (255.0, 255.0, 255.0)
    pad: Tuple[float, ...] = ()  # of bytes, in the order of the colours; empty: stretched
    layout: str = "nchw"
    dtype: str = "float32"
    crop: bool = False  # to the middle


_IMAGENET = {"mean": (123.675, 116.28, 103.53), "scale": (58.395, 57.12, 57.375)}
_NANODET = {"mean": (103.53, 116.28, 123.675), "scale": (57.375, 57.12, 58.395)}
_HALF = {"mean": (127.5,) * 3, "scale": (127.5,) * 3}
_ULTRAFACE = {"mean": (127.0,) * 3, "scale": (128.0,) * 3}
_ONE = (1.0,) * 3
_GREY = (114.0,) * 3
_BLACK = (0.0,) * 3

RECIPES = {
    "torchvision_ssd300": Recipe(
        300, 300, mean=(0.48235 * 255, 0.45882 * 255, 0.40784 * 255), scale=_ONE
    ),
    "torchvision_ssdlite320": Recipe(320, 320, **_HALF),
    "torchvision_ssdlite320_heads": Recipe(320, 320, **_HALF),
    "tf1_ssd_mobilenet": Recipe(300, 300, layout="nhwc", **_HALF),
    "tf1_ssd_heads": Recipe(300, 300, layout="nhwc", **_HALF),
    "nvidia_ssd300": Recipe(300, 300, mean=(128.0,) * 3, scale=(128.0,) * 3, crop=True),
    "zoo_ssd_mobilenet_v1": Recipe(300, 300, scale=_ONE, layout="nhwc", dtype="uint8"),
    "yolox_nano": Recipe(416, 416, color="BGR", scale=_ONE, pad=_GREY),
    "yolov5": Recipe(640, 640, pad=_GREY),
    "yolov8": Recipe(640, 640, pad=_GREY),
    "yolov10": Recipe(640, 640, pad=_GREY),
    "grey_half": Recipe(320, 320, color="grey", pad=_GREY, dtype="float16"),
    "nanodet": Recipe(416, 416, color="BGR", pad=_BLACK, **_NANODET),
    "nanodet_plus": Recipe(320, 320, color="BGR", **_NANODET),
    "rtmdet": Recipe(640, 640, color="BGR", pad=_GREY, **_NANODET),
    "yunet": Recipe(640, 640, color="BGR", scale=_ONE, pad=_BLACK),
    "scrfd": Recipe(640, 640, mean=(127.5,) * 3, scale=(128.0,) * 3, pad=_BLACK),
    "blazeface": Recipe(128, 128, pad=_BLACK, layout="nhwc", **_HALF),
    "ultraface": Recipe(320, 240, **_ULTRAFACE),
    "ultraface_raw": Recipe(320, 240, **_ULTRAFACE),
    "dfine": Recipe(640, 640, pad=_BLACK),
    "rtdetr": Recipe(640, 640),
    "detr": Recipe(1066, 800, pad=_IMAGENET["mean"], **_IMAGENET),
    "ppyoloe": Recipe(640, 640, **_IMAGENET),
}


def resized(recipe: Recipe, picture: Array) -> Array:
    """The BGR picture in the size of the input."""
    if recipe.crop:
        left, top, width, height = _outer(recipe, picture)
        picture = picture[top : top + height, left : left + width]
    if not recipe.pad:
        return cv2.resize(picture, (recipe.width, recipe.height))
    left, top, width, height = _inner(recipe, picture)
    pad = recipe.pad if recipe.color == "BGR" else recipe.pad[::-1]
    canvas = np.empty((recipe.height, recipe.width, 3), np.uint8)
    canvas[:] = np.round(pad)
    canvas[top : top + height, left : left + width] = cv2.resize(picture, (width, height))
    return canvas


def tensor(recipe: Recipe, picture: Array) -> Array:
    """The picture as the network's input, a batch of one."""
    pixels = resized(recipe, picture)
    if recipe.color == "RGB":
        pixels = pixels[:, :, ::-1]
    elif recipe.color == "grey":
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)[:, :, None]
    channels = pixels.shape[2]
    values = (pixels - np.array(recipe.mean[:channels])) / np.array(recipe.scale[:channels])
    if recipe.layout == "nchw":
        values = values.transpose(2, 0, 1)
    return np.ascontiguousarray(values[None].astype(recipe.dtype))


def to_picture(recipe: Recipe, boxes: Array, picture: Array) -> Array:
    """Corners (n, 4) in pixels of the input -> in pixels of the picture, clipped to it."""
    rows, columns = picture.shape[:2]
    if recipe.crop:
        left, top, width, height = _outer(recipe, picture)
        factor = width / recipe.width
        moved = np.asarray(boxes, float).reshape(-1, 4) * factor + [left, top, left, top]
        return np.clip(moved, 0, [columns, rows, columns, rows])
    inner = (0, 0, recipe.width, recipe.height)
    if recipe.pad:
        inner = _inner(recipe, picture)
    left, top, width, height = inner
    moved = np.asarray(boxes, float).reshape(-1, 4) - [left, top, left, top]
    shares = moved / [width, height, width, height]
    return shares.clip(0, 1) * [columns, rows, columns, rows]


def _inner(recipe: Recipe, picture: Array) -> Tuple[int, int, int, int]:
    """Where a letterboxed picture lies: left, top, width, height. In the middle, as most do."""
    rows, columns = picture.shape[:2]
    ratio = min(recipe.width / columns, recipe.height / rows)
    width = round(columns * ratio)
    height = round(rows * ratio)
    return (recipe.width - width) // 2, (recipe.height - height) // 2, width, height


def _outer(recipe: Recipe, picture: Array) -> Tuple[int, int, int, int]:
    """The middle of a picture that cropping leaves: left, top, width, height."""
    rows, columns = picture.shape[:2]
    ratio = max(recipe.width / columns, recipe.height / rows)
    width = round(recipe.width / ratio)
    height = round(recipe.height / ratio)
    return (columns - width) // 2, (rows - height) // 2, width, height
