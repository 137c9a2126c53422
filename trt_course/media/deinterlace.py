"""Interlaced pictures, filmed as two halves of every other line, made whole by PyAV's bwdif filter.

The halves were taken one after the other. Simply woven together, whatever moves gets comb-like
edges.
"""

from typing import Any, List, Optional, Tuple

import cv2  # noqa: F401  before av: after it, cv2.imshow would hang

from ..support.errors import need

_SMALLEST = 16  # pixels of a side: the filter wants 3, also of colours that are stored coarser

_Form = Tuple[int, int, str]  # width, height, format of the pixels


class Deinterlacer:
    """Returns one frame for each that it is given, in order, but only after the next one came.

    Frames that are not interlaced pass unchanged.
    """

    def __init__(self, time_base: Any) -> None:
        self._filter = need("av.filter")
        self._time_base = time_base
        self._graph: Any = None
        self._form: Optional[_Form] = None  # of the frames that the graph was made for

    def push(self, frame: Any) -> List[Any]:
        """Give it a frame, and get those that are ready."""
        form = (frame.width, frame.height, frame.format.name)
        ready = []
        if form != self._form:
            ready = self.flush()
            self._graph = self._opened(frame)
            self._form = form
        self._graph.push(frame)
        return ready + self._ready()

    def flush(self) -> List[Any]:
        """The frames that it still holds. After that it can start again."""
        if self._graph is None:
            return []
        self._graph.push(None)
        ready = self._ready()
        self._graph = None
        self._form = None
        return ready

    def _opened(self, frame: Any) -> Any:
        """The filter for frames of this one's form."""
        graph = self._filter.Graph()
        source = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=self._time_base,
        )
        sink = graph.add("buffersink")
        if min(frame.width, frame.height) < _SMALLEST:
            graph.link_nodes(source, sink).configure()
            return graph

        bwdif = graph.add("bwdif", "mode=send_frame:deint=interlaced")
        graph.link_nodes(source, bwdif, sink).configure()
        return graph

    def _ready(self) -> List[Any]:
        frames = []
        while True:
            try:
                frames.append(self._graph.pull())
            except (BlockingIOError, EOFError):  # it wants another frame, or has no more
                return frames
