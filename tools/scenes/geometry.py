"""Points, directions and rotations as arrays. Metres; x to the right, y forward, z up."""

from typing import Tuple

import numpy as np
from numpy.typing import ArrayLike


def turn_z(angle: float) -> np.ndarray:
    """Rotation about the vertical; positive turns left, seen from above."""
    c = np.cos(angle)
    s = np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


def turn_x(angle: float) -> np.ndarray:
    """Rotation about the x axis; positive turns what is in front upwards."""
    c = np.cos(angle)
    s = np.sin(angle)
    return np.array([[1.0, 0, 0], [0, c, -s], [0, s, c]])


def turn_y(angle: float) -> np.ndarray:
    """Rotation about the y axis; positive turns what is above to the right."""
    c = np.cos(angle)
    s = np.sin(angle)
    return np.array([[c, 0, s], [0, 1.0, 0], [-s, 0, c]])


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) at length 1; a vector of length 0 stays."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(length, 1e-12)


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """np.cross of vectors (..., 3), without its overhead."""
    ax = a[..., 0]
    ay = a[..., 1]
    az = a[..., 2]
    bx = b[..., 0]
    by = b[..., 1]
    bz = b[..., 2]
    x = ay * bz - az * by
    y = az * bx - ax * bz
    z = ax * by - ay * bx
    return np.stack([x, y, z], -1)


def together(*coordinates: ArrayLike) -> np.ndarray:
    """Arrays of coordinates, broadcast against each other, as points in the last axis."""
    return np.stack(np.broadcast_arrays(*coordinates), -1)


def frames(path: np.ndarray, side: ArrayLike) -> Tuple[np.ndarray, np.ndarray]:
    """For each point of a path, the two unit vectors across it.

    The first is `side` made perpendicular to the path, the second perpendicular to both.
    """
    tangent = unit(np.gradient(path, axis=0))
    side = np.broadcast_to(np.asarray(side, float), path.shape)
    along = (side * tangent).sum(1, keepdims=True)
    right = unit(side - along * tangent)
    return right, cross(tangent, right)


def circle(radius: float, count: int = 24, turn: float = 0.0) -> np.ndarray:
    """Points (count, 2) of a circle, clockwise from its top."""
    step = np.arange(count) * 2 * np.pi / count
    angle = step + turn
    x = radius * np.sin(angle)
    y = radius * np.cos(angle)
    return np.stack([x, y], 1)


def chaikin(points: ArrayLike, times: int = 2) -> np.ndarray:
    """Round a polyline's corners by cutting them; its ends stay."""
    points = np.asarray(points, float)
    for _ in range(times):
        a = points[:-1]
        b = points[1:]
        near_a = 0.75 * a + 0.25 * b
        near_b = 0.25 * a + 0.75 * b
        cut = np.stack([near_a, near_b], 1).reshape(-1, points.shape[1])
        points = np.concatenate([points[:1], cut, points[-1:]])
    return points
