"""Checks of the exercises: your answer beside the wanted one, how far apart they are, and a hint where they differ.

It compares and prints; it never stops a notebook, and an exercise that is still empty is no error.
"""

import numpy as np

results = {}  # exercise -> "right", "wrong" or "not done yet"


def check(exercise, got, wanted, tolerance=1e-6, hint=""):
    """Compare numbers (to within `tolerance`), arrays, texts or collections; print the verdict and keep it."""
    difference = None if _undone(got) else _difference(got, wanted, tolerance)
    results[exercise] = "not done yet" if difference is None else "wrong" if difference else "right"
    rows = [
        ("got", _text(got)),
        ("wanted", _text(wanted)),
        ("difference", difference or "none"),
        ("hint", hint),
    ]
    print(f"{exercise}: {results[exercise]}")
    for row in rows[: 0 if difference is None else 4 if difference and hint else 3]:
        print("  {:<10}  {}".format(*row))


def summary():
    left = ["{} ({})".format(*item) for item in results.items() if item[1] != "right"]
    print(
        "{} of {} exercises right. {}".format(
            len(results) - len(left), len(results), "Left: " + ", ".join(left) if left else ""
        )
    )


def _undone(got):
    parts = got.values() if isinstance(got, dict) else got if isinstance(got, (list, tuple)) else ()
    return got is None or got is ... or any(map(_undone, parts))


def _numbers(value):
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        return None
    return array.astype(float) if array.dtype.kind in "biuf" and array.size else None


def _difference(got, wanted, tolerance):
    """In words; empty where the two are as good as equal."""
    ours, theirs = _numbers(got), _numbers(wanted)
    if ours is None or theirs is None:
        return "" if type(got) is type(wanted) and got == wanted else _members(got, wanted)
    if ours.shape != theirs.shape:
        return f"the shape is {ours.shape}, wanted: {theirs.shape}"
    gap = np.abs(ours - theirs)
    return (
        ""
        if (gap <= tolerance).all()
        else "{}{:.4g}".format("up to " if gap.size > 1 else "", gap.max())
    )


def _members(got, wanted):
    if type(got) is not type(wanted):
        return f"a value of type {type(got).__name__}, wanted: {type(wanted).__name__}"
    if not isinstance(got, (dict, list, tuple, set)):
        return "another value"
    mine, right = (
        [repr(item) for item in (x.items() if isinstance(x, dict) else x)] for x in (got, wanted)
    )
    parts = (
        ("missing", [i for i in right if i not in mine]),
        ("too much", [i for i in mine if i not in right]),
    )
    return (
        "; ".join("{}: {}".format(what, ", ".join(items[:5])) for what, items in parts if items)
        or "the order"
    )


def _text(value):
    if _numbers(value) is not None and not isinstance(value, float):
        return np.array2string(np.asarray(value), precision=5, threshold=20, separator=", ")
    return (f"{value:.8g}" if isinstance(value, float) else str(value))[:200]
