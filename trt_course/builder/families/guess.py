"""A guess at a network's family: what its record says, how sure that is, and what it asks."""

import ast
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from ...model.fields import text
from ...support.errors import CourseError
from ..look import Arrays, Look

Words = Dict[str, Any]  # of a record

_MOST_NOTED = 1 << 20  # characters

CERTAIN = "certain"  # names, shapes and types that only this family has
LIKELY = "likely"  # shapes that hardly any other family has
PERHAPS = "a guess"

# The usual recipes, as words of `input`.
RGB_SHARES: Words = {"color": "RGB", "scale": [255.0] * 3}
RGB_AROUND_0: Words = {"color": "RGB", "mean": [127.5] * 3, "scale": [127.5] * 3}
RGB_BY_IMAGENET: Words = {
    "color": "RGB",
    "mean": [123.675, 116.28, 103.53],
    "scale": [58.395, 57.12, 57.375],
}
LETTERBOX: Words = {"resize": "letterbox", "pad": [114.0] * 3}

SHARES_IN_A_BOX: Words = dict(RGB_SHARES, **LETTERBOX)  # YOLO's, from v5 on

BY_ULTRALYTICS = "; Ultralytics' notes are in the file"
ASK_UNITS = (
    "output.boxes.units: the noise gave no box; are the corners shares of the input from 0 to 1 "
    "(normalized) or in its pixels?"
)
ASK_RECIPE = (
    "input.mean, input.scale: the network gets (pixel - mean) / scale; what did its training use?"
)
ASK_COLOUR = (
    "input.color: was it trained on RGB (PyTorch, TensorFlow, PIL) or on BGR (OpenCV, Caffe)?"
)

ASK_RESIZE = (
    "input.resize: were pictures stretched to the input's size (stretch), or fitted into it with "
    "borders (letterbox)?"
)


class Guess(NamedTuple):
    """A family, how sure it is and why, and what its record says.

    `classes` is how many scores a box has, 0 if that cannot be seen.
    """

    family: str
    sure: str  # CERTAIN, LIKELY or PERHAPS
    why: str
    output: Words
    recipe: Words
    classes: int = 0
    background: Optional[int] = None
    labels: Union[str, Tuple[str, ...]] = ()  # what such networks know, if they all know the same
    questions: Tuple[str, ...] = ()
    nms: Words = {}


def only(look: Look) -> Tuple[str, np.ndarray]:
    """The name and array of the one output; an array without axes if there are more."""
    if len(look.outputs) != 1:
        return "", np.zeros(())
    (pair,) = look.outputs.items()
    return pair


def named(outputs: Arrays, words: Dict[str, str]) -> Dict[str, str]:
    """The outputs whose names have the words in them, by the roles that the words stand for.

    A word that is a whole name, but for TensorFlow's `:0`, counts before one that is a part. An
    output has one role.

    >>> named({"num_dets": 0, "det_boxes": 0, "raw_boxes": 0}, {"num": "count", "box": "boxes"})
    {'count': 'num_dets'}
    """
    found: Dict[str, str] = {}
    for word, role in words.items():
        free = [name for name in outputs if name not in found.values()]
        whole = [name for name in free if name.lower().partition(":")[0] == word]
        within = [name for name in free if word in name.lower()]
        candidates = whole or within
        if len(candidates) == 1:
            found.setdefault(role, candidates[0])
    return found


def units_of(look: Look, corners: np.ndarray) -> Tuple[str, List[str]]:
    """The units of corners (..., 4), and the question if nothing shows them."""
    values = np.abs(corners[np.isfinite(corners)].astype(float))
    if not look.ran or not values.size or values.max() == 0:
        return "normalized", [ASK_UNITS]
    if values.max() > 2:
        return "pixels", []
    return "normalized", []


def are_pixels(look: Look, centres: np.ndarray) -> bool:
    """Whether centres (n, 2) of all cells are spread over the input in pixels."""
    if not look.ran:
        return True
    pictures = look.pictures
    reach = np.percentile(np.abs(centres.astype(float)), 99, axis=0)
    return bool(reach[0] > pictures.width / 2 and reach[1] > pictures.height / 2)


def are_corners(rows: np.ndarray) -> bool:
    """Whether rows (n, 4) are x1 y1 x2 y2, or y1 x1 y2 x2: nearly all in order."""
    values = rows.reshape(-1, 4).astype(float)
    if not len(values):
        return True
    in_order = (values[:, 2:] >= values[:, :2]).all(axis=1)
    return bool(np.mean(in_order) > 0.98)


def are_shares(values: np.ndarray) -> bool:
    """Whether all numbers are from 0 to 1, up to rounding."""
    numbers = values.astype(float)
    return bool(((numbers > -1e-3) & (numbers < 1.001)).all())


def are_whole(numbers: np.ndarray) -> bool:
    """Whether all numbers are whole."""
    values = numbers.astype(float)
    return bool((values == np.round(values)).all())


def activation_for(scores: np.ndarray, otherwise: str = "sigmoid") -> Words:
    """The words for what makes scores of the numbers: none where they are from 0 to 1."""
    if are_shares(scores):
        return {}
    return {"activation": otherwise}


def background_of(scores: np.ndarray) -> Optional[int]:
    """The first or the last column (n, classes), where a softmax gave nearly everything to it."""
    rows = scores.reshape(-1, scores.shape[-1]).astype(float)
    is_softmax = (np.abs(rows.sum(axis=1) - 1) < 0.02).all()
    if not len(rows) or rows.shape[1] < 2 or not is_softmax:
        return None
    means = rows.mean(axis=0)
    if means[-1] > 0.5:
        return rows.shape[1] - 1
    return 0


def noted_names(look: Look) -> Tuple[str, ...]:
    """The class names that the file's maker noted, as Ultralytics does: {0: 'person', ...}."""
    names = _literal(look.notes.get("names", "")[:_MOST_NOTED])
    if isinstance(names, dict) and sorted(names, key=str) == sorted(range(len(names)), key=str):
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, (list, tuple)):
        return ()
    try:
        return tuple(text(name, "") for name in names)
    except CourseError:
        return ()  # not all of them can be labels


def is_by_ultralytics(look: Look) -> bool:
    """Whether the file's notes are those of Ultralytics' exports."""
    return bool(noted_names(look)) and "stride" in look.notes


def _literal(source: str) -> Any:
    """What a source of Python means; None if it is not plain data."""
    try:
        return ast.literal_eval(source)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def surest_first(guesses: Sequence[Guess]) -> List[Guess]:
    """The guesses, those first that are surest; equals in their order."""
    order = (CERTAIN, LIKELY, PERHAPS)
    return sorted(guesses, key=lambda guess: order.index(guess.sure))
