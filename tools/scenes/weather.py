"""Weather and time of day: a table of ranges, how often each comes, and one day picked from it."""

from typing import Any, Dict, NamedTuple, Optional, Tuple

import numpy as np

Range = Tuple[float, float]
Colour = Tuple[float, float, float]


class Weather(NamedTuple):
    """One kind of weather; what varies within it is given as a range."""

    sun_height: Range  # degrees
    sun_rgb: Colour
    zenith: Colour
    horizon: Colour
    cloud: Range  # share of the sky that is covered
    fog: Range  # a metre
    target: float  # brightness that the camera exposes for
    gain: float  # most that it brightens
    noise: float
    wet: float = 0  # how wet the ground is, 0..1
    night: float = 0  # 0..1
    drops: float = 0  # how hard it rains, 0..1


WEATHER = {
    "clear": Weather(
        sun_height=(28, 60),
        sun_rgb=(3.4, 3.15, 2.75),
        zenith=(0.16, 0.32, 0.72),
        horizon=(0.50, 0.66, 0.90),
        cloud=(0.15, 0.45),
        fog=(0.0004, 0.0015),
        target=0.30,
        gain=3,
        noise=2.2,
    ),
    "bright": Weather(
        sun_height=(18, 40),
        sun_rgb=(3.2, 2.85, 2.35),
        zenith=(0.26, 0.42, 0.75),
        horizon=(0.75, 0.82, 0.90),
        cloud=(0.35, 0.6),
        fog=(0.0008, 0.0025),
        target=0.32,
        gain=3,
        noise=2.2,
    ),
    "overcast": Weather(
        sun_height=(40, 60),
        sun_rgb=(0.25, 0.25, 0.25),
        zenith=(0.62, 0.66, 0.72),
        horizon=(0.80, 0.83, 0.87),
        cloud=(0.75, 0.95),
        fog=(0.001, 0.004),
        target=0.30,
        gain=4,
        noise=3.0,
    ),
    "low_sun": Weather(
        sun_height=(8, 16),
        sun_rgb=(3.3, 2.3, 1.3),
        zenith=(0.28, 0.38, 0.62),
        horizon=(0.95, 0.80, 0.62),
        cloud=(0.25, 0.5),
        fog=(0.001, 0.003),
        target=0.28,
        gain=4,
        noise=2.6,
    ),
    "mist": Weather(
        sun_height=(30, 45),
        sun_rgb=(0.4, 0.4, 0.38),
        zenith=(0.62, 0.66, 0.70),
        horizon=(0.78, 0.80, 0.82),
        cloud=(0.8, 0.95),
        fog=(0.006, 0.012),
        target=0.32,
        gain=4,
        noise=3.0,
    ),
    "dusk": Weather(
        sun_height=(4, 7),
        sun_rgb=(0.25, 0.14, 0.08),
        zenith=(0.05, 0.08, 0.17),
        horizon=(0.26, 0.21, 0.22),
        cloud=(0.35, 0.6),
        fog=(0.001, 0.003),
        night=0.6,
        target=0.125,
        gain=6,
        noise=4.5,
    ),
    "night": Weather(
        sun_height=(40, 60),
        sun_rgb=(0.010, 0.011, 0.015),
        zenith=(0.006, 0.008, 0.014),
        horizon=(0.020, 0.020, 0.024),
        cloud=(0.3, 0.6),
        fog=(0.001, 0.003),
        night=1,
        target=0.085,
        gain=8,
        noise=6.0,
    ),
    "rain": Weather(
        sun_height=(40, 60),
        sun_rgb=(0.12, 0.12, 0.12),
        zenith=(0.42, 0.45, 0.48),
        horizon=(0.52, 0.54, 0.56),
        cloud=(0.85, 1.0),
        fog=(0.004, 0.009),
        wet=1,
        night=0.12,
        target=0.25,
        gain=5,
        noise=3.5,
        drops=1,
    ),
    "wet": Weather(
        sun_height=(25, 50),
        sun_rgb=(0.5, 0.48, 0.44),
        zenith=(0.48, 0.54, 0.62),
        horizon=(0.66, 0.70, 0.75),
        cloud=(0.7, 0.9),
        fog=(0.002, 0.004),
        wet=0.8,
        target=0.28,
        gain=4,
        noise=3.0,
    ),
    "rain_night": Weather(
        sun_height=(40, 60),
        sun_rgb=(0.008, 0.009, 0.012),
        zenith=(0.008, 0.009, 0.013),
        horizon=(0.026, 0.025, 0.027),
        cloud=(0.85, 1),
        fog=(0.004, 0.008),
        wet=1,
        night=1,
        target=0.085,
        gain=8,
        noise=6.0,
        drops=0.7,
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


def pick(rng: np.random.Generator, name: Optional[str] = None) -> Dict[str, Any]:
    """One day's weather, every range settled: a record that the rest of the package reads."""
    if name is None:
        name = _pick_name(rng)
    weather = WEATHER[name]
    tint = rng.uniform(0.92, 1.08, 3)
    sun = _pick_sun(rng, weather.sun_height)
    blurred = rng.random() < _chance_of_blur(weather)
    day = {
        "name": name,
        # the sky; the sun is the direction to it
        "sun": sun,
        "sun_rgb": np.array(weather.sun_rgb) * tint * rng.uniform(0.85, 1.1),
        "zenith": np.array(weather.zenith) * tint,
        "horizon": np.array(weather.horizon) * tint,
        "cloud": rng.uniform(*weather.cloud),
        "shift": rng.uniform(0, 50),
        # air and ground
        "fog": rng.uniform(*weather.fog),
        "wet": weather.wet * rng.uniform(0.7, 1),
        "night": weather.night,
        # the camera, and its own motion while the shutter is open
        "target": weather.target,
        "gain": weather.gain,
        "noise": weather.noise * 0.5,
        "drops": weather.drops * rng.uniform(0.5, 1.2),
        "travel": rng.uniform(0.05, 0.35),
        "turn": rng.uniform(-0.004, 0.004),
    }
    if not blurred:
        day["travel"] = 0.0
        day["turn"] = 0.0
    return day


def _pick_name(rng: np.random.Generator) -> str:
    odds = np.array(list(ODDS.values()))
    shares = odds / sum(ODDS.values())
    return str(rng.choice(list(ODDS), p=shares))


def _pick_sun(rng: np.random.Generator, height: Range) -> np.ndarray:
    """The direction to the sun."""
    rise = np.radians(rng.uniform(*height))
    turn = rng.uniform(0, 2 * np.pi)
    level = np.cos(rise)
    x = level * np.sin(turn)
    y = level * np.cos(turn)
    return np.array([x, y, np.sin(rise)])


def _chance_of_blur(weather: Weather) -> float:
    """By night, the shutter is open for long."""
    if weather.night > 0.5:
        return 0.75
    return 0.25
