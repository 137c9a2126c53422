"""detect_live: one camera with the least delay, in one thread; no picture waits for another."""

import time
from typing import Dict, List, Optional

import numpy as np

from ..ssd import TrtSSD
from .batches import Seen
from .many import Keep
from .readers import Opener, frames_of


def detect_live(
    ssd: TrtSSD,
    opener: Opener,
    keep: Keep,
    conf_th: Optional[float] = None,
    complaints: Optional[List[str]] = None,
) -> List[str]:
    """Detect in each frame of one source as it comes; returns the complaints, as detect_many does.

    `keep(seen, found)` gets each picture's boxes before the next frame is read.
    """
    if complaints is None:
        complaints = []
    outputs: Optional[Dict[str, np.ndarray]] = None
    with opener() as source:
        for frames in frames_of(source, 0, complaints, wait_for_room=_there_is_room):
            moment = time.perf_counter()
            for frame in frames:
                prepared = ssd.prepare([frame.image])
                ssd.engine.submit(prepared.request)

                # While the GPU works, decode the last outputs once more, for nothing: what
                # decoding needs is in the processor's caches when the new ones come. Then it
                # takes 0.05 ms in place of 0.22 (docs/measured.md).
                if outputs is not None:
                    ssd.finish(prepared, outputs, conf_th, count=False)

                outputs = ssd.engine.result(prepared.request)
                found = ssd.finish(prepared, outputs, conf_th)[0]
                placement = prepared.placements[0]
                keep(Seen(0, frame.number, frame.time, moment, placement), found)
    return complaints


def _there_is_room() -> bool:
    """Always: nothing is in line."""
    return True
