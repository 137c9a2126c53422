"""The sample clip: a drive through the town, with ground truth; H.264, which browsers play."""

from pathlib import Path
from typing import Any, Generator, Iterator

import numpy as np
from tqdm import tqdm

import scenes
from sample_data.truth import ClipTruth, write

SEED = 5
FRAMES = 450
FPS = 30
SIZE = (1280, 720)

# One thread and no metadata, so that the same frames give the same file.
ENCODER = (
    *("-preset", "slow"),
    *("-maxrate", "3M"),
    *("-bufsize", "4M"),
    *("-movflags", "+faststart"),
    *("-threads", "1"),
    *("-map_metadata", "-1"),
    *("-fflags", "+bitexact"),
)


class DataError(Exception):
    """Something the user can mend; shown without a traceback."""


def make_clip(out: Path, frames: int = FRAMES, rate: str = "1020k") -> None:
    """Write street.mp4 and street.json, each under its name when it is whole."""
    out.mkdir(parents=True, exist_ok=True)
    part = out / "street.part.mp4"
    truth = ClipTruth()
    encoder = _encoder(part, rate)
    try:
        for image in _frames(frames, truth):
            encoder.send(np.ascontiguousarray(image))
        encoder.close()
        part.replace(out / "street.mp4")
        write(out / "street.json", truth.text(FPS, SIZE))
    finally:
        encoder.close()
        part.unlink(missing_ok=True)


def _encoder(path: Path, rate: str) -> Generator[None, Any, None]:
    """What takes frames with `send`, and ends the file with `close`."""
    try:
        import imageio_ffmpeg
    except ImportError as problem:
        raise DataError("the clip needs imageio-ffmpeg: pip install imageio-ffmpeg") from problem

    encoder = imageio_ffmpeg.write_frames(
        str(path),
        SIZE,
        pix_fmt_in="bgr24",
        fps=FPS,
        codec="libx264",
        pix_fmt_out="yuv420p",
        quality=None,
        bitrate=rate,
        macro_block_size=8,
        output_params=list(ENCODER),
    )
    encoder.send(None)  # it begins
    return encoder


def _frames(count: int, truth: ClipTruth) -> Iterator[np.ndarray]:
    """The pictures of the drive; their ground truth is collected meanwhile."""
    samples = scenes.drive(SEED, count, FPS, SIZE)
    for number, sample in enumerate(tqdm(samples, total=count, desc="clip", unit="frame")):
        truth.add(number, sample)
        yield sample.image
