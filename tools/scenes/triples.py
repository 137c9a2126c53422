"""Arithmetic of triples for compiled code: points, directions and colours as tuples or arrays.

Sums run from the first to the third, so that equal input gives equal bits.
"""

from typing import Tuple, Union

import numpy as np

from .kernel import kernel

Triple = Union[Tuple[float, float, float], np.ndarray]


@kernel
def dot(a: Triple, b: Triple) -> float:
    """The scalar product."""
    x = a[0] * b[0]
    y = a[1] * b[1]
    z = a[2] * b[2]
    return x + y + z


@kernel
def total(a: Triple) -> float:
    """The sum of the three."""
    first_two = a[0] + a[1]
    return first_two + a[2]


@kernel
def scaled(a: Triple, factor: float) -> Triple:
    """Each of the three times a factor."""
    return (
        a[0] * factor,
        a[1] * factor,
        a[2] * factor,
    )


@kernel
def beyond(start: Triple, factor: float, along: Triple) -> Triple:
    """The place `factor` times `along` from `start`."""
    return (
        start[0] + factor * along[0],
        start[1] + factor * along[1],
        start[2] + factor * along[2],
    )


@kernel
def between(a: float, b: float, share: float) -> float:
    """A number from a (share 0) to b (share 1)."""
    return a * (1 - share) + b * share


@kernel
def triple(table: np.ndarray, row: int, first: int, second: int, third: int) -> Triple:
    """Three columns of a row, in double precision."""
    return (
        float(table[row, first]),
        float(table[row, second]),
        float(table[row, third]),
    )
