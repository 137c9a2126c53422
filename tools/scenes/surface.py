"""What surfaces are made of: a table of materials, and the patterns of roads, pavements and facades.

Patterns are functions of metres on the surface; each fades to its mean where a pixel covers more than its detail.
No light falls here: that is `shade`.
"""
import numpy as np
from numba import njit

from .textures import noise_at, texel_at

(PLAIN, PAINTED, ROAD, PAVING, GRASS, FACADE, LEAF, METAL, GLASS, CLOTH, SKIN, RUBBER, GLOW, BARK, BRICK,
 TILES, HAIR) = range(17)

# noise tiles a metre, its share of the colour, reflectance at right angles, highlight sharpness, bump
MATERIALS = np.array([
    (0.30, 0.10, 0.00, 20, 0.00),   # PLAIN
    (0.00, 0.00, 0.04, 300, 0.00),  # PAINTED
    (0.23, 0.10, 0.01, 30, 0.00),   # ROAD
    (0.31, 0.08, 0.00, 20, 0.00),   # PAVING
    (0.43, 0.32, 0.00, 10, 0.30),   # GRASS
    (0.11, 0.07, 0.00, 10, 0.00),   # FACADE
    (0.60, 0.22, 0.01, 15, 0.10),   # LEAF
    (0.40, 0.06, 0.10, 60, 0.00),   # METAL
    (0.00, 0.00, 0.08, 300, 0.00),  # GLASS
    (0.55, 0.04, 0.00, 8, 0.22),    # CLOTH
    (0.80, 0.04, 0.01, 25, 0.03),   # SKIN
    (0.70, 0.08, 0.00, 12, 0.00),   # RUBBER
    (0.00, 0.00, 0.00, 10, 0.00),   # GLOW
    (0.90, 0.25, 0.00, 10, 0.25),   # BARK
    (0.20, 0.10, 0.00, 10, 0.00),   # BRICK
    (0.35, 0.18, 0.00, 10, 0.10),   # TILES
    (1.50, 0.18, 0.02, 40, 0.25),   # HAIR
])

# columns of a facade's record
FACADE_FIELDS = ("floor", "bay", "win_w", "win_h", "shop", "fr", "fg", "fb", "seed", "lit", "brick", "sr", "sg", "sb")


@njit(cache=True)
def hash01(a, b, c):
    """A number in 0..1 that looks random, from three."""
    x = np.sin(a * 127.1 + b * 311.7 + c * 74.7) * 43758.5453
    return x - np.floor(x)


@njit(cache=True)
def cover(inside, footprint):
    """Share of a pixel that lies inside an edge; `inside` is the distance into the shape in metres."""
    return min(max(inside / max(footprint, 1e-4) + 0.5, 0.0), 1.0)


@njit(cache=True)
def _mix(out, r, g, b, share):
    out[0] += (r - out[0]) * share
    out[1] += (g - out[1]) * share
    out[2] += (b - out[2]) * share


@njit(cache=True)
def brick(out, u, v, footprint):
    """Rows of bricks with pale joints, each brick its own tint."""
    fade = min(max(1.0 - footprint / 0.10, 0.0), 1.0)
    if fade <= 0:
        return
    row = np.floor(v / 0.075)
    col = np.floor(u / 0.24 + 0.5 * (row % 2))
    tint = 1 + (hash01(row, col, 3.0) - 0.5) * 0.35 * fade
    fu = abs((u / 0.24 + 0.5 * (row % 2)) - col - 0.5) * 0.24
    fv = abs(v / 0.075 - row - 0.5) * 0.075
    joint = max(1 - cover(0.112 - fu, footprint), 1 - cover(0.032 - fv, footprint)) * fade
    for k in range(3):
        out[k] *= tint
    _mix(out, 0.33, 0.31, 0.28, joint * 0.6)


