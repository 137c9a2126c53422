"""Weather and time of day as a table of ranges, and the Light record that a scene is shaded with."""

import cv2
import numpy as np

from . import noise, shade, textures, world

# sun height (degrees), sun colour, zenith, horizon, cloud cover, fog a metre, wetness, night, exposure target,
# most gain, noise, rain drops
WEATHER = {
    "clear": (
        (28, 60),
        (3.4, 3.15, 2.75),
        (0.16, 0.32, 0.72),
        (0.50, 0.66, 0.90),
        (0.15, 0.45),
        (0.0004, 0.0015),
        0,
        0,
        0.30,
        3,
        2.2,
        0,
    ),
    "bright": (
        (18, 40),
        (3.2, 2.85, 2.35),
        (0.26, 0.42, 0.75),
        (0.75, 0.82, 0.90),
        (0.35, 0.6),
        (0.0008, 0.0025),
        0,
        0,
        0.32,
        3,
        2.2,
        0,
    ),
    "overcast": (
        (40, 60),
        (0.25, 0.25, 0.25),
        (0.62, 0.66, 0.72),
        (0.80, 0.83, 0.87),
        (0.75, 0.95),
        (0.001, 0.004),
        0,
        0,
        0.30,
        4,
        3.0,
        0,
    ),
    "low_sun": (
        (8, 16),
        (3.3, 2.3, 1.3),
        (0.28, 0.38, 0.62),
        (0.95, 0.80, 0.62),
        (0.25, 0.5),
        (0.001, 0.003),
        0,
        0,
        0.28,
        4,
        2.6,
        0,
    ),
    "mist": (
        (30, 45),
        (0.4, 0.4, 0.38),
        (0.62, 0.66, 0.70),
        (0.78, 0.80, 0.82),
        (0.8, 0.95),
        (0.006, 0.012),
        0,
        0,
        0.32,
        4,
        3.0,
        0,
    ),
    "dusk": (
        (4, 7),
        (0.25, 0.14, 0.08),
        (0.05, 0.08, 0.17),
        (0.26, 0.21, 0.22),
        (0.35, 0.6),
        (0.001, 0.003),
        0,
        0.6,
        0.125,
        6,
        4.5,
        0,
    ),
    "night": (
        (40, 60),
        (0.010, 0.011, 0.015),
        (0.006, 0.008, 0.014),
        (0.020, 0.020, 0.024),
        (0.3, 0.6),
        (0.001, 0.003),
        0,
        1,
        0.085,
        8,
        6.0,
        0,
    ),
    "rain": (
        (40, 60),
        (0.12, 0.12, 0.12),
        (0.42, 0.45, 0.48),
        (0.52, 0.54, 0.56),
        (0.85, 1.0),
        (0.004, 0.009),
        1,
        0.12,
        0.25,
        5,
        3.5,
        1,
    ),
    "wet": (
        (25, 50),
        (0.5, 0.48, 0.44),
        (0.48, 0.54, 0.62),
        (0.66, 0.70, 0.75),
        (0.7, 0.9),
        (0.002, 0.004),
        0.8,
        0,
        0.28,
        4,
        3.0,
        0,
    ),
    "rain_night": (
        (40, 60),
        (0.008, 0.009, 0.012),
        (0.008, 0.009, 0.013),
        (0.026, 0.025, 0.027),
        (0.85, 1),
        (0.004, 0.008),
        1,
        1,
        0.085,
        8,
        6.0,
        0.7,
    ),
}
ODDS = {
    "clear": 0.22,
    "bright": 0.18,
    "overcast": 0.20,
    "low_sun": 0.07,
    "mist": 0.04,
    "dusk": 0.07,
    "night": 0.06,
    "rain": 0.07,
    "wet": 0.05,
    "rain_night": 0.04,
}


def pick(rng, name=None):
    """One weather record: every range settled."""
    name = name or str(rng.choice(list(ODDS), p=np.array(list(ODDS.values())) / sum(ODDS.values())))
    height, sun, zenith, horizon, cloud, fog, wet, night, target, gain, noise, drops = WEATHER[name]
    tint = rng.uniform(0.92, 1.08, 3)
    rise, turn = np.radians(rng.uniform(*height)), rng.uniform(0, 2 * np.pi)
    blurred = rng.random() < (0.75 if night > 0.5 else 0.25)
    return {
        "name": name,
        "sun": np.array([np.cos(rise) * np.sin(turn), np.cos(rise) * np.cos(turn), np.sin(rise)]),
        "sun_rgb": np.array(sun) * tint * rng.uniform(0.85, 1.1),
        "zenith": np.array(zenith) * tint,
        "horizon": np.array(horizon) * tint,
        "cloud": rng.uniform(*cloud),
        "shift": rng.uniform(0, 50),
        "fog": rng.uniform(*fog),
        "wet": wet * rng.uniform(0.7, 1),
        "night": night,
        "target": target,
        "gain": gain,
        "noise": noise * 0.5,
        "drops": drops * rng.uniform(0.5, 1.2),
        "travel": rng.uniform(0.05, 0.35) * blurred,
        "turn": rng.uniform(-0.004, 0.004) * blurred,
    }


LAMP_RGB = np.array([(9.0, 6.3, 3.0), (8.5, 8.0, 6.8), (10, 5.4, 1.8)])


def under_map(outlines, focus, span=(70, 120), cells=4.0):
    """Seen from above: how open the sky is over the ground. outlines: (polygon (n, 2), openness 0..255)."""
    origin = np.array([focus[0] - span[0] / 2, focus[1] - 10.0])
    grid = np.full((int(span[1] * cells), int(span[0] * cells)), 255, np.uint8)
    for polygon, open_share in outlines:
        points = np.round((np.asarray(polygon) - origin) * cells * 16).astype(np.int32)
        cv2.fillConvexPoly(grid, points, int(open_share), cv2.LINE_AA, 4)
    near = cv2.GaussianBlur(grid, (0, 0), 0.22 * cells)
    wide = cv2.GaussianBlur(grid, (0, 0), 1.1 * cells)
    return cv2.addWeighted(near, 0.6, wide, 0.4, 0), np.array([*origin, cells])


def make(weather, soup, spans, bounds, focus, lamps, outlines, records, beam=True):
    """The Light for a scene; spans and bounds are of what throws shadows. records: (facades, marks, zebra)."""
    night = weather["night"]
    lit = weather["sun_rgb"][1] > 0.05
    key, view, scale = np.zeros((1, 1), np.float32), np.zeros((3, 4)), np.ones(3)
    if lit:
        key, view, scale = world.shadow_map(soup, spans, bounds, weather["sun"], focus, 84.0)
    under, under_map_at = under_map(outlines, focus)
    high = 0.5 * weather["zenith"] + 0.5 * weather["horizon"]
    bounce = 0.16 * (high + weather["sun_rgb"] * max(weather["sun"][2], 0) * 0.8)
    sky = np.array(
        [
            weather["cloud"],
            weather["shift"],
            1.05,
            weather["fog"],
            weather["wet"],
            night,
            0.05,
            0.9 * night if beam else 0.0,
        ]
    )
    store = textures.STORE
    return shade.Light(
        weather["sun"],
        weather["sun_rgb"],
        weather["zenith"],
        weather["horizon"],
        bounce,
        sky,
        np.asarray(lamps, float).reshape(-1, 6) if night > 0 else np.zeros((0, 6)),
        key,
        view,
        scale,
        under,
        under_map_at,
        records[0],
        records[1],
        records[2],
        noise.NOISE,
        store.texels,
        store.levels,
        store.metres,
    )
