"""A long job in a thread of its own, so that time is shown and Ctrl-C works while C++ is busy."""

import atexit
import os
import sys
import threading
from concurrent.futures import Future, wait
from typing import Callable, Iterator, TypeVar

from ..support.progress import progress
from ..support.signals import STOPPED, status_of

Result = TypeVar("Result")

# How long a job that was asked to end may take, before it is left alone.
PATIENCE_SECONDS = 5


def in_thread(work: Callable[[threading.Event], Result], what: str) -> Result:
    """What `work(cancelled)` returns or raises; the event `cancelled` asks it to end early.

    A job that does not end when it is asked to dies with the process.

    >>> in_thread(lambda cancelled: "done", "a short job")
    'done'
    """
    outcome: "Future[Result]" = Future()
    begun = threading.Event()
    cancelled = threading.Event()
    thread = threading.Thread(
        target=_settle, args=(outcome, work, begun, cancelled), name=what, daemon=True
    )
    thread.start()
    status = STOPPED
    try:
        # Not before: at a Ctrl-C while the thread starts, nobody would ask the work to end.
        begun.set()
        for _ in progress(_seconds(outcome), desc=what, unit="s"):
            pass
    except KeyboardInterrupt as stop:
        status = status_of(stop)
        raise
    finally:
        cancelled.set()
        # Ask the outcome, not the thread: one whose join was interrupted may count as ended.
        if wait([outcome], PATIENCE_SECONDS).done:
            thread.join()
        else:
            atexit.register(_end_process, status)
    return outcome.result()


def _settle(
    outcome: "Future[Result]",
    work: Callable[[threading.Event], Result],
    begun: threading.Event,
    cancelled: threading.Event,
) -> None:
    """Do the work once it is begun, and keep what comes of it."""
    begun.wait()
    try:
        outcome.set_result(work(cancelled))
    except BaseException as err:
        outcome.set_exception(err)


def _seconds(outcome: "Future[Result]") -> Iterator[None]:
    """Once for every second that the job takes."""
    while wait([outcome], 1).not_done:
        yield


def _end_process(status: int) -> None:
    """End the process at once, without a word from the thread that is still busy."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)
