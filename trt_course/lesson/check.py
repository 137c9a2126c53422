"""Checks of the exercises: your answer beside the wanted one, how far apart, and a hint.

It compares and prints; it never stops a notebook, and an exercise that is still empty is no error.
"""

from collections import Counter
from typing import Any, Dict, List, Optional

import numpy as np

from ..support.words import printable

RIGHT = "right"
WRONG = "wrong"
NOT_DONE = "not done yet"

LINE_END = "\n"  # arrays have more lines than one
LONGEST = 200  # characters of a value that are shown
MOST_MEMBERS = 5  # so many missing members of a collection are named

results: Dict[str, str] = {}  # the last verdict on each exercise


def check(exercise: str, got: Any, wanted: Any, tolerance: float = 1e-6, hint: str = "") -> None:
    """Compare numbers (to within `tolerance`), arrays, texts or collections; print the verdict.

    The verdict is kept for `summary`. An answer that is, or holds, `...` or None is not done yet.
    """
    if _is_undone(got):
        results[exercise] = NOT_DONE
        print(f"{exercise}: {NOT_DONE}")
        return

    difference = _difference(got, wanted, tolerance)
    results[exercise] = RIGHT
    if difference:
        results[exercise] = WRONG

    print(f"{exercise}: {results[exercise]}")
    _print_row("got", _text_of(got))
    _print_row("wanted", _text_of(wanted))
    _print_row("difference", difference or "none")
    if difference and hint:
        _print_row("hint", hint)


def _print_row(name: str, text: str) -> None:
    print(f"  {name:<10}  {printable(text, keep=LINE_END)}")


def summary() -> None:
    """Print how many of the exercises are right, and which are left."""
    left = [f"{name} ({verdict})" for name, verdict in results.items() if verdict != RIGHT]
    right = len(results) - len(left)
    text = f"{right} of {len(results)} exercises right."
    if left:
        text += " Left: " + ", ".join(left)
    print(text)


def _is_undone(got: Any) -> bool:
    """Whether the learner has not yet put anything in the place of `...`, or of a part."""
    if got is None or got is ...:
        return True
    if isinstance(got, dict):
        return any(_is_undone(part) for part in got.values())
    if isinstance(got, (list, tuple)):
        return any(_is_undone(part) for part in got)
    return False


def _difference(got: Any, wanted: Any, tolerance: float) -> str:
    """In words; empty where the two are as good as equal."""
    ours = _numbers_in(got)
    theirs = _numbers_in(wanted)
    if ours is None or theirs is None:
        return _difference_of_values(got, wanted, tolerance)

    if ours.shape != theirs.shape:
        return f"the shape is {ours.shape}, wanted: {theirs.shape}"
    gaps = np.abs(ours - theirs)
    if (gaps <= tolerance).all():
        return ""
    if gaps.size == 1:
        return f"{gaps.max():.4g}"
    return f"up to {gaps.max():.4g}"


def _numbers_in(value: Any) -> Optional[np.ndarray]:
    """The value as an array of floats; None where it is not numbers, or has no regular shape."""
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        return None
    if array.dtype.kind not in "biuf":
        return None

    # An empty list has no numbers in it; an array without any still has a shape.
    if not array.size and not isinstance(value, np.ndarray):
        return None
    return array.astype(float)


def _agree(got: Any, wanted: Any, tolerance: float) -> bool:
    """Whether two values are as good as equal; of collections, all that they hold.

    Collections are not compared with ==, for that fails where they hold arrays.
    """
    ours = _numbers_in(got)
    theirs = _numbers_in(wanted)
    if ours is not None and theirs is not None:
        return ours.shape == theirs.shape and bool((np.abs(ours - theirs) <= tolerance).all())

    if type(got) is not type(wanted):
        return False
    if isinstance(got, np.ndarray):  # of texts, say
        return _agree(got.tolist(), wanted.tolist(), tolerance)
    if isinstance(got, dict):
        same_keys = got.keys() == wanted.keys()
        return same_keys and all(_agree(got[key], wanted[key], tolerance) for key in got)
    if isinstance(got, (list, tuple)):
        same_length = len(got) == len(wanted)
        return same_length and all(_agree(*pair, tolerance) for pair in zip(got, wanted))
    return bool(got == wanted)


def _difference_of_values(got: Any, wanted: Any, tolerance: float) -> str:
    """Of values that are not numbers: another type, another value, or other members."""
    if type(got) is not type(wanted):
        return f"a value of type {type(got).__name__}, wanted: {type(wanted).__name__}"
    if _agree(got, wanted, tolerance):
        return ""
    if isinstance(got, np.ndarray):
        return _difference_of_values(got.tolist(), wanted.tolist(), tolerance)
    if not isinstance(got, (dict, list, tuple, set)):
        return "another value"

    # As often as they occur: Counters subtract so.
    ours = Counter(_members_of(got))
    theirs = Counter(_members_of(wanted))
    missing = list((theirs - ours).elements())
    extra = list((ours - theirs).elements())
    parts = []
    if missing:
        parts.append("missing: " + ", ".join(missing[:MOST_MEMBERS]))
    if extra:
        parts.append("too much: " + ", ".join(extra[:MOST_MEMBERS]))
    if not parts:
        return "the order"
    return "; ".join(parts)


def _members_of(collection: Any) -> List[str]:
    """The members of a collection as texts, of a dictionary its pairs."""
    if isinstance(collection, dict):
        collection = collection.items()
    return [repr(member) for member in collection]


def _text_of(value: Any) -> str:
    """A value as the learner should see it, not too long."""
    if isinstance(value, float):
        return f"{value:.8g}"[:LONGEST]
    if _numbers_in(value) is not None:
        return np.array2string(np.asarray(value), precision=5, threshold=20, separator=", ")
    return str(value)[:LONGEST]
