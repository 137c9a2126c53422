"""Reading a JSON record strictly: each field is checked, and a complaint names file, field, finding and remedy.

A record is a NamedTuple whose annotations are the checks of its fields; one with a default may be left out. Not a
general schema language: the few checks that the kit's own records need.
"""
import difflib
import json
import math
from pathlib import Path

from .errors import CourseError


def check(remedy, good, become=lambda value: value):
    """A check: the value, as `become` makes it, where it is `good`; else a CourseError with the remedy."""
    def checked(value, where):
        if not good(value):
            raise CourseError("{} is {!r}; {}".format(where, value, remedy))
        return become(value)
    return checked


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300  # so a finite float


def one_of(*allowed):
    return check("allowed: " + ", ".join(map(str, allowed)), lambda value: value in allowed)


anything = check("", lambda value: True)
json_object = check("wanted: a JSON object {...}", lambda value: isinstance(value, dict))
text = check("wanted: a text that is not empty", lambda value: isinstance(value, str) and value.strip())
count = check("wanted: a whole number from 1 up", lambda value: type(value) is int and value >= 1)
share = check("wanted: a number from 0 to 1", lambda value: is_number(value) and 0 <= value <= 1, float)
number = check("wanted: a number", is_number, float)
factor = check("wanted: a number that is not 0", lambda value: is_number(value) and value, float)


def listed(checked, remedy, least=0, most=math.inf):
    """A JSON list, its entries through one check each; the remedy is for one that is too short or too long."""
    whole = check(remedy, lambda value: isinstance(value, list) and least <= len(value) <= most)
    return lambda value, where: tuple(
        checked(entry, "{}[{}]".format(where, i)) for i, entry in enumerate(whole(value, where)))


def numbers(length, checked=number):
    return listed(checked, "wanted: a list of {} numbers".format(length), length, length)


texts = listed(text, "wanted: a list of texts", 1)


def each(checked):
    """A JSON object of any names; what they name goes through one check."""
    return lambda value, where: {
        key: checked(part, _inside(where, key)) for key, part in json_object(value, where).items()}


def record(kind, **given):
    """A JSON object that becomes a `kind` of NamedTuple; `given` are the fields that are not in it."""
    checks = {key: checked for key, checked in kind.__annotations__.items() if key not in given}
    return lambda value, where: kind(**fields(value, checks, kind._field_defaults, where), **given)


def fields(value, checks, optional, where):
    """What a JSON object holds, each field through its check: those not optional must be there, no other may."""
    for key in checks:
        if key not in json_object(value, where) and key not in optional:
            raise CourseError("{} is missing".format(_inside(where, key)))
    for key in value:
        if key not in checks:
            near = difflib.get_close_matches(key, checks, 1)
            raise CourseError("{} is a field that nobody knows; {}".format(
                _inside(where, key), "did you mean {}?".format(near[0]) if near else "known: " + ", ".join(checks)))
    return {key: checks[key](value[key], _inside(where, key)) for key in checks if key in value}


def _inside(where, key):
    return where + ("." if ": " in where else ": ") + key


def load(path):
    try:
        return json.loads(Path(str(path)).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CourseError("There is no file {}. A model's record stands beside its network and says how pictures go in "
                          "and what comes out; copy one from models/ and change it.".format(path)) from None
    except ValueError as err:
        raise CourseError("{} is not JSON: {}".format(path, err)) from None
