"""Waiting for what another thread does: however long it takes, never for so many seconds."""

import threading
import time

PATIENCE = 60  # seconds: no busy machine takes as long, and what hangs is told all the same


def wait_for(condition, seconds=PATIENCE):
    """Return as soon as a condition holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.002)


def started(work, *args):
    """A thread that has begun this work; one that hangs is left behind at the end of the tests."""
    thread = threading.Thread(target=work, args=args, daemon=True)
    thread.start()
    return thread


def in_time(work, *args):
    """Whether a thread of its own gets the work done."""
    thread = started(work, *args)
    thread.join(PATIENCE)
    return not thread.is_alive()


def waiters(condition):
    """How many threads wait for a threading.Condition."""
    return len(condition._waiters)
