"""The Light record that a scene is shaded with: sky, sun and its shadows, lamps, open sky."""

from typing import Any, Dict, NamedTuple, Sequence, Tuple

import cv2
import numpy as np

from . import noise, textures, world
from .shade import Light, Soup
from .weather import pick

__all__ = ["Surroundings", "make", "pick", "under_map"]

SHADOWS_ACROSS = 84.0  # metres around the focus in which the sun throws shadows
CLOUD_BRIGHTNESS = 1.05
SKYLINE = 0.05  # how high what stands on the horizon reaches
HEADLIGHTS = 0.9
SUBPIXEL_BITS = 4


class Surroundings(NamedTuple):
    """What a street has to do with its light."""

    focus: np.ndarray  # the place that matters most: the middle of what is seen well
    lamps: Sequence[Sequence[float]]  # (n, 6) place and colour of street lamps
    outlines: Sequence[Tuple[np.ndarray, int]]  # polygons (n, 2) that keep the sky off, and how
    facades: np.ndarray
    marks: np.ndarray
    zebra: np.ndarray


class UnderMap(NamedTuple):
    """How open the sky is over the ground, seen from above."""

    open: np.ndarray  # (rows, columns) uint8, 255: all of it
    place: np.ndarray  # x and y of its corner, cells a metre


def under_map(
    outlines: Sequence[Tuple[np.ndarray, int]],
    focus: np.ndarray,
    span: Tuple[int, int] = (70, 120),
    cells: float = 4.0,
) -> UnderMap:
    """Draw the map of open sky around a place.

    outlines: polygons (n, 2) and how open the sky is under each, 0..255. span: metres across and
    along. cells: of the map, a metre.
    """
    width, length = span
    left = focus[0] - width / 2
    origin = np.array([left, focus[1] - 10.0])
    shape = (int(length * cells), int(width * cells))
    grid = np.full(shape, 255, np.uint8)
    fractions = 1 << SUBPIXEL_BITS
    for polygon, open_share in outlines:
        places = (np.asarray(polygon) - origin) * cells
        points = np.round(places * fractions).astype(np.int32)
        cv2.fillConvexPoly(grid, points, int(open_share), cv2.LINE_AA, SUBPIXEL_BITS)

    # a sharp shade close to things, and a wide one around them
    near = cv2.GaussianBlur(grid, (0, 0), 0.22 * cells)
    wide = cv2.GaussianBlur(grid, (0, 0), 1.1 * cells)
    return UnderMap(cv2.addWeighted(near, 0.6, wide, 0.4, 0), np.array([*origin, cells]))


def make(
    weather: Dict[str, Any],
    soup: Soup,
    spans: np.ndarray,
    bounds: np.ndarray,
    surroundings: Surroundings,
) -> Light:
    """The Light for a scene; spans and bounds are of what throws shadows."""
    shadow = _shadow(weather, soup, spans, bounds, surroundings.focus)
    under = under_map(surroundings.outlines, surroundings.focus)
    store = textures.STORE
    return Light(
        sun=weather["sun"],
        sun_rgb=weather["sun_rgb"],
        zenith=weather["zenith"],
        horizon=weather["horizon"],
        bounce=_bounce(weather),
        sky=_sky(weather),
        lamps=_burning(surroundings.lamps, weather["night"]),
        shadow=shadow.depths,
        shadow_view=shadow.view,
        shadow_scale=shadow.scale,
        under=under.open,
        under_map=under.place,
        facades=surroundings.facades,
        marks=surroundings.marks,
        zebra=surroundings.zebra,
        noise=noise.NOISE,
        texels=store.texels,
        levels=store.levels,
        metres=store.metres,
    )


def _shadow(
    weather: Dict[str, Any],
    soup: Soup,
    spans: np.ndarray,
    bounds: np.ndarray,
    focus: np.ndarray,
) -> world.ShadowMap:
    """The sun's shadows; an empty map where it is too weak to throw any."""
    _, green, _ = weather["sun_rgb"]
    if green <= 0.05:
        return world.ShadowMap(np.zeros((1, 1), np.float32), np.zeros((3, 4)), np.ones(3))
    return world.shadow_map(soup, spans, bounds, weather["sun"], focus, SHADOWS_ACROSS)


def _bounce(weather: Dict[str, Any]) -> np.ndarray:
    """The light that the ground throws back."""
    zenith = 0.5 * weather["zenith"]
    from_above = zenith + 0.5 * weather["horizon"]
    rise = max(weather["sun"][2], 0)
    from_sun = weather["sun_rgb"] * rise * 0.8
    return 0.16 * (from_above + from_sun)


def _sky(weather: Dict[str, Any]) -> np.ndarray:
    """The record that describes the air; its columns are named in `sky`."""
    night = weather["night"]
    return np.array(
        [
            weather["cloud"],
            weather["shift"],
            CLOUD_BRIGHTNESS,
            weather["fog"],
            weather["wet"],
            night,
            SKYLINE,
            HEADLIGHTS * night,
        ]
    )


def _burning(lamps: Sequence[Sequence[float]], night: float) -> np.ndarray:
    """The lamps that shine (n, 6): none by day."""
    if night <= 0:
        return np.zeros((0, 6))
    return np.asarray(lamps, float).reshape(-1, 6)
