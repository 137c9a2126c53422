"""Synthetic street scenes with exact ground truth, drawn by this package's own small renderer.

`sample` is a pure function of its arguments; `drive` is a moving scene with tracks. It trains nothing and writes no
files.
"""

import zlib

import numpy as np

from .scene import Sample, dash_camera, photograph

LABELS = {
    "traffic": ("road_sign", "vehicle", "pedestrian", "bicycle"),
    "signs": ("mandatory", "prohibitory", "warning"),
}
SIZES = {"traffic": (1248, 384), "signs": (640, 480)}
SPLITS = ("train", "calibration", "val", "test")
__all__ = ["LABELS", "SIZES", "SPLITS", "Sample", "drive", "sample"]


def _generator(task, split, index, seed):
    return np.random.default_rng((zlib.crc32(f"{task}/{split}".encode()), int(index), int(seed)))


def sample(task, split, index, seed=0):
    """Picture number `index` of a split: the same arguments give the same bytes."""
    if task not in LABELS or split not in SPLITS:
        raise ValueError(
            f"no task {task!r} with split {split!r}: tasks {tuple(LABELS)}, splits {SPLITS}"
        )
    rng = _generator(task, split, index, seed)
    if task == "signs":
        from .roadside import signs_sample

        return signs_sample(rng, split, SIZES[task])
    return _traffic_sample(rng, split, SIZES[task])


def _traffic_sample(rng, split, size):
    from . import light
    from .street import Street

    street = Street(rng, split, light.pick(rng))
    return photograph(street, dash_camera(street, rng, size), rng)


def drive(seed, frames, fps=30, size=(1280, 720)):
    """A drive of `frames` frames, each a Sample; `tracks` name the same object throughout."""
    from .journey import frames_of

    return frames_of(seed, frames, fps, size)
