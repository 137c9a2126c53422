"""Reading a JSON record strictly: each field has a rule, and a complaint says which field and why.

A rule is a function of a value and of the place where it stands. It returns the value, perhaps in
another type, or raises a CourseError that names the file, the field, what was found and what is
wanted. A record is a NamedTuple with a rule for each of its fields, in a dictionary beside it.

This is not a general schema language: it has the few rules that the kit's own records need.
"""

import difflib
import json
import math
from pathlib import Path
from typing import Any, Callable, Container, Dict, Optional, Tuple, Union

from ..support.errors import CourseError

Rule = Callable[[Any, str], Any]
Rules = Dict[str, Rule]


def rule(
    remedy: str, holds: Callable[[Any], Any], become: Optional[Callable[[Any], Any]] = None
) -> Rule:
    """The rule that `holds` is true of a value, which `become` may turn into another type.

    >>> port = rule("wanted: a number from 1 to 65535", lambda value: 1 <= value <= 65535)
    >>> port(8080, "camera.json: port")
    8080
    >>> port(0, "camera.json: port")
    Traceback (most recent call last):
    trt_course.support.errors.CourseError: camera.json: port is 0; wanted: a number from 1 to 65535
    """

    def checked(value: Any, where: str) -> Any:
        if not holds(value):
            raise CourseError(f"{where} is {value!r}; {remedy}")
        if become is None:
            return value
        return become(value)

    return checked


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number that a float can hold; true and false are not numbers."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) < 1e300


def _is_filled_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1


def _is_share(value: Any) -> bool:
    return is_number(value) and 0 <= value <= 1


def _is_factor(value: Any) -> bool:
    return is_number(value) and value != 0


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def anything(value: Any, where: str) -> Any:
    """The rule that every value obeys."""
    return value


json_object = rule("wanted: a JSON object {...}", _is_object)
text = rule("wanted: a text that is not empty", _is_filled_text)
count = rule("wanted: a whole number from 1 up", _is_count)
share = rule("wanted: a number from 0 to 1", _is_share, float)
number = rule("wanted: a number", is_number, float)
factor = rule("wanted: a number that is not 0", _is_factor, float)


def one_of(*allowed: Any) -> Rule:
    """The rule that a value is one of these."""
    names = ", ".join(str(value) for value in allowed)
    return rule(f"allowed: {names}", lambda value: value in allowed)


def listed(entry: Rule, remedy: str, least: int = 0, most: float = math.inf) -> Rule:
    """The rule of a JSON list: one rule for each of its entries, which become a tuple.

    The remedy is for a list that is too short or too long.
    """
    whole = rule(remedy, lambda value: isinstance(value, list) and least <= len(value) <= most)

    def checked(value: Any, where: str) -> Tuple[Any, ...]:
        parts = whole(value, where)
        return tuple(entry(part, f"{where}[{i}]") for i, part in enumerate(parts))

    return checked


def numbers(length: int, entry: Rule = number) -> Rule:
    """The rule of a list of so many numbers."""
    return listed(entry, f"wanted: a list of {length} numbers", length, length)


texts = listed(text, "wanted: a list of texts", 1)


def each(entry: Rule) -> Rule:
    """The rule of a JSON object with any names: one rule for all that they name."""

    def checked(value: Any, where: str) -> Dict[str, Any]:
        parts = json_object(value, where)
        return {key: entry(part, _inside(where, key)) for key, part in parts.items()}

    return checked


def record_of(kind: Any, rules: Rules, **given: Any) -> Rule:
    """The rule of a JSON object that becomes a `kind` of NamedTuple.

    `given` are fields that do not stand in the object; a field with a default may be left out.
    """

    def checked(value: Any, where: str) -> Any:
        fields = read_fields(value, rules, kind._field_defaults, where)
        return kind(**fields, **given)

    return checked


def read_fields(value: Any, rules: Rules, optional: Container[str], where: str) -> Dict[str, Any]:
    """What a JSON object holds, each field by its rule.

    All fields that have a rule must be there, but for the optional ones; no others may be.
    """
    json_object(value, where)

    for key in rules:
        if key not in value and key not in optional:
            raise CourseError(f"{_inside(where, key)} is missing")

    for key in value:
        if key not in rules:
            advice = _nearest(key, rules)
            raise CourseError(f"{_inside(where, key)} is a field that nobody knows; {advice}")

    fields = {}
    for key, keep in rules.items():
        if key in value:
            fields[key] = keep(value[key], _inside(where, key))
    return fields


def _nearest(key: str, rules: Rules) -> str:
    """Advice for a name that is not known: the one that was probably meant, or all there are."""
    near = difflib.get_close_matches(key, rules, 1)
    if near:
        return f"did you mean {near[0]}?"
    return "known: " + ", ".join(rules)


def _inside(where: str, key: str) -> str:
    """The place of a field: `file: field`, and `file: field.part` further in."""
    joint = "." if ": " in where else ": "
    return where + joint + key


def read_json(path: Union[str, Path]) -> Any:
    """The value in a JSON file that is a model's record, or stands beside an engine."""
    try:
        return json.loads(Path(str(path)).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CourseError(
            f"There is no file {path}. A model's record stands beside its network and says how "
            "pictures go in and what comes out; copy one from models/ and change it."
        ) from None
    except ValueError as err:
        raise CourseError(f"{path} is not JSON: {err}") from None
