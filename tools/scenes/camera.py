"""What a dash camera adds to light: exposure, blur, bloom, rain, tone curve, noise, vignette and JPEG artefacts.

In: a linear image; out: uint8 BGR. Geometry is not changed, so boxes stay true.
"""

import cv2
import numpy as np

from .kernel import kernel, scratch


@kernel
def _streak(image, depth, focal, centre, travel, turn, out):
    """Blur along each pixel's own motion while the shutter is open: forward travel in metres, turn in radians."""
    height, width = depth.shape
    for y in range(height):
        for x in range(width):
            reach = travel / max(depth[y, x], 1.0)
            dx = (x - centre[0]) * reach + turn * focal
            dy = (y - centre[1]) * reach
            length = np.sqrt(dx * dx + dy * dy)
            count = min(int(length) + 1, 9)
            if length > 24:
                dx, dy = dx * 24 / length, dy * 24 / length
            for k in range(3):
                out[y, x, k] = 0
            for s in range(count):
                t = (s + 0.5) / count - 0.5
                j = min(max(int(y + dy * t + 0.5), 0), height - 1)
                i = min(max(int(x + dx * t + 0.5), 0), width - 1)
                for k in range(3):
                    out[y, x, k] += image[j, i, k] / count


@kernel
def _wet(image, depth, mirror, focal, centre, axes, ripple, out):
    """Wet ground mirrors what stands behind it: march the mirrored ray over the depth buffer."""
    height, width = depth.shape
    up = -axes[:, 2]
    for y in range(height):
        for x in range(width):
            share = mirror[y, x]
            if share < 0.02:
                continue
            z = depth[y, x]
            rough = ripple[y % ripple.shape[0], x % ripple.shape[1]]
            rx, ry = (x + 0.5 - centre[0]) / focal + rough * 0.01, (y + 0.5 - centre[1]) / focal
            dot = rx * up[0] + ry * up[1] + up[2]
            qx, qy, qz = rx - 2 * dot * up[0], ry - 2 * dot * up[1], 1 - 2 * dot * up[2]
            qy *= 1 + rough * 0.35
            found = -1
            step = 0.25
            far = step
            last = 0
            for _ in range(26):
                pz = z + qz * far
                j = int((ry * z + qy * far) / pz * focal + centre[1])
                i = int((rx * z + qx * far) / pz * focal + centre[0])
                if j < 0 or i < 0 or i >= width or j >= height:
                    break
                last = j * width + i
                if (
                    depth[j, i] < pz - 0.05
                    and depth[j, i] > pz - 6.0 - 0.2 * pz
                    and mirror[j, i] < 0.02
                ):
                    found = last
                    break
                step *= 1.22
                far += step
            if found < 0:
                found = last
            j, i = found // width, found % width
            for k in range(3):
                out[y, x, k] = (min(image[j, i, k], 4.0) - image[y, x, k] * 0.3) * share


def rain_streaks(image, rng, strength, slope):
    """Falling drops as short bright lines."""
    height, width = image.shape[:2]
    veil = np.zeros((height, width), np.uint8)
    count = int(strength * width * height / 900)
    x, y = rng.uniform(0, width, count), rng.uniform(0, height, count)
    length = rng.uniform(0.02, 0.07, count) * height
    for k in range(count):
        end = (int((x[k] + slope * length[k]) * 8), int((y[k] + length[k]) * 8))
        cv2.line(
            veil, (int(x[k] * 8), int(y[k] * 8)), end, int(rng.integers(20, 90)), 1, cv2.LINE_AA, 3
        )
    veil = cv2.GaussianBlur(veil, (3, 3), 0.8).astype(np.float32) / 255
    level = float(image.mean()) * 1.6
    return image + veil[..., None] * (level - image * 0.4)


