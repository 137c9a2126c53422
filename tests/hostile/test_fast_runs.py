"""`--fast` with a full disk, evil names, too many threads, Ctrl-C and SIGTERM at any moment."""

import contextlib
import csv
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from throughput_parts import frames, openers, write_clip
from trt_course import CourseError, Detections, TrtSSD
from trt_course.__main__ import main
from trt_course.support.noted import LIST
from trt_course.throughput.batches import Seen
from trt_course.throughput.many import detect_many
from trt_course.throughput.opening import named
from trt_course.throughput.run import detect_here
from trt_course.throughput.tables import HEADER, Tables
from waiting import wait_for

KIT = Path(__file__).resolve().parent.parent.parent
FIVE = Detections(np.tile([[1, 2, 3, 4]], (5, 1)), [0.5] * 5, [0] * 5)
QUIET = {**os.environ, "TQDM_DISABLE": "1", "PYTHONPATH": str(KIT)}


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4", 12, seed=12)


@pytest.fixture
def ssd(cells):
    with TrtSSD(cells, backend="cpu", threads=1, verbose=False) as ssd:
        yield ssd


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    if os.getuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs root's right to mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def words(sources, out, *more):
    return [str(word) for word in ["detect", "--fast", *sources, "--out", out, *more]]


def command(*some):
    return [sys.executable, "-m", "trt_course", *some]


def rows_of(path):
    """The rows of a table, all of which are whole."""
    assert path.read_bytes().endswith(b"\n")
    with open(str(path), newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert all(len(row) == len(HEADER) and row["y2"] for row in rows)
    return rows


def left_in(folder):
    """What a run has left besides the tables and the list of what the kit wrote."""
    if not folder.exists():
        return []
    return [each.name for each in folder.glob(".*") if each.name != LIST]


def fill(tables, source, frames):
    for number in range(frames):
        tables.append(Seen(source, number, number / 25, 0.0, None), FIVE)


# A full disk


def test_a_table_that_grows_too_large_keeps_its_lines_and_the_others_go_on(tmp_path):
    """As with a quota: the process may write no file of more than 200,000 bytes."""
    tables = Tables(["large", "small"], tmp_path, ["car"])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200000, before[1]))
    try:
        with tables:
            for _ in range(3):
                fill(tables, source=0, frames=900)
                fill(tables, source=1, frames=50)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    (complaint,) = tables.complaints
    assert "large.csv ends too early" in complaint
    assert "File too large" in complaint
    assert 199900 < (tmp_path / "large.csv").stat().st_size <= 200000
    assert len(rows_of(tmp_path / "large.csv")) > 3000
    assert len(rows_of(tmp_path / "small.csv")) == 3 * 50 * 5


def test_a_full_disk_ends_the_run_when_no_table_can_be_written(small_disk):
    tables = Tables(["a", "b"], small_disk, ["car"])
    with pytest.raises(CourseError, match="No table can be written any more"), tables:
        try:
            fill(tables, source=0, frames=3000)
            fill(tables, source=1, frames=3000)
        except CourseError:
            tables._end(keep=True)  # as detect_here does, which goes on to its report
            raise
    assert len(tables.complaints) == 2
    assert "No space left on device" in tables.complaints[0]
    assert len(rows_of(small_disk / "a.csv")) > 500
    assert left_in(small_disk) == []


def test_the_command_on_a_full_disk(cells, tmp_path, small_disk, capsys):
    clips = [
        write_clip(tmp_path / "long.mp4", 300, seed=3),
        write_clip(tmp_path / "short.mp4", 3),
    ]
    assert main(words(clips, small_disk, "--model", cells, "--threads", 1)) == 1
    said = capsys.readouterr().err
    assert "long.csv ends too early" in said
    assert "No space left on device" in said
    assert len(rows_of(small_disk / "long.csv")) > 500


def test_somebody_elses_table_is_asked_about_before_the_work(cells, clip, tmp_path, capsys):
    out = tmp_path / "o"
    out.mkdir()
    (out / "clip.csv").write_text("my own notes\n")
    run = words([clip], out, "--model", cells, "--threads", 1)
    assert main(run) == 2
    said = capsys.readouterr()
    assert "clip.csv is in the way" in said.err
    assert said.out == ""
    assert (out / "clip.csv").read_text() == "my own notes\n"
    assert main([*run, "--force"]) == 0
    assert len(rows_of(out / "clip.csv")) > 12


# Evil names and sources


def test_names_that_nobody_would_choose(cells, clip, tmp_path, capsys):
    (tmp_path / "two").mkdir()
    names = ["a\nb.mp4", "n" * 249 + ".mp4", "two/clip.mp4", "\u202egpj.mp4", "-c.mp4"]
    paths = [clip]
    for name in names:
        paths.append(tmp_path / name)
        paths[-1].write_bytes(clip.read_bytes())
    paths += ["x" * 5000 + ".mp4", "zero\0byte.mp4"]

    assert main(words(paths, tmp_path / "o", "--model", cells, "--threads", 1)) == 1
    said = capsys.readouterr()
    assert "72 frames in" in said.out
    assert said.err.count("not done: ") == 2
    tables = list((tmp_path / "o").glob("*.csv"))
    assert len(tables) == 8
    assert sum(len(rows_of(table)) > 12 for table in tables) == 6


