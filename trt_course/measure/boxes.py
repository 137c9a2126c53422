"""The boxes of an image, true or found, and the text files that hold them: one line for each box.

This module only reads; scoring is the business of voc.py and coco.py.
"""

import math
import re
import shlex
from pathlib import Path
from typing import Collection, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from ..support.errors import CourseError
from ..support.files import MIB, AnyPath, is_hidden, read_text

FARTHEST = 1e6  # pixels from the picture's corner; no box is farther away
_LONGEST = 64 * MIB  # bytes of a text file
_LINE_END = re.compile("\r\n|\r|\n")  # only these: a quoted name may hold the others


class Truth(NamedTuple):
    """The ground-truth boxes of one image, in pixels: left, top, right, bottom."""

    labels: List[str]
    boxes: np.ndarray  # (n, 4)
    difficult: np.ndarray  # (n,) bool: these boxes count neither way
    # Only where a file gives them beside the corners: what COCO's numbers go by
    sides: Optional[np.ndarray] = None  # (n, 2): widths and heights
    areas: Optional[np.ndarray] = None  # (n,): of the objects, mostly less than those of the boxes

    def keep(self, mask: np.ndarray) -> "Truth":
        """The boxes where the mask, one truth value each, is true."""
        return Truth(
            labels=_where(mask, self.labels),
            boxes=self.boxes[mask],
            difficult=self.difficult[mask],
            sides=_rows_where(mask, self.sides),
            areas=_rows_where(mask, self.areas),
        )


class Found(NamedTuple):
    """The detections of one image, in any order; the boxes are like those of a Truth."""

    labels: List[str]
    confs: np.ndarray  # (n,)
    boxes: np.ndarray  # (n, 4)
    sides: Optional[np.ndarray] = None  # (n, 2): widths and heights, as in a Truth

    def keep(self, mask: np.ndarray) -> "Found":
        """The detections where the mask, one truth value each, is true."""
        return Found(
            labels=_where(mask, self.labels),
            confs=self.confs[mask],
            boxes=self.boxes[mask],
            sides=_rows_where(mask, self.sides),
        )


def _where(mask: np.ndarray, labels: List[str]) -> List[str]:
    return [label for label, kept in zip(labels, mask) if kept]


def _rows_where(mask: np.ndarray, rows: Optional[np.ndarray]) -> Optional[np.ndarray]:
    if rows is None:
        return None
    return rows[mask]


Truths = Dict[str, Truth]  # by the name of the image
Founds = Dict[str, Found]

NOTHING = Found([], np.zeros(0), np.zeros((0, 4)))


class _Form(NamedTuple):
    """How a line is written: a class, numbers that end with the box, and perhaps a mark."""

    what: str  # the file is, for a message
    wanted: str  # as a message says it
    fields: int  # without the mark
    most: int  # with it


_TRUTH_FORM = _Form(
    "ground truth, a line for each box",
    "class left top right bottom [difficult]",
    fields=5,
    most=6,
)
_FOUND_FORM = _Form(
    "detections, a line for each box",
    "class confidence left top right bottom",
    fields=6,
    most=6,
)


class _Line(NamedTuple):
    """What one line says."""

    label: str
    numbers: List[float]
    difficult: bool


def read_truth(path: AnyPath, names: Collection[str] = ()) -> Truth:
    """The Truth in lines `class left top right bottom [difficult]`.

    A class name with blanks is quoted in the file, or is one of `names`.
    """
    lines = _read_lines(path, _TRUTH_FORM, names)
    boxes = np.array([line.numbers for line in lines], dtype=float).reshape(-1, 4)
    difficult = np.array([line.difficult for line in lines], dtype=bool)
    return Truth([line.label for line in lines], boxes, difficult)


