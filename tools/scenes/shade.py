"""Light: turns the rasteriser's triangle numbers into linear colours under sun, sky, lamps, fog and rain.

Each pixel is sampled once where one surface fills it, and each surface once where several meet. The samples of a band
of rows go through three passes: where (geometry), what (colour), how lit. No camera effects.
"""

from typing import NamedTuple

import numpy as np

from . import locate as at
from . import surface as sf
from .kernel import kernel, scratch
from .sky import MIRROR_SHAPE, mirror_map, mirrored, power, sky_at
from .textures import noise_at

BAND = 32  # rows shaded at a time


class Soup(NamedTuple):
    """All triangles of a scene in world coordinates."""

    pos: np.ndarray  # (n, 3, 3)
    nrm: np.ndarray  # (n, 3, 3)
    uv: np.ndarray  # (n, 3, 2)
    rgb: np.ndarray  # (n, 4) colour and how strongly painted lights glow
    tag: np.ndarray  # (n, 4) material, texture, owner, row in its material's records


class Light(NamedTuple):
    """Everything that shines, and the records that patterns need. Colours are linear."""

    sun: np.ndarray  # direction to it
    sun_rgb: np.ndarray
    zenith: np.ndarray
    horizon: np.ndarray
    bounce: np.ndarray  # what the ground throws back
    sky: (
        np.ndarray
    )  # cloud cover, cloud shift, cloud brightness, fog density, wetness, night 0..1, skyline, beam
    lamps: np.ndarray  # (n, 6) position and colour
    shadow: np.ndarray  # nearest surface seen from the sun
    shadow_view: np.ndarray  # (3, 4)
    shadow_scale: np.ndarray  # pixels a metre, centre x, centre y
    under: np.ndarray  # open sky over the ground, seen from above, 0..255
    under_map: np.ndarray  # origin x, origin y, cells a metre
    facades: np.ndarray
    marks: np.ndarray
    zebra: np.ndarray
    noise: np.ndarray
    texels: np.ndarray
    levels: np.ndarray
    metres: np.ndarray


@kernel
def _colour(
    n,
    tri,
    tag,
    base,
    focal,
    night,
    look,
    noise,
    texels,
    levels,
    metres,
    facades,
    marks,
    zebra,
    table,
    geo,
):
    """Each sample's own colour, gloss, glow and how much rain wets it."""
    for s in range(n):
        t = tri[s]
        if t < 0:
            continue
        mat, tex, record = tag[t, 0], tag[t, 1], tag[t, 3]
        u, v = float(geo[s, at.U]), float(geo[s, at.V])
        r, g, b, lamp = float(base[t, 0]), float(base[t, 1]), float(base[t, 2]), float(base[t, 3])
        across = geo[s, at.DEPTH] / focal
        wide = across / max(geo[s, at.FACING], 0.04)
        gloss, glow, wet = 0.0, 0.0, 0.0
        if tex >= 0:
            level = np.log2(max(np.sqrt(wide * across) / metres[tex], 1.0)) + 0.3
            r, g, b, gloss, glow = sf.painted(r, g, b, texels, levels, tex, u, v, level)
            glow *= lamp
        elif mat == sf.ROAD:
            r, g, b, paint = sf.road(r, g, b, u, v, marks, record, zebra, noise, across, wide, look)
            wet = 1.0 - 0.6 * paint
        elif mat == sf.PAVING:
            tint = sf.paving(u, v, noise, wide)
            r, g, b, wet = r * tint, g * tint, b * tint, 0.5
        elif mat == sf.FACADE:
            r, g, b, gloss, glow = sf.facade(r, g, b, u, v, facades, record, wide, noise)
            tint = 1 + 0.06 * noise_at(noise, u * 0.05, v * 0.05)
            r, g, b, glow = r * tint, g * tint, b * tint, glow * night
        else:
            if mat == sf.BRICK:
                r, g, b = sf.brick(r, g, b, u, v, wide)
            share = table[mat, 1]
            if share > 0:
                rate = table[mat, 0]
                tint = max(
                    1
                    + share
                    * noise_at(noise, u * rate, v * rate)
                    * min(1.0, 0.1 / max(wide, 1e-3) / rate),
                    0.2,
                )
                r, g, b = r * tint, g * tint, b * tint
            gloss = 1.0 if mat == sf.GLASS else 0.0
            glow = lamp if mat == sf.GLOW else 0.0
        geo[s, at.RED], geo[s, at.GREEN], geo[s, at.BLUE] = r, g, b
        geo[s, at.GLOSS], geo[s, at.SHINE], geo[s, at.WET] = gloss, glow, wet


