"""A check of a model's record: it runs the network and says what a person would notice.

A record that does not fit its network seldom fails: it finds nothing, or nonsense. What gives it
away is in the bare numbers (numbers.py), in boxes that do not stay with things when the
picture is mirrored or made smaller (steady.py), and in another word that does much better
(words.py). Only mistakes in the labels need ground truth.
"""

from typing import Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ...detections import Detections
from ...model.find import Model, find_model
from ...model.oddities import Oddities
from ...model.spec import ModelSpec
from ...ssd import TrtSSD
from ...support.progress import progress
from ..boxes import Truth
from .labels import label_findings
from .numbers import number_findings
from .parts import Finding, Looks, several
from .words import unsteady, wrong_boxes, wrong_recipe, wrong_recipe_and_boxes

_FOR_NUMBERS = 2  # pictures: their numbers tell enough

# The fields that an oddity speaks against, by its kind
_ODD_FIELDS = {
    "no_numbers": ("file",),
    "no_boxes": ("output.boxes.form", "output.boxes.order", "output.boxes.tensor"),
    "no_classes": ("labels",),
    "above_one": ("output.scores.activation", "output.scores.tensor"),
    "no_pixels": ("output.boxes.units",),
    "whole_picture": ("output.boxes.units", "output.boxes.form", "input.mean"),
}
_LOST = ("no_numbers", "no_boxes", "no_classes")  # of these boxes nothing is left
_PART_OF_BOXES = 0.1  # so many of the boxes are odd if the record is wrong
_FEW = 3  # but a few may be odd with any record


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
    found = []
    oddities = Oddities(spec.name, len(spec.labels))
    for picture in progress(range(len(looks.pictures)), desc="look", unit="picture"):
        detections, odd = looks.found(spec, picture)
        found.append(detections)
        oddities.counts.update(odd.counts)

    # The first answer counts: what is wrong first makes nonsense of what would be looked at next.
    answers = _answers(looks, spec, found, oddities=oddities, truths=truths)
    findings = next(filter(None, answers), [])
    return Report(findings, spec.questions, found)


def _answers(
    looks: Looks,
    spec: ModelSpec,
    found: Sequence[Detections],
    oddities: Oddities,
    truths: Optional[Sequence[Truth]],
) -> Iterator[List[Finding]]:
    """What each of the questions finds, the surest first; a later one is not asked in vain."""
    yield number_findings(looks, spec, several(range(len(found)), _FOR_NUMBERS))
    fullest = _fullest(found)
    yield wrong_boxes(looks, spec, fullest)
    yield _odd(oddities, found)
    yield wrong_recipe(looks, spec, fullest)
    yield unsteady(looks, spec, fullest)
    if not any(map(len, found)):
        yield wrong_recipe_and_boxes(looks, spec, fullest)
    if truths is not None:
        yield label_findings(spec, found, truths)
    yield _nothing(spec, found)


def _odd(oddities: Oddities, found: Sequence[Detections]) -> List[Finding]:
    """The oddities that speak against the record: those of a good part of the boxes."""
    boxes = sum(map(len, found))
    findings = []
    for kind, fields in _ODD_FIELDS.items():
        number = oddities.counts[kind]
        lost = number if kind in _LOST else 0
        if number >= _FEW and number > _PART_OF_BOXES * (boxes + lost):
            alone = Oddities(oddities.name, oddities.labels)
            alone.counts[kind] = number
            findings.append(Finding(kind, fields, alone.sentences()[0]))
    return findings


def _fullest(found: Sequence[Detections]) -> List[int]:
    """The pictures, those with most in them first."""
    sums = [-float((boxes.confs**2).sum()) for boxes in found]
    return [int(picture) for picture in np.argsort(sums, kind="stable")]


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
