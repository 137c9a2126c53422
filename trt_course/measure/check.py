"""A check of a model's record: it runs the network and says what a person would notice.

A record that does not fit its network seldom fails: it finds nothing, or nonsense. What gives it
away is in the bare numbers (check_numbers.py), in boxes that do not stay with things when the
picture is mirrored or made smaller (check_steady.py), and in another word that does much better
(check_variants.py). Only mistakes in the labels need ground truth.
"""

import tempfile
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..detections import Detections
from ..model.find import Model, find_model
from ..model.oddities import Oddities
from ..model.spec import ModelSpec
from ..ssd import TrtSSD
from ..support.progress import progress
from .boxes import Truth
from .check_labels import label_findings
from .check_numbers import number_findings
from .check_parts import MIRRORED, SMALLER, Finding, Looks, several
from .check_steady import Steadiness, steadiness
from .check_variants import Variant, box_variants, recipe_variants

_FOR_NUMBERS = 2  # pictures: their numbers tell
_FOR_BOXES = 4  # pictures, with the most found in them
_FOR_RECIPES = 8

# A right record is the best of its variants, with few pictures only nearly so.
_BETTER = 1.15  # times as steady: then the other word is right
_STEADY = 0.25  # steadiness of a right record, at the least
_UNSTEADY = 0.12  # steadiness below which no record is right
_ONE = 0.5  # the evidence of a sure box
_SOME = 2.0  # and of several
_MUCH_BETTER = 1.25  # times as much found, with another recipe, in any number of pictures
_ALWAYS_BETTER = 1.03  # times as much, if it is more in nearly every picture
_ENOUGH = 6  # pictures to speak of every picture
_AT_FIRST = 2  # pictures that each recipe is tried with
_HOPELESS = 0.8  # a recipe that finds less than this part of the best one's is not the right one
_LITTLE = 0.05  # less found than this in a picture says nothing
_ONE_MORE = 0.5  # about what one more object, or two faint ones, add

# The fields that an oddity speaks against, by its kind
_ODD_FIELDS = {
    "no_numbers": ("file",),
    "no_boxes": ("output.boxes.form", "output.boxes.order", "output.boxes.tensor"),
    "no_classes": ("labels",),
    "above_one": ("output.scores.activation", "output.scores.tensor"),
    "no_pixels": ("output.boxes.units",),
}
_PART_OF_BOXES = 0.1  # so many of the boxes are odd if the record is wrong


class Report(NamedTuple):
    """What was noticed, what of it is the record's own doubt, and what was found."""

    findings: List[Finding]
    questions: Tuple[str, ...]  # that the record leaves open
    found: List[Detections]  # in each of the pictures

    def fields(self) -> List[str]:
        """The fields of the record that are probably wrong, each once."""
        return list(dict.fromkeys(field for each in self.findings for field in each.fields))


def check(
    model: Model,
    pictures: Sequence[np.ndarray],
    truths: Optional[Sequence[Truth]] = None,
    conf_th: Optional[float] = None,
) -> Report:
    """Check a model's record with pictures, and with their ground truth if it is known.

    What the record's rules refuse, or does not fit what the network states, is a CourseError.

    >>> from trt_course.media.pictures import read_image
    >>> from trt_course.support.files import kit_path
    >>> spec = find_model("ssd_mobilenet_v2_signs")
    >>> picture = read_image(kit_path("data/signs/images/000008.jpg"))
    >>> check(spec, [picture]).fields()
    []
    >>> boxes = spec.output.boxes._replace(order="yx")
    >>> wrong = spec._replace(output=spec.output._replace(boxes=boxes))
    >>> check(wrong, [picture]).fields()
    ['output.boxes.order']
    """
    spec = find_model(model)
    if conf_th is not None:
        spec = spec._replace(conf_threshold=conf_th)
    with TrtSSD(spec, backend="cpu", verbose=False) as ssd:
        return examine(Looks(ssd, pictures), spec, truths)


def examine(looks: Looks, spec: ModelSpec, truths: Optional[Sequence[Truth]] = None) -> Report:
    """What a record gives to notice with a network that it can run."""
    numbers = range(len(looks.pictures))
    found = []
    oddities = Oddities(spec.name, len(spec.labels))
    for picture in progress(numbers, desc="look", unit="picture"):
        detections, odd = looks.found(spec, picture)
        found.append(detections)
        oddities.counts.update(odd.counts)

    # What is wrong first makes nonsense of what would be looked at next.
    steps = (
        lambda: number_findings(looks, spec, several(numbers, _FOR_NUMBERS)),
        lambda: _wrong_boxes(looks, spec, _fullest(found)),
        lambda: _odd(oddities, found),
        lambda: _wrong_recipe(looks, spec, several(_fullest(found) or numbers, _FOR_RECIPES)),
        lambda: [] if truths is None else label_findings(spec, found, truths),
        lambda: _nothing(spec, found),
    )
    findings: List[Finding] = []
    for step in steps:
        findings = step()
        if findings:
            break
    return Report(findings, spec.questions, found)


