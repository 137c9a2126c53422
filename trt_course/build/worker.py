"""A long job in a thread of its own, so that the reader sees the time pass and Ctrl-C works while C++ is busy."""
import atexit
import os
import sys
import threading

from ..progress import progress


class Worker(threading.Thread):
    """Subclasses have `work`; `wait` returns what it returned. `cancelled` asks it to end early."""

    def __init__(self):
        super().__init__(daemon=True)
        self.outcome, self.error, self.cancelled = None, None, False

    def run(self):
        try:
            self.outcome = self.work()
        except BaseException as err:  # raised again in the reader's thread
            self.error = err

    def seconds(self):
        while self.is_alive():
            self.join(1)
            yield

    def wait(self, what):
        self.start()
        try:
            for _ in progress(self.seconds(), desc=what, unit="s"):
                pass
        finally:
            self.cancelled = True
            self.join(5)
            if self.is_alive():  # one that cannot be told to stop dies with the process, without a word
                atexit.register(_leave)
        if self.error is not None:
            raise self.error
        return self.outcome


def _leave():
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(130)
