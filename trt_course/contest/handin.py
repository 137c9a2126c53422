"""A hand-in: one file with what one run has found, and how long it took. Nothing in it is trusted.

It is JSON of limited size, and no path in it is ever opened. pack.py makes it, times.py decides
whether its times are possible, and scoring.py who wins.
"""

import gzip
import json
import re
import zlib
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from ..measure.boxes import FARTHEST, Found
from ..model import fields
from ..support.errors import CourseError
from .digests import seal_of
from .names import LONGEST_NAME, clean_name, is_name, who_is

SCHEMA = "trt_course contest 3"
OTHER_MODELS = (None, "backbone", "detector")  # what a team may have put in the place of ours

# What is refused as nonsense, or as too much.
LIMIT = 20 * 10**6  # bytes of a hand-in, unpacked
MOST_DIGITS = 15  # of a whole number
MOST_BOXES = 1000  # of a picture
LEAST_FRAMES = 50
LEAST_ENGINE_RUNS = 10


class HandIn(NamedTuple):
    """What one file holds, each field by its rule in HAND_IN_RULES."""

    # What the team says of itself.
    team: str
    restructured: bool
    other_model: Optional[str]

    # What ran, where and when.
    model: str
    engine: str
    precision: str
    machine: Dict[str, str]
    created: str
    run: str
    seconds: float  # by the clock, from its first moment to its last

    # Of which files.
    model_sha256: str
    data_sha256: str
    video_sha256: str

    # What came out; the pictures by their names, the frames in their order.
    frame_ms: Tuple[float, ...]
    image_ms: Dict[str, float]
    detections: Dict[str, Found]

    # What else the run did: the engine alone, between frames; and reading, warm-up and the like.
    engine_ms: Tuple[float, ...]
    other_ms: float

    # The file's own name.
    file: str

    @property
    def who(self) -> str:
        """The team, whatever the spelling of its name."""
        return who_is(self.team)


def clean(words: str) -> str:
    """A text with a question mark for each character that cannot be printed."""
    return "".join(c if c.isprintable() else "?" for c in words)


def read_hand_in(path: Path) -> HandIn:
    """The HandIn in a file; whatever else is in the file, the answer is a CourseError."""
    try:
        value = _unsealed(fields.json_object(_json_in(path), "hand-in"))
        hand_in_of = fields.record_of(HandIn, HAND_IN_RULES, file=clean(path.name))
        return hand_in_of(value, "hand-in")
    except RecursionError:
        raise CourseError("It is no hand-in: its JSON is nested too deeply.") from None


def _unsealed(value: Dict[str, Any]) -> Dict[str, Any]:
    """The object without schema and seal, which must both be right."""
    if value.get("schema") != SCHEMA:
        raise CourseError(
            f"It is not a hand-in of this contest: its schema is not '{SCHEMA}'. "
            "Pack again with the version of trt_course that ranks it."
        )
    seal = fields.text(value.get("seal"), "hand-in: seal")
    if seal != seal_of(value):
        raise CourseError(
            "Its seal is broken: something in it was changed after the run. Pack again."
        )
    return {name: part for name, part in value.items() if name not in ("schema", "seal")}


# The file


def _json_in(path: Path) -> Any:
    """The value in a JSON file, packed or not."""
    if path.is_symlink() or not path.is_file():
        raise CourseError("It is not a plain file.")
    if not path.name.endswith((".json", ".json.gz")):
        raise CourseError(
            "A hand-in is a file TEAM.json, as `contest pack` writes it, or TEAM.json.gz."
        )
    try:
        words = _bytes_of(path).decode("utf-8")
        return json.loads(
            words,
            parse_int=_whole_number,
            parse_constant=_no_number,
            object_pairs_hook=_object_of,
        )
    except (OSError, EOFError, zlib.error) as err:
        why = getattr(err, "strerror", None) or err
        raise CourseError(f"It cannot be read: {why}.") from None
    except ValueError as err:
        raise CourseError(f"It is not a hand-in's JSON: {err}.") from None


def _bytes_of(path: Path) -> bytes:
    """What is in a file, unpacked, and never more of it in memory than is allowed."""
    too_large = CourseError(f"It is larger than {LIMIT // 10**6} MB.")
    if path.stat().st_size > LIMIT:
        raise too_large
    open_file: Any = open
    if path.suffix == ".gz":
        open_file = gzip.open
    with open_file(str(path), "rb") as stream:
        data = stream.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise too_large
    return data


def _whole_number(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number has {len(digits)} digits")
    return int(digits)


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is not a number")


def _object_of(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return value


# The fields


def _is_line(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > 200:
        return False
    return value.isprintable() and bool(value.strip())


def _is_truth(value: Any) -> bool:
    return value is True or value is False


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def _is_moment(value: Any) -> bool:
    pattern = "[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}Z"
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _is_time(value: Any) -> bool:
    return fields.is_number(value) and 0 < value < 1e9


def _is_row(value: Any) -> bool:
    if not isinstance(value, list) or len(value) != 6:
        return False
    label, *numbers = value
    if not _is_line(label) or not all(map(fields.is_number, numbers)):
        return False
    conf, x1, y1, x2, y2 = numbers
    fits_across = -FARTHEST <= x1 <= x2 <= FARTHEST
    fits_down = -FARTHEST <= y1 <= y2 <= FARTHEST
    return 0 <= conf <= 1 and fits_across and fits_down


_team = fields.rule(
    f"wanted: a name of up to {LONGEST_NAME} characters on one line, all of which can be seen",
    is_name,
    clean_name,
)
_truth = fields.rule("allowed: true, false", _is_truth)
_digest = fields.rule("wanted: a SHA-256, 64 hexadecimal digits", _is_digest)
_line = fields.rule("wanted: one line of up to 200 characters that can be printed", _is_line)
_moment = fields.rule("wanted: a time such as 2026-01-31T12:00:00Z", _is_moment)
_time = fields.rule("wanted: a time, more than 0", _is_time, float)
_row = fields.rule(
    "wanted: class, confidence from 0 to 1, x1, y1, x2, y2 with x1 <= x2, y1 <= y2", _is_row
)
_rows = fields.listed(_row, f"wanted: a list of up to {MOST_BOXES} rows", most=MOST_BOXES)
_frame_times = fields.listed(
    _time, f"wanted: the times of at least {LEAST_FRAMES} frames", least=LEAST_FRAMES
)
_engine_times = fields.listed(
    _time,
    f"wanted: the times of at least {LEAST_ENGINE_RUNS} runs of the engine",
    least=LEAST_ENGINE_RUNS,
)


def _found(value: Any, where: str) -> Found:
    """The rule of one picture's detections, which become a Found."""
    rows = _rows(value, where)
    labels = [row[0] for row in rows]
    numbers = np.array([row[1:] for row in rows], dtype=np.float32)  # as the detector gave them
    numbers = numbers.astype(float).reshape(-1, 5)
    return Found(labels, numbers[:, 0], numbers[:, 1:])


HAND_IN_RULES: fields.Rules = {
    "team": _team,
    "restructured": _truth,
    "other_model": fields.one_of(*OTHER_MODELS),
    "model": _line,
    "engine": _line,
    "precision": _line,
    "machine": fields.each(_line),
    "created": _moment,
    "run": _line,
    "seconds": _time,
    "model_sha256": _digest,
    "data_sha256": _digest,
    "video_sha256": _digest,
    "frame_ms": _frame_times,
    "image_ms": fields.each(_time),
    "detections": fields.each(_found),
    "engine_ms": _engine_times,
    "other_ms": _time,
}
