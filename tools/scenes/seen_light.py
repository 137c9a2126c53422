"""The shader's last pass: what each sample sends to the camera, added up in the picture.

A surface throws back the light that `falling_light` found, it glows, it mirrors, and fog lies
before it; where there is none, there is the sky. No camera effects.
"""

import numpy as np

from . import locate as at
from . import surface as sf
from .kernel import kernel
from .shade_records import (
    FALLING_BLUE,
    FALLING_GREEN,
    FALLING_RED,
    FOG,
    MATERIAL,
    NORMAL_X,
    NORMAL_Y,
    NORMAL_Z,
    REFLECTANCE,
    SHARPNESS,
    SKY_SHARE,
    SUN_SHARE,
    WETNESS,
    Light,
    Picture,
    Samples,
    Soup,
)
from .sky import mirrored, power, sky_at
from .vectors import beyond, columns, dot, scaled

BRIGHTEST = 30.0
LEAST_GLOSS = 0.05  # below these, nothing is mirrored
LEAST_REFLECTANCE = 0.03
SHARP = 100  # the highlight of what is sharper is small


@kernel
def _lamp(own, glow):
    """One channel of what a surface shines by itself."""
    return glow * (0.03 + own)


@kernel
def _thrown_back(own, damp, falling, glow):
    """What a surface of colour `own` sends to the camera; wet ones are darker."""
    dark = 1 - 0.38 * damp
    matt = scaled(own, dark)
    return (
        matt[0] * falling[0] + _lamp(own[0], glow),
        matt[1] * falling[1] + _lamp(own[1], glow),
        matt[2] * falling[2] + _lamp(own[2], glow),
    )


@kernel
def _mirrored_view(point, eye, far, facing, normal):
    """The direction in which the camera looks after the surface has mirrored it."""
    view = (
        (point[0] - eye[0]) / far,
        (point[1] - eye[1]) / far,
        (point[2] - eye[2]) / far,
    )
    return beyond(view, 2 * facing, normal)


@kernel
def _fresnel(facing, gloss, reflectance):
    """How much of what a surface mirrors is seen: more, the flatter one looks at it."""
    straight = reflectance
    strength = 1.0
    if gloss > 0:
        straight = 0.02 + 0.07 * gloss
        strength = min(1.0, gloss * 1.8)
    graze = 1 - max(facing, 0.0)
    from_edge = (1 - straight) * graze * power(graze, 2)
    return (straight + from_edge) * strength


@kernel
def _highlight(away, sun, sharp, sun_share):
    """How brightly the mirrored sun stands there."""
    facing_sun = max(dot(away, sun), 0.0)
    soft = power(facing_sun, 5)
    core = soft
    if sharp:
        core = power(soft, 3)
    spot = core * 9.0 + soft * 0.15
    return spot * min(sun_share * 4, 1.0)


@kernel
def _shine(rgb, mirror, fresnel, spot, sun_rgb):
    """Clear coat, glass and metal: the surface behind what it mirrors and the sun's highlight."""
    bright = beyond(mirror, spot, sun_rgb)
    return sf.mix(*rgb, *bright, fresnel)


@kernel
def _fog(haze):
    """How much of a sample the fog hides."""
    thickness = haze * np.sqrt(haze)
    return 1 - np.exp(-thickness)


@kernel
def _hidden(rgb, horizon, fog):
    """A colour behind fog, which is nearly as bright as the horizon."""
    grey = scaled(horizon, 0.85)
    return sf.mix(*rgb, *grey, fog)


@kernel
def _puddle(damp, fog, up, facing):
    """How much of the picture above a wet surface it mirrors."""
    clear = 1 - fog
    level = max(0.0, up)
    graze = power(1 - facing, 2)
    return damp * clear * level * (0.03 + 0.8 * graze)


@kernel
def add(
    count: int,
    samples: Samples,
    soup: Soup,
    light: Light,
    materials: np.ndarray,
    mirror: np.ndarray,
    eye: np.ndarray,
    picture: Picture,
) -> None:
    """Add the first `count` samples to the picture, each by its share of its pixel."""
    # out of the records once, since each look into one inside the loop costs
    tri = samples.tri
    pixels = samples.pixel
    shares = samples.share
    geo = samples.geo
    falling = samples.falling
    tag = soup.tag
    noise = light.noise
    sun = light.sun
    sun_rgb = light.sun_rgb
    zenith = light.zenith
    horizon = light.horizon
    bounce = light.bounce
    sky = light.sky
    image = picture.image
    depths = picture.depth
    wets = picture.wet
    most = picture.most

    for s in range(count):
        t = tri[s]
        point = columns(geo, s, at.X, at.Y, at.Z)
        depth = float(geo[s, at.DEPTH])
        wet = 0.0
        if t < 0:
            x, y, z = point
            r, g, b = sky_at(x, y, z, noise, sun, sun_rgb, zenith, horizon, bounce, sky)
        else:
            # what it throws back
            reach = float(geo[s, at.REACH])
            facing = float(geo[s, at.FACING])
            gloss = float(geo[s, at.GLOSS])
            damp = float(geo[s, at.WET]) * sky[WETNESS]
            own = columns(geo, s, at.RED, at.GREEN, at.BLUE)
            light_rgb = columns(falling, s, FALLING_RED, FALLING_GREEN, FALLING_BLUE)
            rgb = _thrown_back(own, damp, light_rgb, float(geo[s, at.SHINE]))

            # what it mirrors
            material = tag[t, MATERIAL]
            reflectance = materials[material, REFLECTANCE]
            if gloss > LEAST_GLOSS or reflectance > LEAST_REFLECTANCE:
                normal = columns(falling, s, NORMAL_X, NORMAL_Y, NORMAL_Z)
                away = _mirrored_view(point, eye, depth * reach, facing, normal)
                seen = mirrored(away[0], away[1], away[2], mirror)
                seen = scaled(seen, falling[s, SKY_SHARE])
                sharp = materials[material, SHARPNESS] > SHARP
                spot = _highlight(away, sun, sharp, falling[s, SUN_SHARE])
                rgb = _shine(rgb, seen, _fresnel(facing, gloss, reflectance), spot, sun_rgb)

            # what the fog leaves of it, and what a puddle adds to it later
            haze = sky[FOG] * depth * reach
            fog = _fog(haze)
            r, g, b = _hidden(rgb, horizon, fog)
            wet = _puddle(damp, fog, falling[s, NORMAL_Z], facing)

        pixel = pixels[s]
        share = shares[s]
        image[pixel, 0] += min(r, BRIGHTEST) * share
        image[pixel, 1] += min(g, BRIGHTEST) * share
        image[pixel, 2] += min(b, BRIGHTEST) * share
        if share > most[pixel]:
            most[pixel] = share
            depths[pixel] = depth
            wets[pixel] = wet