@kernel
def _sunlit(x, y, z, shadow, view, scale):
    """Share of the sun that reaches a point: nine shadow-map taps, blended."""
    size = shadow.shape[0]
    far = -(view[2, 0] * x + view[2, 1] * y + view[2, 2] * z + view[2, 3]) + 0.05
    u = (view[0, 0] * x + view[0, 1] * y + view[0, 2] * z + view[0, 3]) * scale[0] + scale[1] - 1.0
    v = (view[1, 0] * x + view[1, 1] * y + view[1, 2] * z + view[1, 3]) * scale[0] + scale[2] - 1.0
    if u < 0 or v < 0 or u > size - 3 or v > size - 3:
        return 1.0
    i, j = int(u), int(v)
    fx, fy = u - i, v - j
    total = 0.0
    for b in range(3):
        wy = (1 - fy) if b == 0 else fy if b == 2 else 1.0
        for a in range(3):
            if shadow[j + b, i + a] < far:
                total += ((1 - fx) if a == 0 else fx if a == 2 else 1.0) * wy
    return total / 4.0


@kernel
def _open_sky(x, y, under, place):
    """How much sky the ground sees: dark under cars and beside walls."""
    u, v = (x - place[0]) * place[2] - 0.5, (y - place[1]) * place[2] - 0.5
    h, w = under.shape
    if u < 0 or v < 0 or u >= w - 1 or v >= h - 1:
        return 1.0
    i, j = int(u), int(v)
    fx, fy = u - i, v - j
    return (
        (under[j, i] * (1 - fx) + under[j, i + 1] * fx) * (1 - fy)
        + (under[j + 1, i] * (1 - fx) + under[j + 1, i + 1] * fx) * fy
    ) / 255.0


@kernel
def _lamp_light(x, y, z, nx, ny, nz, lamps):
    r, g, b = 0.0, 0.0, 0.0
    for m in range(lamps.shape[0]):
        dx, dy, dz = lamps[m, 0] - x, lamps[m, 1] - y, lamps[m, 2] - z
        far = dx * dx + dy * dy + dz * dz
        if far < 900.0:
            lean = max((dx * nx + dy * ny + dz * nz) / np.sqrt(far + 1e-6) * 0.8 + 0.2, 0.0)
            power_here = lean / (far + 4.0) * (1 - far / 900.0)
            r, g, b = (
                r + lamps[m, 3] * power_here,
                g + lamps[m, 4] * power_here,
                b + lamps[m, 5] * power_here,
            )
    return r, g, b


@kernel
def _beam(x, y, z, eye, axes, strength):
    """The own car's headlights, just below the camera."""
    side = (x - eye[0]) * axes[0, 0] + (y - eye[1]) * axes[0, 1]
    ahead = (x - eye[0]) * axes[2, 0] + (y - eye[1]) * axes[2, 1]
    if ahead < 1.0:
        return 0.0
    side = side / ahead - 0.05
    cut = 1.0 / (1.0 + np.exp(90.0 * ((z - 0.7) / ahead - 0.005)))
    return strength * np.exp(-side * side * 7.0) * (cut + 0.05) * 90.0 / (ahead * ahead + 60.0)


@kernel
def _shine(
    r, g, b, px, py, pz, nx, ny, nz, facing, gloss, base, sharp, lit, hidden, sun, sun_rgb, mirror
):
    """Clear coat, glass and metal: what they mirror by Fresnel's law, and the sun's highlight."""
    f0 = base if gloss <= 0 else 0.02 + 0.07 * gloss
    graze = 1 - max(facing, 0.0)
    fresnel = f0 + (1 - f0) * graze * power(graze, 2)
    fresnel *= 1.0 if gloss <= 0 else min(1.0, gloss * 1.8)
    px, py, pz = px + 2 * facing * nx, py + 2 * facing * ny, pz + 2 * facing * nz
    soft = power(max(px * sun[0] + py * sun[1] + pz * sun[2], 0.0), 5)
    spot = ((power(soft, 3) if sharp else soft) * 9.0 + soft * 0.15) * min(lit * 4, 1.0)
    er, eg, eb = mirrored(px, py, pz, mirror)
    return (
        r + fresnel * (er * hidden + spot * sun_rgb[0] - r),
        g + fresnel * (eg * hidden + spot * sun_rgb[1] - g),
        b + fresnel * (eb * hidden + spot * sun_rgb[2] - b),
    )


