"""A drive along one street: the own car rolls, others drive and walk, every object keeps its track number."""

import numpy as np

from . import light, world
from .scene import photograph
from .street import Street

WARM_UP = 2.0  # seconds before the first frame, so that moving things are spread out


def frames_of(seed, frames, fps, size):
    """Yield a Sample a frame."""
    rng = np.random.default_rng((seed, 77))
    weather = light.pick(rng, "bright")
    weather.update(travel=0.06, turn=0.0)
    speed = 9.0
    length = 190.0 + speed * frames / fps
    street = Street(rng, "test", weather, length=length, kind="city", journey=speed)
    tall, focal = 1.35, size[0] * 0.72
    look = np.random.default_rng((seed, 78)).integers(0, 1 << 30)
    for number in range(frames):
        t = number / fps
        ego = speed * t
        at = street.road.at(
            ego, street.own, tall + 0.006 * np.sin(t * 9.0) + 0.004 * np.sin(t * 23.0)
        )
        pitch = -0.01 + 0.0012 * np.sin(t * 7.3)
        camera = world.aimed(
            at, street.road.heading(ego + 5), pitch, 0.001 * np.sin(t * 5.1), focal, *size, 0.55
        )
        yield photograph(
            street, camera, np.random.default_rng(look), t + WARM_UP, ego, artefacts=False
        )
