"""Whether a network's outputs have shapes and types that its record can mean, and how to read them.

What a network states about its outputs is checked when it is opened, and what it leaves open when
it has run. So the functions that decode can rely on it.
"""

from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Set

import numpy as np

from ..support.errors import CourseError
from .lengths import Length, Lengths, Scale, all_places, bound_lengths, name_of
from .output_spec import OutputSpec, Part
from .priors import priors_by_scale
from .readings import (
    ANY,
    Arrangement,
    Axis,
    Reading,
    Readings,
    Shape,
    arrangements,
    each_picture,
    tables,
)
from .spec import ModelSpec

_FLOATS = "f"  # kinds of types by NumPy's letters
_NUMBERS = "fiu"
_KINDS_IN_WORDS = {_FLOATS: "floating-point numbers", _NUMBERS: "numbers"}

ALL_PLACES = "all places"  # of all scales together


# One number for each picture
_A_PICTURE = [Arrangement(("pictures",) + (1,) * ones, each_picture) for ones in range(4)]

# What efficient_nms.py decodes a batch at a time
_WHOLE_ROWS = {
    "boxes": ("pictures", "rows", 4),
    "scores": ("pictures", "rows"),
    "classes": ("pictures", "rows"),
}


class Tensor(NamedTuple):
    """What is known about an output; its shape is None if only a run can tell."""

    shape: Optional[Shape]
    dtype: np.dtype


class _Role(NamedTuple):
    """What a role's tensors may be."""

    part: Part
    columns: int
    arrangements: List[Arrangement]
    kinds: str


