"""Ranges: which numbers an argument may have.

The same range serves as `type=` of an argument on the command line, and in the function that gets
the argument when it is called from Python.
"""

import argparse
import contextlib
import math
import numbers
from typing import Any, Callable

from .errors import CourseError
from .words import abridged


class Range:
    """The numbers from `least` to `most`, both included, and never NaN.

    Called with a word from the command line it returns the number; `require` is for the arguments
    of functions. Make one with `whole` or `number`.
    """

    def __init__(
        self, words: str, read: Callable[[str], Any], kind: type, least: float, most: float
    ) -> None:
        self.least = least
        self.most = most
        self._words = words  # what a person calls such a number
        self._read = read  # makes one from a text
        self._kind = kind  # the type that it must be an instance of

    def __str__(self) -> str:
        return f"{self._words} from {_plain(self.least)} to {_plain(self.most)}"

    def __call__(self, text: str) -> Any:
        """The number that a word from the command line stands for."""
        with contextlib.suppress(ValueError):
            value = self._read(text)
            if self._holds(value):
                return value
        raise argparse.ArgumentTypeError(f"wanted: {self}; given: {abridged(text)}")

    def require(self, value: Any, name: str) -> Any:
        """The value of the argument called `name`; a CourseError if it is not in the range."""
        is_number = isinstance(value, self._kind) and not isinstance(value, bool)
        if not is_number or not self._holds(value):
            if is_number:
                value = _bare(value)
            raise CourseError(f"{name} is {abridged(value)}; wanted: {self}")
        return value

    def _holds(self, value: Any) -> bool:
        return bool(self.least <= value <= self.most)


def whole(least: int, most: int) -> Range:
    """The whole numbers from `least` to `most`.

    >>> threads = whole(1, 64)
    >>> threads("8")
    8
    >>> threads.require(2, "threads")
    2
    >>> threads.require(0, "threads")
    Traceback (most recent call last):
    trt_course.support.errors.CourseError: threads is 0; wanted: a whole number from 1 to 64
    """
    return Range("a whole number", int, numbers.Integral, least, most)


def number(least: float, most: float) -> Range:
    """The numbers from `least` to `most`.

    >>> share = number(0, 1)
    >>> share("0.25")
    0.25
    >>> share("nan")
    Traceback (most recent call last):
    argparse.ArgumentTypeError: wanted: a number from 0 to 1; given: 'nan'
    """
    return Range("a number", float, numbers.Real, least, most)


def _plain(value: float) -> str:
    """A bound as a person would write it: 3600000, not 3.6e+06."""
    if math.isfinite(value) and value == int(value):
        return str(int(value))
    return f"{value:g}"


def _bare(value: Any) -> Any:
    """A number as Python's own: NumPy shows the type of its numbers, too."""
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value)
