"""The sky and what shiny things mirror: colours by direction. Directions are unit vectors, z up."""

import numpy as np

from .kernel import kernel
from .textures import noise_at

MIRROR_SHAPE = (64, 128)  # elevation, turn


@kernel
def power(x, times):
    """x squared `times` times over."""
    for _ in range(times):
        x *= x
    return x


@kernel
def sky_at(dx, dy, dz, noise, sun, sun_rgb, zenith, horizon, bounce, sky):
    """The sky's colour with clouds, sun and a hazy skyline."""
    up = max(dz, 0.0)
    rise = np.sqrt(up)
    cloud = 0.0
    if up > 0.01 and sky[0] > 0:
        x, y = dx / (up + 0.12) * 0.05 + sky[1], dy / (up + 0.12) * 0.05
        n = noise_at(noise, x, y) + 0.35 * noise_at(noise, x * 4.3, y * 4.3)
        cloud = min(max((n + sky[0] * 3.2 - 1.7) * 0.8, 0.0), 1.0) * min(1.0, up * 7)
    facing = max(dx * sun[0] + dy * sun[1] + dz * sun[2], 0.0)
    glow = 0.25 * power(facing, 5) + 1.6 * power(facing, 9) * (1 - cloud)
    white = (horizon[0] + horizon[1] + horizon[2]) / 3 * sky[2]
    under = min(max((sky[6] - dz) * 150, 0.0), 1.0)
    if dz < sky[6]:
        turn = np.arctan2(dx, dy)
        top = sky[6] * (0.55 + 0.25 * noise_at(noise, turn * 0.35, sky[1]))
        under = min(max((top - dz) * 150, 0.0), 1.0) * 0.55
    r, g, b = 0.0, 0.0, 0.0
    for k in range(3):
        c = horizon[k] * (1 - rise) + zenith[k] * rise
        c = c * (1 - cloud) + (white * 0.75 + horizon[k] * 0.25) * cloud + glow * sun_rgb[k]
        c += (horizon[k] * 0.42 + bounce[k] * 0.1 - c) * under
        if k == 0:
            r = c
        elif k == 1:
            g = c
        else:
            b = c
    return r, g, b


@kernel
def mirror_map(noise, sun, sun_rgb, zenith, horizon, bounce, sky, out):
    """Fill out (elevation, turn, 3): sky, a row of houses, or the ground, by direction."""
    rows, cols = out.shape[:2]
    for j in range(rows):
        rise = ((j + 0.5) / rows * 2 - 1) * np.pi / 2
        for i in range(cols):
            turn = ((i + 0.5) / cols * 2 - 1) * np.pi
            flat = np.cos(rise)
            r, g, b = sky_at(
                np.sin(turn) * flat,
                np.cos(turn) * flat,
                np.sin(rise),
                noise,
                sun,
                sun_rgb,
                zenith,
                horizon,
                bounce,
                sky,
            )
            slope = np.tan(rise)
            top = 0.24 + 0.12 * noise_at(noise, turn * 0.9, 0.37)
            houses = min(max((top - slope) * 9, 0.0), 1.0)
            ground = min(max(0.5 - slope * 16, 0.0), 1.0)
            tint = 0.30 + 0.08 * noise_at(noise, turn * 2.1, slope * 0.5)
            for k, c in ((0, r), (1, g), (2, b)):
                c += (horizon[k] * tint - c) * houses
                out[j, i, k] = c + (bounce[k] * 0.55 - c) * ground


@kernel
def mirrored(x, y, z, table):
    """Look the direction up in a mirror map."""
    rows, cols = table.shape[:2]
    v = (np.arcsin(min(max(z, -1.0), 1.0)) / np.pi + 0.5) * rows - 0.5
    u = (np.arctan2(x, y) / (2 * np.pi) + 0.5) * cols - 0.5
    j, i = int(np.floor(v)), int(np.floor(u))
    fy, fx = v - j, u - i
    q = min(max(j + 1, 0), rows - 1)
    j = min(max(j, 0), rows - 1)
    p, i = (i + 1) & (cols - 1), i & (cols - 1)
    wa, wb, wc, wd = (1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy
    return (
        table[j, i, 0] * wa + table[j, p, 0] * wb + table[q, i, 0] * wc + table[q, p, 0] * wd,
        table[j, i, 1] * wa + table[j, p, 1] * wb + table[q, i, 1] * wc + table[q, p, 1] * wd,
        table[j, i, 2] * wa + table[j, p, 2] * wb + table[q, i, 2] * wc + table[q, p, 2] * wd,
    )
