"""The noise that roughens every surface: one tile, made once."""

import numpy as np

from .kernel import kernel

SIZE = 256  # points of the tile in each direction; a power of two
_LAST = SIZE - 1


def make_noise(size: int = SIZE, seed: int = 7) -> np.ndarray:
    """Tileable noise around 0, standard deviation about 1, all octaves from 4 to `size` cells."""
    rng = np.random.default_rng(seed)
    total = np.zeros((size, size), np.float32)
    cells = 4
    while cells <= size:
        grid = rng.standard_normal((cells, cells)).astype(np.float32)
        total += _smooth(grid, size) * (4.0 / cells) ** 0.45
        cells *= 2
    return (total - total.mean()) / total.std()


def _smooth(grid: np.ndarray, size: int) -> np.ndarray:
    """A grid drawn out to (size, size), smooth between its points and across its edges."""
    cells = len(grid)
    grid = np.pad(grid, ((0, 1), (0, 1)), mode="wrap")
    at = np.arange(size) * cells / size
    i = at.astype(int)
    share = (at - i).astype(np.float32)
    share = share * share * (3 - 2 * share)
    rest = 1 - share

    rows = grid[i] * rest[:, None]  # (size, cells + 1)
    rows = rows + grid[i + 1] * share[:, None]
    columns = rows[:, i] * rest  # (size, size)
    return columns + rows[:, i + 1] * share


NOISE = make_noise()


@kernel
def noise_at(noise: np.ndarray, x: float, y: float) -> float:
    """Noise at (x, y), one tile of 256 x 256 points a unit, smooth between them."""
    along = x * float(SIZE)
    across = y * float(SIZE)
    column = np.floor(along)
    row = np.floor(across)
    left = int(column) & _LAST
    low = int(row) & _LAST
    right = (left + 1) & _LAST
    high = (low + 1) & _LAST

    share_x = along - column
    share_y = across - row
    rest_x = 1 - share_x
    lower = noise[low, left] * rest_x
    lower += noise[low, right] * share_x
    upper = noise[high, left] * rest_x
    upper += noise[high, right] * share_x
    return lower * (1 - share_y) + upper * share_y
