"""What a dash camera adds to light: exposure, blur, bloom, rain, tone curve, noise, JPEG artefacts.

In: a linear image; out: uint8 BGR. Geometry is not changed, so boxes stay true.
"""

from typing import Any, Dict, Tuple

import cv2
import numpy as np

from .kernel import kernel, scratch
from .vectors import triple
from .world import Camera

MOST_TAPS = 9  # places that a blurred pixel is made of
LONGEST_STREAK = 24  # pixels

DRY = 0.02  # ground that mirrors less than this is not wet
MARCH_STEPS = 26
FIRST_STEP = 0.25  # metres
STEP_GROWTH = 1.22
BRIGHTEST_MIRRORED = 4.0

BRIGHTEST = 8.0  # light at the upper end of the tone curve
TONE_STEPS = 4096


@kernel
def _motion(dx, dy):
    """A pixel's motion cut to the longest streak, and in how many places it is looked up."""
    length = np.sqrt(dx * dx + dy * dy)
    count = min(int(length) + 1, MOST_TAPS)
    if length > LONGEST_STREAK:
        dx = dx * LONGEST_STREAK / length
        dy = dy * LONGEST_STREAK / length
    return dx, dy, count


@kernel
def _streak(image, depth, focal, centre, travel, turn, out):
    """Blur along each pixel's own motion while the shutter is open.

    travel: metres forward. turn: radians.
    """
    height, width = depth.shape
    for y in range(height):
        for x in range(width):
            reach = travel / max(depth[y, x], 1.0)
            right = (x - centre[0]) * reach
            down = (y - centre[1]) * reach
            dx, dy, count = _motion(right + turn * focal, down)
            for k in range(3):
                out[y, x, k] = 0
            for tap in range(count):
                t = (tap + 0.5) / count - 0.5
                j = _nearest(y + dy * t, height)
                i = _nearest(x + dx * t, width)
                for k in range(3):
                    out[y, x, k] += image[j, i, k] / count


@kernel
def _nearest(place, size):
    """The number of the pixel nearest to a place, within the picture."""
    number = int(place + 0.5)
    return min(max(number, 0), size - 1)


@kernel
def _mirrored_ray(rx, ry, up, rough):
    """A ray of the picture (rx, ry, 1), mirrored by level ground that drops have made rough."""
    ux, uy, uz = up
    lean = rx * ux + ry * uy
    lean = lean + uz
    qx = rx - 2 * lean * ux
    qy = ry - 2 * lean * uy
    qz = 1 - 2 * lean * uz
    return qx, qy * (1 + rough * 0.35), qz


@kernel
def _on_screen(place, depth, focal, centre):
    """The number of the row, or column, that a camera coordinate at a depth falls on."""
    return int(place / depth * focal + centre)


@kernel
def _wet(image, depth, mirror, focal, centre, axes, ripple, out):
    """Wet ground mirrors what stands behind it, as far as the depth buffer knows.

    The mirrored ray goes on in growing steps until it is just behind what the buffer holds. If it
    meets nothing, the last pixel it passed counts.
    """
    height, width = depth.shape
    ripple_rows, ripple_columns = ripple.shape
    up = triple(-axes[:, 2])
    for y in range(height):
        for x in range(width):
            share = mirror[y, x]
            if share < DRY:
                continue
            rough = ripple[y % ripple_rows, x % ripple_columns]
            aside = x + 0.5 - centre[0]
            below = y + 0.5 - centre[1]
            rx = aside / focal + rough * 0.01
            ry = below / focal
            qx, qy, qz = _mirrored_ray(rx, ry, up, rough)

            z = depth[y, x]
            step = FIRST_STEP
            far = step
            last_j = 0
            last_i = 0
            for _ in range(MARCH_STEPS):
                pz = z + qz * far
                j = _on_screen(ry * z + qy * far, pz, focal, centre[1])
                i = _on_screen(rx * z + qx * far, pz, focal, centre[0])
                if min(i, j) < 0 or i >= width or j >= height:
                    break
                last_j = j
                last_i = i

                # far behind a surface, the ray has passed it rather than met it
                surface = depth[j, i]
                passed = pz - 6.0 - 0.2 * pz
                if passed < surface < pz - 0.05 and mirror[j, i] < DRY:
                    break
                step *= STEP_GROWTH
                far += step

            for k in range(3):
                light = min(image[last_j, last_i, k], BRIGHTEST_MIRRORED)
                extra = light - image[y, x, k] * 0.3
                out[y, x, k] = extra * share


def rain_streaks(
    image: np.ndarray, rng: np.random.Generator, strength: float, slope: float
) -> np.ndarray:
    """The image behind falling drops: short bright lines. slope: how far the wind drives them."""
    height, width = image.shape[:2]
    veil = np.zeros((height, width), np.uint8)
    count = int(strength * width * height / 900)
    x = rng.uniform(0, width, count)
    y = rng.uniform(0, height, count)
    length = rng.uniform(0.02, 0.07, count) * height
    end_x = x + slope * length
    end_y = y + length

    for k in range(count):
        start = _eighths(x[k], y[k])
        end = _eighths(end_x[k], end_y[k])
        brightness = int(rng.integers(20, 90))
        cv2.line(veil, start, end, brightness, 1, cv2.LINE_AA, 3)

    soft = cv2.GaussianBlur(veil, (3, 3), 0.8).astype(np.float32) / 255
    level = float(image.mean()) * 1.6
    brighter = level - image * 0.4
    return image + soft[..., None] * brighter


def _eighths(x: float, y: float) -> Tuple[int, int]:
    """A place in eighths of a pixel, as OpenCV draws finely."""
    return int(x * 8), int(y * 8)