@njit(cache=True)
def _shop(out, u, v, f, footprint, night):
    """Ground floor: panes between pillars, a coloured board above. Returns gloss, glow."""
    width = f[1] * 2
    cell = np.floor(u / width)
    x = u - (cell + 0.5) * width
    kind = hash01(cell, f[8], 5.0)
    board = cover(f[0] - 0.25 - v, footprint) * cover(v - f[0] + 0.95, footprint) * cover(width / 2 - 0.2 - abs(x), footprint)
    pane = cover(width / 2 - 0.35 - abs(x), footprint) * cover(v - 0.45, footprint) * cover(f[0] - 1.05 - v, footprint)
    bars = 1 - cover(abs(abs(x) - width / 6) - 0.035, footprint)
    hue = hash01(cell, f[8], 9.0) * 6.28
    _mix(out, 0.25 + 0.22 * np.cos(hue), 0.2 + 0.17 * np.cos(hue + 2.1), 0.2 + 0.18 * np.cos(hue + 4.2), board)
    inside = 0.05 + 0.10 * hash01(np.floor(u * 1.7), np.floor(v * 1.3), f[8] + cell)
    _mix(out, inside * 1.1, inside, inside * 0.9, pane)
    _mix(out, 0.05, 0.05, 0.05, pane * bars * 0.8)
    lit = 1.0 if kind > 0.35 else 0.15
    return pane * (1 - bars), (pane * (1 - bars) * (0.25 + inside * 9) + board * 0.25) * lit * night


@njit(cache=True)
def facade(out, u, v, f, footprint, night):
    """A wall with windows by the record f (FACADE_FIELDS). Changes out; returns gloss, glow."""
    if f[10] > 0:
        brick(out, u, v, footprint)
    floor = np.floor(v / f[0])
    y = v - floor * f[0]
    if floor == 0 and f[4] > 0:
        return _shop(out, u, v, f, footprint, night)
    band = cover(0.09 - abs(y - 0.05), footprint)
    _mix(out, f[5] * 0.8, f[6] * 0.8, f[7] * 0.8, band * 0.5)
    bay = np.floor(u / f[1])
    x = u - (bay + 0.5) * f[1]
    sill = (f[0] - f[3]) * 0.42
    half = f[2] / 2
    up = y - sill
    _mix(out, f[5], f[6], f[7], cover(half + 0.12 - abs(x), footprint) * cover(0.1 - abs(up + 0.08), footprint))
    _mix(out, f[5], f[6], f[7], cover(half + 0.10 - abs(x), footprint) * cover(up + 0.02, footprint)
         * cover(f[3] + 0.12 - up, footprint) * 0.75)
    hole = cover(half - abs(x), footprint) * cover(up, footprint) * cover(f[3] - up, footprint)
    if hole <= 0:
        return 0.0, 0.0
    frame = max(1 - cover(half - 0.07 - abs(x), footprint), 1 - cover(abs(x) - 0.03, footprint),
                1 - cover(up - 0.07, footprint), 1 - cover(f[3] - 0.07 - up, footprint))
    pick = hash01(bay, floor, f[8])
    inside = 0.035 + 0.03 * hash01(bay, floor, f[8] + 2)
    if pick > 0.55:
        drawn = abs(x) > half * (0.35 + 0.5 * pick)
        inside = 0.32 if drawn else inside
    elif pick < 0.12:
        inside = 0.35 if up > f[3] * (0.3 + 4 * pick) else inside
    _mix(out, inside, inside * 1.02, inside * 1.05, hole)
    _mix(out, f[5], f[6], f[7], hole * frame)
    shade = cover(0.16 - (f[3] - up), footprint) * hole
    _mix(out, 0.02, 0.02, 0.02, shade * 0.7)
    lit = 1.0 if hash01(bay, floor, f[8] + 7) < f[9] else 0.02
    return hole * (1 - frame) * (1 - 0.6 * shade), hole * (1 - frame) * lit * night * (0.35 + 2.0 * inside)


