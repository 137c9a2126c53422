"""Writes an H.264 MP4 that plays in a browser: yuv420p, its index at the front.

Raw pictures go to the encoder, a child process, as Matroska, which carries their times: a variable
rate is kept, to 1/90000 s. The file gets its final name when it is whole. It has no sound, and all
frames have the same size.
"""

import contextlib
import sys
from pathlib import Path
from types import TracebackType
from typing import Optional, Type, Union

import cv2
import numpy as np

from ..support.errors import CourseError
from ..support.outputs import Outputs
from . import matroska
from .encoder import TICKS, Encoder, command_for


class VideoWriter:
    """A context manager; `write` takes BGR frames. The first one opens the file and gives its size.

    After Ctrl-C the file is ended and kept; any other exception leaves none. An encoder that does
    not end is killed after a while, or at a second Ctrl-C, and then there is no file either.
    `outputs` decides which files may be replaced (None: the kit's own).

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "grey.mp4"
    >>> with VideoWriter(path, fps=10) as writer:
    ...     for level in (50, 100, 150):
    ...         writer.write(np.full((48, 64, 3), level, np.uint8))
    >>> writer.frames, path.exists()
    (3, True)
    >>> folder.cleanup()
    """

    def __init__(
        self,
        path: Union[str, Path],
        fps: float = 0.0,
        encoder: str = "auto",
        outputs: Optional[Outputs] = None,
    ) -> None:
        self.path = path
        self._outputs = outputs or Outputs()
        self._outputs.claim(path)
        self.fps = fps or 30.0
        self.encoder = encoder
        self.frames = 0  # written so far

        # the file under its temporary name, and who writes it; all from the first frame on
        self._file = contextlib.ExitStack()
        self._temporary = Path()
        self._child: Optional[Encoder] = None

        # what the first frame decides
        self._height = 0
        self._width = 0
        self._rows_below = 0  # added, as many as the encoder needs
        self._columns_right = 0

        self._tick = -1  # the time of the last frame

    def write(self, frame: np.ndarray, time: Optional[float] = None) -> None:
        """Append a frame. `time` in seconds from the video's start; without it `fps` decides."""
        if self._child is None:
            self._child = self._open(frame)
        self._require_size(frame)

        # two frames at the same time would make the encoder drop one
        if time is None:
            time = self.frames / self.fps
        self._tick = max(int(round(time * TICKS)), self._tick + 1)

        picture = cv2.cvtColor(self._extended(frame), cv2.COLOR_BGR2YUV_I420)
        try:
            self._send(self._child, picture)
        except OSError:  # the encoder has ended and said why
            self._child.finish(self._temporary)
            raise self._complaint(self._child) from None
        self.frames += 1

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        value: Optional[BaseException],
        where: Optional[TracebackType],
    ) -> None:
        # whether the file shall be kept, and if not, why
        trouble = value
        if self._child is not None:
            complete = self._finish(self._child)
            wanted = kind is None or issubclass(kind, KeyboardInterrupt)
            if complete and wanted:
                trouble = None
            elif value is None:
                trouble = self._complaint(self._child)
            elif wanted:  # Ctrl-C goes on, but the reader must hear what was lost
                print(f"trt_course: {self._complaint(self._child)}", file=sys.stderr)

        # the file gets its name, or is removed
        if trouble is None:
            self._file.close()
        else:
            self._file.__exit__(type(trouble), trouble, where)
        if trouble is not None and value is None:
            raise trouble

    def _finish(self, child: Encoder) -> bool:
        """Wait for the encoder; whether it ended well. Ctrl-C ends the encoder and the file."""
        try:
            return child.finish(self._temporary)
        except KeyboardInterrupt as stop:
            print(f"trt_course: {self._complaint(child)}", file=sys.stderr)
            self._file.__exit__(type(stop), stop, stop.__traceback__)
            raise

    def _open(self, frame: np.ndarray) -> Encoder:
        """Create the file and start its encoder, for frames of this one's size."""
        self._height, self._width = frame.shape[:2]
        with contextlib.ExitStack() as opening:  # without an encoder there is no file either
            self._temporary = opening.enter_context(self._outputs.whole_file(self.path))
            command = command_for(self.encoder, self._temporary)
            child = Encoder(command.words)
            self._file = opening.pop_all()

        self._rows_below = -self._height % command.step
        self._columns_right = -self._width % command.step
        return child

    def _require_size(self, frame: np.ndarray) -> None:
        height, width = frame.shape[:2]
        if (height, width) != (self._height, self._width):
            raise CourseError(
                f"{self.path}: frame {self.frames + 1} has size {width} x {height}; "
                f"the video began with {self._width} x {self._height}"
            )

    def _extended(self, frame: np.ndarray) -> np.ndarray:
        """The frame with copies of its last row and column: H.264 in yuv420p needs even sides."""
        if not (self._rows_below or self._columns_right):
            return frame
        return cv2.copyMakeBorder(
            frame,
            top=0,
            bottom=self._rows_below,
            left=0,
            right=self._columns_right,
            borderType=cv2.BORDER_REPLICATE,
        )

    def _send(self, child: Encoder, picture: np.ndarray) -> None:
        if not self.frames:
            width = self._width + self._columns_right
            height = self._height + self._rows_below
            child.write(matroska.stream_head(width, height, self.fps))
        microseconds = (self._tick * 1000000 + TICKS // 2) // TICKS
        child.write(matroska.picture_head(microseconds, picture.nbytes))
        child.write(picture)

    def _complaint(self, child: Encoder) -> CourseError:
        if child.was_killed:
            return CourseError(
                f"{self.path} is lost: its encoder was killed before it was done, by a second "
                "Ctrl-C or after half a minute without a sign of life."
            )
        return CourseError(
            f"{self.path} cannot be written: the encoder ended with status {child.status()}: "
            f"{child.first_words()}. Is the disk full?"
        )
