"""The layout efficient_nms: an engine with suppression inside, decoded a whole batch at a time.

Such an engine runs thousands of pictures a second. Going through them one by one would take longer
than the network itself takes, so each step here works on the rows of all pictures at once.
"""

from typing import Dict, List, NamedTuple, Sequence

import numpy as np

from ..detections import Detections
from .candidates import Losses, are_boxes, why_no_boxes
from .oddities import Oddities
from .placement import Placement
from .spec import ModelSpec

Tensors = Dict[str, np.ndarray]  # by role


class _Rows(NamedTuple):
    """Rows of all pictures of a batch as parallel arrays, those of the first picture first."""

    owner: np.ndarray  # (m,) the number of the row's picture
    place: np.ndarray  # (m,) where the row stands among all rows of the batch
    boxes: np.ndarray  # (m, 4) x1 y1 x2 y2
    confs: np.ndarray  # (m,)
    clss: np.ndarray  # (m,)

    def pick(self, index: np.ndarray) -> "_Rows":
        """The rows at these positions, in their order."""
        return _Rows(
            owner=self.owner.take(index),
            place=self.place.take(index),
            boxes=self.boxes.take(index, axis=0),
            confs=self.confs.take(index),
            clss=self.clss.take(index),
        )


def decode_batch(
    spec: ModelSpec,
    tensors: Tensors,
    placements: Sequence[Placement],
    conf_th: float,
    oddities: Oddities,
) -> List[Detections]:
    """Detections of each picture of a batch, which need not fill all of the tensors' places."""
    pictures = len(placements)
    scores = tensors["scores"][:pictures]  # (n, k)
    counts = tensors["count"].reshape(-1, 1)[:pictures]  # (n, 1)
    filled = np.arange(scores.shape[1]) < counts  # (n, k)
    filled &= np.isfinite(counts)  # a count that is not a number fills nothing
    rows = _sure_rows(tensors, filled, conf_th)

    # Rows of an unwanted class are left out. So is what is not a sound row, which is also counted.
    wanted = _have_known_class(spec, rows.clss)  # (m,)
    dropped = [0] * pictures
    if not (wanted.all() and _all_sound(tensors, rows.boxes, scores)):
        lost = _lost(spec, tensors, rows, filled)
        wanted &= ~lost.rows
        dropped = lost.by_picture.tolist()
        oddities.count_losses(lost.losses)

    # Most engines give only wanted rows, each picture's in order.
    if not (wanted.all() and _are_ordered(rows)):
        order = np.lexsort((-rows.confs, rows.owner))
        rows = rows.pick(order[wanted[order]])
    if scores.shape[1] > spec.nms.max_detections:
        rows = _surest(rows, pictures, spec.nms.max_detections)

    boxes = _in_pictures(spec, rows, placements)
    _count_boxes(oddities, boxes, rows, placements)
    confs = np.minimum(rows.confs, 1, dtype=np.float32)
    done = rows._replace(boxes=boxes, confs=confs)
    return _split(done, dropped)


def _sure_rows(tensors: Tensors, filled: np.ndarray, conf_th: float) -> _Rows:
    """The filled rows that reach the threshold."""
    pictures, rows_each = filled.shape
    least = np.float32(max(conf_th, 1e-9))  # a score of 0 means nothing
    sure = tensors["scores"][:pictures] >= least
    chosen = np.flatnonzero(sure & filled)  # (m,)
    return _Rows(
        owner=chosen // rows_each,
        place=chosen,
        boxes=tensors["boxes"].reshape(-1, 4)[chosen].astype(np.float32, copy=False),
        confs=tensors["scores"].reshape(-1)[chosen],
        clss=tensors["classes"].reshape(-1)[chosen].astype(np.int64),
    )


def _have_known_class(spec: ModelSpec, clss: np.ndarray) -> np.ndarray:
    """The mask (m,) of the rows whose class a detection may have."""
    # Indexed by class id plus one. Ids beyond either end are clipped to that end, which is False.
    known = np.zeros(len(spec.labels) + 2, dtype=bool)
    known[1:-1] = True
    if spec.background is not None:
        known[spec.background + 1] = False
    return known.take(clss + 1, mode="clip")


def _all_sound(tensors: Tensors, boxes: np.ndarray, scores: np.ndarray) -> bool:
    """Whether every row is a box and all numbers are finite: nearly always, and quick to check."""
    if not np.isfinite(boxes).all():
        return False
    if (boxes[:, 2:] < boxes[:, :2]).any():
        return False
    # A sum is not finite if one of its numbers is not
    sums = (scores.sum(), tensors["classes"].sum(), tensors["count"].sum())
    return bool(np.isfinite(sums).all())


class _Lost(NamedTuple):
    """What is not a sound row: which rows, how many of each picture, and why."""

    rows: np.ndarray  # the mask (m,)
    by_picture: np.ndarray  # (n,)
    losses: Losses


