"""The readers of one run: each, in a thread of its own, opens sources and fills batches."""

import queue
import time
from typing import Any, Callable, Iterator, List, NamedTuple, Sequence, Union, cast

from ..engine import Request
from ..engine.trt import TrtEngine
from ..media.base import Frame, Source, require_whole
from ..media.nvdec import GpuFrame
from ..model.placement import Placement
from ..ssd import TrtSSD
from ..support import trace
from ..support.errors import CourseError
from .batches import NOBODY, Batches, Places, Seen

Opener = Callable[[], Source]
Frames = Sequence[Union[Frame, GpuFrame]]  # of one read, all of the same kind


class NumberedOpener(NamedTuple):
    """Opens a source; `number` is its place among the sources of the run, from 0."""

    number: int
    open: Opener


class Filler:
    """Puts one reader's frames where the network reads them, by the shortest way.

    Make it in the engine's thread; use it in the reader's.
    """

    def __init__(self, ssd: TrtSSD) -> None:
        # Where frames of a decoder on the GPU lie in the network's input: all at the same place.
        # Only an engine that takes such frames gets them, and it has a Placement inside.
        self._inner = cast(Placement, ssd.inner)

        # How a picture in the host's memory becomes a tensor.
        self._preprocess = ssd.new_preprocessor()
        self._input = ssd.engine.inputs[0].name

        # What brings pictures into the GPU's memory, where the network is there.
        self._placer: Any = None
        if ssd.engine.on_gpu:
            self._placer = cast(TrtEngine, ssd.engine).placer()

    def fill(self, frames: Frames, request: Request, first: int) -> List[Placement]:
        """Put frames into a request, from the place `first` on; where each picture lies then."""
        if isinstance(frames[0], GpuFrame):
            self._placer(request, first, frames)
            return [self._inner] * len(frames)

        pictures = cast(Sequence[Frame], frames)
        tensors = request.inputs[self._input][first : first + len(frames)]  # (n, ...)
        placements = [
            self._preprocess(frame.image, tensor) for frame, tensor in zip(pictures, tensors)
        ]
        if self._placer is not None:
            self._placer(request, first, tensors)
        return placements

    def settle(self) -> None:
        """Wait until nothing is copied any more from the memory that the frames lie in."""
        if self._placer is not None:
            self._placer.wait()


class Reader:
    """One reader: takes the next source that waits, reads it to its end, and so on.

    What goes wrong with a source is a complaint, and ends that source alone.
    """

    def __init__(
        self,
        waiting: "queue.Queue[NumberedOpener]",
        batches: Batches,
        filler: Filler,
        complaints: List[str],
    ) -> None:
        # Shared with the other readers.
        self._waiting = waiting
        self._batches = batches
        self._complaints = complaints

        # Its own.
        self._filler = filler

    def run(self) -> None:
        """Read sources until none waits, or the run ends."""
        try:
            goes_on = True
            while goes_on:
                number, opener = self._waiting.get_nowait()
                goes_on = self._read(number, opener)
        except queue.Empty:
            pass
        finally:
            self._batches.leave()

    def _read(self, number: int, opener: Opener) -> bool:
        """Read one source to its end, or until it breaks; False when the run ends."""
        try:
            with opener() as source:
                try:
                    return self._put_all(number, source)
                finally:
                    self._filler.settle()
        except Exception as err:  # also a decoder's own: the other sources go on
            self._complaints.append(complaint_about(number, err))
        return True

    def _put_all(self, number: int, source: Source) -> bool:
        """All frames of a source into the batches; False when the run ends."""
        wait_for_room = self._batches.wait_for_room
        for frames in frames_of(source, number, self._complaints, wait_for_room):
            moment = time.perf_counter()
            while frames:
                places = self._batches.take(len(frames))
                if places is None:
                    return False
                self._fill(places, number, frames[: places.length], moment)
                frames = frames[places.length :]
        return True

    def _fill(self, places: Places, number: int, frames: Frames, moment: float) -> None:
        """Frames that were read at a moment into the places that were taken for them."""
        batch, first, length = places
        rows = [NOBODY] * length
        try:
            with trace.span("fill", source=number, frame=frames[0].number):
                placements = self._filler.fill(frames, batch.request, first)
                rows = [
                    Seen(number, frame.number, frame.time, moment, placement)
                    for frame, placement in zip(frames, placements)
                ]
        finally:
            # Also after an error: the batch waits for all places that were taken.
            self._batches.fill(batch, first, rows)


def frames_of(
    source: Source, number: int, complaints: List[str], wait_for_room: Callable[[], bool]
) -> Iterator[List[Any]]:
    """The frames of each read, until the source ends, or `wait_for_room` says that the run does.

    A live source is read when there is room: its frame must be new. A frame that cannot be read is
    a complaint where the source goes on after it, else an error.
    """
    while not source.live or wait_for_room():
        try:
            with trace.span("read", source=number):
                frames = source.read_some()
        except CourseError as err:
            if not source.goes_on:
                raise
            complaints.append(complaint_about(number, err))
            continue
        if not frames:
            require_whole(source)
            return
        yield frames


def complaint_about(number: int, err: Exception) -> str:
    """What went wrong with a source, in a sentence; sources are counted from 1 there."""
    if isinstance(err, CourseError):
        return str(err)
    return f"source {number + 1}: {type(err).__name__}: {err}"
