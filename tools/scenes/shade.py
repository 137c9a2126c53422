"""Light: turns the rasteriser's triangle numbers into linear colours under sun, sky, lamps, fog and rain.

It samples each pixel once where one surface fills it, and each surface once where several meet. No camera effects.
"""
from typing import NamedTuple

import numpy as np
from numba import njit

from . import surface as sf
from .textures import noise_at


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
    sky: np.ndarray  # cloud cover, cloud shift, cloud brightness, fog density, wetness, night 0..1, skyline, beam
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


@njit(cache=True)
def sky_at(d, light, out):
    """The sky's colour in direction d (unit), with clouds, sun and a hazy skyline."""
    up = max(d[2], 0.0)
    rise = up ** 0.45
    cloud = 0.0
    if up > 0.01 and light.sky[0] > 0:
        x, y = d[0] / (up + 0.12) * 0.05 + light.sky[1], d[1] / (up + 0.12) * 0.05
        n = noise_at(light.noise, x, y) + 0.35 * noise_at(light.noise, x * 4.3, y * 4.3)
        cloud = min(max((n + light.sky[0] * 3.2 - 1.7) * 0.8, 0.0), 1.0) * min(1.0, up * 7)
    facing = max(d[0] * light.sun[0] + d[1] * light.sun[1] + d[2] * light.sun[2], 0.0)
    glow = 0.25 * facing ** 24 + 1.6 * facing ** 600 * (1 - cloud)
    for k in range(3):
        clear = light.horizon[k] * (1 - rise) + light.zenith[k] * rise
        white = (light.horizon[0] + light.horizon[1] + light.horizon[2]) / 3 * light.sky[2]
        out[k] = clear * (1 - cloud) + (white * 0.75 + light.horizon[k] * 0.25) * cloud + glow * light.sun_rgb[k]
    if d[2] < light.sky[6]:
        turn = np.arctan2(d[0], d[1])
        n = noise_at(light.noise, turn * 0.35, light.sky[1])
        top = light.sky[6] * (0.55 + 0.25 * n)
        share = min(max((top - d[2]) * 150, 0.0), 1.0) * 0.55
        for k in range(3):
            out[k] += (light.horizon[k] * 0.42 + light.bounce[k] * 0.1 - out[k]) * share


@njit(cache=True)
def mirror(d, light, out):
    """What a shiny surface reflects from direction d: sky, a row of houses, or the ground."""
    turn = np.arctan2(d[0], d[1])
    flat = np.sqrt(d[0] * d[0] + d[1] * d[1])
    top = 0.22 + 0.10 * noise_at(light.noise, turn * 0.9, 0.37)
    sky_at(d, light, out)
    rise = d[2] / max(flat, 1e-6)
    houses = min(max((top - rise) * 9, 0.0), 1.0)
    ground = min(max(0.5 - rise * 16, 0.0), 1.0)
    tint = 0.30 + 0.08 * noise_at(light.noise, turn * 4.1, rise * 0.5)
    for k in range(3):
        wall = light.horizon[k] * tint
        out[k] += (wall - out[k]) * houses
        out[k] += (light.bounce[k] * 0.55 - out[k]) * ground


@njit(cache=True)
def sunlit(p, n, light):
    """Share of the sun that reaches p: four shadow-map taps, blended."""
    size = light.shadow.shape[0]
    if size < 2:
        return 1.0
    q = np.empty(3)
    for r in range(3):
        q[r] = light.shadow_view[r, 3]
        for k in range(3):
            q[r] += light.shadow_view[r, k] * (p[k] + n[k] * 0.06)
    x = q[0] * light.shadow_scale[0] + light.shadow_scale[1] - 0.5
    y = q[1] * light.shadow_scale[0] + light.shadow_scale[2] - 0.5
    if x < 1 or y < 1 or x > size - 3 or y > size - 3:
        return 1.0
    i, j = int(x), int(y)
    fx, fy = x - i, y - j
    total = 0.0
    for b in range(-1, 3):
        wy = (1 - fy) if b == -1 else fy if b == 2 else 1.0
        for a in range(-1, 3):
            wx = (1 - fx) if a == -1 else fx if a == 2 else 1.0
            if light.shadow[j + b, i + a] < -q[2] + 0.05:
                total += wx * wy
    return total / 9.0


