"""Whether the times of a hand-in are possible: do they agree with its engine, and with the clock?

Each frame includes one run of the engine. `pack` times the engine alone as well, between frames,
so that both times come from the same machine at the same moment. And it accounts for the whole
run: frames, pictures, the engine and everything else add up to what the clock says.
"""

from typing import Optional, Sequence, Tuple

import numpy as np

from ..support.errors import CourseError
from .handin import HandIn

ENGINE_EVERY = 5  # frames for each run of the engine alone

# What no machine does.
LEAST_MS = 0.05  # a picture or frame
LEAST_ENGINE_MS = 0.001

# By how much honest times may fall short of what they include, or miss what they add up to.
_SHARE_OF_EACH = 0.5  # each frame, of the engine's quickest run
_SHARE_OF_MOST = 0.8  # half of the frames, of the same
_SHARE_OF_SPAN = 0.001
_SLACK_MS = 1.0

# From where a person should look.
SUSPICIOUS_PICTURE = 5  # times as long as a frame
SUSPICIOUS_ENGINE = 1.5  # times as fast as the same engine in other hand-ins


def require_plausible(entry: HandIn) -> None:
    """A CourseError if one honest run cannot have had the times of a hand-in."""
    _require_possible(entry)
    _require_engine_inside(entry)

    spent = sum(entry.frame_ms) + sum(entry.image_ms.values()) + sum(entry.engine_ms)
    spent += entry.other_ms
    span = entry.seconds * 1e3
    if abs(spent - span) > span * _SHARE_OF_SPAN + _SLACK_MS:
        raise CourseError(
            f"Its times add up to {spent / 1e3:.2f} s, but the run took {entry.seconds:.2f} s by "
            "the clock."
        )


def _require_possible(entry: HandIn) -> None:
    """Enough runs of the engine, and nothing quicker than a machine can be."""
    wanted = len(entry.frame_ms) // ENGINE_EVERY
    if len(entry.engine_ms) < wanted:
        raise CourseError(
            f"It holds {len(entry.engine_ms)} runs of the engine alone; `contest pack` makes "
            f"{wanted} for {len(entry.frame_ms)} frames."
        )
    least = min(min(entry.frame_ms), min(entry.image_ms.values(), default=LEAST_MS))
    if least < LEAST_MS:
        raise CourseError(
            f"A frame or picture took {least:.3g} ms; no machine takes less than {LEAST_MS} ms."
        )
    if min(entry.engine_ms) < LEAST_ENGINE_MS:
        raise CourseError(
            f"A run of its engine took {min(entry.engine_ms):.3g} ms, which no machine does."
        )


def _require_engine_inside(entry: HandIn) -> None:
    """Each frame has time for a run of the engine, and most of them for a whole one."""
    engine = min(entry.engine_ms)
    quickest = min(entry.frame_ms)
    if quickest < engine * _SHARE_OF_EACH:
        raise CourseError(
            f"A frame took {quickest:.3g} ms, though its engine alone needs {engine:.3g} ms at "
            "its quickest."
        )
    middle = float(np.median(entry.frame_ms))
    if middle < engine * _SHARE_OF_MOST:
        raise CourseError(
            f"Half its frames took less than {middle:.3g} ms, though its engine alone needs "
            f"{engine:.3g} ms at its quickest."
        )


def remarks_on(entry: HandIn, entries: Sequence[HandIn]) -> str:
    """What a person should look at in a hand-in among others, or nothing."""
    remarks = []
    picture_ms = np.median(list(entry.image_ms.values()))
    ratio = picture_ms / np.median(entry.frame_ms)
    if ratio > SUSPICIOUS_PICTURE:
        remarks.append(f"a picture took {ratio:.0f} times as long as a frame: the same model?")

    ratio, others = _beside_others(entry, entries)
    if ratio > SUSPICIOUS_ENGINE:
        hand_ins = "1 other hand-in" if others == 1 else f"{others} other hand-ins"
        remarks.append(
            f"its engine is {ratio:.1f} times as fast as in {hand_ins} with this model and "
            "machine: are its times true?"
        )
    return "; ".join(remarks)


def _beside_others(entry: HandIn, entries: Sequence[HandIn]) -> Tuple[float, int]:
    """How many times as fast an engine is as the same one of other teams, and how many have it."""
    same = [
        float(np.median(other.engine_ms))
        for other in entries
        if other is not entry and _setting_of(other) == _setting_of(entry)
    ]
    if not same:
        return 1.0, 0
    return float(np.median(same) / np.median(entry.engine_ms)), len(same)


def _setting_of(entry: HandIn) -> Tuple[Optional[str], ...]:
    """What an engine's speed depends on."""
    return (entry.model_sha256, machine_of(entry))


def machine_of(entry: HandIn) -> str:
    """What the run was made on, in a few words."""
    facts = entry.machine
    kind = facts.get("jetson") or facts.get("gpu") or facts.get("cpu")
    words = (kind, facts.get("power_mode"), entry.engine, entry.precision)
    return ", ".join(word for word in words if word)