def bloom(image: np.ndarray, strength: float) -> np.ndarray:
    """The image with light spilling around what is brighter than the sensor's range."""
    height, width = image.shape[:2]
    over = np.maximum(image - 1.0, 0)
    small = cv2.resize(over, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    small = np.minimum(small, 12)

    glow = cv2.GaussianBlur(small, (0, 0), 1.6) * 0.5
    glow = glow + cv2.GaussianBlur(small, (0, 0), 6) * 0.35
    glow = glow + cv2.GaussianBlur(small, (0, 0), 18) * 0.25
    return image + strength * cv2.resize(glow, (width, height), interpolation=cv2.INTER_LINEAR)


def _tone_table() -> np.ndarray:
    """Values of 0..255 for light up to the brightest, finer where it is dark: a film's curve."""
    x = np.linspace(0, 1, TONE_STEPS) ** 2 * BRIGHTEST
    above = x * (2.51 * x + 0.03)
    y = above / (x * (2.43 * x + 0.59) + 0.14)
    values = np.clip(y, 0, 1) ** (1 / 2.2) * 255
    return values.astype(np.float32)


TONE = _tone_table()
GRAIN = np.random.default_rng(3).standard_normal((640, 1408, 3)).astype(np.float32)


@kernel
def _toned(light, table):
    """A light's value of 0..255, between two entries of the table."""
    share = min(np.sqrt(light / BRIGHTEST), 1.0)
    at = share * (TONE_STEPS - 1)
    i = min(int(at), TONE_STEPS - 2)
    step = table[i + 1] - table[i]
    return table[i] + step * (at - i)


@kernel
def _develop(image, table, grain, shift, noise, dim, gains, out):
    """Vignette, tone curve, noise that grows in the dark; linear RGB in, uint8 BGR out."""
    height, width = out.shape[:2]
    for y in range(height):
        b = (y + 0.5) / height - 0.5
        grain_y = (y + shift[0]) % grain.shape[0]
        for x in range(width):
            a = (x + 0.5) / width - 0.5
            off_middle = a * a + b * b
            fall = 1 - dim * off_middle
            grain_x = (x + shift[1]) % grain.shape[1]
            for k in range(3):
                light = max(image[y, x, k], 0.0) * fall
                tone = _toned(light * gains[k], table)
                rough = grain[grain_y, grain_x, k] * noise
                tone += rough * (1.25 - tone / 255)
                value = min(max(tone + 0.5, 0.0), 255.0)
                out[y, x, 2 - k] = np.uint8(value)


def expose(image: np.ndarray, target: float, low: float = 0.25, high: float = 6.0) -> np.ndarray:
    """The image scaled so that its middle tones come out at `target`, as a camera exposes."""
    sample = np.minimum(image[::4, ::4].mean(axis=2), 4.0)
    mean_logarithm = np.log(sample + 0.02).mean()
    level = float(np.exp(mean_logarithm))
    gain = min(max(target / level, low), high)
    return image * np.float32(gain)


def develop(
    image: np.ndarray,
    depth: np.ndarray,
    mirror: np.ndarray,
    camera: Camera,
    weather: Dict[str, Any],
    rng: np.random.Generator,
    artefacts: bool = True,
) -> np.ndarray:
    """The finished photograph. `weather`: the record that `light.pick` made."""
    if weather["wet"] > 0:
        image = _with_reflections(image, depth, mirror, camera, rng)
    target = weather["target"] * rng.uniform(0.85, 1.2)
    image = expose(image, target, high=weather["gain"])

    travel = weather["travel"]
    if travel > 0:
        out = scratch("streak", image.shape)
        _streak(image, depth, camera.focal, camera.centre, travel, weather["turn"], out)
        image = out
    image = bloom(image, 0.10 + 0.25 * weather["night"])
    if weather["drops"] > 0:
        slope = rng.uniform(-0.3, 0.3)
        image = rain_streaks(image, rng, weather["drops"], slope)

    # the lens is never quite sharp
    image = cv2.GaussianBlur(image, (3, 3), float(rng.uniform(0.48, 0.80)))
    photograph = _exposed(image, weather["noise"], rng)
    if artefacts:
        photograph = _through_jpeg(photograph, int(rng.integers(62, 96)))
    return photograph


def _with_reflections(
    image: np.ndarray,
    depth: np.ndarray,
    mirror: np.ndarray,
    camera: Camera,
    rng: np.random.Generator,
) -> np.ndarray:
    """The image with what wet ground mirrors, blurred downwards as puddles do."""
    rough = rng.standard_normal((97, 101)).astype(np.float32)
    ripple = cv2.GaussianBlur(rough, (0, 0), 1.0) * np.float32(1.6)
    out = scratch("mirrored", image.shape, fill=0)
    _wet(image, depth, mirror, camera.focal, camera.centre, camera.axes, ripple, out)
    return image + cv2.GaussianBlur(out, (3, 9), 1.0, sigmaY=2.2)


def _exposed(image: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    """What the sensor makes of light, with colour cast, noise and vignette of its own."""
    gains = 1 + rng.uniform(-0.035, 0.035, 3)
    grain_shift = rng.integers(0, 600, 2)
    noise = noise * rng.uniform(0.6, 1.3)
    dim = rng.uniform(0.1, 0.5)
    out = np.empty(image.shape, np.uint8)
    _develop(image, TONE, GRAIN, grain_shift, noise, dim, gains, out)
    return out


def _through_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """The picture as it is after it was a JPEG file once."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None  # OpenCV has just written it
    return decoded
