"""Which samples a picture needs, and where on its triangle each lies. Colours and light: `shade`."""

import numpy as np

from .kernel import kernel

# columns of the samples' table
X, Y, Z, NX, NY, NZ, U, V, DEPTH, FACING, REACH, RED, GREEN, BLUE, GLOSS, SHINE, WET = range(17)
COLUMNS = 17


@kernel
def _same(tag, a, b):
    """Whether two triangles are one surface: material, texture, owner."""
    return tag[a, 0] == tag[b, 0] and tag[a, 1] == tag[b, 1] and tag[a, 2] == tag[b, 2]


@kernel
def collect(ids, tag, top, pixel, tri, share, sub):
    """Samples of a band: which pixel, which triangle, which share of the pixel, where in it. Returns how many."""
    rows, width = ids.shape[0] // 2, ids.shape[1] // 2
    n = 0
    for y in range(rows):
        for x in range(width):
            first = n
            for s in range(4):
                row = 2 * y + (s >> 1)
                t = ids[row, 2 * x + (s & 1)]
                found = False
                for g in range(first, n):
                    o = tri[g]
                    if o == t or (o >= 0 and t >= 0 and _same(tag, o, t)):
                        share[g] += 0.25
                        found = True
                        break
                if not found:
                    pixel[n], tri[n], share[n] = (top + y) * width + x, t, 0.25
                    sub[n, 0] = x + ((s & 1) + (0.75 if row & 1 else 0.25)) * 0.5
                    sub[n, 1] = top + y + 0.25 + 0.5 * (s >> 1)
                    n += 1
            if n == first + 1:
                sub[first, 0], sub[first, 1] = x + 0.5, top + y + 0.5
    return n


@kernel
def locate(n, tri, sub, pos, nrm, uv, eye, axes, focal, centre, geo):
    """Each sample's ray against its triangle's plane: position, smooth normal, texture place, depth."""
    for s in range(n):
        t = tri[s]
        a, b = (sub[s, 0] - centre[0]) / focal, (sub[s, 1] - centre[1]) / focal
        rx = axes[0, 0] * a + axes[1, 0] * b + axes[2, 0]
        ry = axes[0, 1] * a + axes[1, 1] * b + axes[2, 1]
        rz = axes[0, 2] * a + axes[1, 2] * b + axes[2, 2]
        reach = np.sqrt(rx * rx + ry * ry + rz * rz)
        geo[s, REACH] = reach
        if t < 0:
            geo[s, X], geo[s, Y], geo[s, Z], geo[s, DEPTH] = rx / reach, ry / reach, rz / reach, 1e4
            continue
        ax, ay, az = pos[t, 0, 0], pos[t, 0, 1], pos[t, 0, 2]
        e1x, e1y, e1z = pos[t, 1, 0] - ax, pos[t, 1, 1] - ay, pos[t, 1, 2] - az
        e2x, e2y, e2z = pos[t, 2, 0] - ax, pos[t, 2, 1] - ay, pos[t, 2, 2] - az
        px, py, pz = ry * e2z - rz * e2y, rz * e2x - rx * e2z, rx * e2y - ry * e2x
        det = e1x * px + e1y * py + e1z * pz
        if abs(det) < 1e-14:
            det = 1e-14
        tx, ty, tz = eye[0] - ax, eye[1] - ay, eye[2] - az
        u = (tx * px + ty * py + tz * pz) / det
        qx, qy, qz = ty * e1z - tz * e1y, tz * e1x - tx * e1z, tx * e1y - ty * e1x
        v = (rx * qx + ry * qy + rz * qz) / det
        depth = (e2x * qx + e2y * qy + e2z * qz) / det
        if not 0.05 < depth < 1e4:  # seen from its edge: the plane says nothing, its corner does
            depth = max(-(tx * axes[2, 0] + ty * axes[2, 1] + tz * axes[2, 2]), 0.05)
        u, v = min(max(u, -0.2), 1.2), min(max(v, -0.2), 1.2)
        w = 1 - u - v
        away = (
            (e1y * e2z - e1z * e2y) * rx
            + (e1z * e2x - e1x * e2z) * ry
            + (e1x * e2y - e1y * e2x) * rz
        )
        nx = nrm[t, 0, 0] * w + nrm[t, 1, 0] * u + nrm[t, 2, 0] * v
        ny = nrm[t, 0, 1] * w + nrm[t, 1, 1] * u + nrm[t, 2, 1] * v
        nz = nrm[t, 0, 2] * w + nrm[t, 1, 2] * u + nrm[t, 2, 2] * v
        size = (-1.0 if away > 0 else 1.0) / np.sqrt(max(nx * nx + ny * ny + nz * nz, 1e-12))
        geo[s, X], geo[s, Y], geo[s, Z] = (
            eye[0] + rx * depth,
            eye[1] + ry * depth,
            eye[2] + rz * depth,
        )
        geo[s, NX], geo[s, NY], geo[s, NZ] = nx * size, ny * size, nz * size
        geo[s, U] = uv[t, 0, 0] * w + uv[t, 1, 0] * u + uv[t, 2, 0] * v
        geo[s, V] = uv[t, 0, 1] * w + uv[t, 1, 1] * u + uv[t, 2, 1] * v
        geo[s, DEPTH] = depth
        geo[s, FACING] = -(nx * rx + ny * ry + nz * rz) * size / reach
