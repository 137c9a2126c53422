"""The rasteriser: triangles into a nearest-surface buffer of triangle numbers, and coverage of one object alone.

It draws no colours; `shade` does. Single threaded and without fast-math, so the same input gives the same bits.
"""

import numpy as np

from .kernel import kernel


@kernel
def _to_camera(pos, t, view, corner):
    """Triangle t's corners in camera coordinates, into `corner` (3, 3)."""
    for k in range(3):
        for r in range(3):
            corner[k, r] = (
                view[r, 0] * pos[t, k, 0]
                + view[r, 1] * pos[t, k, 1]
                + view[r, 2] * pos[t, k, 2]
                + view[r, 3]
            )


@kernel
def _bound(e, r, low, high):
    """Narrow low..high to where e * x + r >= 0."""
    if e > 0:
        return max(low, -r / e), high
    if e < 0:
        return low, min(high, -r / e)
    return (low, high) if r >= 0 else (1.0, -1e9)


@kernel
def _fill(ax, ay, az, bx, by, bz, cx, cy, cz, number, key, ids):
    """One screen triangle. `key` holds the nearest surface so far, larger is nearer."""
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if area == 0.0:
        return
    height, width = key.shape
    y0 = max(0, int(np.ceil(min(ay, by, cy) - 0.5)))
    y1 = min(height - 1, int(np.floor(max(ay, by, cy) - 0.5)))
    left, right = min(ax, bx, cx), max(ax, bx, cx)
    if y1 < y0 or np.ceil(left - 0.75) > np.floor(right - 0.25):
        return
    dx = ((bz - az) * (cy - ay) - (cz - az) * (by - ay)) / area
    dy = ((cz - az) * (bx - ax) - (bz - az) * (cx - ax)) / area
    sign = 1.0 if area > 0 else -1.0
    ea, eb, ec = (ay - by) * sign, (by - cy) * sign, (cy - ay) * sign
    fa, fb, fc = (bx - ax) * sign, (cx - bx) * sign, (ax - cx) * sign
    for y in range(y0, y1 + 1):
        py = y + 0.5
        low, high = left, right
        low, high = _bound(ea, fa * (py - ay) - ea * ax, low, high)
        low, high = _bound(eb, fb * (py - by) - eb * bx, low, high)
        low, high = _bound(ec, fc * (py - cy) - ec * cx, low, high)
        shift = 0.75 if y & 1 else 0.25
        x0 = max(0, int(np.ceil(low - shift)))
        x1 = min(width - 1, int(np.floor(high - shift)))
        depth = az + dx * (x0 + shift - ax) + dy * (py - ay)
        for x in range(x0, x1 + 1):
            if depth > key[y, x]:
                key[y, x] = depth
                ids[y, x] = number
            depth += dx


@kernel
def draw(pos, first, last, view, focal, centre, near, key, ids):
    """Triangles first..last of pos through a camera. view: (3, 4), rows right, down, forward; near <= 0: parallel."""
    corner = np.empty((3, 3))
    clipped = np.empty((4, 3))
    height, width = key.shape
    for t in range(first, last):
        _to_camera(pos, t, view, corner)
        if near <= 0:
            for k in range(3):
                clipped[k, 0] = focal * corner[k, 0] + centre[0]
                clipped[k, 1] = focal * corner[k, 1] + centre[1]
                clipped[k, 2] = -corner[k, 2]
            count = 3
        else:
            count = clip_near(corner, near, clipped)
            for k in range(count):
                inverse = 1.0 / clipped[k, 2]
                clipped[k, 0] = focal * clipped[k, 0] * inverse + centre[0]
                clipped[k, 1] = focal * clipped[k, 1] * inverse + centre[1]
                clipped[k, 2] = inverse
        if count < 3 or _outside(clipped, count, width, height):
            continue
        for k in range(1, count - 1):
            _fill(
                clipped[0, 0],
                clipped[0, 1],
                clipped[0, 2],
                clipped[k, 0],
                clipped[k, 1],
                clipped[k, 2],
                clipped[k + 1, 0],
                clipped[k + 1, 1],
                clipped[k + 1, 2],
                t,
                key,
                ids,
            )


@kernel
def _outside(points, count, width, height):
    left = right = above = below = True
    for k in range(count):
        left &= points[k, 0] < 0
        right &= points[k, 0] > width
        above &= points[k, 1] < 0
        below &= points[k, 1] > height
    return left or right or above or below


@kernel
def clip_near(corner, near, out):
    """A triangle's part with z >= near: 0, 3 or 4 corners."""
    count = 0
    for k in range(3):
        a, b = corner[k], corner[(k + 1) % 3]
        if a[2] >= near:
            out[count] = a
            count += 1
        if (a[2] >= near) != (b[2] >= near):
            share = (near - a[2]) / (b[2] - a[2])
            out[count] = a + (b - a) * share
            count += 1
    return count


@kernel
def extent(pos, first, last, view, focal, centre, near):
    """The box around the projection of triangles first..last, not clipped to any frame; x2 < x1: nothing in front."""
    corner = np.empty((3, 3))
    clipped = np.empty((4, 3))
    x1, y1, x2, y2 = 1e9, 1e9, -1e9, -1e9
    for t in range(first, last):
        _to_camera(pos, t, view, corner)
        for k in range(clip_near(corner, near, clipped)):
            x = focal * clipped[k, 0] / clipped[k, 2] + centre[0]
            y = focal * clipped[k, 1] / clipped[k, 2] + centre[1]
            x1, x2 = min(x1, x), max(x2, x)
            y1, y2 = min(y1, y), max(y2, y)
    return x1, y1, x2, y2


@kernel
def count_ids(ids, owner, counts):
    """How many samples each object owns: counts[object] += 1."""
    for y in range(ids.shape[0]):
        for x in range(ids.shape[1]):
            t = ids[y, x]
            if t >= 0 and owner[t] >= 0:
                counts[owner[t]] += 1
