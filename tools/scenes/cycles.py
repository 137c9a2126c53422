"""Bicycles, motorcycles and scooters as designs, each with or without its rider.

Palette slots: 1 to 6 are the rider's, as in `people`; 7 is the frame's colour.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .bicycles import bicycle, crank_arm
from .mesh import Mesh, merge, moved
from .motorcycles import motorcycle, scooter
from .people import Build, body
from .poses import riding
from .rides import KINDS, SIDES, Ride

__all__ = ["DESIGNS", "KINDS", "Ride", "design"]

DESIGNS = 60

# what riders wear instead of what would get into the spokes
RIDING_OUTFITS = {"dress": "shirt", "skirt": "shirt", "coat": "jacket"}


class _Posture(NamedTuple):
    """How a rider sits: places in metres, the trunk's lean in radians."""

    saddle: np.ndarray  # (3,)
    grip: np.ndarray  # (3,) the right one
    pedals: list  # left, right
    lean: float


def _dressed(ride, number):
    """Who rides design `number`: a grown-up in a riding outfit."""
    build = Build(number * 7 + 3)
    build.height = max(build.height, 1.6)
    build.outfit = RIDING_OUTFITS.get(build.outfit, build.outfit)
    build.bag = "backpack" if number % 3 == 0 else "none"
    if ride.motor:
        build.hair = "motor"
        build.outfit = "jacket"
    elif number % 2:
        build.hair = "helmet"
    return build


def _motor_posture(ride):
    """Feet on the floor of a scooter, or on the rests of a motorcycle."""
    foot_rest = np.array([0.20, 0.02, 0.36])
    if ride.kind == "scooter":
        foot_rest = np.array([0.17, 0.28, 0.36])
    return _Posture(
        saddle=np.array([0, -0.22, ride.saddle + 0.03]),
        grip=ride.points().bar + (0.33, -0.09, 0.03),
        pedals=[foot_rest * (side, 1, 1) for side in SIDES],
        lean=0.35 if ride.kind == "motor" else 0.05,
    )


def _bicycle_posture(ride, crank_turn):
    """Feet on the pedals; the racier the bicycle, the lower the trunk."""
    points = ride.points()
    grip_shift = (0.29, -0.08, 0.02)
    if ride.kind == "race":
        grip_shift = (0.21, 0.10, 0.02)

    arm = crank_arm(crank_turn)
    left_foot = points.crank - arm + (-0.13, -0.05, 0.09)
    right_foot = points.crank + arm + (0.13, -0.05, 0.09)
    return _Posture(
        saddle=points.seat + (0, -0.02, 0.10),
        grip=points.bar + grip_shift,
        pedals=[left_foot, right_foot],
        lean={"race": 0.85, "mountain": 0.50}.get(ride.kind, 0.28),
    )


def _posture(ride, crank_turn):
    if ride.motor:
        return _motor_posture(ride)
    return _bicycle_posture(ride, crank_turn)


def _rider(ride, number, crank_turn):
    posture = _posture(ride, crank_turn)
    build = _dressed(ride, number)
    joints = riding(build, *posture)
    mesh = body(build, joints)

    # the mesh stands on the ground; lift it, so that the lower foot is where its joint is
    ankles = [joints[side + "_leg"][2] for side in ("left", "right")]
    lift = min(ankle[2] for ankle in ankles) - 0.05
    return moved(mesh, (0, 0, lift))


@lru_cache(maxsize=None)
def design(number: int, rider: bool, pose: int = 0) -> Mesh:
    """A two-wheeler's mesh; with `rider`, pose turns the cranks."""
    ride = Ride(number)
    crank_turn = pose * np.pi / 2 + number
    if ride.kind == "scooter":
        parts = scooter(ride)
    elif ride.motor:
        parts = motorcycle(ride)
    else:
        parts = bicycle(ride, crank_turn)
    if rider:
        parts.append(_rider(ride, number, crank_turn))
    return merge(parts)
