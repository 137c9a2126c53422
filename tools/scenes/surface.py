"""What surfaces are made of: a table of materials, and the patterns of roads, pavements and facades.

Patterns are functions of metres on the surface; each fades to its mean where a pixel covers more than its detail.
No light falls here: that is `shade`.
"""

import numpy as np

from .kernel import kernel
from .textures import noise_at, texel_at

(
    PLAIN,
    PAINTED,
    ROAD,
    PAVING,
    GRASS,
    FACADE,
    LEAF,
    METAL,
    GLASS,
    CLOTH,
    SKIN,
    RUBBER,
    GLOW,
    BARK,
    BRICK,
    TILES,
    HAIR,
) = range(17)

# noise tiles a metre, its share of the colour, reflectance at right angles, highlight sharpness, bump
MATERIALS = np.array(
    [
        (0.30, 0.10, 0.00, 20, 0.00),  # PLAIN
        (0.00, 0.00, 0.04, 300, 0.00),  # PAINTED
        (0.23, 0.10, 0.01, 30, 0.00),  # ROAD
        (0.31, 0.08, 0.00, 20, 0.00),  # PAVING
        (0.43, 0.32, 0.00, 10, 0.30),  # GRASS
        (0.11, 0.07, 0.00, 10, 0.00),  # FACADE
        (0.60, 0.22, 0.01, 15, 0.10),  # LEAF
        (0.40, 0.06, 0.10, 60, 0.00),  # METAL
        (0.00, 0.00, 0.08, 300, 0.00),  # GLASS
        (0.55, 0.04, 0.00, 8, 0.14),  # CLOTH
        (0.80, 0.04, 0.01, 25, 0.03),  # SKIN
        (0.70, 0.08, 0.00, 12, 0.00),  # RUBBER
        (0.00, 0.00, 0.00, 10, 0.00),  # GLOW
        (0.90, 0.25, 0.00, 10, 0.25),  # BARK
        (0.20, 0.10, 0.00, 10, 0.00),  # BRICK
        (0.35, 0.18, 0.00, 10, 0.10),  # TILES
        (1.50, 0.18, 0.02, 40, 0.25),  # HAIR
    ]
)

# columns of a facade's record
FACADE_FIELDS = (
    "floor",
    "bay",
    "win_w",
    "win_h",
    "shop",
    "fr",
    "fg",
    "fb",
    "seed",
    "lit",
    "brick",
    "sr",
    "sg",
    "sb",
)


@kernel
def hash01(a, b, c):
    """A number in 0..1 that looks random, from three."""
    x = (int(a) * 374761393 + int(b) * 668265263 + int(c) * 2147483647 + 1274126177) & 0xFFFFFFFF
    x = ((x ^ (x >> 13)) * 1274126177) & 0xFFFFFFFF
    x = ((x ^ (x >> 16)) * 2246822519) & 0xFFFFFFFF
    return ((x ^ (x >> 15)) & 0xFFFFFF) / 16777216.0


@kernel
def cover(inside, footprint):
    """Share of a pixel that lies inside an edge; `inside` is the distance into the shape in metres."""
    return min(max(inside / max(footprint, 1e-4) + 0.5, 0.0), 1.0)


@kernel
def mix(r, g, b, r2, g2, b2, share):
    return r + (r2 - r) * share, g + (g2 - g) * share, b + (b2 - b) * share


@kernel
def brick(r, g, b, u, v, footprint):
    """Rows of bricks with pale joints, each brick its own tint."""
    fade = 1.0 - footprint / 0.10
    if fade <= 0:
        return r, g, b
    row = np.floor(v / 0.075)
    shift = 0.5 * (int(row) & 1)
    col = np.floor(u / 0.24 + shift)
    tint = 1 + (hash01(row, col, 3.0) - 0.5) * 0.35 * fade
    fu = abs((u / 0.24 + shift) - col - 0.5) * 0.24
    fv = abs(v / 0.075 - row - 0.5) * 0.075
    joint = max(1 - cover(0.112 - fu, footprint), 1 - cover(0.032 - fv, footprint)) * fade
    return mix(r * tint, g * tint, b * tint, 0.33, 0.31, 0.28, joint * 0.6)


