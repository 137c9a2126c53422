"""A long job in a thread of its own: what becomes of it at Ctrl-C."""

import os
import subprocess
import sys

import pytest

from conftest import KIT

BUSY = """
import os, signal, threading, time
from trt_course.builder.worker import in_thread

def living():
    return {thread.name for thread in threading.enumerate() if thread.is_alive()}

def work(cancelled):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(600)

try:
    in_thread(work, "busy")
except KeyboardInterrupt:
    print("stopped", "busy" in living())
"""


@pytest.mark.slow
def test_ctrl_c_where_the_builder_does_not_ask_ends_the_process_without_it():
    done = subprocess.run(
        [sys.executable, "-c", BUSY],
        cwd=str(KIT),
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "TQDM_DISABLE": "1"},
    )
    assert done.returncode == 130, done.stderr
    assert done.stdout == "stopped True\n", done.stderr
