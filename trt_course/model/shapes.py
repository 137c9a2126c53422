"""Which shapes and types the outputs of each layout have, and whether a network's outputs fit.

What a network states about its outputs is checked when it is opened, and what it leaves open when
it has run. So the functions that decode can rely on it.
"""

from typing import Any, Dict, Iterable, NamedTuple, Optional, Sequence, Set, Tuple, Union

import numpy as np

from ..support.errors import CourseError
from .priors import read_priors
from .spec import ModelSpec, OutputSpec

Axis = Union[int, str]  # a length, or the name of one: axes of one name are equally long
Shape = Tuple[int, ...]  # of a tensor; -1 where it is not known

ANY = "any"  # axes of this name may have different lengths

_FLOATS = "f"  # kinds of types by NumPy's letters
_NUMBERS = "fiu"
_KINDS_IN_WORDS = {_FLOATS: "floating-point numbers", _NUMBERS: "numbers"}


class Form(NamedTuple):
    """What the tensor of a role may be: one of the shapes, and one of the kinds of types."""

    shapes: Sequence[Tuple[Axis, ...]]
    kinds: str = _FLOATS


_A_PICTURE = Form(
    [("pictures",), ("pictures", 1), ("pictures", 1, 1), ("pictures", 1, 1, 1)], _NUMBERS
)

# By layout and role. Each row of nms7 begins with its picture's number; the rows of a picture lie
# together only if there is a count.
FORMS: Dict[str, Dict[str, Form]] = {
    "nms7": {
        "rows": Form([("rows", 7), (ANY, "rows", 7), (ANY, ANY, "rows", 7)]),
    },
    "nms7 with count": {
        "count": _A_PICTURE,
        "rows": Form([("pictures", "rows", 7), ("pictures", 1, "rows", 7)]),
    },
    "efficient_nms": {
        "boxes": Form([("pictures", "rows", 4)]),
        "scores": Form([("pictures", "rows")]),
        "classes": Form([("pictures", "rows")], _NUMBERS),
        "count": _A_PICTURE,
    },
    "tf_detection": {
        "boxes": Form([("pictures", "rows", 4)]),
        "scores": Form([("pictures", "rows")]),
        "classes": Form([("pictures", "rows")], _NUMBERS),
        "count": _A_PICTURE,
    },
    "boxes_scores": {
        "boxes": Form([("pictures", "places", 4)]),
        "scores": Form([("pictures", "places", "classes")]),
    },
    "loc_conf_priors": {
        "loc": Form([("pictures", "priors", 4), ("pictures", 4, "priors")]),
        "conf": Form([("pictures", "priors", "classes"), ("pictures", "classes", "priors")]),
    },
}


class Tensor(NamedTuple):
    """What is known about an output; its shape is None if only a run can tell."""

    shape: Optional[Shape]
    dtype: np.dtype


class Length(NamedTuple):
    """How long the axes of one name are, and why."""

    number: int
    why: str


