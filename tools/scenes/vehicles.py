"""Cars, vans, buses and trucks as meshes, one design an id.

A design's shape, art and livery follow from its id alone; its colour and lights belong to the
scene.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from . import vehicle_art, vehicle_ends, vehicle_parts
from .mesh import Mesh, merge, moved
from .vehicle_body import Pictures, hull
from .vehicle_design import Spec
from .vehicle_kinds import (
    FIRM_WHITE,
    ORDER,
    PAINT_ODDS,
    PAINTS,
    RESCUE_WHITE,
    TAXI_IVORY,
    TAXI_YELLOW,
)

__all__ = ["DESIGNS", "ORDER", "Design", "colour", "design"]

DESIGNS = 120
FIRM_KINDS = ("van", "city_van", "minibus", "truck", "bus")


class Design(NamedTuple):
    """A finished design."""

    mesh: Mesh  # its middle over the origin, facing +y; palette slot 1 is its paint
    size: tuple  # width, length, height in metres
    spec: Spec


@lru_cache(maxsize=None)
def design(number: int) -> Design:
    """The mesh, size and description of a design."""
    spec = Spec(number)

    # first the pictures: what is left of the design's chances belongs to mirrors and extras
    pictures = Pictures(
        side=vehicle_art.side(spec),
        front=vehicle_ends.front(spec),
        rear=vehicle_ends.rear(spec),
        top=vehicle_art.top(spec),
    )
    body = hull(spec, pictures)
    wheels = vehicle_parts.wheels(spec)
    mirrors = vehicle_parts.mirrors(spec)
    extras = vehicle_parts.extras(spec)
    whole = merge([body, *wheels, *mirrors, *extras])

    # a truck is longer than its cab: move the middle of the whole over the origin
    y = whole.pos[..., 1]
    middle = (y.max() + y.min()) / 2
    whole = moved(whole, (0, -middle, 0))
    corners = whole.pos.reshape(-1, 3)
    size = corners.max(0) - corners.min(0)
    return Design(whole, tuple(size), spec)


def colour(spec: Spec, rng: np.random.Generator) -> tuple:
    """A linear colour for a vehicle: its firm's, or one of the usual paints."""
    if spec.livery == "check":
        return TAXI_YELLOW if rng.random() < 0.8 else TAXI_IVORY
    if spec.livery == "rescue":
        return RESCUE_WHITE
    if spec.kind in FIRM_KINDS and rng.random() < 0.55:
        return FIRM_WHITE
    paint = rng.choice(len(PAINTS), p=PAINT_ODDS / PAINT_ODDS.sum())
    brightness = rng.uniform(0.8, 1.2)
    tint = rng.uniform(-0.01, 0.01, 3)
    rgb = PAINTS[paint] * brightness + tint
    return tuple(np.clip(rgb, 0.008, 0.9))
