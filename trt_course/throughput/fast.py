"""detect_fast: what `detect --fast` does, from the first question to the last line."""

import functools
import sys
from typing import List, Optional, Sequence

from ..engine.choose import BATCH
from ..engine.cpu import THREADS
from ..model.oddities import tell
from ..ssd import TrtSSD
from ..support.files import AnyPath
from ..support.outputs import Outputs
from .batches import DEADLINE
from .gpus import GPUS, detect_on_gpus
from .opening import is_one_camera, named
from .run import Run, detect_here
from .tables import table_path
from .tuning import OpenSsd, best_split, with_graph


def detect_fast(
    model: str,
    sources: Sequence[AnyPath],
    out: AnyPath = "out",
    conf_th: Optional[float] = None,
    batch: Optional[int] = None,
    deadline: float = 0.02,
    gpus: int = 1,
    backend: str = "auto",
    plan: Optional[str] = None,
    threads: int = 0,
    outputs: Optional[Outputs] = None,
) -> List[str]:
    """Detect in all frames of several sources at once, as fast as the machine allows.

    Writes a table of boxes for each source to `out`, prints what it did, and returns the complaints
    about what was not done.

    `batch` and `deadline` are detect_many's; `gpus` above 1 starts a process on each. `backend`,
    `plan` and `threads` are TrtSSD's, but on a CPU 0 threads means: as many as do best when tried.
    `outputs` says which files may be replaced (None: the kit's own).

    Ctrl-C keeps the boxes so far, prints what was done and what was not, and is raised again.
    """
    GPUS.require(gpus, "gpus")
    DEADLINE.require(deadline, "deadline")
    THREADS.require(threads, "threads")
    if batch is not None:
        BATCH.require(batch, "batch")
    listed = named(sources)
    one_camera = is_one_camera(listed)
    if outputs is None:
        outputs = Outputs()
    outputs.claim(*[table_path(out, source.name) for source in listed])

    # How a detector is opened, plainly and at its best.
    open_plain: OpenSsd = functools.partial(
        TrtSSD,
        model,
        backend=backend,
        plan=plan,
        threads=threads,
        lanes=1 if threads else 2,
        verbose=False,
    )
    open_best = open_plain
    if backend != "cpu":
        open_best = functools.partial(with_graph, open_plain)
        if one_camera:
            open_best = functools.partial(open_best, lanes=1)

    if gpus > 1:
        runs = detect_on_gpus(
            gpus,
            open_best,
            listed,
            out,
            conf_th=conf_th,
            batch=batch,
            deadline=deadline,
            outputs=outputs,
        )
        for number, run in enumerate(runs):
            print(f"GPU {number}: {run.report()}")
    else:
        ssd = open_best()
        print(ssd.why)
        if not (one_camera or threads or ssd.engine.on_gpu):
            ssd.close()
            ssd = open_plain(**best_split(open_plain, sources[0]))
        run = detect_here(
            lambda: ssd,
            listed,
            out,
            conf_th=conf_th,
            batch=batch,
            deadline=deadline,
            outputs=outputs,
        )
        runs = [run]

    total = Run.together(runs)
    print(f"{total.report()}. Tables: {out}")
    tell(total.oddities)
    if total.stop is not None:
        for complaint in total.complaints:
            print(f"trt_course: not done: {complaint}", file=sys.stderr)
        raise total.stop
    return total.complaints
