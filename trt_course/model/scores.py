"""From the numbers that a network gives for its classes to confidences from 0 to 1."""

from typing import Optional, Sequence

import numpy as np

from .candidates import NOTHING_LOST, Losses
from .output_spec import ObjectnessSpec, ScoresSpec

_SLACK = 1e-3  # exp and log round


def activated(numbers: np.ndarray, activation: str) -> np.ndarray:
    """Scores from 0 to 1, (n, classes), of what the network gives."""
    if activation == "none":
        return numbers
    logits = numbers.astype(np.float32)
    if activation == "sigmoid":
        return 1 / (1 + np.exp(-logits))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def joined(scores: np.ndarray, other: np.ndarray, how: str) -> np.ndarray:
    """Scores (n, classes), joined with a second one for each row, (n, 1)."""
    product = scores.astype(np.float32) * other.astype(np.float32)
    if how == "product":
        return product
    return np.sqrt(np.maximum(product, 0))


def reachable(
    spec: ScoresSpec,
    objectness: Optional[ObjectnessSpec],
    numbers: np.ndarray,
    wanted: Sequence[int],
    conf_th: float,
) -> np.ndarray:
    """The places (n,) that can pass the threshold, perhaps with a few that cannot.

    Most places cannot: neither score nor box is computed for them. `numbers` (p, classes) are not
    activated yet; `wanted` are the classes that a detection may have.
    """
    can_be = can_be_activated(spec.activation, numbers)
    if conf_th <= 0 or spec.activation == "none":
        return np.flatnonzero(can_be)

    # A second score of 1 at most makes of s at most s, or the square root of s.
    least = conf_th
    if objectness is not None and objectness.joined == "geometric_mean":
        least = conf_th * conf_th
    highest_wanted = numbers[:, wanted].max(axis=1).astype(np.float32)  # (p,) FP16 would round
    if spec.activation == "sigmoid":
        if least >= 1:
            return np.flatnonzero(can_be)
        return np.flatnonzero(can_be & (highest_wanted >= np.log(least / (1 - least)) - _SLACK))

    # Softmax makes of a logit at most exp(logit - the highest logit of its place).
    gap = highest_wanted - numbers.max(axis=1).astype(np.float32)
    return np.flatnonzero(gap >= np.log(least) - _SLACK)


def can_be_activated(activation: str, numbers: np.ndarray) -> np.ndarray:
    """The mask (p,) of the places that give scores; a logit of minus infinity just means: never."""
    if activation == "none":
        return np.isfinite(numbers).all(axis=1)
    highest = numbers.max(axis=1)  # NaN where any is
    if activation == "softmax":
        return np.isfinite(highest)
    return highest < np.inf


def lost_places(activation: str, numbers: np.ndarray) -> Losses:
    """How many places (p, classes) cannot be activated."""
    # One sum tells whether there may be any, much faster than looking at each number.
    if np.isfinite(np.sum(numbers)):
        return NOTHING_LOST
    good = can_be_activated(activation, numbers)
    return Losses(no_numbers=len(good) - int(np.count_nonzero(good)))
