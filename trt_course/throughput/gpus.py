"""detect_on_gpus: a process on each GPU, with its share of the sources."""

import contextlib
import functools
import multiprocessing
import os
import signal
import types
from typing import Any, Callable, Iterator, List, Optional, Sequence

from ..support.children import signals_held_back
from ..support.errors import CourseError
from ..support.files import AnyPath
from ..support.outputs import Outputs
from ..support.ranges import whole
from ..support.signals import Terminated
from .opening import NamedSource
from .run import Run, detect_here
from .tuning import OpenSsd

GPUS = whole(1, 64)  # of one machine
_NO_GPU = "-1"


def detect_on_gpus(
    count: int,
    open_ssd: OpenSsd,
    sources: Sequence[NamedSource],
    out: AnyPath,
    conf_th: Optional[float] = None,
    batch: Optional[int] = None,
    deadline: float = 0.02,
    outputs: Optional[Outputs] = None,
) -> List[Run]:
    """detect_here in a process on each of `count` GPUs; their Runs, in the GPUs' order.

    The sources are dealt out like cards; where there are fewer of them than GPUs, some GPUs get no
    process. `open_ssd` is sent to the processes: it must be a module's function, or a partial of
    one. At Ctrl-C the processes end, and their Runs say what they have done. A second Ctrl-C kills
    them.
    """
    GPUS.require(count, "count")
    shares = []
    for number in range(min(count, len(sources))):
        share = functools.partial(
            detect_here,
            open_ssd,
            sources[number::count],
            out,
            conf_th=conf_th,
            batch=batch,
            deadline=deadline,
            outputs=outputs,
        )
        shares.append(share)

    processes = [_GpuProcess(number, share) for number, share in enumerate(shares)]
    with _none_stays(processes):
        try:
            for process in processes:
                process.start()
            return [process.run() for process in processes]
        except KeyboardInterrupt as stop:
            for process in processes:
                process.ask_to_stop()
            runs = [process.run() for process in processes]
            return [run._replace(stop=stop.with_traceback(None)) for run in runs]


@contextlib.contextmanager
def _none_stays(processes: Sequence["_GpuProcess"]) -> Iterator[None]:
    """However the block ends, no process is left."""
    try:
        yield
    finally:
        for process in processes:
            process.kill()


class _GpuProcess:
    """A process that sees one GPU, and the way that its Run comes back."""

    def __init__(self, number: int, share: Callable[[], Run]) -> None:
        context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
        self._answer, self._way_back = context.Pipe(duplex=False)
        self._process = context.Process(target=_work, args=(number, self._way_back, share))
        self._run: Optional[Run] = None  # once it has come

    def start(self) -> None:
        """Start it. It does not get our Ctrl-C, which could reach it while it imports, or twice."""
        try:
            with signals_held_back():
                self._process.start()
        finally:
            # The process has its own end of the pipe: once that is closed, nothing more will come.
            self._way_back.close()

    def ask_to_stop(self) -> None:
        """Let it keep what it has done, and end soon."""
        if self._process.is_alive():
            self._process.terminate()

    def run(self) -> Run:
        """Wait for its Run; a process that ends without one has failed."""
        if self._process.pid is None:
            return Run.failed("stopped before its process began")
        if self._run is None:
            try:
                self._answer.poll(None)  # Ctrl-C may come here: no part of the Run is lost
                self._run = self._answer.recv()
            except (EOFError, OSError):
                self._process.join()
                status = self._process.exitcode
                self._run = Run.failed(f"a GPU's process ended with status {status}")
        return self._run

    def kill(self) -> None:
        """End it now, unless it has ended by itself."""
        if self._process.pid is None:
            return
        if self._run is None and self._process.is_alive():
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.join()


def _work(number: int, way_back: Any, share: Callable[[], Run]) -> None:
    """What the process does: choose the GPU before CUDA is loaded, do its share, answer."""
    os.environ["CUDA_VISIBLE_DEVICES"] = _gpu_name(number)
    try:
        with _told_once():
            run = share()
    except (CourseError, OSError) as err:
        run = Run.failed(str(err))
    except KeyboardInterrupt:  # while the engine opens
        run = Run.failed("stopped before the first frame")
    way_back.send(run)


@contextlib.contextmanager
def _told_once() -> Iterator[None]:
    """Heed the first SIGTERM and ignore others: our parent and a service may both send one."""

    def stop(number: int, where: Optional[types.FrameType]) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Terminated("SIGTERM")

    signal.signal(signal.SIGTERM, stop)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # only the answer is left to send


def _gpu_name(number: int) -> str:
    """CUDA's name of the n-th GPU among those that may be used; where there are fewer, no GPU's."""
    variable = os.environ.get("CUDA_VISIBLE_DEVICES")
    if variable is None:
        return str(number)
    visible = variable.split(",")
    if number < len(visible):
        return visible[number]
    return _NO_GPU
