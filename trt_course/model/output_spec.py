"""OutputSpec: what a network's output tensors mean, composed of a few independent words.

Where boxes and scores are, how boxes are written, what makes scores of the numbers, and who
suppresses: any combination that makes sense is a record, and no network needs code of its own.
output_rules.py reads the words from a record; boxes.py, scores.py and rows.py obey them.
"""

from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional, Tuple, Union


class Part(NamedTuple):
    """Where the numbers of one role are.

    `tensor` has more than one name where a network gives a tensor for each of its scales. `column`
    is the first of the role's columns; without it the tensor holds nothing else. `width` is how
    many columns the tensor has, if that is known. `field` is the place in the record, for messages.
    """

    tensor: Tuple[str, ...]
    field: str
    column: Optional[int] = None
    values: str = ""  # the axis of the columns: first, last, or whichever fits
    width: Optional[int] = None


class PriorRule(NamedTuple):
    """Priors by a rule: for each scale its step in pixels, and the priors of each of its cells.

    Without sizes each cell has one prior, as large as its step: the grid of detectors that speak
    of no priors.
    """

    steps: Tuple[float, ...]
    sizes: Tuple[Tuple[float, ...], ...] = ()  # the sides of a square of the same area, in pixels
    aspects: Tuple[Tuple[float, ...], ...] = ()  # width / height
    at: str = "middle"  # of the cell; or its corner, or the middle of its pixels
    clip: bool = False  # whether no side may be longer than the input's


class BoxesSpec(NamedTuple):
    """Where the boxes are, and how they are written."""

    part: Part
    form: str = "corners"
    order: str = "xy"
    units: str = "normalized"  # of corners, of a centre with a size, of a file's priors
    priors: Union[None, Path, PriorRule] = None
    variances: Tuple[float, ...] = (0.1, 0.1, 0.2, 0.2)  # what offsets are multiplied by
    sizes: str = "exp"  # what makes a size of an offset
    bins: int = 1  # numbers for each distance: more than one are the logits of a distribution

    @property
    def columns(self) -> int:
        """How many numbers a box has."""
        return 4 * self.bins


class ScoresSpec(NamedTuple):
    """Where the scores are, and what makes confidences of them."""

    part: Part
    activation: str = "none"
    each_box: str = "all_classes"  # or best_class: a box counts for its surest class alone


class ObjectnessSpec(NamedTuple):
    """A second score of each box, the same for all classes, and how it joins the first."""

    part: Part
    activation: str = "none"
    joined: str = "product"  # or geometric_mean


class OutputSpec(NamedTuple):
    """What the output tensors mean.

    With `classes`, each row is one box of one class; without, it has a score for each class.
    `threshold` is the confidence below which a network with suppression inside gives nothing.
    """

    boxes: BoxesSpec
    scores: ScoresSpec
    objectness: Optional[ObjectnessSpec] = None
    classes: Optional[Part] = None
    row_count: Optional[Part] = None  # how many of a picture's rows are filled
    picture: Optional[Part] = None  # the number of the picture that a row belongs to
    suppression: str = "each_class"  # here; or here over all_classes together, or inside
    threshold: float = 0.0

    def parts(self) -> Iterator[Tuple[str, Part]]:
        """The roles that the network's tensors play, each with its place."""
        yield "boxes", self.boxes.part
        yield "scores", self.scores.part
        if self.objectness is not None:
            yield "objectness", self.objectness.part
        others = {"classes": self.classes, "count": self.row_count, "picture": self.picture}
        for role, part in others.items():
            if part is not None:
                yield role, part

    def tensors(self) -> List[str]:
        """The names of all tensors that are read, each once."""
        return list(dict.fromkeys(name for _, part in self.parts() for name in part.tensor))

    @property
    def place(self) -> str:
        """What stands for a box in the tensors, in one word."""
        if self.classes is not None:
            return "rows"
        if self.boxes.priors is not None:
            return "priors"
        return "places"

    @property
    def units(self) -> str:
        """In what the boxes are once they are corners."""
        if isinstance(self.boxes.priors, PriorRule):
            return "normalized"
        return self.boxes.units

    def is_plain_places(self) -> bool:
        """Whether it is corners and scores for each place, in a tensor each, to be suppressed."""
        parts = dict(self.parts())
        return (
            self.suppression == "each_class"
            and set(parts) == {"boxes", "scores"}
            and all(part.column is None and len(part.tensor) == 1 for part in parts.values())
            and self.boxes.form == "corners"
            and self.boxes.order == "xy"
            and self.scores.each_box == "all_classes"
        )

    def is_whole_rows(self) -> bool:
        """Whether it is what TensorRT's EfficientNMS gives: finished corners, and their count."""
        parts = dict(self.parts())
        return (
            self.suppression == "inside"
            and set(parts) == {"boxes", "scores", "classes", "count"}
            and all(part.column is None and len(part.tensor) == 1 for part in parts.values())
            and self.boxes.form == "corners"
            and self.boxes.order == "xy"
            and self.scores.activation == "none"
        )
