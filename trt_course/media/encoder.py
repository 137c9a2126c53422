"""The encoder of a video: a child process, how it is started and how it is ended."""

import contextlib
import functools
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, List, NamedTuple, Optional, Tuple

from ..support.children import signals_held_back
from ..support.errors import CourseError
from . import gstreamer
from .ffmpeg import ffmpeg_path

ENCODERS = ("auto", "x264", "jetson")
TICKS = 90000  # the file's units of time, a second
_PATIENCE = 30.0  # seconds without a sign of life after which an encoder is killed


class Encoder:
    """An encoder at work, a child process: a stream goes in at one end, a file comes out."""

    def __init__(self, words: List[str]) -> None:
        self.was_killed = False  # because it did not end by itself
        self._writing = False  # somebody is in `write`
        self._said = tempfile.TemporaryFile()  # noqa: SIM115, it lives as long as the encoder
        # In a session of its own, and deaf: Ctrl-C and SIGTERM may go to all processes of a
        # terminal or a service, but they are meant for us. The encoder ends with its input.
        with signals_held_back():
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=self._said,
                stderr=self._said,
                bufsize=0,  # the lock of a buffer would block whoever wants to end it
                start_new_session=True,
            )
        self._input: Any = self._process.stdin

    def write(self, data: Any) -> None:
        """Send bytes, or an array of them; an OSError if the encoder has ended."""
        left = memoryview(data).cast("B")
        self._writing = True
        try:
            while left:
                left = left[self._input.write(left) :]
        finally:
            self._writing = False

    def finish(self, file: Path) -> bool:
        """End its input and wait for it; whether it ended well. May be called again.

        It is killed when another thread is still stuck in `write`, when Ctrl-C comes, and when
        neither it nor its `file` has moved for a while.
        """
        if self._writing:
            self._kill()
        try:
            with contextlib.suppress(OSError):
                self._input.close()
            self._wait(file)
        except BaseException:
            self._kill()
            raise
        return self._process.returncode == 0 and not self.was_killed

    def status(self) -> Optional[int]:
        """The process's exit status; None while it runs."""
        return self._process.returncode

    def first_words(self) -> str:
        """The first line that it printed: the others usually follow from it."""
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        if not lines:
            return "it said nothing"
        return lines[0]

    def _wait(self, file: Path) -> None:
        """Wait until it ends. As long as the file grows or changes, it is at work."""
        last_state = None
        moved = time.monotonic()
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=min(1.0, _PATIENCE))
                return
            state = _state_of(file)
            now = time.monotonic()
            if state != last_state:
                last_state = state
                moved = now
            elif now - moved > _PATIENCE:
                self._kill()
                return

    def _kill(self) -> None:
        if self._process.poll() is None:
            self.was_killed = True
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=5)  # a disk that does not answer holds it even then


def _state_of(file: Path) -> Optional[Tuple[int, int]]:
    """The length of a file and when it was last changed; None if there is no file."""
    try:
        state = os.stat(str(file))
    except OSError:
        return None
    return (state.st_size, state.st_mtime_ns)


class Command(NamedTuple):
    """How an encoder is started, and what the sides of its pictures must be multiples of."""

    words: List[str]
    step: int


def command_for(encoder: str, path: Path) -> Command:
    """How to start one of ENCODERS so that it writes to `path`."""
    if encoder not in ENCODERS:
        allowed = ", ".join(ENCODERS)
        raise CourseError(f"There is no encoder '{encoder}'; allowed: {allowed}")

    on_jetson = gstreamer.has_element("nvv4l2h264enc")
    if encoder == "jetson" and not on_jetson:
        raise CourseError(
            "The encoder jetson is GStreamer's nvv4l2h264enc, which comes with JetPack and is not "
            "here. Use --encoder x264."
        )
    if on_jetson and encoder != "x264":
        return Command(gstreamer.encode(path), step=8)
    return Command(_x264(path), step=2)


def _x264(path: Path) -> List[str]:
    ffmpeg = ffmpeg_path()
    stream = "-v error -xerror -y -f matroska -i -"
    times = f"{_keep_times(ffmpeg)} passthrough -enc_time_base 1/{TICKS}"
    # without B-frames (-bf 0) the file keeps the pictures' own times, and its length is right even
    # at a variable rate
    codec = "-c:v libx264 -preset superfast -crf 24 -bf 0 -pix_fmt yuv420p"
    mp4 = f"-video_track_timescale {TICKS} -movflags +faststart -f mp4"
    options = f"{stream} {times} {codec} {mp4}".split()
    return [ffmpeg, *options, f"file:{path}"]


@functools.lru_cache(maxsize=None)
def _keep_times(ffmpeg: str) -> str:
    """The option that keeps the pictures' times, by its old or its new name."""
    try:
        known = subprocess.run(
            [ffmpeg, "-hide_banner", "-h", "long"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE,
        )
    except subprocess.TimeoutExpired:
        raise CourseError(f"The encoder {ffmpeg} does not answer. Was it stopped?") from None
    if b"-fps_mode" in known.stdout:
        return "-fps_mode"
    return "-vsync"
