"""What family a network may be of, by the names, types and shapes of what it gives, and by a run.

finished.py, finished_rows.py, grids.py, pairs.py and faces.py know the families, a function each;
known_priors.py and class_names.py hold what the files of networks leave out.
"""

from typing import List

from ..look import Look
from . import faces, finished, finished_rows, grids, pairs
from .class_names import class_names
from .guess import Guess, Words, surest_first

__all__ = ["FAMILIES", "Guess", "Words", "class_names", "guesses"]

# What several of them take for theirs belongs to the first.
FAMILIES = (
    finished.efficient_nms,
    finished.tensorflow,
    finished.tflite,
    finished.boxes_scores_labels,
    finished_rows.rows_of_six,
    finished_rows.rows_of_seven,
    faces.yunet,
    faces.blazeface,
    faces.scrfd,
    faces.retinaface,
    grids.yolo_by_three,
    grids.yolo_by_column,
    grids.yolox,
    grids.nanodet_plus,
    grids.nanodet,
    pairs.offsets_from_priors,
    pairs.transformer,
    pairs.boxes_and_scores,
)


def guesses(look: Look) -> List[Guess]:
    """The families that a network may be of, the surest first."""
    if any(array.ndim > 2 and not len(array) for array in look.outputs.values()):
        return []  # it gave nothing for the picture
    found = [family(look) for family in FAMILIES]
    return surest_first([guess for guess in found if guess is not None])
