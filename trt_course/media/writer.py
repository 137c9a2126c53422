"""Writes an H.264 MP4 that plays in a browser: yuv420p, its index at the front, each frame at its own time.

Raw pictures go to the encoder, a child process, as Matroska, which carries their times: a variable rate stays one, to
1/90000 s. The file takes its final name when it is whole. No sound, one size for all frames.
"""

import functools
import shutil
import subprocess
import tempfile
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path

import cv2

from ..support.errors import CourseError, need
from ..support.files import require_apart, kit_path, whole_file
from ..support.progress import progress
from . import gstreamer
from .base import check_whole
from .pipeline import ahead
from .sources import open_source

ENCODERS = ("auto", "x264", "jetson")
_TICKS = 90000  # the file's units of time, a second


@functools.lru_cache(maxsize=None)
def _keep_times(ffmpeg):
    known = subprocess.run(
        [ffmpeg, "-hide_banner", "-h", "long"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return "-fps_mode" if b"-fps_mode" in known.stdout else "-vsync"


def _x264(path):
    ffmpeg = shutil.which("ffmpeg") or need("imageio_ffmpeg").get_ffmpeg_exe()
    # without B-frames the times in the file are the pictures' own, and its length is right at a variable rate
    return (
        [ffmpeg]
        + (
            f"-v error -xerror -y -f matroska -i - {_keep_times(ffmpeg)} passthrough -enc_time_base 1/{_TICKS} -c:v libx264 "
            f"-preset superfast -crf 24 -bf 0 -pix_fmt yuv420p -video_track_timescale {_TICKS} -movflags "
            "+faststart -f mp4"
        ).split()
        + ["file:" + str(path)]
    )


def _command(encoder, path):
    """The encoder's command, and what the sides of a picture must be multiples of."""
    if encoder not in ENCODERS:
        raise CourseError(
            "There is no encoder '{}'; allowed: {}".format(encoder, ", ".join(ENCODERS))
        )
    on_jetson = gstreamer.has_element("nvv4l2h264enc")
    if encoder == "jetson" and not on_jetson:
        raise CourseError(
            "The encoder jetson is GStreamer's nvv4l2h264enc, which comes with JetPack and is not here. "
            "Take --encoder x264."
        )
    return (gstreamer.encode(path), 8) if encoder != "x264" and on_jetson else (_x264(path), 2)


def _element(name, payload, to_come=0):
    return bytes.fromhex(name) + (len(payload) + to_come | 1 << 56).to_bytes(8, "big") + payload


def _number(name, value):
    return _element(name, value.to_bytes(8, "big"))


def _head(width, height, fps):
    """The start of a Matroska stream: times in microseconds, one track of raw I420."""
    video = _element(
        "e0", _number("b0", width) + _number("ba", height) + _element("2eb524", b"I420")
    )
    track = [
        _number("d7", 1),
        _number("73c5", 1),
        _number("83", 1),
        _number("23e383", int(round(1e9 / fps))),
        _element("86", b"V_UNCOMPRESSED"),
        video,
    ]
    return (
        _element("1a45dfa3", _element("4282", b"matroska"))
        + bytes.fromhex("18538067")
        + b"\x01"
        + b"\xff" * 7
        + _element("1549a966", _number("2ad7b1", 1000))
        + _element("1654ae6b", _element("ae", b"".join(track)))
    )


def _frame_head(tick, size):
    """What stands before a picture of `size` bytes: a cluster of its own, so that its time may be any."""
    time = _number("e7", (tick * 1000000 + _TICKS // 2) // _TICKS)
    return _element("1f43b675", time + _element("a3", b"\x81\0\0\x80", size), size)


class VideoWriter(AbstractContextManager):
    """A context manager; `write` takes BGR frames. The file opens with the first frame and takes its size.

    Ctrl-C ends the file where it is, and keeps it; any other exception leaves none.
    """

    def __init__(self, path, fps=0.0, encoder="auto"):
        self.path, self.fps, self.encoder, self.frames = path, fps or 30.0, encoder, 0
        self._child = self._whole = self._size = None
        self._tick = -1

    def write(self, frame, time=None):
        """`time` in seconds from the video's start; without it the frames follow each other at `fps`."""
        if self._child is None:
            self._open(frame)
        if frame.shape[:2] != self._size:
            raise CourseError(
                f"{self.path}: frame {self.frames + 1} has size {frame.shape[1]} x {frame.shape[0]}; the video began with {self._size[1]} x {self._size[0]}"
            )
        seconds = self.frames / self.fps if time is None else time
        self._tick = max(int(round(seconds * _TICKS)), self._tick + 1)
        h, w = self._size
        if h % self._step or w % self._step:  # H.264 in yuv420p wants even sides
            frame = cv2.copyMakeBorder(
                frame, 0, -h % self._step, 0, -w % self._step, cv2.BORDER_REPLICATE
            )
        picture = cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420)
        try:
            self._child.stdin.write(self._head + _frame_head(self._tick, picture.nbytes))
            self._child.stdin.write(picture)
            self._head = b""
        except OSError:  # the encoder is gone, and has said why
            self._finish()
            raise self._complaint() from None
        self.frames += 1

    def _open(self, frame):
        self._size = h, w = frame.shape[:2]
        self._whole = whole_file(self.path)
        command, self._step = _command(self.encoder, self._whole.__enter__())
        self._said = tempfile.TemporaryFile()  # noqa: SIM115, it lives as long as the encoder
        # in a session of its own: Ctrl-C at the terminal is for us, the encoder ends with its input
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=self._said,
            stderr=self._said,
            start_new_session=True,
        )
        self._head = _head(w + -w % self._step, h + -h % self._step, self.fps)

    def _finish(self):
        """End the encoder; True where it ended well."""
        with suppress(OSError):
            self._child.stdin.close()
        return self._child.wait() == 0

    def _complaint(self):
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").strip().splitlines()
        return CourseError(
            "{} cannot be written, the encoder ended with status {}: {}. Is the disk full?".format(
                self.path, self._child.returncode, said[0] if said else "it said nothing"
            )
        )

    def __exit__(self, kind, value, trace):
        if self._whole is None:
            return
        good = self._child is not None and self._finish()
        keep = good and (kind is None or issubclass(kind, KeyboardInterrupt))
        trouble = None if keep else value or self._complaint()
        self._whole.__exit__(trouble and type(trouble), trouble, trace)
        if trouble is not None and kind is None:
            raise trouble


def transcode(source, out="out", encoder="auto"):
    """Any video file, such as the AVI of the original course, as out/NAME.mp4 for a browser. Returns its path."""
    source = kit_path(source)
    target = Path(str(out)) / (source.stem + ".mp4")
    require_apart(source, target)
    with open_source(source) as video, VideoWriter(target, video.fps, encoder) as writer, closing(
        ahead(video)
    ) as frames:
        for frame in progress(frames, total=video.frames, desc="transcode", unit="frame"):
            writer.write(frame.image, frame.time)
    if not writer.frames:
        raise CourseError(f"{source} holds no frame that can be read.")
    check_whole(video)
    return target
