"""Which designs belong to which split. A design of one split is never drawn in another."""

from functools import lru_cache

from . import cycles, people, signs, vehicles

SPLITS = ("train", "calibration", "val", "test")


def _turns(number, cycle):
    """For shapes that repeat in kind every `cycle` numbers: every kind has designs in train and in test."""
    turn = (number // cycle + number) % 6
    if turn == 0:
        return "test"
    if turn == 1:
        return "val" if number % 2 else "calibration"
    return "train"


def _pictogram(number, _):
    if number % 5 == 3:
        return "test"
    return "calibration" if number % 20 == 1 else "val" if number % 10 == 6 else "train"


KINDS = {
    "vehicle": (vehicles.DESIGNS, _turns, len(vehicles.ORDER)),
    "person": (people.DESIGNS, _turns, 9),
    "cycle": (cycles.DESIGNS, _turns, len(cycles.KINDS)),
    **{kind: (count, _pictogram, 0) for kind, count in signs.COUNTS.items()},
}


@lru_cache(maxsize=None)
def designs(kind, split):
    """The design numbers of a kind that a split may draw."""
    if split not in SPLITS:
        raise ValueError(f"no split {split!r}: choose one of {', '.join(SPLITS)}")
    count, role, cycle = KINDS[kind]
    return tuple(number for number in range(count) if role(number, cycle) == split)
