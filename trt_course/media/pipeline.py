"""Stages at the same time: `ahead` reads in a thread, `Behind` writes in one, the work between is the caller's.

The lines between them are short, so that nothing piles up. An exception anywhere stops all and is raised once, in the
caller's thread. What the stages do is not known here.
"""

import contextlib
import queue
import threading

from ..support import trace

_END = object()


def ahead(items, depth=4):
    """The items of an iterable, read up to `depth` ahead. Close it (contextlib.closing) to stop the thread."""
    line, stop = queue.Queue(depth), threading.Event()

    def run():
        last = None
        try:
            for item in items:
                line.put((item, None))
                if stop.is_set():
                    return
        except BaseException as err:  # the caller shall see it, whatever it is
            last = err
        line.put((_END, last))

    thread = threading.Thread(target=run, name="ahead", daemon=True)
    thread.start()
    try:
        for item, err in iter(line.get, (_END, None)):
            if err is not None:
                raise err
            yield item
    finally:
        stop.set()
        _empty(line)  # it may be waiting for a place
        thread.join(5)


def _empty(line):
    with contextlib.suppress(queue.Empty):
        while True:
            line.get_nowait()


class Behind:
    """A context manager: what is `put` goes to `write`, which runs in a thread, up to `depth` calls behind.

    Leaving it waits for the last call. Ctrl-C lets it finish what was put, another exception drops that.
    """

    def __init__(self, write, depth=4):
        self._write, self._line, self._error = write, queue.Queue(depth), None
        self._thread = threading.Thread(target=self._run, name="behind", daemon=True)

    def put(self, *args):
        self._line.put(args)
        if self._error is not None:
            raise self._error

    def _run(self):
        for args in iter(self._line.get, _END):
            if self._error is None:
                try:
                    with trace.span("write"):
                        self._write(*args)
                except BaseException as err:  # raised by the next put, or at the end
                    self._error = err

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        if kind is not None and not issubclass(kind, KeyboardInterrupt):
            _empty(self._line)
        self._line.put(_END)
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error
