"""What a process says to those that it starts: threads that must start, children that are deaf."""

import contextlib
import signal
import threading
from typing import Iterator

from .errors import CourseError


@contextlib.contextmanager
def for_us_alone() -> Iterator[None]:
    """A process that is started here never gets Ctrl-C and SIGTERM; whoever starts it ends it.

    Both are sent to all processes of a terminal or a service at once. None that comes meanwhile is
    lost for us. Where there is no such mask (Windows), the process hears them.
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
    """Start a thread, or say that this machine lets us have no more."""
    try:
        thread.start()
    except RuntimeError:  # Python's "can't start new thread"
        raise CourseError(
            "This machine gives no further thread: the limit of processes is reached "
            "(ulimit -u; in a container its pids limit), or memory is. "
            f"{threading.active_count()} threads run here; take fewer sources at once, or raise it."
        ) from None
