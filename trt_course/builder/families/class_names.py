"""The names of a network's classes, as far as anything tells them."""

from typing import Dict, List, Optional, Sequence, Tuple, Union

from ...model.labels import LABEL_SETS
from ..look import Look
from .guess import Guess, noted_names

Labels = Union[str, List[str]]  # a shared list's name, or names

_UNSEEN = 21  # as many classes, the background among them, where nothing shows their number

# COCO's lists, by how many scores a box has and which of them is the background's.
_COCO: Dict[Tuple[int, Optional[int]], Labels] = {
    (80, None): "coco80",
    (81, 0): ["background", *LABEL_SETS["coco80"]],
    (90, None): "coco90",
    (91, None): "coco",
    (91, 0): "coco",
    (92, 91): [*LABEL_SETS["coco"], "nothing"],
}


def class_names(look: Look, guess: Guess) -> Tuple[Labels, Sequence[str]]:
    """The names for a record, and what is to be asked about them."""
    noted = noted_names(look)
    if noted and guess.classes in (0, len(noted)):
        return list(noted), ()
    if guess.labels:
        return _of_family(guess)
    if not guess.classes:
        names, _ = _by_number(_UNSEEN, guess.background)
        return names, (
            "labels: the outputs do not show which classes there are; name all of them.",
        )
    number = guess.classes
    if (number, guess.background) in _COCO:
        return _COCO[number, guess.background], (
            f"labels: {number} scores a box are as many as COCO has, so its names are filled in; "
            "are they this network's?",
        )
    return _by_number(number, guess.background)


def _of_family(guess: Guess) -> Tuple[Labels, Sequence[str]]:
    """What the family's networks usually know."""
    if not isinstance(guess.labels, str):
        return list(guess.labels), ()
    if guess.classes:
        return guess.labels, ()
    return guess.labels, (
        f"labels: the outputs do not show which classes there are, and COCO's ({guess.labels}) "
        "are a guess; which does the network know, in its order?",
    )


def _by_number(number: int, background: Optional[int]) -> Tuple[Labels, Sequence[str]]:
    """Names for classes of which only the number is known."""
    names = [f"class_{cls}" for cls in range(number)]
    if background is None:
        return names, (f"labels: name the {number} classes in the network's order.",)
    names[background] = "background"
    question = f"labels: name the {number - 1} classes in the network's order"
    if number == 2:
        question = "labels: name the network's class"
    return names, (f"{question}; number {background} is the background.",)
