"""Reading a JSON record strictly: each field is checked, and a complaint names file, field, finding and remedy.

Not a general schema language: the few checks that the kit's own records need.
"""
import difflib
import json
import math
from pathlib import Path

from .errors import CourseError

_REQUIRED = object()


def one_of(*allowed):
    def check(value):
        if value not in allowed:
            raise ValueError("allowed: " + ", ".join(map(str, allowed)))
        return value
    return check


def text(value):
    if not isinstance(value, str) or not value.strip():
        raise ValueError("wanted: a text that is not empty")
    return value


def count(value):
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("wanted: a whole number from 1 up")
    return value


def share(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError("wanted: a number from 0 to 1")
    return float(value)


def numbers(length, nonzero=False):
    def check(value):
        good = isinstance(value, list) and len(value) == length and all(
            isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v) and (v or not nonzero)
            for v in value)
        if not good:
            raise ValueError("wanted: a list of {} numbers{}".format(length, ", none of them 0" if nonzero else ""))
        return tuple(float(v) for v in value)
    return check


def texts(value):
    if not isinstance(value, list) or not value:
        raise ValueError("wanted: a list of texts")
    return tuple(text(v) for v in value)


class Record:
    """One JSON object being read. `take` each field, then `done` complains of what nobody took."""

    def __init__(self, value, file, prefix=""):
        self.file, self.prefix = file, prefix
        if not isinstance(value, dict):
            raise CourseError("{}: {} is {!r}; wanted: a JSON object {{...}}".format(
                file, prefix.rstrip(".") or "the file", value))
        self.left, self.known = dict(value), []

    @classmethod
    def load(cls, path):
        try:
            return cls(json.loads(Path(str(path)).read_text(encoding="utf-8")), path)
        except FileNotFoundError:
            raise CourseError("There is no file {}. A model folder holds model.json and model.onnx.".format(path)) \
                from None
        except ValueError as err:
            raise CourseError("{} is not JSON: {}".format(path, err)) from None

    def take(self, key, check, default=_REQUIRED):
        self.known.append(key)
        if key not in self.left:
            if default is _REQUIRED:
                raise CourseError("{}: the field {}{} is missing".format(self.file, self.prefix, key))
            return default
        value = self.left.pop(key)
        try:
            return check(value)
        except ValueError as err:
            raise CourseError("{}: {}{} is {!r}; {}".format(self.file, self.prefix, key, value, err)) from None

    def part(self, key, default=None):
        """The JSON object under `key`, to be read field by field in turn."""
        value = self.take(key, lambda v: v, _REQUIRED if default is None else default)
        return Record(value, self.file, self.prefix + key + ".")

    def done(self):
        for key in self.left:
            near = difflib.get_close_matches(key, self.known, 1)
            raise CourseError("{}: nobody knows the field {}{}; {}".format(
                self.file, self.prefix, key,
                "did you mean {}?".format(near[0]) if near else "known here: " + ", ".join(self.known)))
