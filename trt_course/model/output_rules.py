"""Reading `output` in a model's record: the words of output_spec.py, and the five older layouts.

A word that would change nothing, because the chosen form does not use it, is refused: whoever wrote
it expects something else.
"""

from typing import Any, Mapping, Tuple

from ..support.errors import CourseError
from .fields import (
    Rule,
    Rules,
    file_inside,
    json_object,
    listed,
    number_from,
    numbers,
    one_of,
    read_fields,
    share,
    text,
    whole_from,
)
from .old_layouts import read_layout
from .output_spec import BoxesSpec, ObjectnessSpec, OutputSpec, Part, PriorRule, ScoresSpec

_MOST_TENSORS = 16  # of one role: no network has so many scales
_MOST_COLUMNS = 100000
_MOST_PRIORS = 64  # in a cell
_MOST_STEPS = 64  # of priors: where those of one shape come after those of another, one for each

_names = listed(text, f"wanted: the name of a tensor, or a list of 1 to {_MOST_TENSORS}", 1, 16)


def _tensor(value: Any, where: str) -> Tuple[str, ...]:
    """The rule of a role's tensors: a name, or a list with one for each scale."""
    if isinstance(value, str):
        return (text(value, where),)
    names: Tuple[str, ...] = _names(value, where)
    if len(set(names)) < len(names):
        raise CourseError(f"{where} names a tensor twice; wanted: one for each scale")
    return names


PART_RULES: Rules = {
    "tensor": _tensor,
    "column": whole_from(0, _MOST_COLUMNS),
    "values": one_of("first", "last"),
}

_each_scale = listed(
    listed(number_from(0.001, 100000), "wanted: a list of numbers", 1, _MOST_PRIORS),
    "wanted: a list with a list of numbers for each scale",
    1,
    _MOST_STEPS,
)

PRIOR_RULES: Rules = {
    "steps": listed(
        number_from(1, 8192), "wanted: a list of pixels, one for each scale", 1, _MOST_STEPS
    ),
    "sizes": _each_scale,
    "aspects": _each_scale,
    "at": one_of("middle", "corner", "middle_pixel"),
    "clip": one_of(True, False),
}


def _priors(value: Any, where: str) -> Any:
    """The rule of the priors: a file's name, or the rule that makes them."""
    if not isinstance(value, dict):
        return file_inside(value, where)
    rule = PriorRule(**read_fields(value, PRIOR_RULES, PriorRule._field_defaults, where))
    _require_whole_rule(rule, where)
    return rule


def _require_whole_rule(rule: PriorRule, where: str) -> None:
    """Refuse lists of sizes and aspects that do not belong together."""
    if rule.sizes and len(rule.sizes) != len(rule.steps):
        raise CourseError(
            f"{where}.sizes has {len(rule.sizes)} lists; wanted: {len(rule.steps)}, one for each "
            "of the steps"
        )
    if not rule.aspects:
        return
    shapes = [len(sizes) for sizes in rule.sizes]
    if [len(aspects) for aspects in rule.aspects] != shapes:
        raise CourseError(
            f"{where}.aspects does not fit the sizes beside it; wanted: an aspect for each size"
        )


BOXES_RULES: Rules = {
    "form": one_of("corners", "centre_size", "offsets", "distances"),
    "order": one_of("xy", "yx"),
    "units": one_of("normalized", "pixels"),
    "priors": _priors,
    "variances": numbers(4, number_from(0.001, 100)),
    "sizes": one_of("exp", "linear"),
    "bins": whole_from(2, 256),
}

# Which words a form uses, and which of them it cannot do without.
_WORDS_OF_FORM = {
    "corners": ("order", "units"),
    "centre_size": ("order", "units"),
    "offsets": ("order", "units", "priors", "variances", "sizes"),
    "distances": ("order", "units", "priors", "bins"),
}
_NEEDS_PRIORS = ("offsets", "distances")

SCORES_RULES: Rules = {
    "activation": one_of("none", "softmax", "sigmoid"),
    "each_box": one_of("all_classes", "best_class"),
}

OBJECTNESS_RULES: Rules = {
    "activation": one_of("none", "sigmoid"),
    "joined": one_of("product", "geometric_mean"),
}


def _role(kind: Any, rules: Rules) -> Rule:
    """The rule of a role: where it is, and the words that only this role has."""
    defaults = dict(Part._field_defaults, **kind._field_defaults)

    def checked(value: Any, where: str) -> Any:
        fields = read_fields(value, dict(PART_RULES, **rules), defaults, where)
        part = {name: fields.pop(name) for name in PART_RULES if name in fields}
        return kind(part=Part(field=_after_file(where) + ".tensor", **part), **fields)

    return checked