@kernel
def _shop(r, g, b, u, v, f, row, footprint, noise):
    """Ground floor: panes between pillars, a coloured board above."""
    width, floor, seed = f[row, 1] * 2, f[row, 0], f[row, 8]
    cell = np.floor(u / width)
    x = u - (cell + 0.5) * width
    high, low = cover(floor - 0.25 - v, footprint), cover(v - floor + 0.95, footprint)
    board = high * low * cover(width / 2 - 0.2 - abs(x), footprint)
    pane = (
        cover(width / 2 - 0.35 - abs(x), footprint)
        * cover(v - 0.45, footprint)
        * cover(floor - 1.05 - v, footprint)
    )
    bars = 1 - cover(abs(abs(x) - width / 6) - 0.035, footprint)
    hue = hash01(cell, seed, 9.0) * 6.28
    tone = 0.04 + 0.28 * hash01(cell, seed, 11.0) ** 2
    r, g, b = mix(
        r,
        g,
        b,
        tone + tone * 0.38 * np.cos(hue),
        tone + tone * 0.26 * np.cos(hue + 2.1),
        tone + tone * 0.30 * np.cos(hue + 4.2),
        board,
    )
    inside = max(0.055 + 0.03 * noise_at(noise, u * 0.05, v * 0.03 + seed), 0.02)
    goods = hash01(np.floor(u * 2.3), seed, cell) * 1.5
    if v < 0.5 + goods and goods > 0.4:
        inside += 0.10 * hash01(np.floor(u * 2.3), seed, 4.0) / (1 + footprint * 6)
    r, g, b = mix(r, g, b, inside * 1.1, inside, inside * 0.9, pane)
    r, g, b = mix(r, g, b, 0.05, 0.05, 0.05, pane * bars * 0.8)
    lit = 1.0 if hash01(cell, seed, 5.0) > 0.35 else 0.15
    return (
        r,
        g,
        b,
        pane * (1 - bars),
        (pane * (1 - bars) * (0.25 + inside * 9) + board * 0.25) * lit,
    )


@kernel
def facade(r, g, b, u, v, f, row, footprint, noise):
    """A wall with windows by row `row` of f (FACADE_FIELDS). Returns colour, gloss, glow by night."""
    if f[row, 10] > 0:
        r, g, b = brick(r, g, b, u, v, footprint)
    tall, wide, half, win = f[row, 0], f[row, 1], f[row, 2] / 2, f[row, 3]
    floor = np.floor(v / tall)
    if floor == 0 and f[row, 4] > 0:
        return _shop(r, g, b, u, v, f, row, footprint, noise)
    y = v - floor * tall
    fr, fg, fb, seed = f[row, 5], f[row, 6], f[row, 7], f[row, 8]
    r, g, b = mix(
        r, g, b, fr * 0.8, fg * 0.8, fb * 0.8, cover(0.09 - abs(y - 0.05), footprint) * 0.5
    )
    bay = np.floor(u / wide)
    x = abs(u - (bay + 0.5) * wide)
    up = y - (tall - win) * 0.42
    if x > half + 0.3 + footprint:
        return r, g, b, 0.0, 0.0
    sill = cover(half + 0.12 - x, footprint) * cover(0.1 - abs(up + 0.08), footprint)
    case = (
        cover(half + 0.10 - x, footprint)
        * cover(up + 0.02, footprint)
        * cover(win + 0.12 - up, footprint)
        * 0.75
    )
    r, g, b = mix(r, g, b, fr, fg, fb, max(sill, case))
    hole = cover(half - x, footprint) * cover(up, footprint) * cover(win - up, footprint)
    if hole <= 0:
        return r, g, b, 0.0, 0.0
    frame = max(
        1 - cover(half - 0.07 - x, footprint),
        1 - cover(x - 0.03, footprint),
        1 - cover(up - 0.07, footprint),
        1 - cover(win - 0.07 - up, footprint),
    )
    pick = hash01(bay, floor, seed)
    inside = 0.030 + 0.03 * hash01(bay, floor, seed + 2)
    if (pick > 0.55 and x > half * (0.35 + 0.5 * pick)) or (
        pick < 0.12 and up > win * (0.3 + 4 * pick)
    ):
        inside = 0.32
    r, g, b = mix(r, g, b, inside, inside * 1.02, inside * 1.05, hole)
    r, g, b = mix(r, g, b, fr, fg, fb, hole * frame)
    shade = cover(0.16 - (win - up), footprint) * hole
    r, g, b = mix(r, g, b, 0.02, 0.02, 0.02, shade * 0.7)
    lit = 1.0 if hash01(bay, floor, seed + 7) < f[row, 9] else 0.02
    return (
        r,
        g,
        b,
        hole * (1 - frame) * (1 - 0.6 * shade),
        hole * (1 - frame) * lit * (0.35 + 2.0 * inside),
    )


