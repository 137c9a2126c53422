"""Writes an H.264 MP4 that plays in a browser: yuv420p, its index at the front.

Raw pictures go to the encoder, a child process, as Matroska, which carries their times: a variable
rate stays one, to 1/90000 s. The file takes its final name when it is whole. No sound, one size
for all frames.
"""

import contextlib
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, List, NamedTuple, Optional, Type, Union

import cv2
import numpy as np

from ..support.errors import CourseError, need
from ..support.outputs import Outputs
from . import gstreamer, matroska

ENCODERS = ("auto", "x264", "jetson")
_TICKS = 90000  # the file's units of time, a second


class VideoWriter:
    """A context manager; `write` takes BGR frames. The first one opens the file and gives its size.

    Ctrl-C ends the file where it is, and keeps it; any other exception leaves none. `outputs` says
    which files may be replaced (None: the kit's own).

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

        # the file under its temporary name, and who writes it; both from the first frame on
        self._file = contextlib.ExitStack()
        self._child: Optional[_Encoder] = None

        # what the first frame decides
        self._height = 0
        self._width = 0
        self._rows_below = 0  # added, as many as the encoder wants
        self._columns_right = 0

        self._tick = -1  # the time of the last frame

    def write(self, frame: np.ndarray, time: Optional[float] = None) -> None:
        """Append a frame. `time` in seconds from the video's start; without it `fps` decides."""
        if self._child is None:
            self._child = self._open(frame)
        self._require_size(frame)

        # no two frames at the same time, or the encoder would leave one out
        if time is None:
            time = self.frames / self.fps
        self._tick = max(int(round(time * _TICKS)), self._tick + 1)

        picture = cv2.cvtColor(self._extended(frame), cv2.COLOR_BGR2YUV_I420)
        try:
            self._send(self._child, picture)
        except OSError:  # the encoder is gone, and has said why
            self._child.finish()
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
            complete = self._child.finish()
            wanted = kind is None or issubclass(kind, KeyboardInterrupt)
            if complete and wanted:
                trouble = None
            elif value is None:
                trouble = self._complaint(self._child)

        # it takes its name, or is removed
        if trouble is None:
            self._file.close()
        else:
            self._file.__exit__(type(trouble), trouble, where)
        if trouble is not None and value is None:
            raise trouble

    def _open(self, frame: np.ndarray) -> "_Encoder":
        """Begin the file and start its encoder, for frames of this one's size."""
        self._height, self._width = frame.shape[:2]
        with contextlib.ExitStack() as opening:  # without an encoder there is no file either
            temporary = opening.enter_context(self._outputs.whole_file(self.path))
            command = _command(self.encoder, temporary)
            child = _Encoder(command.words)
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
        """By copies of its last row and column: H.264 in yuv420p wants even sides."""
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

    def _send(self, child: "_Encoder", picture: np.ndarray) -> None:
        if not self.frames:
            width = self._width + self._columns_right
            height = self._height + self._rows_below
            child.write(matroska.stream_head(width, height, self.fps))
        microseconds = (self._tick * 1000000 + _TICKS // 2) // _TICKS
        child.write(matroska.picture_head(microseconds, picture.nbytes))
        child.write(picture)

    def _complaint(self, child: "_Encoder") -> CourseError:
        return CourseError(
            f"{self.path} cannot be written, the encoder ended with status {child.status()}: "
            f"{child.first_words()}. Is the disk full?"
        )


class _Encoder:
    """An encoder at work, a child process: a stream goes in at one end, a file comes out."""

    def __init__(self, words: List[str]) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115, it lives as long as the encoder
        # in a session of its own: Ctrl-C at the terminal is for us, the encoder ends with its input
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=self._said,
            stderr=self._said,
            start_new_session=True,
        )
        self._input: Any = self._process.stdin

    def write(self, data: Any) -> None:
        """Bytes, or an array of them; an OSError where the encoder has ended."""
        self._input.write(data)

    def finish(self) -> bool:
        """End its input and wait for it; whether it ended well. May be called again."""
        with contextlib.suppress(OSError):
            self._input.close()
        return self._process.wait() == 0

    def status(self) -> Optional[int]:
        """What the process ended with."""
        return self._process.returncode

    def first_words(self) -> str:
        """The first line of what it said: the others mostly follow from it."""
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        if not lines:
            return "it said nothing"
        return lines[0]


class _Command(NamedTuple):
    """How an encoder is started, and what the sides of its pictures must be multiples of."""

    words: List[str]
    step: int


def _command(encoder: str, path: Path) -> _Command:
    if encoder not in ENCODERS:
        allowed = ", ".join(ENCODERS)
        raise CourseError(f"There is no encoder '{encoder}'; allowed: {allowed}")

    on_jetson = gstreamer.has_element("nvv4l2h264enc")
    if encoder == "jetson" and not on_jetson:
        raise CourseError(
            "The encoder jetson is GStreamer's nvv4l2h264enc, which comes with JetPack and is not "
            "here. Take --encoder x264."
        )
    if on_jetson and encoder != "x264":
        return _Command(gstreamer.encode(path), step=8)
    return _Command(_x264(path), step=2)


def _x264(path: Path) -> List[str]:
    ffmpeg = shutil.which("ffmpeg") or need("imageio_ffmpeg").get_ffmpeg_exe()
    stream = "-v error -xerror -y -f matroska -i -"
    times = f"{_keep_times(ffmpeg)} passthrough -enc_time_base 1/{_TICKS}"
    # without B-frames (-bf 0) the times in the file are the pictures' own, and its length is right
    # at a variable rate
    codec = "-c:v libx264 -preset superfast -crf 24 -bf 0 -pix_fmt yuv420p"
    mp4 = f"-video_track_timescale {_TICKS} -movflags +faststart -f mp4"
    options = f"{stream} {times} {codec} {mp4}".split()
    return [ffmpeg, *options, f"file:{path}"]


@functools.lru_cache(maxsize=None)
def _keep_times(ffmpeg: str) -> str:
    """The option that keeps the pictures' times, by its old or its new name."""
    known = subprocess.run(
        [ffmpeg, "-hide_banner", "-h", "long"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    if b"-fps_mode" in known.stdout:
        return "-fps_mode"
    return "-vsync"