def test_a_name_that_is_not_utf8_costs_no_table(cells, clip, tmp_path):
    evil = os.path.join(os.fsencode(str(tmp_path)), b"caf\xe9.mp4")
    with open(evil, "wb") as stream:
        stream.write(clip.read_bytes())
    run = command(*words([clip, os.fsdecode(evil)], "o", "--model", cells, "--threads", 1))
    done = subprocess.run(run, cwd=str(tmp_path), env=QUIET, stdout=subprocess.DEVNULL)
    assert done.returncode in (0, 1)
    assert len(rows_of(tmp_path / "o" / "clip.csv")) > 12


def test_a_source_that_raises_anything_ends_alone(ssd):
    kept = []

    def broken():
        raise MemoryError("of the decoder")

    complaints = detect_many(
        ssd, [broken, *openers(frames(9))], lambda seen, found: kept.append(seen.source)
    )
    assert kept == [1] * 9
    assert "MemoryError: of the decoder" in complaints[0]


# Threads


def test_more_threads_than_help_are_refused(cells, clip, tmp_path, capsys):
    run = words([clip], tmp_path / "o", "--model", cells, "--threads", 100000)
    try:
        status = main(run)
    except SystemExit as err:
        status = err.code
    assert status == 2
    assert "100000" in capsys.readouterr().err


def test_a_machine_that_gives_no_more_threads_is_told(ssd, clip, tmp_path, monkeypatch):
    """A stand-in for `ulimit -u`, which root does not feel."""
    start = threading.Thread.start

    def start_two(thread):
        if thread.name.startswith("reader") and thread.name > "reader 2":
            raise RuntimeError("can't start new thread")
        start(thread)

    before = threading.active_count()
    monkeypatch.setattr(threading.Thread, "start", start_two)
    done = detect_here(lambda: ssd, named([clip] * 5), tmp_path / "o")
    assert "This machine allows no more threads" in done.complaints[0]
    assert threading.active_count() == before


# Ctrl-C and SIGTERM


def test_ctrl_c_at_any_moment_ends_a_run_and_breaks_no_lock(ssd):
    """Sent at moments that differ, to the thread that waits, submits, decodes and keeps."""
    some = frames(300)
    for attempt in range(25):
        kept = []
        many = openers(*[some] * 3)
        timer = threading.Timer(0.002 + attempt * 0.003, os.kill, (os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            timer.start()
            detect_many(ssd, many, lambda seen, found, kept=kept: kept.append(seen))
            time.sleep(60)  # it was through before
        timer.join()
        assert not [each for each in threading.enumerate() if each.name.startswith("reader")]
        for source in range(3):
            numbers = [seen.number for seen in kept if seen.source == source]
            assert numbers == list(range(len(numbers)))


def stop_at(moment, number, run, cwd):
    """The status and the words of a command that gets a signal so many seconds after its start."""
    child = subprocess.Popen(
        run, cwd=str(cwd), env=QUIET, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    time.sleep(moment)
    child.send_signal(number)
    _, said = child.communicate(timeout=60)
    return child.returncode, said.decode(errors="replace")


@pytest.mark.long
@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_at_any_moment_without_a_traceback(tmp_path, number, status):
    """While Python starts and imports, while it tries threads, while it works."""

    def try_at(moment):
        out = tmp_path / f"o{moment}"
        run = command(*words(["data/street.mp4"] * 9, out, "--model", "ssd_mobilenet_v2_signs"))
        code, said = stop_at(moment, number, run, KIT)
        # Python itself still starts, or looks for the package: nobody else's code has run yet.
        if "init_import_site" in said or "_get_module_details" in said:
            return
        assert "Traceback" not in said, (moment, said)
        assert code in (status, -number), (moment, said)
        assert left_in(out) == [], moment

    moments = [0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.1, 1.5, 2.5]
    with ThreadPoolExecutor(2) as two:
        list(two.map(try_at, moments))


def living(session):
    """The processes of a session that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, _, its_session = path.read_text().rpartition(")")[2].split()[:4]
            if its_session == str(session) and state != "Z":
                found.append(int(path.parent.name))
    return found


@pytest.mark.long
@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("gpus", [1, 2])
def test_what_was_done_is_kept(cells, tmp_path, number, status, gpus):
    """One process, and one for each of two GPUs (on the CPU they are the same)."""
    clip = write_clip(tmp_path / "clip.mp4", 1000, seed=1)  # more than is kept back
    out = tmp_path / "o"
    more = ["--model", cells, "--threads", 1, "--gpus", gpus, "--backend", "cpu"]
    run = command(*words([clip] * 200, out, *more))
    child = subprocess.Popen(
        run,
        cwd=str(KIT),
        env=QUIET,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        wait_for(lambda: any(path.stat().st_size > 200 for path in out.glob(".*.csv")))
        if number == signal.SIGINT:
            os.killpg(child.pid, number)  # as a terminal does
        else:
            child.send_signal(number)
        _, said = child.communicate(timeout=60)
        assert b"Traceback" not in said
        assert child.returncode == status, said
        wait_for(lambda: not living(child.pid))
    finally:
        for process in living(child.pid):
            os.kill(process, signal.SIGKILL)
    assert left_in(out) == []
    tables = sorted(out.glob("*.csv"))
    assert len(tables) == 200
    assert sum(len(rows_of(table)) for table in tables) > 0
