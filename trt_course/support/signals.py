"""What happens when a run is told to stop: by Ctrl-C, or by SIGTERM (timeout, docker, systemd).

Both are a KeyboardInterrupt in the main thread, so that whatever keeps its work at Ctrl-C keeps it
at SIGTERM too. One that comes right after another is the same wish: it must not stop what is being
kept. (Readers press twice, and `timeout` signals a process and then its whole group.)
"""

import contextlib
import signal
import threading
import time
import types
from typing import Any, Callable, Dict, Iterator, List, Optional

STOPPED = 130  # the exit status after Ctrl-C, as shells have it
TERMINATED = 143  # and after SIGTERM
_SAME_WISH = 1.0  # seconds after a signal in which others change nothing


class Terminated(KeyboardInterrupt):
    """SIGTERM came."""


def status_of(stop: KeyboardInterrupt) -> int:
    """The exit status after it."""
    if isinstance(stop, Terminated):
        return TERMINATED
    return STOPPED


@contextlib.contextmanager
def heeded() -> Iterator[None]:
    """While a command runs: Ctrl-C and SIGTERM raise, unless whoever started it had them ignored.

    What was set before is set again at the end. Outside of the main thread nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    stop = _Stop()
    before: Dict[signal.Signals, Any] = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.getsignal(number)
        if before[number] != signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # None: it was not set from Python, and cannot be
                signal.signal(number, handler)


@contextlib.contextmanager
def postponed(stop: Callable[[], object]) -> Iterator[None]:
    """Run a block that must not be interrupted, but ends soon after `stop` is called.

    The first Ctrl-C or SIGTERM calls `stop`, which must not take a lock, and is raised at the end
    of the block. A second one is raised at once. Outside the main thread nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    raising = {number: handler for number, handler in before.items() if callable(handler)}
    came: List[int] = []

    def once(number: int, where: Optional[types.FrameType]) -> None:
        _set(raising)
        came.append(number)
        stop()

    try:
        _set({number: once for number in raising})
        yield
    finally:
        _set(raising)
        if came:
            raising[signal.Signals(came[0])](came[0], None)


def _set(handlers: Dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def end_quietly() -> None:
    """From now on Ctrl-C ends the process at once, without a traceback.

    For the moments before a command has begun and after it has ended, when nothing can be lost.
    """
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


class _Stop:
    """What both signals do: the first raises, and so does one that comes much later."""

    def __init__(self) -> None:
        self._last: Optional[float] = None  # when it has raised

    def __call__(self, number: int, where: Optional[types.FrameType]) -> None:
        now = time.monotonic()
        if self._last is not None and now - self._last < _SAME_WISH:
            return
        self._last = now
        if number == signal.SIGTERM:
            raise Terminated("SIGTERM")
        raise KeyboardInterrupt
