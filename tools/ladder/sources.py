"""Sources that never run dry: each gives pictures for some seconds, counted from its first one.

The functions at the end return openers, one for each reader, as `detect_many` takes them.
"""

import functools
import threading
import time
from pathlib import Path
from typing import Callable, List, Optional, Sequence, Union

from trt_course.engine.cuda import open_cuda
from trt_course.media.base import Frame, Source
from trt_course.media.nvdec import GpuFrame, GpuVideoFile

SIZE = (1280, 720)
CLIP = Path(__file__).resolve().parents[2] / "data" / "street.mp4"

AT_ONCE = 8  # frames that Ready hands over together, as a decoder does
CAMERA_FPS = 60
KEPT_ON_GPU = 32  # different frames on the GPU

AnyFrame = Union[Frame, GpuFrame]
Opener = Callable[[], Source]


class Cycle(Source):
    """The same frames again and again."""

    def __init__(self, frames: Sequence[AnyFrame], seconds: float) -> None:
        super().__init__("memory")
        self._frames = frames
        self._seconds = seconds
        self._number = 0
        self._end: Optional[float] = None  # known from the first read on

    def read(self, timeout: Optional[float] = None) -> Optional[AnyFrame]:
        """The next frame, or None when the time is up."""
        if self._is_over():
            return None
        self._number += 1
        frame = self._frames[self._number % len(self._frames)]
        return frame._replace(number=self._number)

    def _is_over(self) -> bool:
        now = time.perf_counter()
        if self._end is None:
            self._end = now + self._seconds
        return now > self._end

    def close(self) -> None:
        """Let go of the frames."""
        self._frames = []


class Ready(Cycle):
    """Frames that lie in memory, handed over eight at a time.

    A decoder hands over several, too: each hand-over waits for Python's lock.
    """

    def read_some(self) -> List[AnyFrame]:
        """The next eight frames; fewer, or none, when the time is up."""
        frames = [self.read() for _ in range(AT_ONCE)]
        return [frame for frame in frames if frame is not None]


class Camera(Cycle):
    """Frames at the pace of a camera."""

    def read(self, timeout: Optional[float] = None) -> Optional[AnyFrame]:
        """Wait for the next frame as for a camera's."""
        time.sleep(1 / CAMERA_FPS)
        return super().read()


class Decoded(Cycle):
    """A video file again and again, decoded on the GPU. All readers begin together."""

    def __init__(self, path: Path, seconds: float, ready: threading.Barrier) -> None:
        super().__init__([], seconds)
        self._path = path
        self._file: Optional[GpuVideoFile] = None

        # To make a decoder holds everybody up, so it is done before anybody's time runs.
        self._first = self._begin()
        ready.wait(60)

    def _begin(self) -> List[GpuFrame]:
        """Open the file anew; its first frames."""
        self.close()
        self._file = GpuVideoFile(self._path)
        return self._file.read_some()

    def read_some(self) -> List[GpuFrame]:
        """The next frames of the file, from its start again after its end."""
        if self._is_over():
            return []

        some = self._first
        self._first = []
        if not some:
            some = self._file.read_some()
        if not some:
            some = self._begin()
        return some

    def close(self) -> None:
        """Hand the decoder back."""
        if self._file is not None:
            self._file.close()


def in_memory(frames: Sequence[AnyFrame], seconds: float, count: int) -> List[Opener]:
    """Readers that share the frames between them."""
    return [functools.partial(Ready, frames[i::count], seconds) for i in range(count)]


def decoded(seconds: float, count: int) -> List[Opener]:
    """Readers of the sample clip, each with a decoder of the GPU."""
    ready = threading.Barrier(count)
    opener = functools.partial(Decoded, CLIP, seconds, ready)
    return [opener for _ in range(count)]


def frames_on_gpu() -> List[GpuFrame]:
    """Frames of the sample clip that lie on the GPU as a decoder leaves them."""
    cuda = open_cuda("cuda-python")
    width, height = SIZE
    nbytes = width * height * 3 // 2  # NV12: a byte of brightness, half a byte of colour
    video = GpuVideoFile(CLIP)
    kept = []

    # The decoder uses its memory again, so each frame is copied to a place of its own.
    for number in range(KEPT_ON_GPU):
        address = cuda.alloc(nbytes)
        frame = video.read()
        stream = cuda.stream()
        done = cuda.event()
        cuda.copy_on(address, [frame.address], nbytes, stream)
        cuda.record(done, stream)
        cuda.wait(done)
        kept.append(GpuFrame(address, nbytes, SIZE, number, 0.0, cuda))
    return kept
