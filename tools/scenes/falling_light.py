"""The shader's third pass: the light that falls on each sample from sun, sky, ground and lamps.

What becomes of it: `seen_light`.
"""

import numpy as np

from . import locate as at
from . import surface as sf
from .kernel import kernel
from .shade_records import (
    BEAM,
    BUMP,
    FALLING_BLUE,
    FALLING_GREEN,
    FALLING_RED,
    MATERIAL,
    MIRRORS_BACK,
    NIGHT,
    NORMAL_X,
    NORMAL_Y,
    NORMAL_Z,
    RECORD,
    SKY_SHARE,
    SUN_SHARE,
    Light,
    Samples,
    Soup,
)
from .textures import noise_at
from .vectors import between, beyond, columns, dot, scaled, total

BUMPS_UNTIL = 60  # metres away
SHADOW_LIFT = 0.06  # metres off the surface, so that it does not shade itself
LAMP_REACH = 900.0  # metres, squared
BEAM_HEIGHT = 0.7  # metres

# rows of a camera's axes
RIGHT = 0
FORWARD = 2


@kernel
def _rough(normal, u, v, bump, noise):
    """A normal stirred by noise: folds of cloth, blades of grass."""
    u = u * 0.9
    v = v * 0.54
    sideways = noise_at(noise, u + 0.3, v)
    upwards = noise_at(noise, v, u + 0.7)
    stirred = (
        normal[0] + bump * sideways,
        normal[1],
        normal[2] + bump * upwards,
    )
    size = 1 / np.sqrt(dot(stirred, stirred))
    return scaled(stirred, size)


@kernel
def _in_view(view, row, point):
    """One coordinate of a point in a view (3, 4)."""
    x = view[row, 0] * point[0]
    y = view[row, 1] * point[1]
    z = view[row, 2] * point[2]
    return x + y + z + view[row, 3]


@kernel
def _tap_weight(k, share):
    """How much the k-th of three neighbouring cells counts, `share` of a cell from the first."""
    if k == 0:
        return 1 - share
    if k == 2:
        return share
    return 1.0


@kernel
def _sunlit(point, shadow, view, scale):
    """Share of the sun that reaches a point: nine shadow-map taps, blended."""
    last = shadow.shape[0] - 3
    pixels_a_metre = scale[0]
    far = 0.05 - _in_view(view, 2, point)
    right = _in_view(view, 0, point) * pixels_a_metre
    down = _in_view(view, 1, point) * pixels_a_metre
    u = right + scale[1] - 1.0
    v = down + scale[2] - 1.0
    if u < 0 or v < 0 or u > last or v > last:
        return 1.0
    column = int(u)
    row = int(v)
    u_share = u - column
    v_share = v - row
    lit = 0.0
    for b in range(3):
        row_weight = _tap_weight(b, v_share)
        for a in range(3):
            nearest = shadow[row + b, column + a]
            if nearest < far:
                lit += _tap_weight(a, u_share) * row_weight
    return lit / 4.0


@kernel
def _open_sky(point, under, place):
    """How much sky the ground sees: dark under cars and beside walls."""
    cells_a_metre = place[2]
    from_left = point[0] - place[0]
    from_near = point[1] - place[1]
    u = from_left * cells_a_metre - 0.5
    v = from_near * cells_a_metre - 0.5
    rows, columns = under.shape
    last_column = columns - 1
    last_row = rows - 1
    if u < 0 or v < 0 or u >= last_column or v >= last_row:
        return 1.0
    column = int(u)
    row = int(v)
    right = column + 1
    below = row + 1
    u_share = u - column
    near = between(under[row, column], under[row, right], u_share)
    far = between(under[below, column], under[below, right], u_share)
    return between(near, far, v - row) / 255.0


@kernel
def _sky_share(open_sky, material, z):
    """How much of the sky reaches the ground, or what stands on it by its height."""
    if material == sf.ROAD or material == sf.PAVING or material == sf.GRASS:
        return open_sky
    height = min(max(z / 1.1, 0.0), 1.0)
    higher = 0.55 + 0.45 * height
    return higher * (0.75 + 0.25 * open_sky)


@kernel
def _overhead(zenith, horizon, grey):
    """One channel of what an upward surface sees: the whole sky, half of its hue washed out."""
    sky = 0.45 * zenith + 0.55 * horizon
    return 0.55 * sky + 0.45 * grey


@kernel
def _sky_light(zenith, horizon):
    """The colour that the whole sky throws on an upward surface."""
    from_zenith = total(zenith) * 0.15
    grey = from_zenith + total(horizon) * 0.18
    return (
        _overhead(zenith[0], horizon[0], grey),
        _overhead(zenith[1], horizon[1], grey),
        _overhead(zenith[2], horizon[2], grey),
    )