def read_found(path: AnyPath, names: Collection[str] = ()) -> Found:
    """The Found in lines `class confidence left top right bottom`; `names` as in read_truth."""
    lines = _read_lines(path, _FOUND_FORM, names)
    numbers = np.array([line.numbers for line in lines], dtype=float).reshape(-1, 5)
    return Found([line.label for line in lines], numbers[:, 0], numbers[:, 1:])


def read_folders(
    truth_dir: AnyPath, found_dir: AnyPath, names: Collection[str] = ()
) -> Tuple[Truths, Founds, List[str]]:
    """Both folders by image name, and the images that lack a file of detections.

    Such an image counts as one where nothing was detected.
    """
    truths = {path.stem: read_truth(path, names) for path in text_files(truth_dir)}
    founds = {path.stem: read_found(path, names) for path in text_files(found_dir)}

    # Detections of an image that nobody knows the truth of cannot be scored.
    for strange in sorted(set(founds) - set(truths)):
        raise CourseError(
            f"{found_dir}/{strange}.txt has no ground truth: {truth_dir} holds no {strange}.txt"
        )

    missing = sorted(set(truths) - set(founds))
    for name in missing:
        founds[name] = NOTHING
    return truths, founds, missing


def text_files(folder: AnyPath) -> List[Path]:
    """The text files directly in a folder, sorted by name. Hidden ones are not data."""
    if not Path(str(folder)).is_dir():
        raise CourseError(f"There is no folder {folder}; wanted: one with a .txt file per image.")
    paths = sorted(path for path in Path(str(folder)).glob("*.txt") if not is_hidden(path))
    if not paths:
        raise CourseError(f"The folder {folder} holds no .txt files")
    return paths


def _read_lines(path: AnyPath, form: _Form, names: Collection[str]) -> List[_Line]:
    """The lines of a file that are not blank; a mistake names the file and the line."""
    text = read_text(path, form.what, _LONGEST)
    lines = []
    for number, line in enumerate(_LINE_END.split(text), 1):
        try:
            fields = _split(line, names)
            if fields:
                lines.append(_parse(fields, form))
        except ValueError as err:
            raise CourseError(f"{path}, line {number}: {err}: {line}") from None
    return lines


def _split(line: str, names: Collection[str]) -> List[str]:
    """The fields of a line; a class name with blanks is one field if quoted, or one of `names`."""
    fields = line.split()
    if not set(line).isdisjoint("'\"\\"):
        fields = shlex.split(line)
    if not names:
        return fields

    # The longest name that the first fields spell wins: "stop sign" before "stop".
    for end in range(len(fields), 1, -1):
        name = " ".join(fields[:end])
        if name in names:
            return [name] + fields[end:]
    return fields


def _parse(fields: List[str], form: _Form) -> _Line:
    """The fields of a line as what they mean; a ValueError says what is wrong with them."""
    if len(fields) not in (form.fields, form.most):
        raise ValueError(
            f"{len(fields)} fields; wanted: {form.wanted}. "
            "A class name with blanks is quoted, or listed"
        )
    mark = fields[form.fields :]
    if mark not in ([], ["difficult"]):
        raise ValueError(f"the last field is '{mark[0]}'; allowed: difficult, or nothing")

    numbers = [float(field) for field in fields[1 : form.fields]]
    _require_possible(numbers)
    return _Line(fields[0], numbers, bool(mark))


def _require_possible(numbers: List[float]) -> None:
    """A ValueError unless the numbers are a box, or a confidence and a box."""
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a number is not finite")

    *confidences, left, top, right, bottom = numbers
    for confidence in confidences:
        if not 0 <= confidence <= 1:
            raise ValueError(f"the confidence is {confidence:g}; wanted: 0 to 1")
    if right < left or bottom < top:
        raise ValueError("the box ends before it begins, in left top right bottom")
    if max(map(abs, numbers)) > FARTHEST:
        raise ValueError(
            f"the box lies more than {FARTHEST:.0f} pixels from the corner; wanted: pixels"
        )