@kernel
def _marking(u, v, marks, row, zebra, across, along):
    """Share of paint at (u, v), and whether it is yellow."""
    paint = 0.0
    yellow = 0.0
    for k in range(marks.shape[1]):
        width = marks[row, k, 1]
        off = abs(u - marks[row, k, 0])
        if width <= 0 or off > width / 2 + across:
            continue
        share = cover(width / 2 - off, across)
        if marks[row, k, 3] > 0:
            dash = marks[row, k, 2]
            period = dash + marks[row, k, 3]
            at = v - np.floor(v / period) * period
            fade = min(max(1.5 - along / period, 0.0), 1.0)
            share *= (
                cover(dash / 2 - abs(at - period / 2), along) * fade + (1 - fade) * dash / period
            )
        if share > paint:
            paint = share
            yellow = marks[row, k, 4]
    if row == 0:
        for k in range(zebra.shape[0]):
            inside = cover(v - zebra[k, 0], along) * cover(zebra[k, 1] - v, along)
            if inside <= 0:
                continue
            inside *= cover(u - zebra[k, 2], across) * cover(zebra[k, 3] - u, across)
            period = zebra[k, 4]
            if period > 0:
                at = u / period - np.floor(u / period)
                inside *= cover(0.25 * period - abs(at - 0.5) * period, across)
            paint = max(paint, inside)
    return paint, yellow


@kernel
def road(r, g, b, u, v, marks, row, zebra, noise, across, along, look):
    """Asphalt with grain, patches, wheel tracks and painted lines. Returns colour and the painted share."""
    fine = max(0.0, 1 - along / 0.05)
    big = noise_at(noise, u * 0.021 + look, v * 0.021)
    mid = noise_at(noise, u * 0.13, v * 0.045 + look)
    tint = 1 + 0.07 * big + 0.035 * mid
    near = max(0.0, 1 - along / 0.3)
    if fine > 0:
        tint += 0.10 * noise_at(noise, u * 2.1, v * 2.1) * fine
    lane = u / 1.7 - np.floor(u / 1.7) - 0.5
    tint += (lane * lane - 0.08) * 0.25
    cell_u, cell_v = np.floor(u / 2.6 + look), np.floor(v / 5.5)
    if hash01(cell_u, cell_v, look) > 0.93:
        inner = 0.5 - max(
            abs(u / 2.6 + look - cell_u - 0.5) * 1.3, abs(v / 5.5 - cell_v - 0.5) * 1.2
        )
        tint *= 1 - 0.22 * cover(inner * 2.6, along)
    if near > 0:
        crack = abs(noise_at(noise, u * 0.07 + 3.1, v * 0.03 + look) - 0.1)
        tint *= 1 - 0.20 * max(0.0, 1 - crack / 0.03) * near
    tint = max(tint, 0.3)
    paint, yellow = _marking(u, v, marks, row, zebra, across, along)
    if paint > 0:
        worn = 0.92 + 0.25 * mid
        if along < 0.15:
            worn += 0.25 * noise_at(noise, u * 0.9, v * 0.9) * (1 - along / 0.15)
        paint *= min(max(worn, 0.25), 1.0)
    r, g, b = mix(
        r * tint, g * tint, b * tint, 0.56, 0.55 - 0.13 * yellow, 0.52 - 0.42 * yellow, paint
    )
    return r, g, b, paint


@kernel
def paving(u, v, noise, footprint):
    """Slabs with joints, each its own tint, and stains: the tint."""
    fade = min(max(1 - footprint / 0.35, 0.0), 1.0)
    tint = 1 + 0.07 * noise_at(noise, u * 0.06, v * 0.06)
    if fade > 0:
        a, b = np.floor(u / 0.5), np.floor(v / 0.5)
        tint += (hash01(a, b, 1.0) - 0.5) * 0.16 * fade
        edge = min(0.25 - abs(u - (a + 0.5) * 0.5), 0.25 - abs(v - (b + 0.5) * 0.5))
        tint *= 1 - 0.4 * (1 - cover(edge - 0.012, footprint)) * fade
    return tint


@kernel
def painted(r, g, b, texels, levels, tex, u, v, level):
    """A painted texture over the object's own colour. Returns colour, gloss, glow."""
    x, y, z, paint, gloss, glow = texel_at(texels, levels, tex, u, v, level)
    x, y, z = x * x * (0.6 + 0.4 * x), y * y * (0.6 + 0.4 * y), z * z * (0.6 + 0.4 * z)
    rest = 1 - paint
    return x * (rest + r * paint), y * (rest + g * paint), z * (rest + b * paint), gloss, glow
