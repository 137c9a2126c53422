"""The one way this package compiles: cached, one thread, no fast-math, so that equal input gives equal bits."""
from numba import njit

kernel = njit(cache=True, error_model="numpy")
