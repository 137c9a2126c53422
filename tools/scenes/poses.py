"""Skeletons: the joints of a person who walks, stands or rides. No flesh: that is `people`.

A pose is a dict of joints in metres, the feet near the origin, facing +y: `pelvis`, `neck` and
`head` are points, `left_arm`, `left_leg` and their right twins are three points each, and
`left_foot` is the angle of the foot.
"""

from typing import Any, Dict, List, NamedTuple, Protocol, Sequence

import numpy as np
from numpy.typing import ArrayLike

Pose = Dict[str, Any]
Point = ArrayLike  # x, y, z
Pair = Sequence[float]  # one number for each of a limb's two bones

# lengths of bones, as shares of the body's height
THIGH = 0.245
SHIN = 0.245
UPPER_ARM = 0.175
FOREARM = 0.150
RIDERS_FOREARM = 0.165  # to the middle of the hand, which holds a grip

ANKLE_HEIGHT = 0.045
ARM_OUT = (0.012, 0.035, 0.03)  # how far a walker's shoulder, elbow and wrist stand off


class Side(NamedTuple):
    """One half of the body."""

    name: str
    sign: int  # of its x
    number: int


SIDES = (Side("left", -1, 0), Side("right", 1, 1))


class Body(Protocol):
    """What is asked here of a person's build."""

    height: float
    wide: float


class StillArm(NamedTuple):
    """An arm that is held somewhere: offsets of a right arm in shares of the body's height."""

    elbow: Sequence[float]  # from the shoulder
    wrist: Sequence[float]  # from the elbow
    sides: Sequence[Side] = SIDES


STILL_ARMS = {
    1: StillArm((0.02, 0.03, -0.17), (-0.04, 0.12, 0.07), sides=SIDES[1:]),  # a phone in hand
    2: StillArm((0.06, -0.03, -0.16), (-0.045, 0.05, -0.115)),  # hands in pockets
    3: StillArm((0.03, 0.02, -0.17), (-0.12, 0.09, 0.02)),  # arms folded
}


def _limb(root: Point, direction: Pair, lengths: Pair) -> List[np.ndarray]:
    """Joints along a two-bone limb.

    direction: angles from straight down in the y-z plane, forward positive.
    """
    joint = np.asarray(root, float)
    points = [joint]
    for angle, length in zip(direction, lengths):
        bone = np.array([0, np.sin(angle), -np.cos(angle)])
        joint = joint + length * bone
        points.append(joint)
    return points


def walking(build: Body, phase: float, pace: float = 1.0) -> Pose:
    """Joints of a person in mid-step; phase 0..1 is one full cycle, pace 0 stands."""
    h = build.height
    swing = 2 * np.pi * phase
    thighs = [_thigh_angle(swing + shift, pace) for shift in (0, np.pi)]
    knees = [_knee_angle(swing + shift, pace) for shift in (0, np.pi)]

    # the leg that reaches down furthest stands on the ground
    reach = max(_leg_reach(thigh, knee) for thigh, knee in zip(thighs, knees))
    hip = (reach + ANKLE_HEIGHT) * h

    lean = np.array([0, 0.02 * pace, 0])
    upright = np.array([0, 0, hip + 0.315 * h])
    neck = upright + lean * h * 1.5
    joints: Pose = {
        "pelvis": np.array([0, 0, hip + 0.02 * h]),
        "neck": neck,
        "head": neck + (0, 0.02 * h, 0.095 * h),
    }
    for side in SIDES:
        thigh = thighs[side.number]
        shin = thigh - knees[side.number]
        root = (side.sign * 0.050 * h, 0, hip)
        bones = (THIGH * h, SHIN * h)
        joints[side.name + "_leg"] = _limb(root, (thigh, shin), bones)
        joints[side.name + "_foot"] = shin
        joints[side.name + "_arm"] = _swinging_arm(build, neck, side, thigh, pace)
    return joints


def _thigh_angle(swing: float, pace: float) -> float:
    return 0.42 * pace * np.sin(swing) + 0.05


def _knee_angle(swing: float, pace: float) -> float:
    lifted = max(0.0, np.cos(swing)) ** 1.5
    return max(0.04, 0.75 * pace * lifted)


