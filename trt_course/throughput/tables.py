"""Tables of boxes as CSV files, one for each source, written as fast as the boxes come."""

import contextlib
import os
import types
from pathlib import Path
from typing import List, Optional, Sequence, Type

from ..detections import Detections
from ..support.errors import CourseError
from ..support.files import AnyPath
from ..support.outputs import Outputs
from ..support.signals import postponed
from .batches import Seen

HEADER = ["frame", "time", "class", "confidence", "x1", "y1", "x2", "y2"]

# As text: csv.writer takes longer than the network where pictures come by the thousand.
_BOX = "%s,%.6f,%.3f,%.3f,%.3f,%.3f\n"  # class, confidence, x1, y1, x2, y2
_BUFFER = 1 << 17  # characters: to disk in large pieces


class Tables:
    """A table NAME.csv in the folder `out` for each source, with a line for each of its boxes.

    A context manager: it begins all tables, `append` adds to them, and at its end they take their
    final names, after Ctrl-C too. After any other error none is left. A table that cannot be
    written any further keeps its whole lines and becomes one of the `complaints`; the others go on.

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

    def __init__(
        self,
        names: Sequence[str],
        out: AnyPath,
        labels: Sequence[str],
        outputs: Optional[Outputs] = None,
    ) -> None:
        if outputs is None:
            outputs = Outputs()
        self._tables = [_Table(table_path(out, name), outputs) for name in names]
        self._labels = [_as_cell(label) for label in labels]

    @property
    def complaints(self) -> List[str]:
        """What could not be written, a sentence for each table."""
        return [table.trouble for table in self._tables if table.trouble]

    def __enter__(self) -> "Tables":
        try:
            for table in self._tables:
                table.begin()
        except BaseException:
            self._end(keep=False)
            raise
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        where: Optional[types.TracebackType],
    ) -> None:
        self._end(keep=kind is None or issubclass(kind, KeyboardInterrupt))

    def append(self, seen: Seen, found: Detections) -> None:
        """Add a picture's boxes to the table of its source: a line each.

        A CourseError where no table at all can be written any more.
        """
        frame = f"{seen.number},{seen.time:.6f},"
        lines = []
        for box, confidence, cls in zip(
            found.boxes.tolist(), found.confs.tolist(), found.clss.tolist()
        ):
            lines.append(frame + _BOX % (self._labels[cls], confidence, *box))

        table = self._tables[seen.source]
        table.append("".join(lines))
        if table.trouble and all(each.trouble for each in self._tables):
            raise CourseError("No table can be written any more, so the run has ended.")

    def _end(self, keep: bool) -> None:
        # A second Ctrl-C waits until all tables have their names.
        with postponed(_go_on):
            for table in self._tables:
                table.end(keep)


class _Table:
    """One table on its way to disk. There may be many, so each is open only while it is written."""

    def __init__(self, path: Path, outputs: Outputs) -> None:
        self._path = path
        self._outputs = outputs
        self.trouble = ""  # the sentence that says why it goes no further

        # Its file under a temporary name, once it is begun.
        self._temporary = Path()
        self._file = contextlib.ExitStack()
        self._length = 0  # bytes there, all of them whole lines

        # What is still to be written.
        self._lines: List[str] = []
        self._waiting = 0  # characters

    def begin(self) -> None:
        """Make its file, with the head."""
        try:
            self._temporary = self._file.enter_context(self._outputs.whole_file(self._path))
        except OSError as err:
            self._give_up(err)
        self._write([",".join(HEADER) + "\n"])

    def append(self, lines: str) -> None:
        """Add whole lines, or none."""
        if not lines:
            return
        self._lines.append(lines)
        self._waiting += len(lines)
        if self._waiting >= _BUFFER:
            self._flush()

    def end(self, keep: bool) -> None:
        """Give the file its name, or without `keep` remove it. A file without a head is removed."""
        if keep:
            self._flush()
        try:
            if keep and self._length:
                self._file.close()
            else:
                self._remove()
        except OSError as err:
            self._length = 0
            self._give_up(err)

    def _flush(self) -> None:
        lines = self._lines
        self._lines = []
        self._waiting = 0
        self._write(lines)

    def _write(self, lines: Sequence[str]) -> None:
        """Add lines to the file; when there is no room for all, as many whole lines as fit."""
        if self.trouble:
            return
        data = "".join(lines).encode("utf-8")
        written = 0
        try:
            with open(str(self._temporary), "r+b", buffering=0) as stream:
                stream.seek(self._length)
                while written < len(data):
                    written += stream.write(data[written:]) or 0
            self._length += len(data)
        except OSError as err:
            self._length += data.rfind(b"\n", 0, written) + 1
            with contextlib.suppress(OSError):
                os.truncate(str(self._temporary), self._length)
            self._give_up(err)

    def _remove(self) -> None:
        """Remove its file, as after an error: the file never takes its name."""
        dropped = RuntimeError("this table is not wanted")
        self._file.__exit__(RuntimeError, dropped, None)

    def _give_up(self, err: OSError) -> None:
        reason = err.strerror or err
        if self._length:
            self.trouble = (
                f"{self._path} ends too early, because it could not be written any further: "
                f"{reason}. Its lines up to there are kept."
            )
        else:
            self.trouble = f"{self._path} cannot be written: {reason}."


def table_path(out: AnyPath, name: str) -> Path:
    """Where the table of a source goes."""
    return Path(str(out)) / (name + ".csv")


def _go_on() -> None:
    """Nothing is to be done at Ctrl-C while the tables take their names."""


def _as_cell(label: str) -> str:
    """A label as one cell of a CSV file: in quotes where it would be taken for more."""
    if "," not in label and '"' not in label:
        return label
    doubled = label.replace('"', '""')
    return f'"{doubled}"'