@njit(cache=True)
def _marking(out, u, v, marks, zebra, across, along, wear):
    paint = 0.0
    yellow = 0.0
    for k in range(marks.shape[0]):
        if marks[k, 1] <= 0:
            continue
        share = cover(marks[k, 1] / 2 - abs(u - marks[k, 0]), across)
        if marks[k, 3] > 0 and share > 0:
            period = marks[k, 2] + marks[k, 3]
            at = v - np.floor(v / period) * period
            fade = min(max(1.5 - along / period, 0.0), 1.0)
            dash = cover(marks[k, 2] / 2 - abs(at - period / 2), along)
            share *= dash * fade + (1 - fade) * marks[k, 2] / period
        if share > paint:
            paint = share
            yellow = marks[k, 4]
    for k in range(zebra.shape[0]):
        z = zebra[k]
        inside = cover(v - z[0], along) * cover(z[1] - v, along) * cover(u - z[2], across) * cover(z[3] - u, across)
        if inside > 0 and z[4] > 0:
            at = u / z[4] - np.floor(u / z[4])
            inside *= cover(0.25 * z[4] - abs(at - 0.5) * z[4], across)
        paint = max(paint, inside)
    paint *= wear
    _mix(out, 0.56, 0.55 - 0.13 * yellow, 0.52 - 0.42 * yellow, paint)
    return paint


@njit(cache=True)
def road(out, u, v, marks, zebra, noise, across, along, look):
    """Asphalt with grain, patches, wheel tracks and painted lines. Returns the painted share."""
    fine = max(0.0, 1 - along / 0.05)
    big = noise_at(noise, u * 0.021 + look, v * 0.021)
    mid = noise_at(noise, u * 0.13, v * 0.045 + look)
    grain = noise_at(noise, u * 2.1, v * 2.1) * fine
    track = np.cos(u * 6.28 / 1.7) * 0.03
    tint = 1 + 0.07 * big + 0.06 * mid + 0.10 * grain + track
    cell_u, cell_v = np.floor(u / 2.6 + look), np.floor(v / 5.5)
    if hash01(cell_u, cell_v, look) > 0.93:
        inner = 0.5 - max(abs(u / 2.6 + look - cell_u - 0.5) * 1.3, abs(v / 5.5 - cell_v - 0.5) * 1.2)
        tint *= 1 - 0.22 * cover(inner * 2.6, along)
    crack = abs(noise_at(noise, u * 0.07 + 3.1, v * 0.03 + look) - 0.1)
    tint *= 1 - 0.35 * max(0.0, 1 - crack / 0.05) * max(0.0, 1 - along / 0.3)
    for k in range(3):
        out[k] *= max(tint, 0.3)
    worn = 0.92 + 0.25 * mid + 0.25 * noise_at(noise, u * 0.9, v * 0.9) * max(0.0, 1 - along / 0.15)
    return _marking(out, u, v, marks, zebra, across, along, min(max(worn, 0.25), 1.0))


@njit(cache=True)
def paving(out, u, v, noise, footprint):
    """Slabs with joints, each its own tint, and stains."""
    fade = min(max(1 - footprint / 0.35, 0.0), 1.0)
    a, b = np.floor(u / 0.5), np.floor(v / 0.5)
    tint = 1 + (hash01(a, b, 1.0) - 0.5) * 0.16 * fade + 0.07 * noise_at(noise, u * 0.06, v * 0.06)
    edge = min(0.25 - abs(u - (a + 0.5) * 0.5), 0.25 - abs(v - (b + 0.5) * 0.5))
    tint *= 1 - 0.4 * (1 - cover(edge - 0.012, footprint)) * fade
    for k in range(3):
        out[k] *= tint


@njit(cache=True)
def painted(out, base, texels, levels, tex, u, v, level, six):
    """A painted texture over the object's own colour. Returns gloss, glow."""
    texel_at(texels, levels, tex, u, v, level, six)
    for k in range(3):
        c = six[k] * six[k] * (0.6 + 0.4 * six[k])
        out[k] = c * (1 - six[3]) + c * base[k] * six[3]
    return six[4], six[5]
