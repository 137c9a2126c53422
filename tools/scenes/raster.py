"""The rasteriser: triangles into a nearest-surface buffer of triangle numbers.

It draws no colours: that is `shade`. Single threaded and without fast-math, so the same input
gives the same bits. Every other row of samples is shifted by half a sample.
"""

from typing import Tuple

import numpy as np

from .kernel import kernel
from .vectors import corner, minus, row

# where in its cell a sample lies, in even rows and in odd ones
SHIFT_EVEN = 0.25
SHIFT_ODD = 0.75


@kernel
def _in_view(point, view, k):
    """Coordinate k of a point, in a view (3, 4)."""
    x, y, z = point
    total = view[k, 0] * x
    total += view[k, 1] * y
    total += view[k, 2] * z
    return total + view[k, 3]


@kernel
def _to_camera(pos, t, view, out):
    """Triangle t's corners in camera coordinates, into `out` (3, 3)."""
    for c in range(3):
        point = corner(pos, t, c)
        for k in range(3):
            out[c, k] = _in_view(point, view, k)


@kernel
def _bound(e, r, low, high):
    """Narrow low..high to where e * x + r >= 0."""
    if e > 0:
        return max(low, -r / e), high
    if e < 0:
        return low, min(high, -r / e)
    if r >= 0:
        return low, high
    return 1.0, -1e9


@kernel
def _edge(ax, ay, bx, by, sign):
    """A side of a triangle as the line e * (x - ax) + f * (y - ay) = 0: returns e and f."""
    return (ay - by) * sign, (bx - ax) * sign


@kernel
def _span(edge, x, y, py, low, high):
    """The part of low..high on the row at height py that lies inside an edge through (x, y)."""
    e, f = edge
    rest = f * (py - y) - e * x
    return _bound(e, rest, low, high)


@kernel
def _first_sample(low, shift):
    """The first cell whose sample lies at `low` or after it."""
    return np.ceil(low - shift)


@kernel
def _last_sample(high, shift):
    """The last cell whose sample lies at `high` or before it."""
    return np.floor(high - shift)


@kernel
def _fill(a, b, c, number, key, ids):
    """One screen triangle. `key` holds the nearest surface so far, larger is nearer."""
    ax, ay, az = a
    bx, by, bz = b
    cx, cy, cz = c
    to_b_x, to_b_y, to_b_z = minus(b, a)
    to_c_x, to_c_y, to_c_z = minus(c, a)
    area = to_b_x * to_c_y - to_b_y * to_c_x
    if area == 0.0:
        return

    # the rows it touches; most small triangles lie between two samples
    height, width = key.shape
    top = max(0, int(_first_sample(min(ay, by, cy), 0.5)))
    bottom = min(height - 1, int(_last_sample(max(ay, by, cy), 0.5)))
    left = min(ax, bx, cx)
    right = max(ax, bx, cx)
    if bottom < top or _first_sample(left, SHIFT_ODD) > _last_sample(right, SHIFT_EVEN):
        return

    # how the depth changes with x and y, and the sides with the inside on their positive side
    dx = (to_b_z * to_c_y - to_c_z * to_b_y) / area
    dy = (to_c_z * to_b_x - to_b_z * to_c_x) / area
    sign = 1.0 if area > 0 else -1.0
    ab = _edge(ax, ay, bx, by, sign)
    bc = _edge(bx, by, cx, cy, sign)
    ca = _edge(cx, cy, ax, ay, sign)
    for y in range(top, bottom + 1):
        py = y + 0.5
        low, high = _span(ab, ax, ay, py, left, right)
        low, high = _span(bc, bx, by, py, low, high)
        low, high = _span(ca, cx, cy, py, low, high)
        shift = SHIFT_ODD if y & 1 else SHIFT_EVEN
        first = max(0, int(_first_sample(low, shift)))
        last = min(width - 1, int(_last_sample(high, shift)))
        aside = first + shift - ax
        below = py - ay
        depth = az + dx * aside + dy * below
        for x in range(first, last + 1):
            if depth > key[y, x]:
                key[y, x] = depth
                ids[y, x] = number
            depth += dx