class OutputShapes:
    """Checks whether a network's outputs are what its record says; a CourseError if not."""

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        self._forms = _forms_of(spec.output)
        self._last: Any = None  # what passed the last check

    def require_stated(self, stated: Dict[str, Tensor], pictures: int) -> None:
        """Check what a network states when it is opened.

        `stated` are its outputs by name, and `pictures` is its batch, -1 if that varies.
        """
        self._require_names(stated)
        tensors = {role: stated[name] for role, name in self._spec.output.tensors.items()}
        for role, tensor in tensors.items():
            if tensor.shape is not None and 0 in tensor.shape:
                raise CourseError(
                    f"{self._place(role)} has shape {_in_words(tensor.shape)}: it never holds a box"
                )
        self._require_fit(tensors, pictures)

    def require(self, outputs: Dict[str, np.ndarray], pictures: int, least: int) -> None:
        """Check what a network returned from a run.

        `outputs` are its outputs by name, and `pictures` is the batch that it was given, -1 if
        unknown; results for at least `least` pictures are needed. Outputs like those of the last
        check are not checked again.
        """
        names = self._spec.output.tensors.values()
        if not outputs.keys() >= set(names):
            self._require_names(outputs)
        found = (pictures, least, [(outputs[name].shape, outputs[name].dtype) for name in names])
        if found == self._last:
            return

        tensors = {
            # A single number belongs to one picture
            role: Tensor(outputs[name].shape or (1,), outputs[name].dtype)
            for role, name in self._spec.output.tensors.items()
        }
        lengths = self._require_fit(tensors, pictures)
        given = lengths.get("pictures")
        if given is not None and given.number < least:
            raise CourseError(
                f"{self._spec.name}: the network's outputs are for {given.number} pictures "
                f"({given.why}); wanted: {least}"
            )
        self._last = found

    def _require_names(self, given: Iterable[str]) -> None:
        """Refuse outputs that lack a name from the record, and a name with two roles."""
        names = list(given)
        taken: Set[str] = set()
        for role, name in self._spec.output.tensors.items():
            if name not in names:
                raise CourseError(
                    f"{self._spec.name}: model.json names the output {name} "
                    f"(output.tensors.{role}); the network's outputs are: {', '.join(names)}"
                )
            if name in taken:
                raise CourseError(
                    f"{self._spec.name}: model.json gives the output {name} two roles in "
                    f"output.tensors; wanted: another output for {role}"
                )
            taken.add(name)

    def _require_fit(self, tensors: Dict[str, Tensor], pictures: int) -> Dict[str, Length]:
        """Refuse tensors that do not have a form of their role, or contradict each other.

        Returns the lengths of their axes.
        """
        lengths = self._lengths_by_record()
        if pictures != -1:
            lengths["pictures"] = Length(pictures, "the network's batch")

        for role, form in self._forms.items():
            tensor = tensors[role]
            self._require_kind(role, tensor, form)
            if tensor.shape is None:
                continue
            bound = _bound(tensor.shape, form, lengths)
            if bound is None:
                raise CourseError(self._misfit(role, tensor.shape, form, lengths))
            for axis, number in bound.items():
                lengths.setdefault(axis, Length(number, f"as in {self._name(role)}"))
        return lengths

    def _lengths_by_record(self) -> Dict[str, Length]:
        spec = self._spec
        labels = Length(len(spec.labels), "the labels in model.json, background included")
        lengths = {"classes": labels}
        if spec.output.layout == "loc_conf_priors":
            priors = len(read_priors(spec.output.priors))
            lengths["priors"] = Length(priors, f"the rows of {spec.output.priors}")
        return lengths

    def _require_kind(self, role: str, tensor: Tensor, form: Form) -> None:
        if tensor.dtype.kind not in form.kinds:
            raise CourseError(
                f"{self._place(role)} is of type {tensor.dtype}; "
                f"wanted: {_KINDS_IN_WORDS[form.kinds]}"
            )

    def _misfit(self, role: str, shape: Shape, form: Form, lengths: Dict[str, Length]) -> str:
        """The sentence that says what was found and what is wanted."""
        forms = " or ".join(_in_words(axes) for axes in form.shapes)
        named = dict.fromkeys(axis for axes in form.shapes for axis in axes)
        known = [
            f"{axis} = {lengths[axis].number} ({lengths[axis].why})"
            for axis in named
            if isinstance(axis, str) and axis in lengths
        ]
        condition = ""
        if known:
            condition = ", with " + ", ".join(known)
        return f"{self._place(role)} has shape {_in_words(shape)}; wanted: {forms}{condition}"

    def _place(self, role: str) -> str:
        """The model, the tensor, and the field that names it."""
        return (
            f"{self._spec.name}: the output {self._name(role)}, output.tensors.{role} of the "
            f"layout {self._spec.output.layout} in model.json,"
        )

    def _name(self, role: str) -> str:
        return self._spec.output.tensors[role]


def _forms_of(output: OutputSpec) -> Dict[str, Form]:
    """The forms of the roles that the record names."""
    key = output.layout
    if key == "nms7" and "count" in output.tensors:
        key = "nms7 with count"
    return {role: form for role, form in FORMS[key].items() if role in output.tensors}


def _bound(shape: Shape, form: Form, lengths: Dict[str, Length]) -> Optional[Dict[str, int]]:
    """The lengths of the named axes if a tensor has this shape; None if it does not fit."""
    for axes in form.shapes:
        if len(axes) != len(shape):
            continue
        bound: Dict[str, int] = {}
        pairs = list(zip(axes, shape))
        if all(_fits(axis, number, lengths, bound) for axis, number in pairs):
            return bound
    return None


def _fits(axis: Axis, number: int, lengths: Dict[str, Length], bound: Dict[str, int]) -> bool:
    """Whether an axis may have this length, which is noted in `bound` if the axis has a name."""
    if number == -1 or axis == ANY:
        return True
    if isinstance(axis, int):
        return number == axis
    if axis in lengths:
        return number == lengths[axis].number
    return bound.setdefault(axis, number) == number


def _in_words(axes: Sequence[Axis]) -> str:
    """A shape for a sentence: (1, any, 4)."""
    words = [ANY if axis == -1 else str(axis) for axis in axes]
    return "(" + ", ".join(words) + ")"
