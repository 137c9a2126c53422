"""Stages that overlap: `ahead` reads in a thread, `Behind` writes in one, the caller works.

The queues between stages are short, so that nothing piles up; a `Slot` is the shortest of them. An
exception anywhere stops all stages and is raised once, in the caller's thread. What the stages do
is not known here.
"""

import threading
import time
from collections import deque
from types import TracebackType
from typing import (
    Any,
    Callable,
    Deque,
    Generator,
    Generic,
    Iterable,
    NamedTuple,
    Optional,
    Type,
    TypeVar,
)

from ..support import trace
from ..support.children import start_thread
from ..support.errors import CourseError

Item = TypeVar("Item")

_LOOK = 0.5  # seconds after which a waiting thread checks for itself
_PATIENCE = 30.0  # seconds that one call of Behind's `write` may take at the end


class _End(NamedTuple):
    """The last item in a line."""

    error: Optional[BaseException] = None


class _Bell:
    """Wakes the one thread that waits for it; one that begins to wait later is woken at once."""

    def __init__(self) -> None:
        self._silent = threading.Lock()  # locked until the bell is rung
        self._silent.acquire()

    def ring(self) -> None:
        """Wake the other thread. Called by one thread only."""
        if self._silent.locked():
            self._silent.release()

    def wait(self) -> None:
        """Wait until it is rung or a while has passed; the caller then checks what is there."""
        self._silent.acquire(timeout=_LOOK)


class _Line:
    """A short queue from one thread to another, which Ctrl-C cannot break.

    It can break a queue.Queue: if KeyboardInterrupt is raised inside, a lock may stay locked or a
    wake-up may get lost, and both threads sleep for ever. Here every step is atomic, no lock is
    held, and whoever waits looks again after a while.
    """

    def __init__(self, depth: int) -> None:
        self._items: Deque[Any] = deque()
        self._depth = depth
        self._filled = _Bell()
        self._emptied = _Bell()

    def put(self, item: Any) -> None:
        """Add an item; waits while the line is full. Called by the first thread only."""
        while len(self._items) >= self._depth:
            self._emptied.wait()
        self._items.append(item)
        self._filled.ring()

    def put_last(self, item: Any) -> None:
        """Add an item without waiting. Called by the first thread only."""
        self._items.append(item)
        self._filled.ring()

    def get(self) -> Any:
        """Take the next item; waits while there is none. Called by the second thread only."""
        while not self._items:
            self._filled.wait()
        item = self._items.popleft()
        self._emptied.ring()
        return item

    def drop_all(self) -> None:
        """Forget all items. Called by the second thread only."""
        self._items.clear()
        self._emptied.ring()


def ahead(items: Iterable[Item], depth: int = 4) -> Generator[Item, None, None]:
    """The items of an iterable, read up to `depth` ahead.

    Close it (contextlib.closing) to stop the thread.
    """
    line = _Line(depth)
    stop = threading.Event()
    thread = threading.Thread(
        target=_read_ahead, args=(items, line, stop), name="ahead", daemon=True
    )
    start_thread(thread)
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
        line.drop_all()  # the thread may be waiting for a place
        thread.join(5)


def _read_ahead(items: Iterable[Any], line: _Line, stop: threading.Event) -> None:
    end = _End()
    try:
        for item in items:
            line.put(item)
            if stop.is_set():
                return
    except BaseException as err:  # the caller must see it, whatever it is
        end = _End(err)
    line.put(end)


class Behind:
    """A context manager: a thread of its own calls `write`, up to `depth` calls behind `put`.

    Leaving it waits for the last call. After Ctrl-C it still writes what was put; after any other
    exception it does not. A call that does not return within a while is abandoned.

    >>> with Behind(print) as sink:
    ...     for number in range(3):
    ...         sink.put("frame", number)
    frame 0
    frame 1
    frame 2
    """

    def __init__(self, write: Callable[..., object], depth: int = 4) -> None:
        self._write = write
        self._line = _Line(depth)
        self._error: Optional[BaseException] = None  # the first of `write`
        self._drops = False  # whether what is still in the line is dropped
        self._calls = 0  # calls of `write` that have ended
        self._thread = threading.Thread(target=self._run, name="behind", daemon=True)

    def put(self, *args: Any) -> None:
        """Let `write` be called with these arguments; waits while `depth` calls are outstanding.

        An exception from an earlier call is raised here.
        """
        self._line.put(args)
        if self._error is not None:
            raise self._error

    def __enter__(self) -> "Behind":
        start_thread(self._thread)
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        value: Optional[BaseException],
        where: Optional[TracebackType],
    ) -> None:
        if kind is not None and not issubclass(kind, KeyboardInterrupt):
            self._drops = True
        self._line.put_last(_End())
        ended = self._wait()
        if kind is not None:
            return
        if not ended:
            raise CourseError(
                f"Nothing could be written for {_PATIENCE:g} s, so writing was given up. Was the "
                "encoder stopped, or does the disk not respond?"
            )
        if self._error is not None:
            raise self._error

    def _wait(self) -> bool:
        """Wait until the thread ends; False if a call of `write` does not."""
        calls = self._calls
        moved = time.monotonic()
        while self._thread.is_alive():
            self._thread.join(min(_LOOK, _PATIENCE))
            now = time.monotonic()
            if self._calls != calls:
                calls = self._calls
                moved = now
            elif now - moved > _PATIENCE:
                return False
        return True

    def _run(self) -> None:
        while True:
            args = self._line.get()
            if isinstance(args, _End):
                return
            if not self._drops:
                self._call(args)

    def _call(self, args: Any) -> None:
        try:
            with trace.span("write"):
                self._write(*args)
        except BaseException as err:  # raised by the next put, or at the end
            self._error = err
            self._drops = True
        finally:
            self._calls += 1


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
        """Leave an item for the other thread."""
        with self._changed:
            self._item = item
            self._changed.notify_all()

    def take(self, worth_waiting: Callable[[], bool] = _always) -> Optional[Item]:
        """The newest item, once; None if it was closed or waiting is no longer worth it."""
        with self._changed:
            while self._item is None and not self._closed and worth_waiting():
                self._changed.wait(0.1)  # seconds, before asking whether to wait on
            item = self._item
            self._item = None
            if self._closed:
                return None
            return item

    def close(self) -> None:
        """Drop an item that is still there, and wake whoever waits: nothing is taken any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