@kernel
def draw(
    pos: np.ndarray,
    first: int,
    last: int,
    view: np.ndarray,
    focal: float,
    centre: np.ndarray,
    near: float,
    key: np.ndarray,
    ids: np.ndarray,
) -> None:
    """Triangles first..last of pos through a camera, into `key` and `ids`.

    view: (3, 4), rows right, down, forward. near <= 0: a parallel view, nothing is cut off.
    """
    corners = np.empty((3, 3))
    clipped = np.empty((4, 3))
    height, width = key.shape
    for t in range(first, last):
        _to_camera(pos, t, view, corners)
        if near <= 0:
            count = 3
            _project_parallel(corners, focal, centre, clipped)
        else:
            count = clip_near(corners, near, clipped)
            _project(clipped, count, focal, centre)
        if count < 3 or _outside(clipped, count, width, height):
            continue

        # a fan: a clipped triangle may have four corners
        start = row(clipped, 0)
        for k in range(1, count - 1):
            _fill(start, row(clipped, k), row(clipped, k + 1), t, key, ids)


@kernel
def _project(points, count, focal, centre):
    """Corners onto the screen, in place; the third column becomes the inverse of the depth."""
    for k in range(count):
        inverse = 1.0 / points[k, 2]
        x = focal * points[k, 0] * inverse
        y = focal * points[k, 1] * inverse
        points[k, 0] = x + centre[0]
        points[k, 1] = y + centre[1]
        points[k, 2] = inverse


@kernel
def _project_parallel(corners, scale, centre, out):
    """Corners onto the screen along the view's axis; what is nearer has the larger third column."""
    for k in range(3):
        x, y, depth = row(corners, k)
        out[k, 0] = scale * x + centre[0]
        out[k, 1] = scale * y + centre[1]
        out[k, 2] = -depth


@kernel
def _outside(points, count, width, height):
    """Whether all corners lie beyond the same side of the screen."""
    left = right = above = below = True
    for k in range(count):
        left &= points[k, 0] < 0
        right &= points[k, 0] > width
        above &= points[k, 1] < 0
        below &= points[k, 1] > height
    return left or right or above or below


@kernel
def clip_near(corners: np.ndarray, near: float, out: np.ndarray) -> int:
    """A triangle's part with z >= near, into `out`: 0, 3 or 4 corners; returns how many."""
    count = 0
    for k in range(3):
        a = corners[k]
        b = corners[(k + 1) % 3]
        a_kept = a[2] >= near
        b_kept = b[2] >= near
        if a_kept:
            out[count] = a
            count += 1
        if a_kept != b_kept:
            depth = a[2]
            share = (near - depth) / (b[2] - depth)
            out[count] = a + (b - a) * share
            count += 1
    return count


@kernel
def extent(
    pos: np.ndarray,
    first: int,
    last: int,
    view: np.ndarray,
    focal: float,
    centre: np.ndarray,
    near: float,
) -> Tuple[float, float, float, float]:
    """The box around the projection of triangles first..last: x1, y1, x2, y2.

    It is not clipped to any frame. Where nothing is in front of the camera, x2 < x1.
    """
    corners = np.empty((3, 3))
    clipped = np.empty((4, 3))
    x1 = 1e9
    y1 = 1e9
    x2 = -1e9
    y2 = -1e9
    for t in range(first, last):
        _to_camera(pos, t, view, corners)
        for k in range(clip_near(corners, near, clipped)):
            right, down, depth = row(clipped, k)
            x = focal * right / depth + centre[0]
            y = focal * down / depth + centre[1]
            x1 = min(x1, x)
            x2 = max(x2, x)
            y1 = min(y1, y)
            y2 = max(y2, y)
    return x1, y1, x2, y2


@kernel
def count_ids(ids: np.ndarray, owner: np.ndarray, counts: np.ndarray) -> None:
    """How many samples each object owns: counts[object] += 1. owner: of each triangle, -1: none."""
    for y in range(ids.shape[0]):
        for x in range(ids.shape[1]):
            t = ids[y, x]
            if t >= 0 and owner[t] >= 0:
                counts[owner[t]] += 1
