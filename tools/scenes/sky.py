"""The sky and what shiny things mirror: colours by direction. Directions are unit vectors, z up."""

from typing import NamedTuple

import numpy as np

from .kernel import kernel
from .noise import noise_at
from .vectors import Vector, bilinear, dot, triple

MIRROR_SHAPE = (64, 128)  # elevation, turn

# columns of the record that describes the air
COVER, SHIFT, BRIGHTNESS, FOG, WETNESS, NIGHT, SKYLINE, BEAM = range(8)

SKYLINE_EDGE = 150  # how sharply what stands on the horizon ends: the inverse of its haze


class _View(NamedTuple):
    """What is seen of the sky in one direction, but for its colours."""

    rise: float  # 0: horizon, 1: zenith
    cloud: float  # share of it that is cloud
    white: float  # how bright a cloud is
    glow: float  # how much of the sun is scattered this way
    skyline: float  # share of it that is hidden by what stands on the horizon


@kernel
def power(x: float, times: int) -> float:
    """x squared `times` times over."""
    for _ in range(times):
        x *= x
    return x


@kernel
def _clamped(x):
    """x, kept in 0..1."""
    return min(max(x, 0.0), 1.0)


@kernel
def _cloud(dx, dy, up, noise, cover, shift):
    """How much of the sky in a direction is cloud, 0..1."""
    if up <= 0.01 or cover <= 0:
        return 0.0
    x = dx / (up + 0.12) * 0.05 + shift
    y = dy / (up + 0.12) * 0.05
    fine = noise_at(noise, x * 4.3, y * 4.3)
    n = noise_at(noise, x, y) + 0.35 * fine
    over = n + cover * 3.2 - 1.7
    dense = _clamped(over * 0.8)
    return dense * min(1.0, up * 7)


@kernel
def _skyline(dx, dy, dz, noise, height, shift):
    """How much of the view in a direction is the hazy skyline, 0..1."""
    if dz >= height:
        return 0.0
    turn = np.arctan2(dx, dy)
    ragged = noise_at(noise, turn * 0.35, shift)
    top = height * (0.55 + 0.25 * ragged)
    return _clamped((top - dz) * SKYLINE_EDGE) * 0.55


@kernel
def _sky_colour(view, zenith, horizon, sun, bounce):
    """One of a view's three colours: clear air, clouds, the sun's glow, the skyline over all."""
    air = horizon * (1 - view.rise) + zenith * view.rise
    cloud = view.white * 0.75 + horizon * 0.25
    clear = air * (1 - view.cloud)
    c = clear + cloud * view.cloud + view.glow * sun
    skyline = horizon * 0.42 + bounce * 0.1
    return c + (skyline - c) * view.skyline


@kernel
def sky_at(
    dx: float,
    dy: float,
    dz: float,
    noise: np.ndarray,
    sun: np.ndarray,
    sun_rgb: np.ndarray,
    zenith: np.ndarray,
    horizon: np.ndarray,
    bounce: np.ndarray,
    sky: np.ndarray,
) -> Vector:
    """The sky's colour with clouds, sun and a hazy skyline."""
    up = max(dz, 0.0)
    cloud = _cloud(dx, dy, up, noise, sky[COVER], sky[SHIFT])

    # around the sun: a wide glow, and a narrow one that clouds hide
    facing = max(dot((dx, dy, dz), triple(sun)), 0.0)
    wide = 0.25 * power(facing, 5)
    narrow = 1.6 * power(facing, 9)
    glow = wide + narrow * (1 - cloud)

    red, green, blue = triple(horizon)
    grey = (red + green + blue) / 3
    white = grey * sky[BRIGHTNESS]
    skyline = _skyline(dx, dy, dz, noise, sky[SKYLINE], sky[SHIFT])
    view = _View(np.sqrt(up), cloud, white, glow, skyline)
    return (
        _sky_colour(view, zenith[0], horizon[0], sun_rgb[0], bounce[0]),
        _sky_colour(view, zenith[1], horizon[1], sun_rgb[1], bounce[1]),
        _sky_colour(view, zenith[2], horizon[2], sun_rgb[2], bounce[2]),
    )


@kernel
def mirror_map(
    noise: np.ndarray,
    sun: np.ndarray,
    sun_rgb: np.ndarray,
    zenith: np.ndarray,
    horizon: np.ndarray,
    bounce: np.ndarray,
    sky: np.ndarray,
    out: np.ndarray,
) -> None:
    """Fill out (elevation, turn, 3): sky, a row of houses, or the ground, by direction."""
    rows, cols = out.shape[:2]
    for j in range(rows):
        height = (j + 0.5) / rows * 2 - 1
        rise = height * np.pi / 2
        flat = np.cos(rise)
        dz = np.sin(rise)
        slope = np.tan(rise)
        ground = _clamped(0.5 - slope * 16)
        for i in range(cols):
            round_by = (i + 0.5) / cols * 2 - 1
            turn = round_by * np.pi
            dx = np.sin(turn) * flat
            dy = np.cos(turn) * flat
            colour = sky_at(dx, dy, dz, noise, sun, sun_rgb, zenith, horizon, bounce, sky)

            # roofs at uneven heights, and walls that are not of one colour
            top = 0.24 + 0.12 * noise_at(noise, turn * 0.9, 0.37)
            houses = _clamped((top - slope) * 9)
            wall = noise_at(noise, turn * 2.1, slope * 0.5)
            tint = 0.30 + 0.08 * wall
            for k in range(3):
                c = colour[k]
                c += (horizon[k] * tint - c) * houses
                floor = bounce[k] * 0.55
                out[j, i, k] = c + (floor - c) * ground


@kernel
def mirrored(x: float, y: float, z: float, table: np.ndarray) -> Vector:
    """Look the direction up in a mirror map, smoothly between its cells."""
    rows, cols = table.shape[:2]
    rise = np.arcsin(min(max(z, -1.0), 1.0)) / np.pi
    turn = np.arctan2(x, y) / (2 * np.pi)
    v = (rise + 0.5) * rows - 0.5
    u = (turn + 0.5) * cols - 0.5

    # the two rows, which end, and the two columns, which go round
    j = int(np.floor(v))
    i = int(np.floor(u))
    weights = bilinear(u - i, v - j)
    below = min(max(j, 0), rows - 1)
    above = min(max(j + 1, 0), rows - 1)
    left = i & (cols - 1)
    right = (i + 1) & (cols - 1)
    return (
        _weighed(table, below, above, left, right, 0, weights),
        _weighed(table, below, above, left, right, 1, weights),
        _weighed(table, below, above, left, right, 2, weights),
    )


@kernel
def _weighed(table, low, high, left, right, k, weights):
    """One colour of four cells, each by its weight."""
    a, b, c, d = weights
    total = table[low, left, k] * a
    total += table[low, right, k] * b
    total += table[high, left, k] * c
    total += table[high, right, k] * d
    return total
