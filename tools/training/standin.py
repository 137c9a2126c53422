"""Coloured rectangles and tiny networks in place of rendered scenes and real ones.

They are for tests: quick to render and to learn, and never shipped.
"""

from typing import NamedTuple

import numpy as np

from .recipes import SIGNS, TRAFFIC

LABELS = ("red", "green", "blue")
COLORS = np.eye(3, dtype=np.uint8)[::-1] * 255  # BGR, by class
SCENE = (160, 96)
TINY = {
    "resnet18": TRAFFIC._replace(
        size=(160, 96), widths=(8, 8, 16, 16, 16), neck=16, batch=4, max_boxes=8
    ),
    "mobilenet_v2": SIGNS._replace(size=(100, 100), widths=(0.25,), neck=16, batch=4, max_boxes=8),
}


class Shapes(NamedTuple):
    """A scene as pool.Sample describes it."""

    image: np.ndarray  # (h, w, 3) BGR
    boxes: np.ndarray  # (n, 4)
    classes: np.ndarray  # (n,)
    difficult: np.ndarray  # (n,)


def shapes(_task: str, split: str, index: int, seed: int) -> Shapes:
    """Three filled rectangles of class colours on noise, side by side; the renderer's signature."""
    random = np.random.default_rng([index, seed, len(split)])
    width, height = SCENE
    image = random.integers(0, 90, (height, width, 3), dtype=np.uint8)

    # one rectangle in each third
    low = random.uniform((2, 5), (12, 50), (3, 2)) + [(0, 0), (52, 0), (104, 0)]
    high = low + random.uniform(18, 38, (3, 2))
    boxes = np.concatenate([low, high], 1).astype(np.float32)

    classes = random.permutation(3)
    for (x1, y1, x2, y2), wanted in zip(boxes.astype(int), classes):
        image[y1:y2, x1:x2] = COLORS[wanted]
    return Shapes(image, boxes, classes, np.zeros(3, bool))
