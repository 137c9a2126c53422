"""Coloured rectangles and tiny networks in place of rendered scenes and real ones: for tests,
not for shipping.
"""

from typing import NamedTuple

import numpy as np

from .recipes import SIGNS, TRAFFIC

LABELS = ("red", "green", "blue")
SCENE = (160, 96)
TINY = {
    "resnet18": TRAFFIC._replace(
        size=(160, 96), widths=(8, 8, 16, 16, 16), neck=16, batch=4, max_boxes=8
    ),
    "mobilenet_v2": SIGNS._replace(size=(100, 100), widths=(0.25,), neck=16, batch=4, max_boxes=8),
}


class Sample(NamedTuple):
    image: np.ndarray
    boxes: np.ndarray
    classes: np.ndarray
    difficult: np.ndarray


def shapes(_task, split, index, seed):
    """Three filled rectangles of class colours on noise, side by side; the renderer's signature."""
    random = np.random.default_rng([index, seed, len(split)])
    image = random.integers(0, 90, (SCENE[1], SCENE[0], 3), dtype=np.uint8)
    low = random.uniform((2, 5), (12, 50), (3, 2)) + [(0, 0), (52, 0), (104, 0)]
    boxes = np.concatenate([low, low + random.uniform(18, 38, (3, 2))], 1).astype(np.float32)
    classes = random.permutation(3)
    for (x1, y1, x2, y2), c in zip(boxes.astype(int), classes):
        image[y1:y2, x1:x2] = np.eye(3, dtype=np.uint8)[2 - c] * 255
    return Sample(image, boxes, classes, np.zeros(3, bool))
