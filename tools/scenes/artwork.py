"""Which designs belong to which split. A design of one split is never drawn in another."""

from functools import lru_cache
from typing import Callable, NamedTuple, Tuple

from . import cycles, people, signs, vehicles

SPLITS = ("train", "calibration", "val", "test")


class Artwork(NamedTuple):
    """The designs of one kind of thing, and the rule that shares them out."""

    total: int
    split_of: Callable[[int, int], str]  # from a design's number and the cycle
    cycle: int  # after how many numbers the shapes repeat in kind, 0: never


def _split_by_turn(number: int, cycle: int) -> str:
    """For shapes that repeat in kind: every kind has designs in train and in test."""
    turn = (number // cycle + number) % 6
    if turn == 0:
        return "test"
    if turn != 1:
        return "train"
    if number % 2:
        return "val"
    return "calibration"


def _split_of_pictogram(number: int, _cycle: int) -> str:
    """For faces of signs, of which each number is a motif of its own."""
    if number % 5 == 3:
        return "test"
    if number % 20 == 1:
        return "calibration"
    if number % 10 == 6:
        return "val"
    return "train"


KINDS = {
    "vehicle": Artwork(vehicles.DESIGNS, _split_by_turn, len(vehicles.ORDER)),
    "person": Artwork(people.DESIGNS, _split_by_turn, 9),
    "cycle": Artwork(cycles.DESIGNS, _split_by_turn, len(cycles.KINDS)),
    **{kind: Artwork(count, _split_of_pictogram, 0) for kind, count in signs.COUNTS.items()},
}


@lru_cache(maxsize=None)
def designs(kind: str, split: str) -> Tuple[int, ...]:
    """The design numbers of a kind that a split may draw."""
    if split not in SPLITS:
        raise ValueError(f"no split {split!r}: choose one of {', '.join(SPLITS)}")
    art = KINDS[kind]
    numbers = range(art.total)
    return tuple(number for number in numbers if art.split_of(number, art.cycle) == split)
