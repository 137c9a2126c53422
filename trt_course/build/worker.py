"""A long job in a thread of its own, so that the reader sees the time pass and Ctrl-C works while C++ is busy."""
import atexit
import os
import sys
import threading
from concurrent.futures import Future

from ..progress import progress


def in_thread(work, what):
    """What `work(cancelled)` returns or raises; the event `cancelled` asks it to end early."""
    outcome, cancelled = Future(), threading.Event()

    def run():
        try:
            outcome.set_result(work(cancelled))
        except BaseException as err:
            outcome.set_exception(err)

    thread = threading.Thread(target=run, name=what, daemon=True)
    thread.start()
    try:
        for _ in progress(_seconds(thread), desc=what, unit="s"):
            pass
    finally:
        cancelled.set()
        thread.join(5)
        if thread.is_alive():  # one that cannot be told to stop dies with the process, without a word
            atexit.register(_leave)
    return outcome.result()


def _seconds(thread):
    while thread.is_alive():
        thread.join(1)
        yield


def _leave():
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(130)
