"""Whether a network's outputs have shapes and types that its record can mean, and how to read them.

What a network states about its outputs is checked when it is opened, and what it leaves open when
it has run. So the functions that decode can rely on it.
"""

import contextlib
from typing import Any, Dict, Iterable, List, NamedTuple, Optional

import numpy as np

from ..support.errors import CourseError
from .lengths import (
    ALL_PLACES,
    HABITS,
    Length,
    Lengths,
    Scale,
    all_places,
    bound_lengths,
    in_words,
    lengths_by_record,
    name_of,
)
from .readings import Arrangement, Reading, Readings, Shape
from .roles import KINDS_IN_WORDS, Role, roles_of
from .spec import ModelSpec

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


class OutputShapes:
    """Checks whether a network's outputs are what its record says; a CourseError if not."""

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        self._names = spec.output.tensors()
        self._roles = roles_of(spec.output, len(spec.labels))
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
                        f"{self._place(role, name)} has shape {in_words(shape)}: it never holds "
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
        """Refuse outputs that lack a name from the record, and numbers with two roles."""
        names = list(given)
        taken: Dict[str, List[Role]] = {}
        for role, known in self._roles.items():
            for name in known.part.tensor:
                if name not in names:
                    raise CourseError(
                        f"{self._spec.name}: model.json names the output {name} "
                        f"({known.part.field}); the network's outputs are: {', '.join(names)}"
                    )
                if any(known.overlaps(other) for other in taken.setdefault(name, [])):
                    raise CourseError(
                        f"{self._spec.name}: model.json gives the output {name} two roles; "
                        f"wanted: another output for {role}, or columns that no other role has"
                    )
                taken[name].append(known)

    def _require_fit(self, tensors: Dict[str, Tensor], pictures: int) -> Lengths:
        """Refuse tensors that cannot play their role, or contradict each other.

        Returns the lengths of their axes.
        """
        # One tensor alone may lie in several ways: what all have in common tells.
        for habit in HABITS:
            roles = {
                name: role._replace(arrangements=habit.kept_by(role.arrangements))
                for name, role in self._roles.items()
            }
            with contextlib.suppress(CourseError):
                return self._require_roles(roles, tensors, pictures)
        return self._require_roles(self._roles, tensors, pictures)

    def _require_roles(
        self, roles: Dict[str, Role], tensors: Dict[str, Tensor], pictures: int
    ) -> Lengths:
        """Refuse tensors that do not lie in one of the ways of their role."""
        lengths = lengths_by_record(self._spec)
        if pictures != -1:
            lengths["pictures"] = Length(pictures, "the network's batch")

        chosen = {}
        places = {}
        for name, role in roles.items():
            chosen[name] = self._require_role(role, tensors, lengths)
            if name != "count":
                shapes = [tensors[tensor].shape for tensor in role.part.tensor]
                places[name] = all_places(chosen[name], shapes)
        self._require_places(places, lengths)
        if self._spec.output.place == "places":
            for role in roles.values():
                self._require_values(role, tensors)
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
        self, role: Role, tensors: Dict[str, Tensor], lengths: Lengths
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

    def _require_kind(self, role: Role, name: str, tensor: Tensor) -> None:
        if tensor.dtype.kind not in role.kinds:
            raise CourseError(
                f"{self._place(role, name)} is of type {tensor.dtype}; "
                f"wanted: {KINDS_IN_WORDS[role.kinds]}"
            )

    def _require_shape(
        self, role: Role, scale: Scale, shape: Shape, lengths: Lengths
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

    def _require_values(self, role: Role, tensors: Dict[str, Tensor]) -> None:
        """Refuse columns that may as well be first as last where nothing says which.

        A network has more places than columns, so the longer axis is hardly that of the columns.
        """
        if role.part.column is None or role.part.values:
            return
        for name in role.part.tensor:
            shape = tensors[name].shape or ()
            end = max(other.end for other in self._roles.values() if name in other.part.tensor)
            if len(shape) == 3 and end <= shape[1] < shape[2] != end:
                field = role.part.field.rpartition(".")[0]
                raise CourseError(
                    f"{self._place(role, name)} has shape {in_words(shape)}: either {shape[1]} or "
                    f"{shape[2]} may be the columns; wanted: {field}.values, first or last"
                )

    def _misfit(self, role: Role, scale: Scale, shape: Shape, lengths: Lengths) -> str:
        """The sentence that says what was found and what is wanted.

        Of all that would do, it names what has as many axes as was found, if there is any.
        """
        alike = [each for each in role.arrangements if len(each.axes) == len(shape)]
        wanted = alike or role.arrangements
        forms = " or ".join(in_words(each.axes) for each in wanted)
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
        return f"{place} has shape {in_words(shape)}; wanted: {forms}{condition}"

    def _place(self, role: Role, name: str) -> str:
        """The model, the tensor, and the field that names it."""
        return f"{self._spec.name}: the output {name}, {role.part.field} in model.json,"