@njit(cache=True)
def open_sky(p, light):
    """How much sky the ground at p sees: dark under cars and beside walls."""
    x = (p[0] - light.under_map[0]) * light.under_map[2] - 0.5
    y = (p[1] - light.under_map[1]) * light.under_map[2] - 0.5
    h, w = light.under.shape
    if x < 0 or y < 0 or x >= w - 1 or y >= h - 1:
        return 1.0
    i, j = int(x), int(y)
    fx, fy = x - i, y - j
    return ((light.under[j, i] * (1 - fx) + light.under[j, i + 1] * fx) * (1 - fy)
            + (light.under[j + 1, i] * (1 - fx) + light.under[j + 1, i + 1] * fx) * fy) / 255.0


@njit(cache=True)
def hit(t, soup, eye, ray, at):
    """Ray against triangle t's plane: at[0:3] position, 3:6 normal, 6:8 uv; returns the depth along the view axis."""
    a, b, c = soup.pos[t, 0], soup.pos[t, 1], soup.pos[t, 2]
    e1x, e1y, e1z = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    e2x, e2y, e2z = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    px, py, pz = ray[1] * e2z - ray[2] * e2y, ray[2] * e2x - ray[0] * e2z, ray[0] * e2y - ray[1] * e2x
    det = e1x * px + e1y * py + e1z * pz
    if abs(det) < 1e-14:
        det = 1e-14
    tx, ty, tz = eye[0] - a[0], eye[1] - a[1], eye[2] - a[2]
    u = (tx * px + ty * py + tz * pz) / det
    qx, qy, qz = ty * e1z - tz * e1y, tz * e1x - tx * e1z, tx * e1y - ty * e1x
    v = (ray[0] * qx + ray[1] * qy + ray[2] * qz) / det
    depth = (e2x * qx + e2y * qy + e2z * qz) / det
    u = min(max(u, -0.2), 1.2)
    v = min(max(v, -0.2), 1.2)
    w = 1 - u - v
    facing = (e1y * e2z - e1z * e2y) * ray[0] + (e1z * e2x - e1x * e2z) * ray[1] + (e1x * e2y - e1y * e2x) * ray[2]
    flip = -1.0 if facing > 0 else 1.0
    length = 0.0
    for k in range(3):
        at[k] = eye[k] + ray[k] * depth
        at[3 + k] = (soup.nrm[t, 0, k] * w + soup.nrm[t, 1, k] * u + soup.nrm[t, 2, k] * v) * flip
        length += at[3 + k] * at[3 + k]
    length = np.sqrt(max(length, 1e-12))
    for k in range(3):
        at[3 + k] /= length
    for k in range(2):
        at[6 + k] = soup.uv[t, 0, k] * w + soup.uv[t, 1, k] * u + soup.uv[t, 2, k] * v
    return depth


@njit(cache=True)
def albedo_of(t, soup, light, at, wide, across, rgb, six):
    """The surface's own colour into rgb; returns gloss, glow, wet share. wide, across: metres a pixel covers."""
    mat, tex = soup.tag[t, 0], soup.tag[t, 1]
    u, v = at[6], at[7]
    night = light.sky[5]
    for k in range(3):
        rgb[k] = soup.rgb[t, k]
    if tex >= 0:
        level = np.log2(max(np.sqrt(wide * across) / light.metres[tex], 1.0))
        gloss, glow = sf.painted(rgb, soup.rgb[t], light.texels, light.levels, tex, u, v, level + 0.3, six)
        return gloss, glow * soup.rgb[t, 3], 0.0
    if mat == sf.ROAD:
        row = soup.tag[t, 3]
        zebra = light.zebra if row == 0 else light.zebra[:0]
        paint = sf.road(rgb, u, v, light.marks[row], zebra, light.noise, across, wide, light.sky[1])
        return 0.0, 0.0, 1.0 - 0.6 * paint
    if mat == sf.PAVING:
        sf.paving(rgb, u, v, light.noise, wide)
        return 0.0, 0.0, 0.5
    if mat == sf.FACADE:
        gloss, glow = sf.facade(rgb, u, v, light.facades[soup.tag[t, 3]], wide, night)
        tint = 1 + 0.06 * noise_at(light.noise, u * 0.05, v * 0.05)
        for k in range(3):
            rgb[k] *= tint
        return gloss, glow, 0.0
    if mat == sf.BRICK:
        sf.brick(rgb, u, v, wide)
    rate, share = sf.MATERIALS[mat, 0], sf.MATERIALS[mat, 1]
    if share > 0:
        n = noise_at(light.noise, u * rate + tex, v * rate) * min(1.0, 0.1 / max(wide, 1e-3) / rate)
        tint = max(1 + share * n, 0.2)
        for k in range(3):
            rgb[k] *= tint
    glow = soup.rgb[t, 3] if mat == sf.GLOW else 0.0
    return (1.0 if mat == sf.GLASS else 0.0), glow, 0.0


