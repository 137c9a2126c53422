"""Synthetic street scenes with exact ground truth, drawn by this package's own small renderer.

`sample` is a pure function of its arguments; `drive` is a moving scene with tracks. Nothing is
trained here, and no file is written.
"""

import zlib
from typing import Iterator, Tuple

import numpy as np

from . import light
from .artwork import SPLITS
from .journey import frames_of
from .roadside import signs_sample
from .scene import Sample, dash_camera, photograph
from .street import Street

LABELS = {
    "traffic": ("road_sign", "vehicle", "pedestrian", "bicycle"),
    "signs": ("mandatory", "prohibitory", "warning"),
}
SIZES = {"traffic": (1248, 384), "signs": (640, 480)}
__all__ = ["LABELS", "SIZES", "SPLITS", "Sample", "drive", "sample"]


def sample(task: str, split: str, index: int, seed: int = 0) -> Sample:
    """Picture number `index` of a split: the same arguments give the same bytes."""
    if task not in LABELS or split not in SPLITS:
        raise ValueError(
            f"no task {task!r} with split {split!r}: tasks {tuple(LABELS)}, splits {SPLITS}"
        )
    rng = _generator(task, split, index, seed)
    if task == "signs":
        return signs_sample(rng, split, SIZES[task])
    return _traffic_sample(rng, split, SIZES[task])


def drive(
    seed: int, frames: int, fps: float = 30, size: Tuple[int, int] = (1280, 720)
) -> Iterator[Sample]:
    """A drive of `frames` frames, each a Sample; `tracks` name the same object throughout."""
    return frames_of(seed, frames, fps, size)


def _generator(task: str, split: str, index: int, seed: int) -> np.random.Generator:
    """The generator that every chance of one picture is drawn from."""
    stream = zlib.crc32(f"{task}/{split}".encode())
    return np.random.default_rng((stream, int(index), int(seed)))


def _traffic_sample(rng: np.random.Generator, split: str, size: Tuple[int, int]) -> Sample:
    street = Street(rng, split, light.pick(rng))
    return photograph(street, dash_camera(street, rng, size), rng)