def bloom(image, strength):
    """Light spilling around what is brighter than the sensor's range."""
    height, width = image.shape[:2]
    small = cv2.resize(
        np.maximum(image - 1.0, 0), (width // 4, height // 4), interpolation=cv2.INTER_AREA
    )
    small = np.minimum(small, 12)
    glow = (
        cv2.GaussianBlur(small, (0, 0), 1.6) * 0.5
        + cv2.GaussianBlur(small, (0, 0), 6) * 0.35
        + cv2.GaussianBlur(small, (0, 0), 18) * 0.25
    )
    return image + strength * cv2.resize(glow, (width, height), interpolation=cv2.INTER_LINEAR)


def _tone_table():
    x = np.linspace(0, 1, 4096) ** 2 * 8.0
    y = x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14)
    return (np.clip(y, 0, 1) ** (1 / 2.2) * 255).astype(np.float32)


TONE = _tone_table()
GRAIN = np.random.default_rng(3).standard_normal((640, 1408, 3)).astype(np.float32)


@kernel
def _develop(image, table, grain, shift, noise, dim, gains, out):
    """Vignette, tone curve, noise that grows in the dark; linear RGB in, uint8 BGR out."""
    height, width = out.shape[:2]
    for y in range(height):
        b = (y + 0.5) / height - 0.5
        gy = (y + shift[0]) % grain.shape[0]
        for x in range(width):
            a = (x + 0.5) / width - 0.5
            fall = 1 - dim * (a * a + b * b)
            gx = (x + shift[1]) % grain.shape[1]
            for k in range(3):
                v = max(image[y, x, k], 0.0) * fall * gains[k]
                at = min(np.sqrt(v / 8.0), 1.0) * 4095
                i = min(int(at), 4094)
                tone = table[i] + (table[i + 1] - table[i]) * (at - i)
                tone += grain[gy, gx, k] * noise * (1.25 - tone / 255)
                out[y, x, 2 - k] = np.uint8(min(max(tone + 0.5, 0.0), 255.0))


def expose(image, target, low=0.25, high=6.0):
    """Scale so that the picture's middle tones come out at `target`, as automatic exposure does."""
    sample = np.minimum(image[::4, ::4].mean(axis=2), 4.0)
    level = float(np.exp(np.log(sample + 0.02).mean()))
    return image * np.float32(min(max(target / level, low), high))


def develop(image, depth, mirror, camera, weather, rng, artefacts=True):
    """The finished photograph. `weather`: the record that `light.pick` made."""
    if weather["wet"] > 0:
        out = scratch("mirrored", image.shape, fill=0)
        ripple = cv2.GaussianBlur(
            rng.standard_normal((97, 101)).astype(np.float32), (0, 0), 1.0
        ) * np.float32(1.6)
        _wet(image, depth, mirror, camera.focal, camera.centre, camera.axes, ripple, out)
        image = image + cv2.GaussianBlur(out, (3, 9), 1.0, sigmaY=2.2)
    image = expose(image, weather["target"] * rng.uniform(0.85, 1.2), high=weather["gain"])
    if weather["travel"] > 0:
        out = scratch("streak", image.shape)
        _streak(image, depth, camera.focal, camera.centre, weather["travel"], weather["turn"], out)
        image = out
    image = bloom(image, 0.10 + 0.25 * weather["night"])
    if weather["drops"] > 0:
        image = rain_streaks(image, rng, weather["drops"], rng.uniform(-0.3, 0.3))
    image = cv2.GaussianBlur(image, (3, 3), float(rng.uniform(0.48, 0.80)))
    out = np.empty(image.shape, np.uint8)
    gains = 1 + rng.uniform(-0.035, 0.035, 3)
    _develop(
        image,
        TONE,
        GRAIN,
        rng.integers(0, 600, 2),
        weather["noise"] * rng.uniform(0.6, 1.3),
        rng.uniform(0.1, 0.5),
        gains,
        out,
    )
    if artefacts:
        quality = int(rng.integers(62, 96))
        out = cv2.imdecode(
            cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR
        )
    return out
