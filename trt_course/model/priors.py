"""Priors: the boxes that an SSD starts from, and what its offsets make of them.

A network of the layout loc_conf_priors gives no boxes but offsets, one row a prior. The priors
themselves are a file beside the model, centre x, centre y, width, height, normalised.
"""

import functools
from pathlib import Path
from typing import Sequence

import numpy as np

from ..support.errors import CourseError


@functools.lru_cache(maxsize=8)
def read_priors(path: Path) -> np.ndarray:
    """The priors (p, 4) in a .npy file; each file is read once."""
    try:
        priors = np.load(str(path), allow_pickle=False).astype(np.float32)
    except (OSError, ValueError) as err:
        raise CourseError(f"{path} cannot be read as an array of priors: {err}") from None

    if priors.ndim != 2 or priors.shape[1] != 4:
        raise CourseError(
            f"{path} has shape {priors.shape}; "
            "wanted: (priors, 4), centre x, centre y, width, height"
        )
    return priors


def from_priors(loc: np.ndarray, priors: np.ndarray, variances: Sequence[float]) -> np.ndarray:
    """SSD's offsets to corner boxes: loc (n, 4), priors (n, 4) cx cy w h -> (n, 4) x1 y1 x2 y2.

    Without offsets a box is its prior:

    >>> import numpy as np
    >>> priors = np.array([[0.5, 0.5, 0.2, 0.4]])
    >>> from_priors(np.zeros((1, 4)), priors, (0.1, 0.1, 0.2, 0.2)).round(2).tolist()
    [[0.4, 0.3, 0.6, 0.7]]
    """
    offsets = loc.astype(np.float32) * np.asarray(variances, np.float32)  # (n, 4)
    prior_size = priors[:, 2:]  # (n, 2)

    # Offsets move the centre by parts of the prior's size, and scale that size.
    centre = priors[:, :2] + offsets[:, :2] * prior_size
    half = prior_size * np.exp(offsets[:, 2:]) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


class PriorBoxes:
    """The boxes of some priors, each computed only when it is asked for: most never are.

    It is indexed like the array (n, 4) that it stands for; `rows` are the priors that it holds.
    """

    def __init__(
        self, loc: np.ndarray, priors: np.ndarray, rows: np.ndarray, variances: Sequence[float]
    ) -> None:
        self._loc = loc  # (p, 4)
        self._priors = priors  # (p, 4)
        self._rows = rows  # (n,)
        self._variances = variances

    def __getitem__(self, index: np.ndarray) -> np.ndarray:
        rows = self._rows[index]
        return from_priors(self._loc[rows], self._priors[rows], self._variances)
