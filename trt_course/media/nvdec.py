"""Video files decoded by the GPU's own decoder through PyNvVideoCodec; the frames stay on the GPU, as NV12 bytes.

For throughput: of a frame's time it knows only its number over the file's rate. Which files, the GPU decides.
"""

import atexit
import contextlib
import threading
from typing import Any, NamedTuple, Tuple

from ..support.errors import CourseError, need
from .base import Source, cut_off

_AT_ONCE = 16  # frames a call: fewer calls wait less for Python's lock, more are lost before a damaged place
_spare = (
    threading.local()
)  # the decoder of this thread's last file: a new one takes 60 ms, and holds up all others
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
        with contextlib.suppress(
            Exception
        ):  # another codec, perhaps; and a new one says best what is wrong
            spare.reconfigure_decoder(path)
            return spare
    # not its ThreadedDecoder, which works ahead: of 2.2.4's one run in sixty ended in a damaged heap
    return nvc.SimpleDecoder(path, gpu_id=0, use_device_memory=True)


class GpuVideoFile(Source):
    """The frames of a video file on the GPU; another `size` than the wanted one is refused."""

    def __init__(self, path, size=None):
        super().__init__(path)
        nvc = need("PyNvVideoCodec")
        try:
            if self.uri.lower().endswith(".ts"):
                raise CourseError("PyNvVideoCodec finds no frames in transport streams")
            self._decoder = _decoder(nvc, self.uri)
            facts, self.frames = self._decoder.get_stream_metadata(), len(self._decoder)
        except Exception as err:  # PyNvVideoCodec's own, and what its demuxer raises
            raise CourseError(
                "{} cannot be decoded by the GPU: {}".format(path, " ".join(str(err).split())[:300])
            ) from None
        self.size, self.fps = (facts.width, facts.height), facts.average_fps or 30.0
        self._number, self._ready = 0, []
        if size not in (None, self.size):
            self.close()
            raise CourseError(
                "{} has frames of {} x {}; wanted: {} x {}".format(path, *self.size, *size)
            )

    def read(self, timeout=None):
        self._ready = self._ready or self.read_some()
        return self._ready.pop(0) if self._ready else None

    def read_some(self):
        if self._number >= self.frames:
            return []
        try:
            blocks = self._decoder.get_batch_frames(min(_AT_ONCE, self.frames - self._number))
        except Exception:  # PyNvVideoCodec's own: there are fewer than the file claims
            self.short, self.frames = cut_off(self.frames, self._number), 0
            return []
        some = [
            GpuFrame(
                block.GetPtrToPlane(0),
                block.framesize(),
                self.size,
                number,
                number / self.fps,
                block,
            )
            for number, block in enumerate(blocks, self._number)
        ]
        self._number += len(some)
        return some

    def close(self):
        if self._decoder is not None and not self.short:
            _spare.decoder = self._decoder
        self._decoder, self._ready, self.frames = None, [], 0
