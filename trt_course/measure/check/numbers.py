"""What a network's bare numbers say against its record, before anything is made of them.

Logits are not scores, pixels are not parts of a side, and a corner is not a width: mistakes of this
kind show in the numbers themselves, in every picture, whatever it shows.
"""

from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Tuple

import numpy as np

from ...model.output_spec import BoxesSpec, Part
from ...model.priors import read_priors
from ...model.rows import are_sure
from ...model.scores import activated, joined
from ...model.spec import ModelSpec
from .parts import Finding, Looks

_ENOUGH = 20  # places: of fewer nothing can be said
_SLACK = 0.01  # by which a score may pass 0 or 1
_SIDE = 3.0  # a normalised number is hardly ever beyond it, and of pixels most are
_NEGATIVE = 0.2  # so many boxes have impossible numbers below 0 only if they are offsets
_NEGATIVE_DISTANCES = 0.5  # where nothing is, a right network may give distances below 0, too
_TURNED = 0.2  # so many boxes end before they begin only if they are no corners
_ALWAYS = 0.98  # so many third numbers are larger than the first only if they are corners
_MANY = 1000  # places: so many are a grid's
_FLOOD = 0.15  # of the places of a grid, the share that is never sure at once
_FLOOD_OF_FEW = 0.7  # and of fewer places, each of which may be an object
_SURE = 0.3  # with a low threshold right networks, too, give something nearly everywhere
_RARELY = 0.1  # most places score a class below this
_LONGER = 8  # times as many columns as are read, where rows and columns are mistaken


def number_findings(looks: Looks, spec: ModelSpec, pictures: Sequence[int]) -> List[Finding]:
    """What the numbers that the network gives for some pictures say against the record."""
    findings = list(_more_columns_than_places(looks, spec))
    if findings:
        return findings  # what is read is not what is meant, and nothing else can be said of it

    roles = [role for role, _ in spec.output.parts() if role not in ("count", "picture")]
    tables = {
        role: np.concatenate([looks.table(spec, role, picture) for picture in pictures])
        for role in roles
    }
    if spec.output.classes is not None:
        filled = tables["scores"][:, 0] > spec.conf_threshold
        tables = {role: table[filled] for role, table in tables.items()}
    with np.errstate(invalid="ignore", over="ignore"):
        findings += _boxes(spec, tables["boxes"].astype(np.float32))
        findings += _prior_units(spec)
        scores = list(_activations(spec, tables))
        if not scores and spec.output.classes is None:
            scores += _flood(spec, tables)
            scores += _unread(looks, spec)
    return findings + scores


def _word(part: Part, word: str, role: str) -> Tuple[str, ...]:
    """The field of a word of a role, and where the role's columns begin, if that may be wrong."""
    if part.column is None:
        return (f"output.{role}.{word}", f"output.{role}.tensor")
    return (f"output.{role}.{word}", f"output.{role}.column")


def _spans(spec: ModelSpec) -> Iterator[Tuple[str, Part, int, int]]:
    """The roles that are columns of a tensor: their name, place, first column, and end."""
    widths = {"boxes": spec.output.boxes.columns, "scores": len(spec.labels)}
    if spec.output.classes is not None:
        widths["scores"] = 1
    for role, part in spec.output.parts():
        if part.column is not None:
            yield role, part, part.column, part.column + widths.get(role, 1)


def _more_columns_than_places(looks: Looks, spec: ModelSpec) -> Iterator[Finding]:
    """A few places with very many columns each: the tensor lies the other way round."""
    for role, part, _, end in _spans(spec):
        places = len(looks.table(spec, role, 0))
        columns = looks.outputs(spec, 0)[part.tensor[0]].size // max(1, places)
        if columns > places and columns > _LONGER * end:
            yield Finding(
                "columns",
                (f"output.{role}.values",),
                f"{part.tensor[0]} is read as {places} places of {columns} columns each; probably "
                f"it is the other way round, and output.{role}.values the other word.",
            )
            return


def _boxes(spec: ModelSpec, numbers: np.ndarray) -> Iterator[Finding]:
    """Numbers (p, columns) that are not what the form of the boxes says."""
    boxes = spec.output.boxes
    numbers = numbers[np.isfinite(numbers).all(axis=1)]
    if len(numbers) == 0 or boxes.bins > 1 or boxes.form == "offsets":
        return
    wrong = _why_other_form(boxes, numbers)
    if wrong:
        yield Finding("form", _word(boxes.part, "form", "boxes"), wrong)
    elif boxes.form != "distances":
        yield from _units(spec, numbers, "The numbers of the boxes")


def _why_other_form(boxes: BoxesSpec, numbers: np.ndarray) -> str:
    """What speaks against the form of the boxes; nothing if it fits the numbers (p, 4)."""
    positive = numbers[:, 2:]
    limit = _NEGATIVE
    if boxes.form == "distances":
        positive = numbers
        limit = _NEGATIVE_DISTANCES
    below = float((positive < 0).any(axis=1).mean())
    if len(numbers) >= _ENOUGH and below > limit:
        return (
            f"{below:.0%} of the boxes have numbers below 0 where {_FORMS[boxes.form]} can have "
            "none: they may be offsets from priors."
        )
    larger = (numbers[:, 2:] >= numbers[:, :2]).all(axis=1).mean()
    if boxes.form == "corners" and 1 - larger > _TURNED:
        return (
            f"{1 - larger:.0%} of the boxes end before they begin, if their numbers are corners: "
            "they may be a centre and a size, or begin in another column."
        )
    if boxes.form == "centre_size" and len(numbers) >= _ENOUGH and larger > _ALWAYS:
        return (
            "The third and fourth numbers of the boxes are always larger than the first two: these "
            "are corners rather than a centre and a size."
        )
    return ""


