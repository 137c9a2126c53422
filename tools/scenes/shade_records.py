"""What the shader is given, and how its tables are laid out: `Soup`, `Light`, names of columns.

No computing here: `own_colour`, `falling_light` and `seen_light` do that, called by `shade`.
"""

from typing import NamedTuple

import numpy as np

# columns of Soup.tag
MATERIAL = 0
TEXTURE = 1
RECORD = 3
MIRRORS_BACK = 1000  # the record of what throws headlights back

# places in Light.sky
CLOUD_SHIFT = 1
FOG = 3
WETNESS = 4
NIGHT = 5
BEAM = 7

# columns of Samples.falling: the normal, stirred where the surface is rough; the share of the sun
# and of the sky that reaches it; the colour of all that falls on it
NORMAL_X = 0
NORMAL_Y = 1
NORMAL_Z = 2
SUN_SHARE = 3
SKY_SHARE = 4
FALLING_RED = 5
FALLING_GREEN = 6
FALLING_BLUE = 7
FALLING_COLUMNS = 8

# columns of surface.MATERIALS
NOISE_RATE = 0
NOISE_SHARE = 1
REFLECTANCE = 2
SHARPNESS = 3
BUMP = 4


class Soup(NamedTuple):
    """All triangles of a scene in world coordinates."""

    pos: np.ndarray  # (n, 3, 3)
    nrm: np.ndarray  # (n, 3, 3)
    uv: np.ndarray  # (n, 3, 2)
    rgb: np.ndarray  # (n, 4) colour and how strongly painted lights glow
    tag: np.ndarray  # (n, 4) material, texture, owner, row in its material's records


class Light(NamedTuple):
    """Everything that shines, and the records that patterns need. Colours are linear."""

    # sun and sky
    sun: np.ndarray  # direction to it
    sun_rgb: np.ndarray
    zenith: np.ndarray
    horizon: np.ndarray
    bounce: np.ndarray  # what the ground throws back
    # cloud cover, cloud shift, cloud brightness, fog density, wetness, night 0..1, skyline, beam
    sky: np.ndarray
    lamps: np.ndarray  # (n, 6) position and colour

    # what keeps light off
    shadow: np.ndarray  # nearest surface seen from the sun
    shadow_view: np.ndarray  # (3, 4)
    shadow_scale: np.ndarray  # pixels a metre, centre x, centre y
    under: np.ndarray  # open sky over the ground, seen from above, 0..255
    under_map: np.ndarray  # origin x, origin y, cells a metre

    # patterns and textures
    facades: np.ndarray
    marks: np.ndarray
    zebra: np.ndarray
    noise: np.ndarray
    texels: np.ndarray
    levels: np.ndarray
    metres: np.ndarray


class Samples(NamedTuple):
    """The samples of a band of rows; each is a share of a pixel that one surface fills."""

    pixel: np.ndarray  # (n,) its number in the picture
    tri: np.ndarray  # (n,) triangle, -1: sky
    share: np.ndarray  # (n,) of the pixel
    sub: np.ndarray  # (n, 2) place in the picture
    geo: np.ndarray  # (n, locate.COLUMNS) where it is, and what it looks like
    falling: np.ndarray  # (n, FALLING_COLUMNS) what light falls on it, in double precision


class Picture(NamedTuple):
    """What is made: one row a pixel."""

    image: np.ndarray  # (n, 3) linear colour
    depth: np.ndarray  # (n,) of the surface with the largest share
    wet: np.ndarray  # (n,) how much of the picture above is mirrored there
    most: np.ndarray  # (n,) that largest share