@kernel
def _daylight(sun_share, sky_share, up, sun_rgb, sky_rgb, bounce):
    """The colour that sun, sky and ground throw on a surface; `up` is its normal's z."""
    above = (0.5 + 0.5 * up) * sky_share
    below = (0.5 - 0.5 * up) * sky_share
    from_sun = scaled(sun_rgb, sun_share)
    from_both = beyond(from_sun, above, sky_rgb)
    return beyond(from_both, below, bounce)


@kernel
def _lamp_light(point, normal, lamps):
    """The colour that street lamps throw on a surface."""
    rgb = (0.0, 0.0, 0.0)
    for k in range(lamps.shape[0]):
        lamp = columns(lamps, k, 0, 1, 2)
        away = beyond(lamp, -1.0, point)
        far = dot(away, away)
        if far < LAMP_REACH:
            lean = dot(away, normal) / np.sqrt(far + 1e-6)
            lit = max(lean * 0.8 + 0.2, 0.0)
            fading = 1 - far / LAMP_REACH
            strength = lit / (far + 4.0) * fading
            rgb = beyond(rgb, strength, columns(lamps, k, 3, 4, 5))
    return rgb


@kernel
def _beam(point, eye, axes, strength):
    """The own car's headlights, just below the camera."""
    x = point[0] - eye[0]
    y = point[1] - eye[1]
    ahead = x * axes[FORWARD, 0] + y * axes[FORWARD, 1]
    if ahead < 1.0:
        return 0.0
    right = x * axes[RIGHT, 0] + y * axes[RIGHT, 1]
    side = right / ahead - 0.05
    spread = np.exp(-side * side * 7.0)
    rise = (point[2] - BEAM_HEIGHT) / ahead - 0.005
    cut = 1.0 / (1.0 + np.exp(90.0 * rise))
    fading = ahead * ahead + 60.0
    return strength * spread * (cut + 0.05) * 90.0 / fading


@kernel
def _with_lamps(rgb, lamps, beam):
    """Daylight, street lamps and the own headlights together; the latter are a little yellow."""
    both = beyond(rgb, 1.0, lamps)
    return beyond(both, beam, (1.0, 0.93, 0.8))


@kernel
def find(
    count: int,
    samples: Samples,
    soup: Soup,
    light: Light,
    materials: np.ndarray,
    eye: np.ndarray,
    axes: np.ndarray,
) -> None:
    """Fill in what falls on those of the first `count` samples that lie on a surface."""
    # out of the records once, since each look into one inside the loop costs
    tri = samples.tri
    geo = samples.geo
    falling = samples.falling
    tag = soup.tag
    noise = light.noise
    sun = light.sun
    sun_rgb = light.sun_rgb
    sky_rgb = _sky_light(light.zenith, light.horizon)
    bounce = light.bounce
    shadow = light.shadow
    shadow_view = light.shadow_view
    shadow_scale = light.shadow_scale
    has_shadows = shadow.shape[0] > 2
    under = light.under
    under_map = light.under_map
    lamps = light.lamps
    night = light.sky[NIGHT]
    strength = light.sky[BEAM]

    for s in range(count):
        t = tri[s]
        if t < 0:
            continue

        # what it is, its normal stirred where the material is rough and near
        material = tag[t, MATERIAL]
        point = columns(geo, s, at.X, at.Y, at.Z)
        normal = columns(geo, s, at.NX, at.NY, at.NZ)
        depth = float(geo[s, at.DEPTH])
        bump = materials[material, BUMP]
        if bump > 0 and depth < BUMPS_UNTIL:
            nearby = min(1.0, 4.0 / depth)
            normal = _rough(normal, geo[s, at.U], geo[s, at.V], bump * nearby, noise)

        # by day: sun, sky, and what the ground throws back
        sun_share = dot(normal, sun)
        if material == sf.LEAF:
            sun_share = 0.35 + 0.65 * sun_share
        sun_share = max(sun_share, 0.0)
        if sun_share > 0 and has_shadows:
            lifted = beyond(point, SHADOW_LIFT, normal)
            sun_share *= _sunlit(lifted, shadow, shadow_view, shadow_scale)
        sky_share = _sky_share(_open_sky(point, under, under_map), material, point[2])
        rgb = _daylight(sun_share, sky_share, normal[2], sun_rgb, sky_rgb, bounce)

        # by night: street lamps, and the own headlights, which signs throw back
        if night > 0:
            beam = _beam(point, eye, axes, strength)
            beam *= max(float(geo[s, at.FACING]), 0.25)
            if tag[t, RECORD] == MIRRORS_BACK:
                beam *= 2.5
            rgb = _with_lamps(rgb, _lamp_light(point, normal, lamps), beam)

        # into the table, for the next pass
        falling[s, NORMAL_X] = normal[0]
        falling[s, NORMAL_Y] = normal[1]
        falling[s, NORMAL_Z] = normal[2]
        falling[s, SUN_SHARE] = sun_share
        falling[s, SKY_SHARE] = sky_share
        falling[s, FALLING_RED] = rgb[0]
        falling[s, FALLING_GREEN] = rgb[1]
        falling[s, FALLING_BLUE] = rgb[2]
