"""Skeletons: the joints of a person who walks, stands or rides. No flesh: that is `people`.

A pose is a dict of joints in metres, the feet near the origin, facing +y.
"""

import numpy as np


def _limb(root, direction, lengths):
    """Joints along a two-bone limb. direction: angles from straight down in the y-z plane, forward positive."""
    points = [np.asarray(root, float)]
    for angle, length in zip(direction, lengths):
        points.append(points[-1] + length * np.array([0, np.sin(angle), -np.cos(angle)]))
    return points


def walking(build, phase, pace=1.0):
    """Joints of a person in mid-step; phase 0..1 is one full cycle, pace 0 stands."""
    h = build.height
    swing = 2 * np.pi * phase
    joints = {}
    lean = np.array([0, 0.02 * pace, 0])
    thigh = [0.42 * pace * np.sin(swing + s) + 0.05 for s in (0, np.pi)]
    knee = [max(0.04, 0.75 * pace * max(0.0, np.cos(swing + s)) ** 1.5) for s in (0, np.pi)]
    drop = min(np.cos(a) * 0.245 + np.cos(a - k) * 0.245 for a, k in zip(thigh, knee))
    drop = (
        max(np.cos(a) * 0.245 + np.cos(a - k) * 0.245 for a, k in zip(thigh, knee))
        if drop < 0.3
        else max(np.cos(a) * 0.245 + np.cos(a - k) * 0.245 for a, k in zip(thigh, knee))
    )
    hip = (drop + 0.045) * h
    joints["pelvis"] = np.array([0, 0, hip + 0.02 * h])
    joints["neck"] = np.array([0, 0, hip + 0.315 * h]) + lean * h * 1.5
    joints["head"] = joints["neck"] + (0, 0.02 * h, 0.095 * h)
    for side, sign in (("left", -1), ("right", 1)):
        k = 0 if sign < 0 else 1
        root = (sign * 0.050 * h, 0, hip)
        joints[side + "_leg"] = _limb(root, (thigh[k], thigh[k] - knee[k]), (0.245 * h, 0.245 * h))
        joints[side + "_foot"] = thigh[k] - knee[k]
        shoulder = joints["neck"] + (sign * 0.096 * h * build.wide**0.5, -0.005 * h, -0.050 * h)
        arm = -thigh[k] * 0.85 + 0.03
        bend = 0.18 + 0.35 * pace * max(0.0, np.sin(arm))
        joints[side + "_arm"] = _limb(shoulder, (arm, arm + bend), (0.175 * h, 0.150 * h))
        for number, point in enumerate(joints[side + "_arm"]):
            point[0] += sign * (0.012, 0.035, 0.03)[number] * h
    return joints


def standing(build, kind):
    """Still poses: arms down, phone in hand, hands in pockets, arms folded."""
    joints = walking(build, 0.13 * kind, 0.12)
    h = build.height
    for side, sign in (("left", -1), ("right", 1)):
        shoulder, elbow, wrist = joints[side + "_arm"]
        if kind % 4 == 1 and sign > 0:
            elbow[:] = shoulder + np.array([0.02, 0.03, -0.17]) * h
            wrist[:] = elbow + np.array([-0.04, 0.12, 0.07]) * h
        elif kind % 4 == 2:
            elbow[:] = shoulder + np.array([sign * 0.06, -0.03, -0.16]) * h
            wrist[:] = elbow + np.array([-sign * 0.045, 0.05, -0.115]) * h
        elif kind % 4 == 3:
            elbow[:] = shoulder + np.array([sign * 0.03, 0.02, -0.17]) * h
            wrist[:] = elbow + np.array([-sign * 0.12, 0.09, 0.02]) * h
    return joints


def bent(root, tip, first, second, out):
    """The middle joint of a two-bone limb from root to tip that bends towards `out`."""
    root, tip = np.asarray(root, float), np.asarray(tip, float)
    span = tip - root
    reach = min(np.linalg.norm(span), (first + second) * 0.995)
    along = (first**2 - second**2 + reach**2) / (2 * reach)
    unit = span / np.linalg.norm(span)
    out = np.asarray(out, float) - np.dot(out, unit) * unit
    return root + unit * along + out / np.linalg.norm(out) * np.sqrt(max(first**2 - along**2, 0))


def riding(build, saddle, grips, pedals, lean):
    """Joints of a rider: on the saddle, hands on the grips (x, y, z of the right one), feet on two pedals."""
    h = build.height
    spine = np.array([0, np.sin(lean), np.cos(lean)])
    joints = {"pelvis": np.asarray(saddle, float) + (0, 0, 0.05 * h)}
    joints["neck"] = joints["pelvis"] + spine * 0.30 * h
    joints["head"] = joints["neck"] + np.array([0, 0.045, 0.085]) * h
    for side, sign in (("left", -1), ("right", 1)):
        hip = joints["pelvis"] + (sign * 0.05 * h, 0, -0.02 * h)
        ankle = np.asarray(pedals[0 if sign < 0 else 1], float)
        joints[side + "_leg"] = [
            hip,
            bent(hip, ankle, 0.245 * h, 0.245 * h, (sign * 0.12, 1, 0.35)),
            ankle,
        ]
        joints[side + "_foot"] = 0.1
        shoulder = joints["neck"] + spine * -0.045 * h + (sign * 0.098 * h, 0, 0)
        hand = np.asarray(grips, float) * (sign, 1, 1)
        joints[side + "_arm"] = [
            shoulder,
            bent(shoulder, hand, 0.175 * h, 0.165 * h, (sign * 0.6, -0.2, -1)),
            hand,
        ]
    return joints
