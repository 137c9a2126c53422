"""Reading a JSON record strictly: each field has a rule, and a complaint says which field and why.

A rule is a function of a value and of the place where it stands. It returns the value, perhaps in
another type, or raises a CourseError that names the file, the field, what was found and what is
wanted. A record is a NamedTuple with a rule for each of its fields, in a dictionary beside it.

This is not a general schema language: it has the few rules that the kit's own records need.
"""

import difflib
import math
import os
from pathlib import Path, PurePath
from typing import Any, Callable, Container, Dict, Optional, Tuple, Union

from ..support import files, ranges
from ..support.errors import CourseError
from ..support.words import abridged, printable

Rule = Callable[[Any, str], Any]
Rules = Dict[str, Rule]

_MOST_BYTES = 4 * files.MIB  # of a record
_MOST_TEXT = 1000  # characters
_MOST_NAME = 60  # characters of a field's name in a message
_JOINERS = "\u200c\u200d"  # invisible: they join or separate letters in scripts and pictograms


def rule(
    remedy: str, holds: Callable[[Any], Any], become: Optional[Callable[[Any], Any]] = None
) -> Rule:
    """The rule that `holds` is true for a value, which `become` may turn into another type.

    >>> port = rule("wanted: a number from 1 to 65535", lambda value: 1 <= value <= 65535)
    >>> port(8080, "camera.json: port")
    8080
    >>> port(0, "camera.json: port")
    Traceback (most recent call last):
    trt_course.support.errors.CourseError: camera.json: port is 0; wanted: a number from 1 to 65535
    """

    def checked(value: Any, where: str) -> Any:
        if not holds(value):
            raise CourseError(f"{where} is {abridged(value)}; {remedy}")
        if become is None:
            return value
        return become(value)

    return checked


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number that a float can hold; true and false are not numbers."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) < 1e300


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_line(value: Any) -> bool:
    """Whether it is a text that can be a line in a text file or on a terminal."""
    if not isinstance(value, str) or not 0 < len(value) <= _MOST_TEXT:
        return False
    return bool(value.strip()) and printable(value, keep=_JOINERS) == value


def _is_file_inside(value: Any) -> bool:
    """Whether it names a file in the record's own folder or below."""
    if not _is_line(value):
        return False
    path = PurePath(value)
    return not path.anchor and ".." not in path.parts


def _is_factor(value: Any) -> bool:
    return is_number(value) and 1e-6 <= abs(value) <= 1e6


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def anything(value: Any, where: str) -> Any:
    """The rule that every value obeys."""
    return value


json_object = rule("wanted: a JSON object {...}", _is_object)
any_text = rule("wanted: a text", _is_text)
text = rule(
    f"wanted: a text on one line of 1 to {_MOST_TEXT} characters that can be printed",
    _is_line,
)
file_inside = rule("wanted: the name of a file in the record's own folder", _is_file_inside)
factor = rule(
    "wanted: a number that is not 0, of a size from 0.000001 to 1000000", _is_factor, float
)


def whole_from(least: int, most: int) -> Rule:
    """The rule of the whole numbers from `least` to `most`."""
    return ranges.whole(least, most).require


def number_from(least: float, most: float) -> Rule:
    """The rule of the numbers from `least` to `most`."""
    allowed = ranges.number(least, most)

    def checked(value: Any, where: str) -> float:
        return float(allowed.require(value, where))

    return checked


count = whole_from(1, 1000000)
number = number_from(-1000000, 1000000)
share = number_from(0, 1)


def one_of(*allowed: Any) -> Rule:
    """The rule that a value is one of these. 1 does not count as true, as Python has it."""
    names = ", ".join(str(value) for value in allowed)
    kinds = {type(value) for value in allowed}
    return rule(f"allowed: {names}", lambda value: type(value) in kinds and value in allowed)


def listed(entry: Rule, remedy: str, least: int = 0, most: float = math.inf) -> Rule:
    """The rule of a JSON list: one rule for each of its entries, which become a tuple.

    The remedy is for what is not a list, or one that is too short or too long.
    """
    json_list = rule(remedy, lambda value: isinstance(value, list) and least <= len(value) <= most)

    def checked(value: Any, where: str) -> Tuple[Any, ...]:
        parts = json_list(value, where)
        return tuple(entry(part, f"{where}[{i}]") for i, part in enumerate(parts))

    return checked


def numbers(length: int, entry: Rule = number) -> Rule:
    """The rule of a list of so many numbers."""
    return listed(entry, f"wanted: a list of {length} numbers", length, length)


def each(entry: Rule) -> Rule:
    """The rule of a JSON object with any names: one rule for all of its values."""

    def checked(value: Any, where: str) -> Dict[str, Any]:
        parts = json_object(value, where)
        return {key: entry(part, _inside(where, key)) for key, part in parts.items()}

    return checked


def record_of(kind: Any, rules: Rules, **given: Any) -> Rule:
    """The rule of a JSON object that becomes a `kind` of NamedTuple.

    `given` are fields that are not in the object; a field with a default may be left out.
    """

    def checked(value: Any, where: str) -> Any:
        fields = read_fields(value, rules, kind._field_defaults, where)
        return kind(**fields, **given)

    return checked


def read_fields(value: Any, rules: Rules, optional: Container[str], where: str) -> Dict[str, Any]:
    """The fields of a JSON object, each checked by its rule.

    All fields that have a rule must be there, except the optional ones, and no others may be.
    """
    json_object(value, where)

    for key in rules:
        if key not in value and key not in optional:
            raise CourseError(f"{_inside(where, key)} is missing")

    for key in value:
        if key not in rules:
            advice = _nearest(key, rules)
            raise CourseError(f"{_inside(where, key)} is an unknown field; {advice}")

    fields = {}
    for key, keep in rules.items():
        if key in value:
            fields[key] = keep(value[key], _inside(where, key))
    return fields


def _nearest(key: str, rules: Rules) -> str:
    """Advice about an unknown name: the one that was probably meant, or all that there are."""
    near = difflib.get_close_matches(key, rules, 1)
    if near:
        return f"did you mean {near[0]}?"
    return "known: " + ", ".join(rules)


def _inside(where: str, key: str) -> str:
    """Where a field is: `file: field`, and `file: field.part` inside it."""
    joint = "." if ": " in where else ": "
    if len(key) > _MOST_NAME:
        key = key[:_MOST_NAME] + "..."
    return where + joint + key


def read_json(path: Union[str, Path]) -> Any:
    """The value in a JSON file that is the record of a model or an engine."""
    if not os.path.lexists(str(path)):
        raise CourseError(
            f"There is no file {path}. A model's record lies beside its network and says how "
            "pictures go in and what comes out; copy one from models/ and change it."
        )
    return files.read_json(path, "a record in JSON", _MOST_BYTES)