@kernel
def _rough(nx, ny, nz, u, v, bump, noise):
    """A normal stirred by noise: folds of cloth, blades of grass."""
    u, v = u * 0.9, v * 0.54
    nx, nz = nx + bump * noise_at(noise, u + 0.3, v), nz + bump * noise_at(noise, v, u + 0.7)
    size = 1 / np.sqrt(nx * nx + ny * ny + nz * nz)
    return nx * size, ny * size, nz * size


@kernel
def _light(
    n, tri, pixel, share, tag, eye, axes, table, light, mirror, geo, image, depths, wet, most
):
    """Sun, sky, lamps, reflections and fog on each sample; adds its share to its pixel."""
    sun, sun_rgb, zenith, horizon = light.sun, light.sun_rgb, light.zenith, light.horizon
    bounce, sky = light.bounce, light.sky
    noise, shadow, under, lamps = light.noise, light.shadow, light.under, light.lamps
    shadow_view, shadow_scale, under_map = light.shadow_view, light.shadow_scale, light.under_map
    night, shadowed = sky[5], shadow.shape[0] > 2
    grey = (zenith[0] + zenith[1] + zenith[2]) * 0.15 + (
        horizon[0] + horizon[1] + horizon[2]
    ) * 0.18
    high_r = 0.55 * (0.45 * zenith[0] + 0.55 * horizon[0]) + 0.45 * grey
    high_g = 0.55 * (0.45 * zenith[1] + 0.55 * horizon[1]) + 0.45 * grey
    high_b = 0.55 * (0.45 * zenith[2] + 0.55 * horizon[2]) + 0.45 * grey
    for s in range(n):
        t = tri[s]
        x, y, z = float(geo[s, at.X]), float(geo[s, at.Y]), float(geo[s, at.Z])
        depth, reach = float(geo[s, at.DEPTH]), float(geo[s, at.REACH])
        here, part = pixel[s], share[s]
        mirror_share = 0.0
        if t < 0:
            r, g, b = sky_at(x, y, z, noise, sun, sun_rgb, zenith, horizon, bounce, sky)
        else:
            mat = tag[t, 0]
            nx, ny, nz = float(geo[s, at.NX]), float(geo[s, at.NY]), float(geo[s, at.NZ])
            facing = float(geo[s, at.FACING])
            if table[mat, 4] > 0 and depth < 60:
                bump = table[mat, 4] * min(1.0, 4.0 / depth)
                nx, ny, nz = _rough(nx, ny, nz, geo[s, at.U], geo[s, at.V], bump, noise)
            lit = nx * sun[0] + ny * sun[1] + nz * sun[2]
            lit = max(0.35 + 0.65 * lit if mat == sf.LEAF else lit, 0.0)
            if lit > 0 and shadowed:
                lit *= _sunlit(
                    x + nx * 0.06, y + ny * 0.06, z + nz * 0.06, shadow, shadow_view, shadow_scale
                )
            hidden = _open_sky(x, y, under, under_map)
            if not (mat == sf.ROAD or mat == sf.PAVING or mat == sf.GRASS):
                hidden = (0.55 + 0.45 * min(max(z / 1.1, 0.0), 1.0)) * (0.75 + 0.25 * hidden)
            up = (0.5 + 0.5 * nz) * hidden
            down = (0.5 - 0.5 * nz) * hidden
            lr = lit * sun_rgb[0] + high_r * up + bounce[0] * down
            lg = lit * sun_rgb[1] + high_g * up + bounce[1] * down
            lb = lit * sun_rgb[2] + high_b * up + bounce[2] * down
            if night > 0:
                qr, qg, qb = _lamp_light(x, y, z, nx, ny, nz, lamps)
                beam = (
                    _beam(x, y, z, eye, axes, sky[7])
                    * max(facing, 0.25)
                    * (2.5 if tag[t, 3] == 1000 else 1.0)
                )
                lr, lg, lb = lr + qr + beam, lg + qg + beam * 0.93, lb + qb + beam * 0.8
            gloss, glow, damp = (
                float(geo[s, at.GLOSS]),
                float(geo[s, at.SHINE]),
                float(geo[s, at.WET]) * sky[4],
            )
            own_r, own_g, own_b = (
                float(geo[s, at.RED]),
                float(geo[s, at.GREEN]),
                float(geo[s, at.BLUE]),
            )
            dark = 1 - 0.38 * damp
            r = own_r * dark * lr + glow * (0.03 + own_r)
            g = own_g * dark * lg + glow * (0.03 + own_g)
            b = own_b * dark * lb + glow * (0.03 + own_b)
            if gloss > 0.05 or table[mat, 2] > 0.03:
                far = depth * reach
                px, py, pz = (x - eye[0]) / far, (y - eye[1]) / far, (z - eye[2]) / far
                r, g, b = _shine(
                    r,
                    g,
                    b,
                    px,
                    py,
                    pz,
                    nx,
                    ny,
                    nz,
                    facing,
                    gloss,
                    table[mat, 2],
                    table[mat, 3] > 100,
                    lit,
                    hidden,
                    sun,
                    sun_rgb,
                    mirror,
                )
            haze = sky[3] * depth * reach
            fog = 1 - np.exp(-haze * np.sqrt(haze))
            r, g, b = sf.mix(r, g, b, horizon[0] * 0.85, horizon[1] * 0.85, horizon[2] * 0.85, fog)
            mirror_share = damp * (1 - fog) * max(0.0, nz) * (0.03 + 0.8 * power(1 - facing, 2))
        image[here, 0] += min(r, 30.0) * part
        image[here, 1] += min(g, 30.0) * part
        image[here, 2] += min(b, 30.0) * part
        if part > most[here]:
            most[here], depths[here], wet[here] = part, depth, mirror_share


