"""What all patterns are made with: chance by place, edges as wide as a pixel, mixed colours."""

from typing import Tuple

from .kernel import kernel
from .vectors import Vector

_MASK = 0xFFFFFFFF


@kernel
def hash01(a: float, b: float, c: float) -> float:
    """A number in 0..1 that looks random, from three."""
    x = 1274126177 + int(a) * 374761393
    x += int(b) * 668265263
    x += int(c) * 2147483647
    x &= _MASK
    x = ((x ^ (x >> 13)) * 1274126177) & _MASK
    x = ((x ^ (x >> 16)) * 2246822519) & _MASK
    x = (x ^ (x >> 15)) & 0xFFFFFF
    return x / 16777216.0


@kernel
def clamped(x: float) -> float:
    """x, kept in 0..1."""
    return min(max(x, 0.0), 1.0)


@kernel
def cover(inside: float, footprint: float) -> float:
    """Share of a pixel that lies inside an edge.

    inside: the distance into the shape. footprint: the pixel's width. Both in metres.
    """
    return clamped(inside / max(footprint, 1e-4) + 0.5)


@kernel
def mix(
    r: float, g: float, b: float, r2: float, g2: float, b2: float, share: float
) -> Tuple[float, float, float]:
    """A colour under a share of a second one."""
    mixed_r = r + (r2 - r) * share
    mixed_g = g + (g2 - g) * share
    mixed_b = b + (b2 - b) * share
    return mixed_r, mixed_g, mixed_b


@kernel
def over(colour: Vector, paint: Vector, share: float) -> Vector:
    """A colour under a share of paint."""
    r, g, b = colour
    paint_r, paint_g, paint_b = paint
    return mix(r, g, b, paint_r, paint_g, paint_b, share)


@kernel
def times(colour: Vector, tint: float) -> Vector:
    """A colour that is brighter or darker by a factor."""
    r, g, b = colour
    return r * tint, g * tint, b * tint