def _odd(oddities: Oddities, found: Sequence[Detections]) -> List[Finding]:
    """The oddities that speak against the record: those of a good part of the boxes."""
    boxes = sum(map(len, found))
    sentences = list(oddities.sentences())
    findings = []
    kinds = [kind for kind in _all_kinds() if oddities.counts[kind]]
    for kind, sentence in zip(kinds, sentences):
        lost = kind.startswith("no_") and kind != "no_pixels"
        among = boxes + oddities.counts[kind] if lost else boxes
        if kind in _ODD_FIELDS and oddities.counts[kind] > _PART_OF_BOXES * among:
            findings.append(Finding(kind, _ODD_FIELDS[kind], sentence))
    return findings


def _fullest(found: Sequence[Detections]) -> List[int]:
    """The pictures with anything in them, those with most first."""
    sums = np.array([float((each.confs**2).sum()) for each in found])
    order = np.argsort(-sums, kind="stable")
    return [int(picture) for picture in order if sums[picture] > 0]


def _wrong_boxes(looks: Looks, spec: ModelSpec, fullest: List[int]) -> List[Finding]:
    """What is wrong with how boxes are read, as far as their steadiness tells."""
    chosen = fullest[:_FOR_BOXES]
    if not chosen:
        return []
    views = (MIRRORED, SMALLER)
    own = steadiness(looks, spec, chosen, views)
    with tempfile.TemporaryDirectory() as folder:
        tried = [
            (steadiness(looks, variant.spec, chosen, views), variant)
            for variant in box_variants(spec, Path(folder))
        ]
    best, variant = max(tried, key=lambda pair: pair[0].share)
    if best.evidence > _ONE and best.share > max(_STEADY, _BETTER * own.share):
        sentence = (
            "Boxes should stay with things when a picture is mirrored or made smaller. With "
            f"{variant.words} they do so by {best.share:.0%}, with the record as it is by "
            f"{own.share:.0%}."
        )
        return [Finding(variant.kind, variant.fields, sentence)]
    if own.evidence > _SOME and own.share < _UNSTEADY:
        sentence = (
            "The boxes do not stay with things when a picture is mirrored or made smaller: only "
            f"{own.share:.0%} of what is found is there again."
        )
        return [Finding("unsteady", _words_of_boxes(spec), sentence)]
    return []


def _words_of_boxes(spec: ModelSpec) -> Tuple[str, ...]:
    """The fields that decide where boxes are, the likeliest to be wrong first."""
    words = ["form", "order", "tensor"]
    if spec.output.boxes.priors is not None:
        words = ["priors", "variances", *words]
    return tuple(f"output.boxes.{word}" for word in words)


def _wrong_recipe(looks: Looks, spec: ModelSpec, chosen: List[int]) -> List[Finding]:
    """Another recipe for the input with which the network finds much more."""
    own = steadiness(looks, spec, chosen, [MIRRORED])
    better: List[Tuple[float, Variant]] = []
    most = sum(own.exact[:_AT_FIRST])
    variants = list(recipe_variants(spec))
    for variant in progress(variants, desc="other recipes", unit="recipe"):
        # Most are hopeless, which two pictures show.
        first = steadiness(looks, variant.spec, chosen[:_AT_FIRST], [MIRRORED])
        if sum(first.exact) < _HOPELESS * most:
            continue
        most = max(most, sum(first.exact))
        other = steadiness(looks, variant.spec, chosen, [MIRRORED])
        if _finds_more(own, other):
            better.append((sum(other.exact), variant))
    if not better:
        return []
    _, variant = max(better, key=lambda pair: pair[0])
    sentence = (
        f"With {variant.words} it finds {_summary(looks, variant.spec, chosen)}; with the record "
        f"as it is, {_summary(looks, spec, chosen)}."
    )
    return [Finding(variant.kind, variant.fields, sentence)]


def _finds_more(own: Steadiness, other: Steadiness) -> bool:
    """Whether so much more is found that it is no accident of the pictures."""
    before = np.array(own.exact)
    after = np.array(other.exact)
    ratio = after.sum() / max(before.sum(), 1e-6)
    telling = np.maximum(before, after) > _LITTLE
    wins = int((after > before)[telling].sum())
    told = int(telling.sum())
    if told >= _ENOUGH and wins >= told - told // 8:
        return bool(ratio > _ALWAYS_BETTER)
    return bool(
        ratio > _MUCH_BETTER and after.sum() - before.sum() > _ONE_MORE and wins * 3 >= told * 2
    )


def _summary(looks: Looks, spec: ModelSpec, chosen: List[int]) -> str:
    """How many boxes a record finds, and how sure of them it is."""
    confs = np.concatenate([looks.found(spec, picture)[0].confs for picture in chosen])
    if not len(confs):
        return "nothing"
    boxes = "1 box" if len(confs) == 1 else f"{len(confs)} boxes"
    return f"{boxes} at a confidence of {float(np.median(confs)):.2f} (the median)"


def _nothing(spec: ModelSpec, found: Sequence[Detections]) -> List[Finding]:
    """That nothing was found, and no other word helped."""
    if any(map(len, found)):
        return []
    pictures = "the picture" if len(found) == 1 else f"the {len(found)} pictures"
    sentence = (
        f"Nothing was found in {pictures} at a confidence of {spec.conf_threshold:g}, nor with "
        "another recipe for the input. There may be none of the model's classes: try other "
        "pictures, or a lower --conf."
    )
    return [Finding("nothing", (), sentence)]


def _all_kinds() -> Iterator[str]:
    """The kinds of oddities, in the order of their sentences."""
    return iter(("no_numbers", "no_boxes", "no_classes", "above_one", "no_pixels", "whole_picture"))
