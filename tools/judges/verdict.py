"""What a judge found."""

from typing import NamedTuple

import numpy as np


class Verdict(NamedTuple):
    """Boxes in pixels of the network's input, and where they are from."""

    boxes: np.ndarray  # (n, 4) x1 y1 x2 y2
    scores: np.ndarray  # (n,)
    classes: np.ndarray  # (n,) the network's own ids
    source: str