def resolve(ids, soup, light, camera):
    """Shade all samples of ids (2 x 2 a pixel): linear image, depth, mirror share of wet ground."""
    height, width = ids.shape[0] // 2, ids.shape[1] // 2
    image = scratch("image", (height * width, 3), fill=0)
    depths, wet, most = (
        scratch(name, height * width, fill=0) for name in ("depths", "wet", "most")
    )
    samples = BAND * width * 4
    pixel, tri = scratch("pixel", samples, np.int32), scratch("tri", samples, np.int32)
    share, sub, geo = (
        scratch("share", samples),
        scratch("sub", (samples, 2)),
        scratch("geo", (samples, at.COLUMNS)),
    )
    mirror = np.empty((*MIRROR_SHAPE, 3), np.float32)
    mirror_map(
        light.noise,
        light.sun,
        light.sun_rgb,
        light.zenith,
        light.horizon,
        light.bounce,
        light.sky,
        mirror,
    )
    for top in range(0, height, BAND):
        n = at.collect(ids[2 * top : 2 * (top + BAND)], soup.tag, top, pixel, tri, share, sub)
        at.locate(
            n,
            tri,
            sub,
            soup.pos,
            soup.nrm,
            soup.uv,
            camera.eye,
            camera.axes,
            camera.focal,
            camera.centre,
            geo,
        )
        _colour(
            n,
            tri,
            soup.tag,
            soup.rgb,
            camera.focal,
            light.sky[5],
            light.sky[1],
            light.noise,
            light.texels,
            light.levels,
            light.metres,
            light.facades,
            light.marks,
            light.zebra,
            sf.MATERIALS,
            geo,
        )
        _light(
            n,
            tri,
            pixel,
            share,
            soup.tag,
            camera.eye,
            camera.axes,
            sf.MATERIALS,
            light,
            mirror,
            geo,
            image,
            depths,
            wet,
            most,
        )
    return (
        image.reshape(height, width, 3),
        depths.reshape(height, width),
        wet.reshape(height, width),
    )
