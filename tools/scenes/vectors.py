"""Vectors of three numbers for kernels: tuples (x, y, z), or rows of an array.

Every sum is taken from left to right, so a picture's bits do not depend on who adds.
"""

from typing import Tuple, Union

import numpy as np

from .kernel import kernel

Vector = Union[Tuple[float, float, float], np.ndarray]


@kernel
def dot(a: Vector, b: Vector) -> float:
    """The scalar product."""
    x = a[0] * b[0]
    y = a[1] * b[1]
    z = a[2] * b[2]
    return x + y + z


@kernel
def cross(a: Vector, b: Vector) -> Vector:
    """The vector product."""
    ax, ay, az = a
    bx, by, bz = b
    x = ay * bz - az * by
    y = az * bx - ax * bz
    z = ax * by - ay * bx
    return x, y, z


@kernel
def minus(a: Vector, b: Vector) -> Vector:
    """The way from b to a."""
    ax, ay, az = a
    bx, by, bz = b
    return ax - bx, ay - by, az - bz


@kernel
def triple(array: np.ndarray) -> Vector:
    """An array of three numbers as a vector."""
    return array[0], array[1], array[2]


@kernel
def row(table: np.ndarray, k: int) -> Vector:
    """Row k of a table of three columns."""
    return table[k, 0], table[k, 1], table[k, 2]


@kernel
def corner(table: np.ndarray, t: int, k: int) -> Vector:
    """What an array (n, 3, 3) says of corner k of triangle t."""
    return table[t, k, 0], table[t, k, 1], table[t, k, 2]


@kernel
def blend(table: np.ndarray, t: int, column: int, shares: Vector) -> float:
    """A column of triangle t in an array (n, 3, columns), its three corners weighted by shares."""
    values = (table[t, 0, column], table[t, 1, column], table[t, 2, column])
    return dot(values, shares)


@kernel
def bilinear(x: float, y: float) -> Tuple[float, float, float, float]:
    """The weights of a cell's four corners at (x, y) in it: both of the first row, then the second.

    In a row, the corner with the smaller x comes first.
    """
    rest_x = 1 - x
    rest_y = 1 - y
    return rest_x * rest_y, x * rest_y, rest_x * y, x * y


@kernel
def total(a: Vector) -> float:
    """The sum of the three."""
    first_two = a[0] + a[1]
    return first_two + a[2]


@kernel
def scaled(a: Vector, factor: float) -> Vector:
    """Each of the three times a factor."""
    return (
        a[0] * factor,
        a[1] * factor,
        a[2] * factor,
    )


@kernel
def beyond(start: Vector, factor: float, along: Vector) -> Vector:
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
def columns(table: np.ndarray, row: int, first: int, second: int, third: int) -> Vector:
    """Three columns of a row, in double precision."""
    return (
        float(table[row, first]),
        float(table[row, second]),
        float(table[row, third]),
    )
