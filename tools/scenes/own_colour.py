"""The shader's second pass: each sample's own colour, gloss, glow and how much rain wets it.

The patterns themselves are `surface`; no light falls here: that is `falling_light`.

As in the other passes, arrays go from the pass straight to the kernel that reads them: a kernel in
between that only hands them on costs more than its work.
"""

import numpy as np

from . import locate as at
from . import surface as sf
from .kernel import kernel
from .shade_records import (
    CLOUD_SHIFT,
    MATERIAL,
    NIGHT,
    NOISE_RATE,
    NOISE_SHARE,
    RECORD,
    TEXTURE,
    Light,
    Samples,
    Soup,
)
from .textures import noise_at
from .vectors import columns, scaled

LEAST_FACING = 0.04  # a surface seen from its edge counts as seen a little from its front
WET_PAVING = 0.5
STAIN_RATE = 0.05  # tiles of noise a metre


@kernel
def _mip_level(wide, across, metres_a_texel):
    """Which level of a texture a sample's footprint asks for."""
    footprint = np.sqrt(wide * across)
    texels = max(footprint / metres_a_texel, 1.0)
    return np.log2(texels) + 0.3


@kernel
def _stain(u, v, noise):
    """How weather tints a wall there."""
    stain = noise_at(noise, u * STAIN_RATE, v * STAIN_RATE)
    return 1 + 0.06 * stain


@kernel
def _roughness(u, v, material, materials, wide, noise):
    """How a material's noise tints it there; it fades where a pixel covers more than its detail."""
    share = materials[material, NOISE_SHARE]
    if share <= 0:
        return 1.0
    rate = materials[material, NOISE_RATE]
    rough = noise_at(noise, u * rate, v * rate)
    fade = min(1.0, 0.1 / max(wide, 1e-3) / rate)
    return max(1 + share * rough * fade, 0.2)


@kernel
def find(
    count: int,
    samples: Samples,
    soup: Soup,
    light: Light,
    materials: np.ndarray,
    focal: float,
) -> None:
    """Fill in the looks of those of the first `count` samples that lie on a surface."""
    # out of the records once, since each look into one inside the loop costs
    tri = samples.tri
    geo = samples.geo
    tag = soup.tag
    rgb = soup.rgb
    noise = light.noise
    texels = light.texels
    levels = light.levels
    metres = light.metres
    marks = light.marks
    zebra = light.zebra
    facades = light.facades
    look = light.sky[CLOUD_SHIFT]
    night = light.sky[NIGHT]

    for s in range(count):
        t = tri[s]
        if t < 0:
            continue

        # where it is, and how many metres it covers
        u = float(geo[s, at.U])
        v = float(geo[s, at.V])
        across = geo[s, at.DEPTH] / focal
        wide = across / max(geo[s, at.FACING], LEAST_FACING)

        # what it looks like there
        material = tag[t, MATERIAL]
        texture = tag[t, TEXTURE]
        record = tag[t, RECORD]
        r, g, b = columns(rgb, t, 0, 1, 2)
        lamp = float(rgb[t, 3])
        gloss = 0.0
        glow = 0.0
        wet = 0.0
        if texture >= 0:
            level = _mip_level(wide, across, metres[texture])
            r, g, b, gloss, glow = sf.painted(r, g, b, texels, levels, texture, u, v, level)
            glow *= lamp
        elif material == sf.ROAD:
            r, g, b, paint = sf.road(r, g, b, u, v, marks, record, zebra, noise, across, wide, look)
            wet = 1.0 - 0.6 * paint
        elif material == sf.PAVING:
            tint = sf.paving(u, v, noise, wide)
            r, g, b = scaled((r, g, b), tint)
            wet = WET_PAVING
        elif material == sf.FACADE:
            r, g, b, gloss, glow = sf.facade(r, g, b, u, v, facades, record, wide, noise)
            r, g, b = scaled((r, g, b), _stain(u, v, noise))
            glow *= night
        else:
            if material == sf.BRICK:
                r, g, b = sf.brick(r, g, b, u, v, wide)
            tint = _roughness(u, v, material, materials, wide, noise)
            r, g, b = scaled((r, g, b), tint)
            if material == sf.GLASS:
                gloss = 1.0
            if material == sf.GLOW:
                glow = lamp

        # into the table, for the next passes
        geo[s, at.RED] = r
        geo[s, at.GREEN] = g
        geo[s, at.BLUE] = b
        geo[s, at.GLOSS] = gloss
        geo[s, at.SHINE] = glow
        geo[s, at.WET] = wet