_FORMS = {
    "corners": "corners",
    "centre_size": "a centre and a size",
    "distances": "distances",
}


def _prior_units(spec: ModelSpec) -> Iterator[Finding]:
    """Priors in a file that are in other units than the record says."""
    source = spec.output.boxes.priors
    if isinstance(source, Path):
        yield from _units(spec, read_priors(source), f"The priors in {source.name}")


def _units(spec: ModelSpec, numbers: np.ndarray, what: str) -> Iterator[Finding]:
    """Numbers (p, 4) whose size does not fit the units."""
    high = float(np.percentile(np.abs(numbers), 95))
    units = spec.output.boxes.units
    if units == "normalized" and high > _SIDE:
        yield Finding(
            "units",
            ("output.boxes.units",),
            f"{what} go up to {high:.0f}: they are pixels, and the record says normalized.",
        )
    if units == "pixels" and high < _SIDE:
        yield Finding(
            "units",
            ("output.boxes.units",),
            f"{what} hardly pass {high:.1f}: they are parts of the picture's sides, and the record "
            "says pixels.",
        )


def _activations(spec: ModelSpec, tables: Dict[str, np.ndarray]) -> Iterator[Finding]:
    """Numbers that are scores already, or are not yet."""
    output = spec.output
    words = {"scores": output.scores.activation}
    parts = {"scores": output.scores.part}
    if output.objectness is not None:
        words["objectness"] = output.objectness.activation
        parts["objectness"] = output.objectness.part
    for role, activation in words.items():
        numbers = tables[role]
        numbers = numbers[np.isfinite(numbers)]
        if len(numbers) == 0:
            continue
        least = float(numbers.min())
        most = float(numbers.max())
        are_scores = least >= -_SLACK and most <= 1 + _SLACK
        if activation == "none" and not are_scores:
            yield Finding(
                "activation",
                _word(parts[role], "activation", role),
                f"The numbers of {role} go from {least:.1f} to {most:.1f} and are taken as they "
                "are; scores go from 0 to 1. Either they need a sigmoid or softmax, or they are no "
                "scores.",
            )
        if activation != "none" and are_scores and len(numbers) >= _ENOUGH:
            yield Finding(
                "activation",
                _word(parts[role], "activation", role),
                f"The numbers of {role} go from 0 to 1 before the {activation}: they are scores "
                "already, and it is done twice. Wanted: none.",
            )


def _flood(spec: ModelSpec, tables: Dict[str, np.ndarray]) -> Iterator[Finding]:
    """A network that is sure of something nearly everywhere."""
    output = spec.output
    scores = activated(tables["scores"], output.scores.activation)  # (p, classes)
    if output.objectness is not None:
        second = activated(tables["objectness"], output.objectness.activation)
        scores = joined(scores, second, output.objectness.joined)
    sure = are_sure(scores, max(spec.conf_threshold, _SURE))
    if spec.background is not None:
        sure[:, spec.background] = False
    everywhere = float(sure.any(axis=1).mean())
    limit = _FLOOD if len(tables["boxes"]) >= _MANY else _FLOOD_OF_FEW
    if len(sure) < _ENOUGH or everywhere < limit:
        return

    name = spec.labels[int(sure.sum(axis=0).argmax())]
    yield Finding(
        "flood",
        ("background", "labels", *_word(output.scores.part, "activation", "scores")[::-1]),
        f"At {everywhere:.0%} of its places the network is sure of something, mostly of {name}. "
        f"If {name} is really the background, say so; else the scores are other numbers.",
    )


def _unread(looks: Looks, spec: ModelSpec) -> Iterator[Finding]:
    """A column behind the scores that nobody reads and that looks like one more class."""
    part = spec.output.scores.part
    if part.column is None or len(part.tensor) > 1:
        return
    column = part.column + len(spec.labels)
    if any(first <= column < end for _, _, first, end in _spans(spec)):
        return
    one = spec.output.scores._replace(part=part._replace(column=column))
    further = spec._replace(labels=("?",), output=spec.output._replace(scores=one), background=None)
    width = looks.outputs(spec, 0)[part.tensor[0]].size // len(looks.table(spec, "scores", 0))
    if column >= width:
        return

    numbers = activated(looks.table(further, "scores", 0), _alone(spec))
    if numbers.min() >= -_SLACK and numbers.max() <= 1 + _SLACK and _seldom(numbers):
        yield Finding(
            "labels",
            ("labels", "output.scores.column"),
            f"Nobody reads column {column} of {part.tensor[0]}, behind the scores, and its numbers "
            "look like those of one more class: are there more labels?",
        )


def _alone(spec: ModelSpec) -> str:
    """What makes a score of one number alone, where softmax wants them all."""
    if spec.output.scores.activation == "softmax":
        return "sigmoid"
    return spec.output.scores.activation


def _seldom(numbers: np.ndarray) -> bool:
    """Whether scores are low nearly everywhere, as those of a class are."""
    return bool(np.median(numbers) < _RARELY)
