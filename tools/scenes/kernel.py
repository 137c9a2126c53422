"""How this package computes: one way to compile, and working arrays that are used again.

Compiled without threads and without fast-math, so that equal input gives equal bits. Not safe for several threads of
one process: let workers be processes.
"""
import numpy as np
from numba import njit

kernel = njit(cache=True, error_model="numpy")
_KEPT = {}


def scratch(name, shape, dtype=np.float32, fill=None):
    """An array that the next call with this name gives out again: fresh memory costs more than filling old."""
    size = int(np.prod(shape))
    kept = _KEPT.get(name)
    if kept is None or len(kept) < size or kept.dtype != dtype:
        kept = _KEPT[name] = np.empty(size + size // 4, dtype)
    array = kept[:size].reshape(shape)
    if fill is not None:
        array.fill(fill)
    return array
