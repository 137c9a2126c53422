"""Priors: the boxes that an SSD starts from, and what its offsets make of them.

A network of the layout loc_conf_priors gives no boxes but offsets, one row a prior. The priors
themselves are a file beside the model, centre x, centre y, width, height, normalised.
"""

import functools
import io
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from ..support.errors import CourseError
from ..support.files import read_small

_WHAT = "an array of priors, as numpy.save writes it (.npy)"
_HEADERS = {  # by the version of the format; for plain numbers NumPy uses only these two
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


@functools.lru_cache(maxsize=8)
def read_priors(path: Path) -> np.ndarray:
    """The priors (p, 4) in a .npy file; each file is read once."""
    stream = io.BytesIO(read_small(path, _WHAT))
    _require_plain_numbers(path, stream)

    with np.errstate(over="ignore"):  # numbers too large for float32 become infinite: refused
        priors = np.load(stream, allow_pickle=False).astype(np.float32)
    possible = np.isfinite(priors).all() and (priors[:, 2:] > 0).all()
    if not possible:
        raise CourseError(
            f"{path} contains a prior that is not a box; wanted: finite numbers, and widths and "
            "heights above 0."
        )
    return priors


def _require_plain_numbers(path: Path, stream: io.BytesIO) -> None:
    """Refuse an array whose head does not promise rows of four numbers, or more than there are.

    The head is read before the array, for which NumPy would allocate as much memory as it says.
    """
    try:
        header: Any = _HEADERS[np.lib.format.read_magic(stream)](stream)
        shape, _, dtype = header
    except Exception:  # the head is parsed as Python source, which may fail in many ways
        raise CourseError(f"{path} cannot be read; wanted: {_WHAT}.") from None

    if len(shape) != 2 or shape[0] < 1 or shape[1] != 4 or dtype.kind not in "fiu":
        raise CourseError(
            f"{path} has shape {shape} of {dtype}; "
            "wanted: (priors, 4) numbers, centre x, centre y, width, height"
        )
    promised = shape[0] * shape[1] * dtype.itemsize
    held = len(stream.getvalue()) - stream.tell()
    if promised != held:
        raise CourseError(
            f"{path} promises {shape[0]} priors but has {held / promised * 100:.0f} % of them: "
            "it is cut off or damaged. Make it again."
        )
    stream.seek(0)


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
