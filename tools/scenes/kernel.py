"""How this package computes: one way to compile, and working arrays that are used again.

Compiled without threads and without fast-math, so that equal input gives equal bits. Not safe for
several threads of one process: let workers be processes.
"""

import zlib
from pathlib import Path
from typing import Dict, Optional, Sequence, Union

import numba
import numpy as np

_KEPT: Dict[str, np.ndarray] = {}


def _cache_folder() -> Optional[Path]:
    """The folder of compiled code for exactly these sources; None where it cannot be made.

    numba itself looks only at the file that holds a function, not at the files it calls.
    """
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
    numba.config.CACHE_DIR = str(_FOLDER)  # type: ignore[attr-defined]
kernel = numba.njit(cache=_FOLDER is not None, error_model="numpy")


def scratch(
    name: str,
    shape: Union[int, Sequence[int]],
    dtype: type = np.float32,
    fill: Optional[float] = None,
) -> np.ndarray:
    """The working array of this name: what the last call with the same name gave is overwritten.

    Fresh memory costs more than filling old. Without `fill`, the array holds leftovers.
    """
    size = int(np.prod(shape))
    kept = _KEPT.get(name)
    if kept is None or len(kept) < size or kept.dtype != dtype:
        kept = np.empty(size + size // 4, dtype)
        _KEPT[name] = kept

    array = kept[:size].reshape(shape)
    if fill is not None:
        array.fill(fill)
    return array