def _leg_reach(thigh: float, knee: float) -> float:
    """How far below the hip the ankle is, as a share of the body's height."""
    knee_below = np.cos(thigh) * THIGH
    return knee_below + np.cos(thigh - knee) * SHIN


def _swinging_arm(
    build: Body, neck: np.ndarray, side: Side, thigh: float, pace: float
) -> List[np.ndarray]:
    """Shoulder, elbow and wrist: an arm swings against the leg of its side."""
    h = build.height
    half_width = side.sign * 0.096 * h * build.wide**0.5
    below_neck = (half_width, -0.005 * h, -0.050 * h)
    shoulder = neck + below_neck
    angle = -thigh * 0.85 + 0.03
    forward = max(0.0, np.sin(angle))
    bend = 0.18 + 0.35 * pace * forward
    lengths = (UPPER_ARM * h, FOREARM * h)
    arm = _limb(shoulder, (angle, angle + bend), lengths)
    for point, out in zip(arm, ARM_OUT):
        point[0] += side.sign * out * h
    return arm


def standing(build: Body, kind: int) -> Pose:
    """Still poses: arms down, phone in hand, hands in pockets, arms folded."""
    joints = walking(build, 0.13 * kind, 0.12)
    held = STILL_ARMS.get(kind % 4)
    if held is None:
        return joints

    for side in held.sides:
        shoulder, elbow, wrist = joints[side.name + "_arm"]
        elbow[:] = shoulder + _mirrored(held.elbow, side) * build.height
        wrist[:] = elbow + _mirrored(held.wrist, side) * build.height
    return joints


def _mirrored(offset: Sequence[float], side: Side) -> np.ndarray:
    """An offset of the right side, on this side."""
    x, y, z = offset
    return np.array([side.sign * x, y, z])


def bent(root: Point, tip: Point, first: float, second: float, out: Point) -> np.ndarray:
    """The middle joint of a two-bone limb from root to tip that bends towards `out`.

    first, second: the bones' lengths. A tip that is too far away is not reached.
    """
    start = np.asarray(root, float)
    span = np.asarray(tip, float) - start
    distance = float(np.linalg.norm(span))
    unit = span / distance

    # the joint lies on a circle around the line from root to tip
    reach = min(distance, (first + second) * 0.995)
    squares = first**2 - second**2
    along = (squares + reach**2) / (2 * reach)
    square_left = first**2 - along**2
    radius = np.sqrt(max(square_left, 0))

    aside = np.asarray(out, float) - np.dot(out, unit) * unit
    aside = aside / np.linalg.norm(aside)
    return start + unit * along + aside * radius


def riding(
    build: Body,
    saddle: Point,
    grips: Point,
    pedals: Sequence[Point],
    lean: float,
) -> Pose:
    """Joints of a rider who sits on the saddle, the hands on the grips, the feet on two pedals.

    grips: the place of the right one. lean: how far the spine leans forward, in radians.
    """
    h = build.height
    spine = np.array([0, np.sin(lean), np.cos(lean)])
    pelvis = np.asarray(saddle, float) + (0, 0, 0.05 * h)
    neck = pelvis + spine * 0.30 * h
    joints: Pose = {
        "pelvis": pelvis,
        "neck": neck,
        "head": neck + np.array([0, 0.045, 0.085]) * h,
    }
    for side in SIDES:
        half_hips = side.sign * 0.05 * h
        hip = pelvis + (half_hips, 0, -0.02 * h)
        ankle = np.asarray(pedals[side.number], float)
        knee = bent(hip, ankle, THIGH * h, SHIN * h, (side.sign * 0.12, 1, 0.35))
        joints[side.name + "_leg"] = [hip, knee, ankle]
        joints[side.name + "_foot"] = 0.1

        half_width = side.sign * 0.098 * h
        below_neck = spine * -0.045 * h
        shoulder = neck + below_neck + (half_width, 0, 0)
        hand = np.asarray(grips, float) * (side.sign, 1, 1)
        outwards = (side.sign * 0.6, -0.2, -1)
        elbow = bent(shoulder, hand, UPPER_ARM * h, RIDERS_FOREARM * h, outwards)
        joints[side.name + "_arm"] = [shoulder, elbow, hand]
    return joints
