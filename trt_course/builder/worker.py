"""A long job in a thread of its own, so that the reader sees the time pass and Ctrl-C works while C++ is busy."""

import atexit
import os
import sys
import threading
from concurrent.futures import Future, wait

from ..support.progress import progress


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
        for _ in progress(_seconds(outcome), desc=what, unit="s"):
            pass
    finally:
        cancelled.set()
        if wait(
            [outcome], 5
        ).done:  # not the thread: one whose join was interrupted counts as ended, rightly or not
            thread.join()
        else:  # one that cannot be told to stop dies with the process, without a word
            for call in (
                lambda: os._exit(130),
                sys.stderr.flush,
                sys.stdout.flush,
            ):  # the last one is called first
                atexit.register(call)
    return outcome.result()


def _seconds(outcome):
    while wait([outcome], 1).not_done:
        yield
