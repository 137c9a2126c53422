"""detect_live: one camera with the least delay, in one thread; no picture waits for another."""

import time
from typing import List, Optional

from ..ssd import TrtSSD
from .batches import Seen
from .many import Keep
from .readers import Opener, frames_of


def detect_live(
    ssd: TrtSSD, opener: Opener, keep: Keep, conf_th: Optional[float] = None
) -> List[str]:
    """Detect in each frame of one source as it comes; returns the complaints, as detect_many does.

    `keep(seen, found)` gets each picture's boxes before the next frame is read.
    """
    complaints: List[str] = []
    with opener() as source:
        for frames in frames_of(source, 0, complaints, wait_for_room=_there_is_room):
            moment = time.perf_counter()
            for frame in frames:
                prepared = ssd.prepare([frame.image])
                outputs = ssd.engine.infer(prepared.request)
                found = ssd.finish(prepared, outputs, conf_th)[0]
                placement = prepared.placements[0]
                keep(Seen(0, frame.number, frame.time, moment, placement), found)
    return complaints


def _there_is_room() -> bool:
    """Always: nothing is in line."""
    return True
