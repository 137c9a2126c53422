"""From the numbers of a box as a network writes them to its corners, x1 y1 x2 y2.

A box is written in one of four forms: its corners, its centre and size, offsets from a prior, or
the distances of its sides from the centre of a prior. Grids need no form of their own: there each
cell is a prior.
"""

from typing import Optional

import numpy as np

from .output_spec import BoxesSpec

_TURN = [1, 0, 3, 2]  # y x y x -> x y x y, and back


class Boxes:
    """The boxes of some places, whose corners are computed only when asked for: most never are.

    It is indexed like the array (n, 4) of corners that it stands for.
    """

    def __init__(
        self, spec: BoxesSpec, values: np.ndarray, priors: Optional[np.ndarray] = None
    ) -> None:
        self._spec = spec
        self._values = values  # (p, columns)
        self._priors = priors  # (p, 4) cx cy w h

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        spec = self._spec
        values = self._values[rows].astype(np.float32)  # (n, columns)
        if spec.bins > 1:
            values = from_bins(values, spec.bins)  # (n, 4)
        if spec.order == "yx":
            values = values[:, _TURN]

        if spec.form == "corners":
            return values
        if spec.form == "centre_size":
            return corners(values[:, :2], values[:, 2:])
        assert self._priors is not None  # the record's rules see to it
        priors = self._priors[rows]
        if spec.form == "distances":
            return from_distances(values, priors)
        return from_offsets(values, priors, spec)


def corners(centre: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Centres (n, 2) and sizes (n, 2) -> corner boxes (n, 4)."""
    half = size / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def from_offsets(offsets: np.ndarray, priors: np.ndarray, spec: BoxesSpec) -> np.ndarray:
    """SSD's offsets (n, 4) from priors (n, 4) cx cy w h -> corner boxes (n, 4).

    Without offsets a box is its prior:

    >>> import numpy as np
    >>> from trt_course.model.output_spec import BoxesSpec, Part
    >>> spec = BoxesSpec(Part(("loc",), "output.boxes.tensor"), form="offsets")
    >>> priors = np.array([[0.5, 0.5, 0.2, 0.4]])
    >>> from_offsets(np.zeros((1, 4)), priors, spec).round(2).tolist()
    [[0.4, 0.3, 0.6, 0.7]]
    """
    variances = np.asarray(spec.variances, np.float32)
    if spec.order == "yx":
        variances = variances[_TURN]
    scaled = offsets * variances  # (n, 4)
    prior_size = priors[:, 2:]  # (n, 2)

    # Offsets move the centre by parts of the prior's size, and scale that size.
    centre = priors[:, :2] + scaled[:, :2] * prior_size
    factor = scaled[:, 2:]
    if spec.sizes == "exp":
        factor = np.exp(factor)
    return corners(centre, prior_size * factor)


def from_distances(distances: np.ndarray, priors: np.ndarray) -> np.ndarray:
    """Distances left, top, right, bottom (n, 4), in sizes of the prior -> corner boxes (n, 4)."""
    centre = priors[:, :2]
    size = priors[:, 2:]
    return np.concatenate([centre - distances[:, :2] * size, centre + distances[:, 2:] * size], 1)


def from_bins(logits: np.ndarray, bins: int) -> np.ndarray:
    """The mean of each of four distributions over 0, 1, 2 ...: (n, 4 x bins) -> (n, 4)."""
    table = logits.reshape(-1, 4, bins)
    powers = np.exp(table - table.max(axis=2, keepdims=True))
    shares = powers / powers.sum(axis=2, keepdims=True)
    return shares @ np.arange(bins, dtype=np.float32)
