"""Video files decoded by the GPU's own decoder through PyNvVideoCodec; the frames stay on the GPU, as NV12 bytes.

For throughput: a thread of the decoder's own works ahead of its reader. Which files, the GPU decides.
"""
import atexit
import contextlib
import threading
from typing import Any, NamedTuple, Tuple

from ..errors import CourseError, need
from .sources import Source

_AT_ONCE, _AHEAD = 8, 16  # frames of one call; frames that the decoder's own thread has ready meanwhile
_spare = threading.local()  # the decoder of this thread's last file: a new one takes 60 ms, and holds up all others
atexit.register(lambda: vars(_spare).clear())  # while CUDA is still there


class GpuFrame(NamedTuple):
    """`nbytes` at a GPU address, valid until its source decodes again."""
    address: int
    nbytes: int
    size: Tuple[int, int]
    number: int
    time: float
    keep: Any


def _decoder(nvc, path):
    spare = vars(_spare).pop("decoder", None)
    if spare is not None:
        with contextlib.suppress(Exception):  # another codec, perhaps; and a new one says best what is wrong
            spare.reconfigure_decoder(path)
            return spare
    return nvc.ThreadedDecoder(path, _AHEAD, gpu_id=0, use_device_memory=True)


class GpuVideoFile(Source):
    """The frames of a video file on the GPU; another `size` than the wanted one is refused."""

    def __init__(self, path, loop=False, size=None):
        super().__init__(path, loop)
        nvc = need("PyNvVideoCodec")
        try:
            if self.uri.lower().endswith(".ts"):
                raise CourseError("PyNvVideoCodec loses frames of transport streams")
            self._decoder = _decoder(nvc, self.uri)
            facts, self.frames = self._decoder.get_stream_metadata(), len(self._decoder)
            if not self.frames:
                raise CourseError("it has no frames")
        except Exception as err:  # PyNvVideoCodec's own, and what its demuxer raises
            raise CourseError("{} cannot be decoded by the GPU: {}".format(
                path, " ".join(str(err).split())[:300])) from None
        self.size, self.fps = (facts.width, facts.height), facts.average_fps or 30.0
        self._number, self._ready, self._zero, self._time = 0, [], None, 0.0
        if size not in (None, self.size):
            self.close()
            raise CourseError("{} has frames of {} x {}; wanted: {} x {}".format(path, *self.size, *size))

    def read(self, timeout=None):
        self._ready = self._ready or self.read_some()
        return self._ready.pop(0) if self._ready else None

    def read_some(self):
        if self._decoder is None:
            return []
        blocks = self._decoder.get_batch_frames(_AT_ONCE)
        if not blocks and self.loop and self._number:
            self._decoder.reconfigure_decoder(self.uri)
            blocks, self._zero = self._decoder.get_batch_frames(_AT_ONCE), None
        if not blocks:
            self.short = self._number < self.frames * 0.98 - 1
            return []
        return [self._frame(block) for block in blocks]

    def _frame(self, block):
        number, told, after = self._number, block.timestamp / 1e3, self._time + 1 / self.fps
        if self._zero is None:
            self._zero = told - after if number else told
        time = told - self._zero
        self._number, self._time = number + 1, after if number and time <= self._time else time  # not all files tell it
        return GpuFrame(block.GetPtrToPlane(0), block.framesize(), self.size, number, self._time, block)

    def close(self):
        if self._decoder is not None:
            _spare.decoder = self._decoder
        self._decoder, self._ready = None, []