class OutputShapes:
    """Checks whether a network's outputs are what its record says; a CourseError if not."""

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        self._names = spec.output.tensors()
        self._roles = _roles_of(spec.output, len(spec.labels))
        self._last: Any = None  # what passed the last check
        self._readings = Readings({})  # how to read it

    def require_stated(self, stated: Dict[str, Tensor], pictures: int) -> None:
        """Check what a network states when it is opened.

        `stated` are its outputs by name, and `pictures` is its batch, -1 if that varies.
        """
        self._require_names(stated)
        for role in self._roles.values():
            for name in role.part.tensor:
                shape = stated[name].shape
                if shape is not None and 0 in shape:
                    raise CourseError(
                        f"{self._place(role, name)} has shape {_in_words(shape)}: it never holds "
                        "a box"
                    )
        self._require_fit(stated, pictures)

    def require(self, outputs: Dict[str, np.ndarray], pictures: int, least: int) -> Readings:
        """Check what a network returned from a run; how its numbers are read.

        `outputs` are its outputs by name, and `pictures` is the batch that it was given, -1 if
        unknown; results for at least `least` pictures are needed. Outputs like those of the last
        check are not checked again.
        """
        if not outputs.keys() >= set(self._names):
            self._require_names(outputs)
        arrays = [outputs[name] for name in self._names]
        found = (pictures, least, [(array.shape, array.dtype) for array in arrays])
        if found == self._last:
            return self._readings

        tensors = {
            # A single number belongs to one picture
            name: Tensor(array.shape or (1,), array.dtype)
            for name, array in zip(self._names, arrays)
        }
        lengths = self._require_fit(tensors, pictures)
        given = lengths.get("pictures")
        if given is not None and given.number < least:
            raise CourseError(
                f"{self._spec.name}: the network's outputs are for {given.number} pictures "
                f"({given.why}); wanted: {least}"
            )
        self._last = found
        return self._readings

    def _require_names(self, given: Iterable[str]) -> None:
        """Refuse outputs that lack a name from the record, and a name with two roles."""
        names = list(given)
        taken: Set[str] = set()
        for role, known in self._roles.items():
            for name in known.part.tensor:
                if name not in names:
                    raise CourseError(
                        f"{self._spec.name}: model.json names the output {name} "
                        f"({known.part.field}); the network's outputs are: {', '.join(names)}"
                    )
                if name in taken and known.part.column is None:
                    raise CourseError(
                        f"{self._spec.name}: model.json gives the output {name} two roles; "
                        f"wanted: another output for {role}, or the column where each begins"
                    )
                taken.add(name)

    def _require_fit(self, tensors: Dict[str, Tensor], pictures: int) -> Lengths:
        """Refuse tensors that cannot play their role, or contradict each other.

        Returns the lengths of their axes.
        """
        lengths = self._lengths_by_record()
        if pictures != -1:
            lengths["pictures"] = Length(pictures, "the network's batch")

        chosen = {}
        places = {}
        for name, role in self._roles.items():
            chosen[name] = self._require_role(role, tensors, lengths)
            if name != "count":
                shapes = [tensors[tensor].shape for tensor in role.part.tensor]
                places[name] = all_places(chosen[name], shapes)
        self._require_places(places, lengths)
        self._readings = self._readings_by(chosen)
        return lengths

    def _readings_by(self, chosen: Dict[str, List[Arrangement]]) -> Readings:
        """How numbers are read that lie as was found."""
        readings = {}
        for name, found in chosen.items():
            role = self._roles[name]
            readings[name] = Reading(role.part, role.columns, found)

        axes = {name: [each.axes for each in found] for name, found in chosen.items()}
        by_batch = self._spec.output.is_whole_rows() and all(
            axes[name] == [wanted] for name, wanted in _WHOLE_ROWS.items()
        )
        return Readings(readings, by_batch)

    def _require_role(
        self, role: _Role, tensors: Dict[str, Tensor], lengths: Lengths
    ) -> List[Arrangement]:
        """The arrangement of each of a role's tensors whose shape is known."""
        chosen = []
        scales = len(role.part.tensor)
        for index, name in enumerate(role.part.tensor):
            self._require_kind(role, name, tensors[name])
            shape = tensors[name].shape
            if shape is not None:
                scale = Scale(index, of=scales, place=self._spec.output.place)
                chosen.append(self._require_shape(role, scale, shape, lengths))
        return chosen

    def _lengths_by_record(self) -> Lengths:
        spec = self._spec
        labels = Length(len(spec.labels), "the labels in model.json, background included")
        lengths = {"classes": labels}
        if spec.output.boxes.priors is None:
            return lengths

        counts = priors_by_scale(spec)
        why = "the priors in model.json"
        if isinstance(spec.output.boxes.priors, Path):
            why = f"the rows of {spec.output.boxes.priors}"
        lengths[ALL_PLACES] = Length(sum(counts), why)
        scales = len(spec.output.boxes.part.tensor)
        if scales == 1:
            counts = [sum(counts)]
        if len(counts) == scales:
            for index, count in enumerate(counts):
                scale = Scale(index, of=scales, place=spec.output.place)
                lengths[name_of(scale.place, scale)] = Length(count, why)
        return lengths

    def _require_kind(self, role: _Role, name: str, tensor: Tensor) -> None:
        if tensor.dtype.kind not in role.kinds:
            raise CourseError(
                f"{self._place(role, name)} is of type {tensor.dtype}; "
                f"wanted: {_KINDS_IN_WORDS[role.kinds]}"
            )

    def _require_shape(
        self, role: _Role, scale: Scale, shape: Shape, lengths: Lengths
    ) -> Arrangement:
        """The arrangement of a tensor of this shape; its lengths are noted."""
        name = role.part.tensor[scale.number]
        for arrangement in role.arrangements:
            bound = bound_lengths(arrangement, shape, lengths, scale)
            if bound is not None:
                for axis, number in bound.items():
                    lengths.setdefault(axis, Length(number, f"as in {name}"))
                return arrangement
        raise CourseError(self._misfit(role, scale, shape, lengths))

    def _require_places(self, places: Dict[str, int], lengths: Lengths) -> None:
        """Refuse roles of which one has more places than another when all scales are counted."""
        wanted = lengths.get(ALL_PLACES)
        for name, count in places.items():
            if count == -1:
                continue
            if wanted is None:
                wanted = Length(count, f"as in output.{name}")
            elif count != wanted.number:
                role = self._roles[name]
                tensors = ", ".join(role.part.tensor)
                raise CourseError(
                    f"{self._spec.name}: {tensors}, {role.part.field} in model.json, has "
                    f"{count} places for boxes; wanted: {wanted.number} ({wanted.why})"
                )

    def _misfit(self, role: _Role, scale: Scale, shape: Shape, lengths: Lengths) -> str:
        """The sentence that says what was found and what is wanted.

        Of all that would do, it names what has as many axes as was found, if there is any.
        """
        alike = [each for each in role.arrangements if len(each.axes) == len(shape)]
        wanted = alike or role.arrangements
        forms = " or ".join(_in_words(each.axes) for each in wanted)
        named = dict.fromkeys(axis for each in wanted for axis in each.axes)
        known = []
        for axis in named:
            length = lengths.get(name_of(axis, scale)) if isinstance(axis, str) else None
            if length is not None:
                known.append(f"{axis} = {length.number} ({length.why})")
        condition = ""
        if known:
            condition = ", with " + ", ".join(known)
        place = self._place(role, role.part.tensor[scale.number])
        return f"{place} has shape {_in_words(shape)}; wanted: {forms}{condition}"

    def _place(self, role: _Role, name: str) -> str:
        """The model, the tensor, and the field that names it."""
        return f"{self._spec.name}: the output {name}, {role.part.field} in model.json,"


def _roles_of(output: OutputSpec, labels: int) -> Dict[str, _Role]:
    """The roles that the record names, with what their tensors may be."""
    columns = {"boxes": output.boxes.columns, "scores": labels}
    if output.classes is not None:
        columns["scores"] = 1
    kinds = {"boxes": _FLOATS, "scores": _FLOATS, "objectness": _FLOATS}
    roles = {}
    for name, part in output.parts():
        count = columns.get(name, 1)
        width: Axis = count
        if name == "scores" and output.classes is None:
            width = "classes"
        if name == "count":
            ways = _A_PICTURE
        elif output.picture is not None:
            ways = tables(part, count)
        else:
            ways = arrangements(part, count, name=width, place=output.place)
        roles[name] = _Role(part, count, ways, kinds.get(name, _NUMBERS))
    return roles


def _in_words(axes: Sequence[Any]) -> str:
    """A shape for a sentence: (1, any, 4)."""
    words = [ANY if axis == -1 else str(axis) for axis in axes]
    return "(" + ", ".join(words) + ")"
