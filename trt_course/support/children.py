"""Threads and child processes: how this process starts them."""

import contextlib
import signal
import threading
from typing import Iterator

from .errors import CourseError


@contextlib.contextmanager
def signals_held_back() -> Iterator[None]:
    """A process that is started in this block never hears Ctrl-C or SIGTERM; we must end it.

    Both are sent to all processes of a terminal or a service at once, but are meant for us. One
    that arrives during the block reaches us at its end. On Windows, which has no such mask, the
    process hears them too.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return

    ours = (signal.SIGINT, signal.SIGTERM)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ours)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start_thread(thread: threading.Thread) -> None:
    """Start a thread; a CourseError where this machine allows no more of them."""
    try:
        thread.start()
    except RuntimeError:  # Python's "can't start new thread"
        raise CourseError(
            "This machine allows no more threads: a limit on processes (ulimit -u; in a "
            "container, its pids limit) or on memory has been reached. "
            f"This program runs {threading.active_count()}; use fewer sources, or raise the limit."
        ) from None
