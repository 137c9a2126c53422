"""detect_on_gpus: a process on each GPU, with its share of the sources."""

import functools
import multiprocessing
import os
from queue import Empty
from typing import Any, Callable, List, Optional, Sequence

from ..support.errors import CourseError
from ..support.files import AnyPath
from ..support.ranges import whole
from .opening import NamedSource
from .run import Run, detect_here
from .tuning import OpenSsd

GPUS = whole(1, 64)  # of one machine
_LOOK_SECONDS = 1  # so often it is asked whether a process that says nothing is still there


def detect_on_gpus(
    count: int,
    open_ssd: OpenSsd,
    sources: Sequence[NamedSource],
    out: AnyPath,
    conf_th: Optional[float] = None,
    batch: Optional[int] = None,
    deadline: float = 0.02,
) -> List[Run]:
    """detect_here in a process on each of `count` GPUs; their Runs, in the GPUs' order.

    The sources are dealt out like cards; where there are fewer of them than GPUs, some GPUs get no
    process. `open_ssd` is sent to the processes: it must be a module's function, or a partial of
    one.
    """
    GPUS.require(count, "count")
    processes = []
    for number in range(min(count, len(sources))):
        share = functools.partial(
            detect_here,
            open_ssd,
            sources[number::count],
            out,
            conf_th=conf_th,
            batch=batch,
            deadline=deadline,
        )
        process = _GpuProcess(number, share)
        process.start()
        processes.append(process)
    return [process.run() for process in processes]


class _GpuProcess:
    """A process that sees one GPU, and the way that its Run comes back."""

    def __init__(self, number: int, share: Callable[[], Run]) -> None:
        context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
        self._answers = context.Queue()
        self._process = context.Process(target=_work, args=(number, self._answers, share))

    def start(self) -> None:
        self._process.start()

    def run(self) -> Run:
        """Wait for its Run; one that says nothing and ends has failed."""
        while True:
            try:
                return self._answers.get(timeout=_LOOK_SECONDS)
            except Empty:
                if not self._process.is_alive():
                    status = self._process.exitcode
                    return Run.failed(f"a GPU's process ended with status {status}")
            except KeyboardInterrupt:
                pass  # the processes were told, too, and say what they have done


def _work(number: int, answers: Any, share: Callable[[], Run]) -> None:
    """What the process does: choose the GPU before CUDA is loaded, do its share, answer."""
    os.environ["CUDA_VISIBLE_DEVICES"] = _gpu_name(number)
    try:
        run = share()
    except (CourseError, OSError) as err:
        run = Run.failed(str(err))
    except KeyboardInterrupt:  # while the engine opens
        run = Run.failed("stopped by Ctrl-C before the first frame")
    answers.put(run)


def _gpu_name(number: int) -> str:
    """CUDA's name of the n-th GPU among those that may be used."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    if visible[0] and number < len(visible):
        return visible[number]
    return str(number)