@njit(cache=True)
def _lamps(p, n, light, sum3):
    for m in range(light.lamps.shape[0]):
        x, y, z = light.lamps[m, 0] - p[0], light.lamps[m, 1] - p[1], light.lamps[m, 2] - p[2]
        far = x * x + y * y + z * z
        if far > 900.0:
            continue
        lean = max((x * n[0] + y * n[1] + z * n[2]) / np.sqrt(far + 1e-6) * 0.8 + 0.2, 0.0)
        power = lean / (far + 4.0) * (1 - far / 900.0)
        for k in range(3):
            sum3[k] += light.lamps[m, 3 + k] * power


@njit(cache=True)
def _beam(p, eye, axes, light):
    """The own car's headlights, seen from just below the camera."""
    x = (p[0] - eye[0]) * axes[0, 0] + (p[1] - eye[1]) * axes[0, 1]
    z = (p[0] - eye[0]) * axes[2, 0] + (p[1] - eye[1]) * axes[2, 1]
    if z < 1.0:
        return 0.0
    side = x / z - 0.05
    height = (p[2] - 0.7) / z
    cut = 1.0 / (1.0 + np.exp(90.0 * (height - 0.005)))
    return light.sky[7] * np.exp(-side * side * 7.0) * (cut + 0.05) * 90.0 / (z * z + 60.0)


@njit(cache=True)
def shade(t, soup, light, eye, axes, ray, pixel, at, rgb, six, tmp, out):
    """Colour of triangle t seen along ray; returns its depth and how mirror-like wet ground is."""
    depth = hit(t, soup, eye, ray, at)
    p, n = at[0:3], at[3:6]
    reach = np.sqrt(ray[0] * ray[0] + ray[1] * ray[1] + ray[2] * ray[2])
    facing = -(n[0] * ray[0] + n[1] * ray[1] + n[2] * ray[2]) / reach
    mat = soup.tag[t, 0]
    across = depth * pixel
    wide = across / max(facing, 0.04)
    gloss, glow, wet = albedo_of(t, soup, light, at, wide, across, rgb, six)
    bump = sf.MATERIALS[mat, 4]
    if bump > 0 and soup.tag[t, 1] < 0:
        fade = bump * min(1.0, 0.02 / max(across, 1e-4))
        x, y = at[6] * 0.9, at[7] * 0.9
        n[0] += fade * noise_at(light.noise, x + 0.3, y * 0.6)
        n[2] += fade * noise_at(light.noise, y * 0.6, x + 0.7)
        size = np.sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2])
        for k in range(3):
            n[k] /= size
    toward = n[0] * light.sun[0] + n[1] * light.sun[1] + n[2] * light.sun[2]
    leaf = mat == sf.LEAF
    if leaf:
        toward = 0.35 + 0.65 * toward
    sun = max(toward, 0.0)
    if sun > 0 and light.sun_rgb[1] > 0.02:
        sun *= sunlit(p, n, light)
    ground = mat == sf.ROAD or mat == sf.PAVING or mat == sf.GRASS
    shut = open_sky(p, light)
    hidden = shut if ground else (0.55 + 0.45 * min(max(p[2] / 1.1, 0.0), 1.0)) * (0.75 + 0.25 * shut)
    up = 0.5 + 0.5 * n[2]
    for k in range(3):
        high = 0.45 * light.zenith[k] + 0.55 * light.horizon[k]
        tmp[k] = sun * light.sun_rgb[k] + (high * up + light.bounce[k] * (1 - up)) * hidden
    if light.sky[5] > 0:
        _lamps(p, n, light, tmp)
        beam = _beam(p, eye, axes, light) * max(facing, 0.25) * (2.5 if soup.tag[t, 3] == 1000 else 1.0)
        tmp[0] += beam
        tmp[1] += beam * 0.93
        tmp[2] += beam * 0.80
    dark = 1 - 0.38 * light.sky[4] * wet
    for k in range(3):
        out[k] = rgb[k] * dark * tmp[k] + glow * (0.15 + rgb[k])
    if gloss > 0.05 or sf.MATERIALS[mat, 2] > 0.03:
        _reflect(mat, gloss, facing, reach, ray, n, sun, light, hidden, rgb, six, out)
    fog = 1 - np.exp(-(light.sky[3] * depth * reach) ** 1.3)
    for k in range(3):
        out[k] += (light.horizon[k] * 0.85 - out[k]) * fog
    return depth, wet * light.sky[4] * (1 - fog) * max(0.0, n[2]) * (0.03 + 0.8 * (1 - facing) ** 4)


