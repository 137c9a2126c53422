"""Which samples a picture needs, and where on its triangle each lies.

What colour a sample has, and how it is lit, is the business of `shade`.
"""

import numpy as np

from .kernel import kernel
from .vectors import blend, corner, cross, dot, minus, row, triple

# columns of the samples' table
X, Y, Z, NX, NY, NZ, U, V, DEPTH, FACING, REACH, RED, GREEN, BLUE, GLOSS, SHINE, WET = range(17)
COLUMNS = 17

# columns of the triangles' tags
MATERIAL, TEXTURE, OWNER = range(3)

FAR = 1e4  # metres: the depth of the sky
NEAREST = 0.05
FLATTEST = 1e-14  # a determinant nearer to zero than this is of a triangle seen from its edge
OUTSIDE = 0.2  # how far beyond a triangle its plane still speaks for it, in shares of its sides


@kernel
def _same_surface(tag, a, b):
    """Whether two triangles, or two numbers of the sky (-1), are one surface."""
    if a == b:
        return True
    if a < 0 or b < 0:
        return False
    if tag[a, MATERIAL] != tag[b, MATERIAL]:
        return False
    if tag[a, TEXTURE] != tag[b, TEXTURE]:
        return False
    return tag[a, OWNER] == tag[b, OWNER]


@kernel
def _sample_of(t, tag, tri, first, last):
    """The sample among first..last that stands for triangle t's surface, or -1."""
    for s in range(first, last):
        if _same_surface(tag, tri[s], t):
            return s
    return -1


@kernel
def collect(
    ids: np.ndarray,
    tag: np.ndarray,
    top: int,
    pixel: np.ndarray,
    tri: np.ndarray,
    share: np.ndarray,
    sub: np.ndarray,
) -> int:
    """List the samples of a band of rows that begins at row `top`; returns how many there are.

    Of each sample: its pixel, its triangle, its share of the pixel, and where in the picture it
    lies (`sub`). A pixel of one surface is sampled in its middle.
    """
    rows = ids.shape[0] // 2
    width = ids.shape[1] // 2
    n = 0
    for y in range(rows):
        for x in range(width):
            first = n
            for quarter in range(4):
                down = quarter >> 1
                right = quarter & 1
                samples_row = 2 * y + down
                t = ids[samples_row, 2 * x + right]
                known = _sample_of(t, tag, tri, first, n)
                if known >= 0:
                    share[known] += 0.25
                    continue

                # the rasteriser shifts every other row by half a sample
                shift = 0.25 + 0.5 * down
                pixel[n] = (top + y) * width + x
                tri[n] = t
                share[n] = 0.25
                sub[n, 0] = x + (right + shift) * 0.5
                sub[n, 1] = top + y + shift
                n += 1
            if n == first + 1:
                sub[first, 0] = x + 0.5
                sub[first, 1] = top + y + 0.5
    return n


@kernel
def locate(
    n: int,
    tri: np.ndarray,
    sub: np.ndarray,
    pos: np.ndarray,
    nrm: np.ndarray,
    uv: np.ndarray,
    eye: np.ndarray,
    axes: np.ndarray,
    focal: float,
    centre: np.ndarray,
    geo: np.ndarray,
) -> None:
    """Fill the place columns of the samples' table `geo`: position, normal, texture place, depth.

    Each sample's ray is cut with its triangle's plane. Samples of the sky get their direction as
    position, and no normal.
    """
    right = row(axes, 0)
    down = row(axes, 1)
    forward = row(axes, 2)
    at = triple(eye)
    for s in range(n):
        # the ray through the sample, and how long it is for a metre of depth
        along = (sub[s, 0] - centre[0]) / focal
        below = (sub[s, 1] - centre[1]) / focal
        ray = _ray(along, below, right, down, forward)
        rx, ry, rz = ray
        reach = np.sqrt(dot(ray, ray))
        geo[s, REACH] = reach

        t = tri[s]
        if t < 0:
            geo[s, X] = rx / reach
            geo[s, Y] = ry / reach
            geo[s, Z] = rz / reach
            geo[s, DEPTH] = FAR
            continue

        # where it meets the triangle
        a = corner(pos, t, 0)
        side1 = minus(corner(pos, t, 1), a)
        side2 = minus(corner(pos, t, 2), a)
        shares, depth = _meet(minus(at, a), ray, side1, side2, forward)
        geo[s, X] = eye[0] + rx * depth
        geo[s, Y] = eye[1] + ry * depth
        geo[s, Z] = eye[2] + rz * depth
        geo[s, DEPTH] = depth
        geo[s, U] = blend(uv, t, 0, shares)
        geo[s, V] = blend(uv, t, 1, shares)

        # the smooth normal, turned to the side that is seen
        nx = blend(nrm, t, 0, shares)
        ny = blend(nrm, t, 1, shares)
        nz = blend(nrm, t, 2, shares)
        normal = (nx, ny, nz)
        size = 1.0 / np.sqrt(max(dot(normal, normal), 1e-12))
        if dot(cross(side1, side2), ray) > 0:
            size = -size
        geo[s, NX] = nx * size
        geo[s, NY] = ny * size
        geo[s, NZ] = nz * size
        facing = -dot(normal, ray) * size
        geo[s, FACING] = facing / reach


@kernel
def _ray(along, below, right, down, forward):
    """The direction that goes `along` to the right and `below` while it goes one metre ahead."""
    rx, ry, rz = right
    dx, dy, dz = down
    fx, fy, fz = forward
    x = rx * along + dx * below
    y = ry * along + dy * below
    z = rz * along + dz * below
    return x + fx, y + fy, z + fz


@kernel
def _meet(to_eye, ray, side1, side2, forward):
    """A ray against a triangle's plane, by the way of Moeller and Trumbore.

    Given are the way from the first corner to the eye, and the sides from that corner. Returns the
    corners' shares in the point met, and its depth.
    """
    across = cross(ray, side2)
    det = dot(side1, across)
    if abs(det) < FLATTEST:
        det = FLATTEST
    around = cross(to_eye, side1)
    u = dot(to_eye, across) / det
    v = dot(ray, around) / det
    depth = dot(side2, around) / det

    # seen from its edge: the plane says nothing, its corner does
    if not NEAREST < depth < FAR:
        depth = max(-dot(to_eye, forward), NEAREST)

    u = min(max(u, -OUTSIDE), 1 + OUTSIDE)
    v = min(max(v, -OUTSIDE), 1 + OUTSIDE)
    return (1 - u - v, u, v), depth
