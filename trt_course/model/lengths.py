"""The lengths of a network's axes, by their names, gathered as one tensor after another is read."""

import itertools
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from .priors import priors_by_scale
from .readings import ANY, Arrangement, Axis, Cells, Shape, Wide
from .spec import ModelSpec

ALL_PLACES = "all places"  # of all scales together

_SHARED = ("pictures", "classes")  # axes of these names are equally long on all scales


class Habit(NamedTuple):
    """Where a network puts the columns, first or last: all its tables alike, and all its maps."""

    tables: str
    maps: str

    def kept_by(self, ways: Sequence[Arrangement]) -> List[Arrangement]:
        """The arrangements that a network of this habit has."""
        kept = []
        for way in ways:
            usual = self.maps if way.is_map() else self.tables
            if way.values in ("", usual):
                kept.append(way)
        return kept


# The likeliest first: ONNX has maps with their columns first.
HABITS = [
    Habit(tables="last", maps="first"),
    Habit(tables="last", maps="last"),
    Habit(tables="first", maps="first"),
    Habit(tables="first", maps="last"),
]


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


def lengths_by_record(spec: ModelSpec) -> Lengths:
    """What the record alone says: how many classes there are, and how many priors."""
    labels = Length(len(spec.labels), "the labels in model.json, background included")
    lengths = {"classes": labels}
    if spec.output.boxes.priors is None:
        return lengths

    grids = priors_by_scale(spec)
    why = "the priors in model.json"
    if isinstance(spec.output.boxes.priors, Path):
        why = f"the rows of {spec.output.boxes.priors}"
    total = sum(grid.priors for grid in grids)
    lengths[ALL_PLACES] = Length(total, why)
    scales = len(spec.output.boxes.part.tensor)
    if len(grids) == scales:
        for index, grid in enumerate(grids):
            scale = Scale(index, of=scales, place=spec.output.place)
            for axis, number in grid.axes(scale.place).items():
                lengths[name_of(axis, scale)] = Length(number, why)
    elif scales == 1:
        lengths[spec.output.place] = Length(total, why)
    return lengths


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


def in_words(axes: Sequence[Any]) -> str:
    """A shape for a sentence: (1, any, 4)."""
    words = [ANY if axis == -1 else str(axis) for axis in axes]
    return "(" + ", ".join(words) + ")"
