"""How this package computes: one way to compile, and working arrays that are used again.

Compiled without threads and without fast-math, so that equal input gives equal bits. Not safe for several threads of
one process: let workers be processes.
"""

import zlib
from pathlib import Path

import numba
import numpy as np

_KEPT = {}


def _cache_folder():
    """Where compiled code is kept: a folder for exactly these sources, since numba looks at one file at a time only."""
    here = Path(__file__).resolve().parent
    mark = 0
    for path in sorted(here.glob("*.py")):
        mark = zlib.crc32(path.read_bytes(), mark)
    folder = here / "__pycache__" / f"kernels-{mark:08x}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder


_FOLDER = _cache_folder()
if _FOLDER:
    numba.config.CACHE_DIR = str(_FOLDER)
kernel = numba.njit(cache=_FOLDER is not None, error_model="numpy")


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
