"""Tables of boxes as CSV files, one for each source, written as fast as the boxes come."""

import contextlib
import types
from pathlib import Path
from typing import List, Optional, Sequence, TextIO, Type

from ..detections import Detections
from ..support.files import AnyPath, whole_file
from .batches import Seen

HEADER = ["frame", "time", "class", "confidence", "x1", "y1", "x2", "y2"]

# As text: csv.writer takes longer than the network where pictures come by the thousand.
_BOX = "%s,%.6f,%.3f,%.3f,%.3f,%.3f\n"  # class, confidence, x1, y1, x2, y2
_BUFFER = 1 << 17  # bytes: to disk in large pieces


class Tables:
    """A table NAME.csv in the folder `out` for each source, with a line for each of its boxes.

    A context manager: it opens all tables, `append` adds to them, and at its end they take their
    final names. After an error none is left.

    >>> import tempfile
    >>> from trt_course.model.placement import Placement
    >>> seen = Seen(0, 3, 0.125, 0.0, Placement(1.0, 1.0, 0.0, 0.0, 640, 480))
    >>> found = Detections([[1, 2, 3, 4]], [0.5], [0])
    >>> with tempfile.TemporaryDirectory() as out:
    ...     with Tables(["clip"], out, labels=["car"]) as tables:
    ...         tables.append(seen, found)
    ...     print((Path(out) / "clip.csv").read_text(), end="")
    frame,time,class,confidence,x1,y1,x2,y2
    3,0.125000,car,0.500000,1.000,2.000,3.000,4.000
    """

    def __init__(self, names: Sequence[str], out: AnyPath, labels: Sequence[str]) -> None:
        self._paths = [Path(out) / (name + ".csv") for name in names]
        self._labels = [_as_cell(label) for label in labels]

        # While it is open.
        self._files: List[TextIO] = []  # by the sources' numbers
        self._opened = contextlib.ExitStack()

    def __enter__(self) -> "Tables":
        with contextlib.ExitStack() as opened:
            for path in self._paths:
                temporary = opened.enter_context(whole_file(path))
                stream = temporary.open("w", _BUFFER, encoding="utf-8")
                opened.enter_context(stream)
                stream.write(",".join(HEADER) + "\n")
                self._files.append(stream)
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        where: Optional[types.TracebackType],
    ) -> None:
        self._opened.__exit__(kind, error, where)

    def append(self, seen: Seen, found: Detections) -> None:
        """Add a picture's boxes to the table of its source: a line each."""
        frame = f"{seen.number},{seen.time:.6f},"
        lines = []
        for box, confidence, cls in zip(
            found.boxes.tolist(), found.confs.tolist(), found.clss.tolist()
        ):
            lines.append(frame + _BOX % (self._labels[cls], confidence, *box))
        self._files[seen.source].write("".join(lines))


def _as_cell(label: str) -> str:
    """A label as one cell of a CSV file: in quotes where it would be taken for more."""
    if "," not in label and '"' not in label:
        return label
    doubled = label.replace('"', '""')
    return f'"{doubled}"'
