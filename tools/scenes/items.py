"""What a street holds: things with a place on it, and the lamps along it. No mesh is made here."""

from typing import Callable, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .mesh import Mesh

Shape = Callable[[float], Mesh]  # from seconds to the mesh at that time


class Item(NamedTuple):
    """Something on the street; `shape(t)` gives its mesh at time t."""

    shape: Shape
    s: float
    lateral: float
    z: float = 0.0
    turn: float = 0.0  # heading relative to the road's
    palette: Tuple[Sequence[float], ...] = ()
    label: int = -1
    speed: float = 0.0
    sideways: float = 0.0
    glow: float = 0.0
    record: int = 0
    scale: float = 1.0
    size: Tuple[float, float] = (0, 0)  # width and length of what it shades on the ground
    track: int = -1
    far: Optional[Mesh] = None  # a simpler mesh for far away


class Lamp(NamedTuple):
    """Where a street lamp shines from, and its colour."""

    s: float
    lateral: float
    z: float
    rgb: np.ndarray


def still(mesh: Mesh) -> Shape:
    """The shape of a thing that looks the same at all times."""
    return lambda t: mesh