@njit(cache=True)
def _reflect(mat, gloss, facing, reach, ray, n, sun, light, hidden, rgb, six, out):
    """Clear coat, glass and metal: mirrored sky with Fresnel's law, and the sun's highlight."""
    f0 = sf.MATERIALS[mat, 2] if gloss <= 0 else 0.02 + 0.07 * gloss
    fresnel = (f0 + (1 - f0) * (1 - max(facing, 0.0)) ** 5) * (1.0 if gloss <= 0 else min(1.0, gloss * 1.8))
    toward = 2 * facing
    d = six[:3]
    for k in range(3):
        d[k] = ray[k] / reach + n[k] * toward
    lean = max(d[0] * light.sun[0] + d[1] * light.sun[1] + d[2] * light.sun[2], 0.0)
    spot = lean ** sf.MATERIALS[mat, 3] * 9.0 + lean ** 25 * 0.15
    env = six[3:6]
    mirror(d, light, env)
    for k in range(3):
        out[k] = out[k] * (1 - fresnel) + fresnel * (env[k] * hidden + spot * light.sun_rgb[k] * min(sun * 4, 1.0))


@njit(cache=True)
def resolve(ids, soup, light, eye, axes, focal, centre, image, depths, wet):
    """All pixels: ids has 2 x 2 samples a pixel. Fills image (linear), depths, wet."""
    height, width = depths.shape
    at, rgb, six, tmp = np.empty(8), np.empty(3), np.empty(6), np.empty(3)
    out, ray = np.empty(3), np.empty(3)
    seen, share = np.empty(4, np.int64), np.empty(4, np.int64)
    sx, sy = np.empty(4), np.empty(4)
    pixel = 1.0 / focal
    for y in range(height):
        for x in range(width):
            groups = 0
            for s in range(4):
                row = 2 * y + (s >> 1)
                t = ids[row, 2 * x + (s & 1)]
                found = -1
                for g in range(groups):
                    o = seen[g]
                    if o == t or (o >= 0 and t >= 0 and soup.tag[o, 0] == soup.tag[t, 0]
                                  and soup.tag[o, 1] == soup.tag[t, 1] and soup.tag[o, 2] == soup.tag[t, 2]):
                        found = g
                if found >= 0:
                    share[found] += 1
                    continue
                seen[groups], share[groups] = t, 1
                sx[groups] = x + ((s & 1) + (0.75 if row & 1 else 0.25)) * 0.5
                sy[groups] = y + 0.25 + 0.5 * (s >> 1)
                groups += 1
            image[y, x, :] = 0
            best = 0
            for g in range(groups):
                px, py = (x + 0.5, y + 0.5) if share[g] == 4 else (sx[g], sy[g])
                a, b = (px - centre[0]) * pixel, (py - centre[1]) * pixel
                for k in range(3):
                    ray[k] = axes[0, k] * a + axes[1, k] * b + axes[2, k]
                if seen[g] < 0:
                    size = np.sqrt(ray[0] ** 2 + ray[1] ** 2 + ray[2] ** 2)
                    for k in range(3):
                        ray[k] /= size
                    sky_at(ray, light, out)
                    depth, mirrored = 1e4, 0.0
                else:
                    depth, mirrored = shade(seen[g], soup, light, eye, axes, ray, pixel, at, rgb, six, tmp, out)
                for k in range(3):
                    image[y, x, k] += min(out[k], 30.0) * share[g] * 0.25
                if share[g] > best:
                    best = share[g]
                    depths[y, x], wet[y, x] = depth, mirrored
