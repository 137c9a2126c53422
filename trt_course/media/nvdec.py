"""Video files decoded by the GPU's own decoder, through PyNvVideoCodec; frames stay on the GPU.

For throughput: a frame's time is only its number over the file's rate. The GPU decides which files
it can decode; what it would show wrong is refused here, and left to the CPU.
"""

import atexit
import contextlib
import threading
from pathlib import Path
from typing import Any, List, NamedTuple, Optional, Tuple, Union

from ..support.errors import CourseError, need
from .base import Source, cut_off
from .containers import kind_of_video
from .video_file import require_plain

# frames a call: fewer calls wait less for Python's lock, more are lost before a damaged place
_AT_ONCE = 16

# each thread keeps the `decoder` of its last file: a new one takes 60 ms, and holds up all others
_spare = threading.local()


@atexit.register
def _free_spare_decoder() -> None:
    """While CUDA is still there."""
    vars(_spare).clear()


class GpuFrame(NamedTuple):
    """A frame in the GPU's memory, as NV12; valid until its source decodes again."""

    address: int
    nbytes: int
    size: Tuple[int, int]  # width, height
    number: int
    time: float  # seconds from the file's start
    keep: Any  # the decoder's own object, which holds the memory


class GpuVideoFile(Source[GpuFrame]):
    """The frames of a video file on the GPU. With a `size`, a file of another one is refused."""

    def __init__(self, path: Union[str, Path], size: Optional[Tuple[int, int]] = None) -> None:
        super().__init__(path)
        codec = need("PyNvVideoCodec")
        require_plain(self.uri)
        try:
            self._decoder = _open_decoder(codec, self.uri)
            facts = self._decoder.get_stream_metadata()
            claim = len(self._decoder)
        except Exception as err:  # PyNvVideoCodec's own, and what its demuxer raises
            why = " ".join(str(err).split())[:300]
            raise CourseError(f"{path} cannot be decoded by the GPU: {why}") from None

        # what the file claims
        self.size: Tuple[int, int] = (facts.width, facts.height)
        self.fps = facts.average_fps or 30.0
        self.frames = claim

        # how far it has been read
        self._number = 0  # of the next frame
        self._left = claim
        self._ready: List[GpuFrame] = []  # decoded with others, for `read`

        if size is not None and size != self.size:
            self.close()
            raise CourseError(
                f"{path} has frames of {facts.width} x {facts.height}; "
                f"wanted: {size[0]} x {size[1]}"
            )

    def read(self, timeout: Optional[float] = None) -> Optional[GpuFrame]:
        """The next frame; None at the end."""
        if not self._ready:
            self._ready = self.read_some()
        if not self._ready:
            return None
        return self._ready.pop(0)

    def read_some(self) -> List[GpuFrame]:
        """The frames of one call of the decoder; none at the end."""
        if self._left <= 0:
            return []
        try:
            blocks = self._decoder.get_batch_frames(min(_AT_ONCE, self._left))
        except Exception:  # PyNvVideoCodec's own: there are fewer than the file claims
            self.short = cut_off(self.frames, self._number)
            self._left = 0
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
        self._left -= len(some)
        return some

    def close(self) -> None:
        """Keep the decoder for this thread's next file; one at a damaged place is freed."""
        if self._decoder is not None and not self.short:
            _spare.decoder = self._decoder
        self._decoder = None
        self._ready = []
        self._left = 0


def _open_decoder(codec: Any, path: str) -> Any:
    """The one that this thread has to spare, or a new one."""
    if kind_of_video(path) == "mpegts":
        raise CourseError("PyNvVideoCodec finds no frames in transport streams")

    spare = vars(_spare).pop("decoder", None)
    if spare is not None:
        # it may be for another codec; and where a file is bad, a new one says best why
        with contextlib.suppress(Exception):
            spare.reconfigure_decoder(path)
            return spare

    # not its ThreadedDecoder, which works ahead: 2.2.4's damaged the heap in one run of sixty
    return codec.SimpleDecoder(path, gpu_id=0, use_device_memory=True)
