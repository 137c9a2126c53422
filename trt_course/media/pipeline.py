"""Stages at the same time: `ahead` reads in a thread, `Behind` writes in one, the caller works.

The lines from stage to stage are short, so that nothing piles up; a `Slot` is the shortest of them.
An exception anywhere stops all and is raised once, in the caller's thread. What the stages do is
not known here.
"""

import contextlib
import queue
import threading
from types import TracebackType
from typing import Any, Callable, Generator, Generic, Iterable, NamedTuple, Optional, Type, TypeVar

from ..support import trace

Item = TypeVar("Item")


class _End(NamedTuple):
    """The last in a line."""

    error: Optional[BaseException] = None


def ahead(items: Iterable[Item], depth: int = 4) -> Generator[Item, None, None]:
    """The items of an iterable, read up to `depth` ahead.

    Close it (contextlib.closing) to stop the thread.
    """
    line: "queue.Queue[Any]" = queue.Queue(depth)
    stop = threading.Event()
    thread = threading.Thread(
        target=_read_ahead, args=(items, line, stop), name="ahead", daemon=True
    )
    thread.start()
    try:
        while True:
            item = line.get()
            if isinstance(item, _End):
                break
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stop.set()
        _empty(line)  # the thread may be waiting for a place
        thread.join(5)


def _read_ahead(items: Iterable[Any], line: "queue.Queue[Any]", stop: threading.Event) -> None:
    end = _End()
    try:
        for item in items:
            line.put(item)
            if stop.is_set():
                return
    except BaseException as err:  # the caller must see it, whatever it is
        end = _End(err)
    line.put(end)


def _empty(line: "queue.Queue[Any]") -> None:
    with contextlib.suppress(queue.Empty):
        while True:
            line.get_nowait()


class Behind:
    """A context manager: what is `put` goes to `write`, in a thread that is `depth` calls behind.

    Leaving it waits for the last call. Ctrl-C lets it finish what was put, another exception drops
    that.

    >>> with Behind(print) as sink:
    ...     for number in range(3):
    ...         sink.put("frame", number)
    frame 0
    frame 1
    frame 2
    """

    def __init__(self, write: Callable[..., object], depth: int = 4) -> None:
        self._write = write
        self._line: "queue.Queue[Any]" = queue.Queue(depth)
        self._error: Optional[BaseException] = (
            None  # the first of `write`; nothing is done after it
        )
        self._thread = threading.Thread(target=self._run, name="behind", daemon=True)

    def put(self, *args: Any) -> None:
        """Let `write` be called with these arguments; waits while `depth` calls are to come.

        What an earlier call raised is raised here.
        """
        self._line.put(args)
        if self._error is not None:
            raise self._error

    def __enter__(self) -> "Behind":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        value: Optional[BaseException],
        where: Optional[TracebackType],
    ) -> None:
        if kind is not None and not issubclass(kind, KeyboardInterrupt):
            _empty(self._line)
        self._line.put(_End())
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error

    def _run(self) -> None:
        while True:
            args = self._line.get()
            if isinstance(args, _End):
                return
            if self._error is None:
                self._call(args)

    def _call(self, args: Any) -> None:
        try:
            with trace.span("write"):
                self._write(*args)
        except BaseException as err:  # raised by the next put, or at the end
            self._error = err


def _always() -> bool:
    return True


class Slot(Generic[Item]):
    """One place between two threads, not a queue: a newer item replaces one that still waits.

    >>> slot = Slot()
    >>> slot.put("a frame")
    >>> slot.put("a newer one")
    >>> slot.take()
    'a newer one'
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: Optional[Item] = None
        self._closed = False

    def put(self, item: Item) -> None:
        """Let the other thread have this item."""
        with self._changed:
            self._item = item
            self._changed.notify_all()

    def take(self, worth_waiting: Callable[[], bool] = _always) -> Optional[Item]:
        """The newest item, once; None where it was closed or waiting is no longer worth it."""
        with self._changed:
            while self._item is None and not self._closed and worth_waiting():
                self._changed.wait(0.1)  # seconds; then it asks again whether that is worth it
            item = self._item
            self._item = None
            if self._closed:
                return None
            return item

    def close(self) -> None:
        """From now on nothing is taken: what still waits is dropped, and whoever waits is woken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
