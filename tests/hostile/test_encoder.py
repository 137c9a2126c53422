"""An encoder that is stopped, or told to end by somebody else: Ctrl-C ends the run all the same."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from trt_course import CourseError
from trt_course.media import encoder, pipeline
from trt_course.media.pipeline import Behind
from trt_course.media.sources import open_source
from trt_course.media.writer import VideoWriter
from waiting import wait_for

KIT = Path(__file__).resolve().parent.parent.parent
QUIET = {**os.environ, "TQDM_DISABLE": "1", "PYTHONPATH": str(KIT)}


def noise(seed=0):
    return np.random.RandomState(seed).randint(0, 255, (240, 320, 3)).astype(np.uint8)


def left_in(folder):
    return [path.name for path in folder.iterdir() if path.name != ".trt_course"]


def encoders_of(process):
    """The encoders that a process has started and that are not gone."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            words = (path.parent / "cmdline").read_bytes()
            if parent == str(process) and state != "Z" and b"matroska" in words:
                found.append(int(path.parent.name))
    return found


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(encoder, "_PATIENCE", 0.5)
    monkeypatch.setattr(pipeline, "_PATIENCE", 0.5)


def stopped(writer):
    """The writer's encoder, which does nothing any more."""
    process = writer._child._process
    os.kill(process.pid, signal.SIGSTOP)
    return process


# The command line, with more patience than any test has: only a signal ends its waiting.
PATIENT = """
import sys
from trt_course.__main__ import main
from trt_course.media import encoder, pipeline

encoder._PATIENCE = 3600
pipeline._PATIENCE = 3600
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.long
@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_two_signals_end_a_run_whose_encoder_is_stopped(cells, tmp_path, number, status):
    """The first lets it finish, which it never does; the second ends at once, with what is lost."""
    words = ["detect", "data/street.mp4", "--model", str(cells), "--out", str(tmp_path)]
    child = subprocess.Popen(
        [sys.executable, "-c", PATIENT, *words], cwd=str(KIT), env=QUIET, stderr=subprocess.PIPE
    )
    wait_for(lambda: encoders_of(child.pid))
    (encoding,) = encoders_of(child.pid)
    os.kill(encoding, signal.SIGSTOP)
    time.sleep(1)
    child.send_signal(number)
    time.sleep(2)
    assert child.poll() is None
    child.send_signal(number)
    _, said = child.communicate(timeout=60)
    said = said.decode()
    assert child.returncode == status, said
    assert "street.mp4 is lost: its encoder was killed before it was done" in said
    assert "Traceback" not in said
    assert left_in(tmp_path) == []
    assert not Path(f"/proc/{encoding}").exists()


def test_a_stopped_encoder_is_waited_for_and_killed(tmp_path, impatient):
    message = "is lost: its encoder was killed before"
    with pytest.raises(CourseError, match=message), VideoWriter(tmp_path / "a.mp4", 10) as writer:
        writer.write(noise())
        process = stopped(writer)
    assert process.returncode == -signal.SIGKILL
    assert left_in(tmp_path) == []


def test_a_writer_that_waits_for_ever_is_given_up(tmp_path, impatient):
    """In its thread, behind the caller's: by Ctrl-C, and at the normal end."""
    for error, message in [(KeyboardInterrupt, "Ctrl-C"), (CourseError, "Nothing could be")]:
        before = threading.active_count()
        writer = VideoWriter(tmp_path / "a.mp4", 10)
        with pytest.raises(error, match=message), writer, Behind(writer.write, 50) as sink:
            sink.put(noise())
            wait_for(lambda writer=writer: writer.frames)
            stopped(writer)
            for seed in range(40):
                sink.put(noise(seed))
            if error is KeyboardInterrupt:
                raise KeyboardInterrupt("Ctrl-C")
        assert left_in(tmp_path) == []
        wait_for(lambda before=before: threading.active_count() == before)


def test_sigterm_for_all_processes_of_a_service_leaves_the_video_whole(tmp_path):
    """systemd and Slurm send it to the encoder too, which would end before its input does."""
    with VideoWriter(tmp_path / "a.mp4", 10) as writer:
        for number in range(30):
            writer.write(noise(number))
            if number == 10:
                os.kill(writer._child._process.pid, signal.SIGTERM)
                os.kill(writer._child._process.pid, signal.SIGINT)
                time.sleep(0.3)
    with open_source(tmp_path / "a.mp4") as video:
        assert len(list(video)) == 30


def test_ctrl_c_within_a_picture_keeps_the_whole_ones(tmp_path):
    """Where nothing else writes, as in transcode: the encoder's input is cut within a picture."""
    with pytest.raises(KeyboardInterrupt), VideoWriter(tmp_path / "a.mp4", 10) as writer:
        for number in range(20):
            writer.write(noise(number))
        send = writer._child.write

        def write_half(data):
            data = memoryview(data).cast("B")
            send(data[:5000])
            if len(data) > 5000:
                raise KeyboardInterrupt

        writer._child.write = write_half
        writer.write(noise())
    with open_source(tmp_path / "a.mp4") as video:
        assert len(list(video)) >= 20
