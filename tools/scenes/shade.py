"""Light: turns the rasteriser's triangle numbers into linear colours under sun, sky, lamps and fog.

Each pixel is sampled once where one surface fills it, and each surface once where several meet. The
samples of a band of rows go through four passes: where they are (`locate`), what colour they have
(`own_colour`), what light falls on them (`falling_light`), what of it is seen (`seen_light`). No
camera effects.
"""

from typing import Protocol, Tuple

import numpy as np

from . import falling_light, own_colour, seen_light
from . import locate as at
from . import surface as sf
from .kernel import scratch
from .shade_records import FALLING_COLUMNS, Light, Picture, Samples, Soup
from .sky import MIRROR_SHAPE, mirror_map

__all__ = ["BAND", "Light", "Soup", "resolve"]

BAND = 32  # rows shaded at a time


class Camera(Protocol):
    """What the shader asks of a camera, such as `world.Camera`."""

    @property
    def eye(self) -> np.ndarray:
        """Where it is: (3,)."""

    @property
    def axes(self) -> np.ndarray:
        """Rows right, down, forward: (3, 3)."""

    @property
    def focal(self) -> float:
        """Its focal length in pixels."""

    @property
    def centre(self) -> np.ndarray:
        """Where its axis meets the picture, in pixels: (2,)."""


def resolve(
    ids: np.ndarray, soup: Soup, light: Light, camera: Camera
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shade all samples of ids (2 x 2 a pixel): linear image, depth, mirror share of wet ground.

    The three are working memory: the next call fills them again.
    """
    height = ids.shape[0] // 2
    width = ids.shape[1] // 2
    picture = _empty_picture(height * width)
    samples = _empty_samples(BAND * width * 4)
    mirror = _mirror(light)
    for top in range(0, height, BAND):
        rows = ids[2 * top : 2 * (top + BAND)]
        count = _locate(rows, top, soup, camera, samples)
        own_colour.find(count, samples, soup, light, sf.MATERIALS, camera.focal)
        falling_light.find(count, samples, soup, light, sf.MATERIALS, camera.eye, camera.axes)
        seen_light.add(count, samples, soup, light, sf.MATERIALS, mirror, camera.eye, picture)
    return (
        picture.image.reshape(height, width, 3),
        picture.depth.reshape(height, width),
        picture.wet.reshape(height, width),
    )


def _locate(rows, top, soup, camera, samples):
    """Fill in which samples a band of rows needs and where each lies; returns how many they are."""
    tri = samples.tri
    sub = samples.sub
    count = at.collect(rows, soup.tag, top, samples.pixel, tri, samples.share, sub)
    at.locate(
        count,
        tri,
        sub,
        soup.pos,
        soup.nrm,
        soup.uv,
        camera.eye,
        camera.axes,
        camera.focal,
        camera.centre,
        samples.geo,
    )
    return count


def _empty_picture(pixels):
    return Picture(
        image=scratch("image", (pixels, 3), fill=0),
        depth=scratch("depths", pixels, fill=0),
        wet=scratch("wet", pixels, fill=0),
        most=scratch("most", pixels, fill=0),
    )


def _empty_samples(count):
    return Samples(
        pixel=scratch("pixel", count, np.int32),
        tri=scratch("tri", count, np.int32),
        share=scratch("share", count),
        sub=scratch("sub", (count, 2)),
        geo=scratch("geo", (count, at.COLUMNS)),
        falling=scratch("falling", (count, FALLING_COLUMNS), np.float64),
    )


def _mirror(light):
    """What shiny surfaces mirror, by direction."""
    mirror = np.empty((*MIRROR_SHAPE, 3), np.float32)
    mirror_map(
        light.noise,
        light.sun,
        light.sun_rgb,
        light.zenith,
        light.horizon,
        light.bounce,
        light.sky,
        mirror,
    )
    return mirror
