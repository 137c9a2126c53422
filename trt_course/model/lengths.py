"""The lengths of a network's axes, by their names, gathered as one tensor after another is read."""

import itertools
from typing import Dict, NamedTuple, Optional, Sequence

from .readings import ANY, Arrangement, Axis, Cells, Shape, Wide

_SHARED = ("pictures", "classes")  # axes of these names are equally long on all scales


class Length(NamedTuple):
    """How long the axes of one name are, and why."""

    number: int
    why: str


Lengths = Dict[str, Length]


class Scale(NamedTuple):
    """Which of a role's tensors is looked at, and what the axis of its places is called."""

    number: int  # from 0
    of: int
    place: str


def bound_lengths(
    arrangement: Arrangement, shape: Shape, lengths: Lengths, scale: Scale
) -> Optional[Dict[str, int]]:
    """The lengths of the named axes if a tensor lies in this way; None if it cannot."""
    if len(arrangement.axes) != len(shape):
        return None
    bound: Dict[str, int] = {}
    for axis, number in zip(arrangement.axes, shape):
        named = name_of(axis, scale) if isinstance(axis, str) else axis
        if not _fits(named, number, lengths, bound):
            return None

    # What follows from all axes together
    places = arrangement.places(shape)
    if not _fits(name_of(scale.place, scale), places, lengths, bound):
        return None
    if arrangement.alone and not _fits("pictures", 1, lengths, bound):
        return None
    return bound


def _fits(axis: Axis, number: int, lengths: Lengths, bound: Dict[str, int]) -> bool:
    """Whether an axis may have this length, which is noted in `bound` if the axis has a name."""
    if number == -1 or axis == ANY:
        return True
    if isinstance(axis, Wide):
        return number >= axis.least
    if isinstance(axis, Cells):
        return number % axis.columns == 0
    if isinstance(axis, int):
        return number == axis
    if axis in lengths:
        return number == lengths[axis].number
    return bound.setdefault(axis, number) == number


def all_places(chosen: Sequence[Arrangement], shapes: Sequence[Optional[Shape]]) -> int:
    """How many places a role has on all scales; -1 if that is not known."""
    total = 0
    for arrangement, shape in itertools.zip_longest(chosen, shapes):
        places = -1
        if arrangement is not None and shape is not None:
            places = arrangement.places(shape)
        if places == -1:
            return -1
        total += places
    return total


def name_of(axis: str, scale: Scale) -> str:
    """The name of an axis among all scales."""
    if scale.of == 1 or axis in _SHARED:
        return axis
    return f"{axis} of scale {scale.number + 1}"
