"""A drive along one street: the own car rolls, others drive and walk, objects keep their tracks."""

from typing import Iterator, Tuple

import numpy as np

from . import light, world
from .scene import Sample, photograph
from .street import Street

WARM_UP = 2.0  # seconds before the first frame, so that moving things are spread out
SPEED = 9.0  # of the own car, metres a second
CAMERA_HEIGHT = 1.35
SHUTTER_TRAVEL = 0.06  # metres driven while the shutter is open
HORIZON = 0.55  # share of the picture's height above it


def frames_of(seed: int, frames: int, fps: float, size: Tuple[int, int]) -> Iterator[Sample]:
    """Yield a Sample a frame; `size` is (width, height)."""
    rng = np.random.default_rng((seed, 77))
    weather = light.pick(rng, "bright")
    weather.update(travel=SHUTTER_TRAVEL, turn=0.0)
    length = 190.0 + SPEED * frames / fps
    street = Street(rng, "test", weather, length=length, kind="city", journey=SPEED)

    # what the camera adds by chance, each frame gets from the same seed
    noise_seed = np.random.default_rng((seed, 78)).integers(0, 1 << 30)
    for number in range(frames):
        t = number / fps
        driven = SPEED * t
        camera = _camera(street, t, driven, size)
        noise = np.random.default_rng(noise_seed)
        yield photograph(street, camera, noise, t + WARM_UP, driven, artefacts=False)


def _camera(street, t, driven, size):
    """Behind the windscreen of a car that sways a little."""
    bounce = 0.006 * np.sin(t * 9.0)
    rattle = 0.004 * np.sin(t * 23.0)
    eye = street.road.at(driven, street.own, CAMERA_HEIGHT + bounce + rattle)
    yaw = street.road.heading(driven + 5)
    nod = 0.0012 * np.sin(t * 7.3)
    pitch = -0.01 + nod
    roll = 0.001 * np.sin(t * 5.1)
    focal = size[0] * 0.72
    return world.aimed(eye, yaw, pitch, roll, focal, *size, HORIZON)
