"""What surfaces are made of: a table of materials, and all patterns by name.

Patterns are functions of metres on the surface; each fades to its mean where a pixel covers more
than its detail. No light falls here: that is `shade`.
"""

from typing import Tuple

import numpy as np

from .asphalt import paving, road
from .facade import brick, facade
from .kernel import kernel
from .patterns import mix
from .textures import texel_at

__all__ = ["MATERIALS", "brick", "facade", "mix", "painted", "paving", "road"]

(
    PLAIN,
    PAINTED,
    ROAD,
    PAVING,
    GRASS,
    FACADE,
    LEAF,
    METAL,
    GLASS,
    CLOTH,
    SKIN,
    RUBBER,
    GLOW,
    BARK,
    BRICK,
    TILES,
    HAIR,
) = range(17)

# noise tiles a metre, its share of the colour, reflectance at right angles, highlight sharpness,
# bump
MATERIALS = np.array(
    [
        (0.30, 0.10, 0.00, 20, 0.00),  # PLAIN
        (0.00, 0.00, 0.04, 300, 0.00),  # PAINTED
        (0.23, 0.10, 0.01, 30, 0.00),  # ROAD
        (0.31, 0.08, 0.00, 20, 0.00),  # PAVING
        (0.43, 0.32, 0.00, 10, 0.30),  # GRASS
        (0.11, 0.07, 0.00, 10, 0.00),  # FACADE
        (0.60, 0.22, 0.01, 15, 0.10),  # LEAF
        (0.40, 0.06, 0.10, 60, 0.00),  # METAL
        (0.00, 0.00, 0.08, 300, 0.00),  # GLASS
        (0.55, 0.04, 0.00, 8, 0.14),  # CLOTH
        (0.80, 0.04, 0.01, 25, 0.03),  # SKIN
        (0.70, 0.08, 0.00, 12, 0.00),  # RUBBER
        (0.00, 0.00, 0.00, 10, 0.00),  # GLOW
        (0.90, 0.25, 0.00, 10, 0.25),  # BARK
        (0.20, 0.10, 0.00, 10, 0.00),  # BRICK
        (0.35, 0.18, 0.00, 10, 0.10),  # TILES
        (1.50, 0.18, 0.02, 40, 0.25),  # HAIR
    ]
)


@kernel
def painted(
    r: float,
    g: float,
    b: float,
    texels: np.ndarray,
    levels: np.ndarray,
    tex: int,
    u: float,
    v: float,
    level: float,
) -> Tuple[float, float, float, float, float]:
    """A painted texture over the object's own colour: red, green, blue, gloss, glow."""
    x, y, z, paint, gloss, glow = texel_at(texels, levels, tex, u, v, level)
    rest = 1 - paint
    red = _linear(x) * (rest + r * paint)
    green = _linear(y) * (rest + g * paint)
    blue = _linear(z) * (rest + b * paint)
    return red, green, blue, gloss, glow


@kernel
def _linear(x):
    """The light of an sRGB value, nearly."""
    return x * x * (0.6 + 0.4 * x)
