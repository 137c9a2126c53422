"""Pictures that were filmed as two halves of every other line, made whole by PyAV's bwdif filter.

The halves were taken one after the other: woven together, whatever moves has combs at its sides.
"""

from typing import Any, List, Optional, Tuple

import cv2  # noqa: F401  before av: after it, cv2.imshow would hang

from ..support.errors import need

_Form = Tuple[int, int, str]  # width, height, format of the pixels


class Deinterlacer:
    """One frame out for each frame in, in order, but only when it has seen the next one too.

    Frames that are not interlaced pass as they are.
    """

    def __init__(self, time_base: Any) -> None:
        self._filter = need("av.filter")
        self._time_base = time_base
        self._graph: Any = None
        self._form: Optional[_Form] = None  # of the frames that it was made for

    def push(self, frame: Any) -> List[Any]:
        """Give it a frame, and take what is ready."""
        form = (frame.width, frame.height, frame.format.name)
        ready = []
        if form != self._form:
            ready = self.flush()
            self._graph = self._opened(frame)
            self._form = form
        self._graph.push(frame)
        return ready + self._ready()

    def flush(self) -> List[Any]:
        """What it still holds. The next frame opens it anew."""
        if self._graph is None:
            return []
        self._graph.push(None)
        ready = self._ready()
        self._graph = None
        self._form = None
        return ready

    def _opened(self, frame: Any) -> Any:
        """The filter, for frames of this form."""
        graph = self._filter.Graph()
        source = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=self._time_base,
        )
        bwdif = graph.add("bwdif", "mode=send_frame:deint=interlaced")
        sink = graph.add("buffersink")
        graph.link_nodes(source, bwdif, sink).configure()
        return graph

    def _ready(self) -> List[Any]:
        frames = []
        while True:
            try:
                frames.append(self._graph.pull())
            except (BlockingIOError, EOFError):  # it wants another frame, or has no more
                return frames