def _boxes(value: Any, where: str) -> BoxesSpec:
    """The rule of the boxes: only words that their form uses."""
    boxes: BoxesSpec = _role(BoxesSpec, BOXES_RULES)(value, where)
    used = _WORDS_OF_FORM[boxes.form]
    unused = [word for word in BOXES_RULES if word in value and word not in ("form", *used)]
    if unused:
        raise CourseError(
            f"{where}.{unused[0]} says nothing about boxes of the form {boxes.form}, which uses: "
            f"{', '.join(used)}. Take it out, or choose another form."
        )
    if boxes.form in _NEEDS_PRIORS and boxes.priors is None:
        raise CourseError(
            f"{where}.priors is missing: boxes of the form {boxes.form} start from priors. "
            "Wanted: the name of a .npy file, or the rule that makes them"
        )
    if isinstance(boxes.priors, PriorRule) and "units" in value:
        raise CourseError(
            f"{where}.units says nothing beside a rule of priors, which is in pixels; it is for "
            "the priors of a file. Take it out"
        )
    return boxes


def _plain_part(rules: Rules) -> Rule:
    """The rule of a role that has no words of its own: a part, or just the tensor's name."""

    def checked(value: Any, where: str) -> Part:
        if isinstance(value, str):
            value = {"tensor": value}
        fields = read_fields(value, rules, Part._field_defaults, where)
        return Part(field=_after_file(where) + ".tensor", **fields)

    return checked


def _one_tensor(value: Any, where: str) -> Tuple[str, ...]:
    """The rule of a role that has one tensor, whatever scales there are."""
    return (text(value, where),)


OUTPUT_RULES: Rules = {
    "boxes": _boxes,
    "scores": _role(ScoresSpec, SCORES_RULES),
    "objectness": _role(ObjectnessSpec, OBJECTNESS_RULES),
    "classes": _plain_part(PART_RULES),
    "count": _plain_part({"tensor": _one_tensor}),  # a number for each picture, and no columns
    "picture": _plain_part(PART_RULES),
    "suppression": one_of("each_class", "all_classes", "inside"),
    "threshold": share,
}


_MAY_BE_MISSING = [word for word in OUTPUT_RULES if word not in ("boxes", "scores")]


def output(value: Any, where: str) -> OutputSpec:
    """The rule of `output`: an older layout by its name, or the words."""
    if "layout" in json_object(value, where):
        return read_layout(value, where)
    fields = read_fields(value, OUTPUT_RULES, _MAY_BE_MISSING, where)
    count = fields.pop("count", None)  # a tuple's own method has that name
    read = OutputSpec(row_count=count, **fields)
    _require_one_score(read, value, where)
    _require_pictures(read, where)
    return read


def _require_one_score(read: OutputSpec, value: Mapping[str, Any], where: str) -> None:
    """Refuse what only makes sense where a box has a score for each class, and the reverse."""
    if read.classes is None:
        for word in ("count", "picture"):
            if word in value:
                raise CourseError(
                    f"{where}.{word} says nothing without output.classes: it is about rows that "
                    "are one box of one class each"
                )
        return
    if "each_box" in value["scores"]:
        raise CourseError(
            f"{where}.scores.each_box says nothing beside output.classes: each row has one class"
        )
    if read.scores.activation == "softmax":
        raise CourseError(
            f"{where}.scores.activation is softmax, but with output.classes a row has one score "
            "only; allowed: none, sigmoid"
        )


def _require_pictures(read: OutputSpec, where: str) -> None:
    """Refuse two ways to tell which rows are a picture's, and what such rows do not have."""
    if read.row_count is not None and read.picture is not None:
        raise CourseError(
            f"{where} names both count and picture; wanted: one of them. With a count the rows of "
            "a picture lie together, and with picture each row says to which one it belongs"
        )
    if read.picture is None:
        return
    if read.boxes.priors is not None:
        raise CourseError(
            f"{where} names both picture and priors; wanted: one of them. A prior belongs to a "
            "place of each picture, and with picture a row may stand anywhere"
        )
    for role, part in read.parts():
        if part.values:
            raise CourseError(
                f"{where}.{role}.values says nothing beside output.picture: rows that say to which "
                "picture they belong have their columns last. Take it out"
            )


def _after_file(where: str) -> str:
    """A place in a record without the record's file."""
    return where.rpartition(": ")[2]
