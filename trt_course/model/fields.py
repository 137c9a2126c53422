"""Reading a JSON record strictly: each field has a rule, and a complaint names file, field, finding and remedy.

A rule is a function of a value and of the place where it stands; it returns the value, perhaps in another type, or
raises a CourseError. A record is a NamedTuple with a rule for each of its fields, in a dictionary beside it.
This is not a general schema language: it has the few rules that the kit's own records need.
"""

import difflib
import json
import math
from pathlib import Path
from typing import Any, Callable, Container, Dict, Optional, Tuple

from ..support.errors import CourseError

Rule = Callable[[Any, str], Any]
Rules = Dict[str, Rule]


def rule(
    remedy: str, holds: Callable[[Any], Any], become: Optional[Callable[[Any], Any]] = None
) -> Rule:
    """The rule that `holds` is true of a value, which `become` may turn into another type."""

    def checked(value: Any, where: str) -> Any:
        if not holds(value):
            raise CourseError(f"{where} is {value!r}; {remedy}")
        return value if become is None else become(value)

    return checked


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number that a float can hold; true and false are none."""
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
    """The rule that every value keeps."""
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
        entries = whole(value, where)
        return tuple(entry(part, f"{where}[{i}]") for i, part in enumerate(entries))

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
    """What a JSON object holds, each field by its rule; all but the optional must be there, no other may."""
    json_object(value, where)
    for key in rules:
        if key not in value and key not in optional:
            raise CourseError(f"{_inside(where, key)} is missing")

    for key in value:
        if key not in rules:
            near = difflib.get_close_matches(key, rules, 1)
            advice = f"did you mean {near[0]}?" if near else "known: " + ", ".join(rules)
            raise CourseError(f"{_inside(where, key)} is a field that nobody knows; {advice}")

    return {key: rules[key](value[key], _inside(where, key)) for key in rules if key in value}


def _inside(where: str, key: str) -> str:
    """The place of a field: `file: field`, and `file: field.part` further in."""
    joint = "." if ": " in where else ": "
    return where + joint + key


def read_json(path: Any) -> Any:
    """The value in a JSON file that is a model's record, or stands beside an engine."""
    try:
        return json.loads(Path(str(path)).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CourseError(
            f"There is no file {path}. A model's record stands beside its network and says how pictures go in "
            "and what comes out; copy one from models/ and change it."
        ) from None
    except ValueError as err:
        raise CourseError(f"{path} is not JSON: {err}") from None
