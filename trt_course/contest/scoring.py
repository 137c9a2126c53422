"""The rules that teams compete by: from detections and times to ranks, points and places.

Which hand-ins may compete is decided in sieves.py; how the result looks, in board.py.
"""

from typing import Collection, Iterable, List, NamedTuple, Optional, Sequence

import numpy as np

from ..measure import voc
from ..measure.boxes import Truths
from .handin import HandIn
from .times import machine_of, remarks_on

RULES = (
    "mAP is computed again from the raw detections, VOC style at overlap 0.5; FPS is 1000 / mean "
    "milliseconds of a frame over the whole video, scope detect (frame in memory to boxes), "
    "warm-up left out.",
    "Ranks compare the two decimals that are printed. Equal figures share the better rank: "
    "1, 2, 2, 4.",
    "Final = mAP points 60 - (rank - 1) + FPS points 30 - (rank - 1) x 0.5 + 5 for a restructured "
    "class + 3 for another backbone or 5 for another detector. Equal totals share the place.",
)

RESTRUCTURED_POINTS = 5
OTHER_MODEL_POINTS = {None: 0, "backbone": 3, "detector": 5}


class Points(NamedTuple):
    """What the points of one team are made of."""

    accuracy: float
    fps: float
    restructured: float
    other_model: float

    @property
    def final(self) -> float:
        """The sum, by which teams are placed."""
        return self.accuracy + self.fps + self.restructured + self.other_model


def points_of(
    accuracy_rank: int, fps_rank: int, restructured: bool, other_model: Optional[str]
) -> Points:
    """The formula of the contest. Ranks begin at 1, and the first loses nothing.

    >>> points = points_of(accuracy_rank=10, fps_rank=9, restructured=True, other_model="detector")
    >>> points
    Points(accuracy=51, fps=26.0, restructured=5, other_model=5)
    >>> points.final
    87.0
    """
    accuracy_points = 60 - (accuracy_rank - 1)
    fps_points = 30 - (fps_rank - 1) * 0.5

    restructured_points = 0
    if restructured:
        restructured_points = RESTRUCTURED_POINTS

    other_model_points = OTHER_MODEL_POINTS[other_model]

    return Points(accuracy_points, fps_points, restructured_points, other_model_points)


def ranks(figures: Sequence[float]) -> List[int]:
    """The rank of each figure, the highest first. Equal ones share the better rank.

    >>> ranks([50.0, 90.0, 70.0, 70.0])
    [4, 1, 2, 2]
    """
    return [1 + _count_above(figure, figures) for figure in figures]


def _count_above(limit: float, figures: Sequence[float]) -> int:
    return len([figure for figure in figures if figure > limit])


class Row(NamedTuple):
    """One team: its place, the figures, and the points they bring."""

    place: int
    team: str
    model: str
    accuracy: float  # mAP in per cent
    accuracy_rank: int
    accuracy_points: float
    fps: float
    fps_rank: int
    fps_points: float
    restructured: float  # points
    other_model: float  # points
    final: float
    machine: str
    remark: str


def placed(entries: Sequence[HandIn], truths: Truths, ignore: Collection[str] = ()) -> List[Row]:
    """The row of each hand-in, in the order of their places."""
    # Ranks by accuracy and by speed.
    accuracies = [accuracy_of(entry, truths, ignore) for entry in entries]
    accuracy_ranks = ranks(accuracies)
    speeds = [fps_of(entry) for entry in entries]
    fps_ranks = ranks(speeds)

    # Points for the ranks and for what the team claims, and the place by their sum.
    points = [
        points_of(accuracy_rank, fps_rank, entry.restructured, entry.other_model)
        for entry, accuracy_rank, fps_rank in zip(entries, accuracy_ranks, fps_ranks)
    ]
    places = ranks([each.final for each in points])

    rows = []
    for number, entry in enumerate(entries):
        earned = points[number]
        row = Row(
            place=places[number],
            team=entry.team,
            model=entry.model,
            accuracy=accuracies[number],
            accuracy_rank=accuracy_ranks[number],
            accuracy_points=earned.accuracy,
            fps=speeds[number],
            fps_rank=fps_ranks[number],
            fps_points=earned.fps,
            restructured=earned.restructured,
            other_model=earned.other_model,
            final=earned.final,
            machine=machine_of(entry),
            remark=remarks_on(entry, entries),
        )
        rows.append(row)
    return sorted(rows, key=lambda row: (row.place, row.team))


def accuracy_of(entry: HandIn, truths: Truths, ignore: Iterable[str] = ()) -> float:
    """The mAP of a hand-in in per cent, with the two decimals that count."""
    mean = voc.score(truths, entry.detections, ignore).mean
    return round(100 * float(mean), 2)


def fps_of(entry: HandIn) -> float:
    """Frames a second over the whole video, with the two decimals that count."""
    return round(1e3 / float(np.mean(entry.frame_ms)), 2)