def _lost(spec: ModelSpec, tensors: Tensors, rows: _Rows, filled: np.ndarray) -> _Lost:
    """What is lost in a batch; `filled` is the mask (n, k) of the filled rows."""
    pictures = len(filled)

    # Scores, classes and counts that are not numbers, even in rows that are not sure
    scores = tensors["scores"][:pictures]
    classes = tensors["classes"][:pictures]
    no_numbers = filled & ~(np.isfinite(scores) & np.isfinite(classes))  # (n, k)
    counts = tensors["count"].reshape(-1)[:pictures]
    by_picture = no_numbers.sum(axis=1) + ~np.isfinite(counts)
    losses = Losses(no_numbers=int(by_picture.sum()))

    # Of the other sure rows, those that are not boxes
    numbers = ~no_numbers.reshape(-1)[rows.place]  # (m,)
    boxes = are_boxes(rows.boxes)
    losses = losses.plus(why_no_boxes(rows.boxes[numbers], boxes[numbers]))

    # Of those that are boxes, those without a label for their class
    classes_known = (rows.clss >= 0) & (rows.clss < len(spec.labels))
    beyond = numbers & boxes & ~classes_known
    losses = losses.plus(Losses(no_classes=int(np.count_nonzero(beyond))))

    # What is not a number has been counted by picture above
    bad = numbers & ~(boxes & classes_known)
    by_picture += np.bincount(rows.owner[bad], minlength=pictures)
    return _Lost(bad | ~numbers, by_picture, losses)


def _count_boxes(
    oddities: Oddities, boxes: np.ndarray, rows: _Rows, placements: Sequence[Placement]
) -> None:
    """Count what is odd among boxes (m, 4) in pixels of their pictures."""
    first = placements[0]
    size = np.array([first.width, first.height], np.float32)
    if placements.count(first) != len(placements):
        sizes = np.array([(placed.width, placed.height) for placed in placements], np.float32)
        size = sizes.take(rows.owner, axis=0)  # (m, 2)
    oddities.count_boxes(boxes, rows.confs, size)


def _are_ordered(rows: _Rows) -> bool:
    """Whether within each picture the surest row comes first."""
    falls = rows.confs[1:] <= rows.confs[:-1]
    next_picture = rows.owner[1:] != rows.owner[:-1]
    return bool((falls | next_picture).all())


def _surest(rows: _Rows, pictures: int, most: int) -> _Rows:
    """Each picture's first rows, at most so many; the surest are the first."""
    starts = rows.owner.searchsorted(np.arange(pictures))  # (n,)
    rank = np.arange(len(rows.owner)) - starts[rows.owner]  # (m,)
    return rows.pick(np.flatnonzero(rank < most))


class _WaysBack(NamedTuple):
    """From the network's units to a picture's pixels: box * scale - shift, between 0 and size.

    Each has a row a picture, or one for all, with four numbers as a box has: x, y, x, y.
    """

    scale: np.ndarray  # (n, 4)
    shift: np.ndarray  # (n, 4)
    size: np.ndarray  # (n, 4)

    def pick(self, index: np.ndarray) -> "_WaysBack":
        """The ways of these pictures."""
        return _WaysBack(
            scale=self.scale.take(index, axis=0),
            shift=self.shift.take(index, axis=0),
            size=self.size.take(index, axis=0),
        )


def _in_pictures(spec: ModelSpec, rows: _Rows, placements: Sequence[Placement]) -> np.ndarray:
    """The rows' boxes (m, 4) in pixels of their pictures."""
    # Pictures of one size, as a video's, share one way back; numpy repeats its row.
    if placements.count(placements[0]) == len(placements):
        ways = _ways_back(spec, placements[:1])  # (1, 4) each
    else:
        ways = _ways_back(spec, placements).pick(rows.owner)  # (m, 4) each

    boxes = rows.boxes * ways.scale - ways.shift
    return np.minimum(np.maximum(boxes, 0), ways.size)


def _ways_back(spec: ModelSpec, placements: Sequence[Placement]) -> _WaysBack:
    """The way back for each of some pictures."""
    unit_width = 1
    unit_height = 1
    if spec.output.units == "normalized":
        unit_width = spec.input.width
        unit_height = spec.input.height

    scales = []
    shifts = []
    sizes = []
    for placed in placements:
        scale_x = unit_width / placed.scale_x
        scale_y = unit_height / placed.scale_y
        shift_x = placed.shift_x / placed.scale_x
        shift_y = placed.shift_y / placed.scale_y
        scales.append((scale_x, scale_y, scale_x, scale_y))
        shifts.append((shift_x, shift_y, shift_x, shift_y))
        sizes.append((placed.width, placed.height, placed.width, placed.height))

    return _WaysBack(
        scale=np.array(scales, np.float32),
        shift=np.array(shifts, np.float32),
        size=np.array(sizes, np.float32),
    )


def _split(rows: _Rows, dropped: List[int]) -> List[Detections]:
    """Each picture's Detections."""
    pictures = len(dropped)
    starts = rows.owner.searchsorted(np.arange(pictures + 1)).tolist()

    # Parts of a read-only array are read-only.
    rows.boxes.flags.writeable = False
    rows.confs.flags.writeable = False
    rows.clss.flags.writeable = False

    found = []
    for picture in range(pictures):
        own = slice(starts[picture], starts[picture + 1])
        found.append(
            Detections.trusted(rows.boxes[own], rows.confs[own], rows.clss[own], dropped[picture])
        )
    return found
