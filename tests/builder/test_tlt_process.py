"""The converter as a process: its lines are shown as they come, and Ctrl-C ends it."""

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from stand_ins.tlt_desk import SECRET, desk_in

CHILD = textwrap.dedent("""
    import sys
    from trt_course.builder.tlt import engine_from_etlt
    from trt_course.model.spec import read_spec

    record, etlt, out, program = sys.argv[1:]
    engine_from_etlt(read_spec(record), etlt, out, "TLT_KEY", program=program)
""")


class Job(NamedTuple):
    """A Python process that builds, and the number of the converter that it runs."""

    process: subprocess.Popen
    converter: int


@pytest.fixture
def desk(tmp_path, monkeypatch):
    return desk_in(tmp_path, monkeypatch)


@pytest.fixture
def job(desk, monkeypatch):
    """A job in the middle of its build; the converter waits for the file desk.folder/gate."""
    monkeypatch.setenv("STAND_IN", "wait")
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    monkeypatch.setenv("STAND_IN_GATE", str(desk.folder / "gate"))

    # as with docker: the program is a child's child
    program = desk.folder / "bin" / "tao-converter"
    wrapper = desk.folder / "wrapper.sh"
    wrapper.write_text(f'#!/bin/sh\n"{program}" "$@"\nexit $?\n')
    wrapper.chmod(0o755)

    places = [desk.folder / "model.json", desk.etlt, desk.out, wrapper]
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD] + [str(place) for place in places],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "[INFO] Reading the model\n"
    line = process.stdout.readline()
    assert line.startswith("[INFO] Building, process ")
    yield Job(process, converter=int(line.split()[-1]))
    process.kill()
    process.communicate()


def test_lines_come_before_the_end(desk, job):
    assert job.process.poll() is None
    assert not desk.out.exists()
    (desk.folder / "gate").touch()
    rest, errors = job.process.communicate(timeout=60)
    assert job.process.returncode == 0
    assert rest == "[INFO] Done\n"
    assert errors == ""
    assert desk.out.is_file()


def test_ctrl_c_ends_the_converter_and_leaves_no_file(desk, job):
    job.process.send_signal(signal.SIGINT)
    _, errors = job.process.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors
    assert SECRET not in errors
    assert list(desk.out.parent.iterdir()) == []

    limit = time.monotonic() + 60
    while running(job.converter) and time.monotonic() < limit:
        time.sleep(0.02)
    assert not running(job.converter)


def running(process):
    """Whether a process is at work; one that has ended and waits to be asked is not."""
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
