"""Priors: the boxes that a detector starts from, a few in each cell of a grid.

Many networks give no boxes but what makes boxes of the priors (boxes.py). The priors themselves are
a file beside the model, or a rule in its record: centre x, centre y, width, height, normalised.
"""

import contextlib
import functools
import io
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional

import numpy as np

from ..support.errors import CourseError
from ..support.files import read_small
from .output_spec import PriorRule

if TYPE_CHECKING:
    from .spec import ModelSpec

_WHAT = "an array of priors, as numpy.save writes it (.npy)"
_HEADERS = {  # by the version of the format; for plain numbers NumPy uses only these two
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_priors(path: Path) -> np.ndarray:
    """The priors (p, 4) in a .npy file, which is read again only if it has changed."""
    changed = 0
    with contextlib.suppress(OSError):  # reading says why
        changed = os.stat(str(path)).st_mtime_ns
    return _read_priors(path, changed)


@functools.lru_cache(maxsize=8)
def _read_priors(path: Path, changed: int) -> np.ndarray:
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


def priors_of(spec: "ModelSpec") -> Optional[np.ndarray]:
    """The priors (p, 4) of a model, cx cy w h, normalised; None if its boxes need none."""
    source = spec.output.boxes.priors
    if source is None:
        return None
    if isinstance(source, PriorRule):
        return make_priors(source, spec.input.width, spec.input.height)
    return read_priors(source)


class Grid(NamedTuple):
    """How many priors a scale has, and in how many cells they lie if a rule makes them."""

    priors: int
    rows: int = -1
    columns: int = -1

    def axes(self, place: str) -> Dict[str, int]:
        """The lengths of the axes along which they lie, by their names; `place` is that of all."""
        lengths = {place: self.priors}
        if self.rows != -1:
            lengths.update(height=self.rows, width=self.columns)
        return lengths


def priors_by_scale(spec: "ModelSpec") -> List[Grid]:
    """The priors of each scale, which are not made for it; those of a file count as one scale."""
    source = spec.output.boxes.priors
    if not isinstance(source, PriorRule):
        priors = priors_of(spec)
        assert priors is not None
        return [Grid(len(priors))]

    grids = []
    for index, step in enumerate(source.steps):
        rows = _cells(spec.input.height, step)
        columns = _cells(spec.input.width, step)
        grids.append(Grid(rows * columns * _in_a_cell(source, index), rows, columns))
    return grids


@functools.lru_cache(maxsize=8)
def make_priors(rule: PriorRule, width: int, height: int) -> np.ndarray:
    """The priors (p, 4) that a rule makes for an input of this size, cx cy w h, normalised.

    Scale by scale, in each row by row, cell by cell, and the priors of a cell one after another.
    """
    scales = [_scale(rule, i, width, height) for i in range(len(rule.steps))]
    priors = np.concatenate(scales) / np.array([width, height, width, height])
    if rule.clip:
        priors[:, 2:] = priors[:, 2:].clip(max=1)
    return priors.astype(np.float32)


def _scale(rule: PriorRule, index: int, width: int, height: int) -> np.ndarray:
    """The priors of one scale in pixels, (rows x columns x shapes, 4)."""
    step = rule.steps[index]
    where = {"corner": 0.0, "middle": step / 2, "middle_pixel": (step - 1) / 2}[rule.at]
    x = np.arange(_cells(width, step)) * step + where  # (columns,)
    y = np.arange(_cells(height, step)) * step + where  # (rows,)
    shapes = _shapes(rule, index)  # (k, 2)

    priors = np.empty((len(y), len(x), len(shapes), 4))
    priors[..., 0] = x[None, :, None]
    priors[..., 1] = y[:, None, None]
    priors[..., 2:] = shapes
    return priors.reshape(-1, 4)


def _shapes(rule: PriorRule, index: int) -> np.ndarray:
    """Width and height of each prior of a cell, (k, 2)."""
    if not rule.sizes:
        return np.full((1, 2), rule.steps[index])
    sizes = np.array(rule.sizes[index])
    aspects = np.ones(len(sizes))
    if rule.aspects:
        aspects = np.array(rule.aspects[index])
    root = np.sqrt(aspects)
    return np.stack([sizes * root, sizes / root], axis=1)


def _cells(pixels: int, step: float) -> int:
    """How many cells a side has: the last may stand over."""
    return math.ceil(pixels / step - 0.001)  # a step such as 300 / 19 is rounded in the record


def _in_a_cell(rule: PriorRule, index: int) -> int:
    return len(rule.sizes[index]) if rule.sizes else 1
