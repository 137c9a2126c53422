"""Ctrl-C and SIGTERM: what is done is kept, nothing half is left, children end, no traceback."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import psutil
import pytest

from stand_ins.tlt_desk import desk_in
from trt_course.engine import cuda, plan
from trt_course.media.sources import open_source
from trt_course.media.writer import VideoWriter
from trt_course.support import errors, signals
from trt_course.support.errors import CourseError

PACKAGE = Path(signals.__file__).parent.parent
BOTH = pytest.mark.parametrize(
    "number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)


def started(*words, **options):
    """A command in a process of its own."""
    command = [sys.executable, "-m", "trt_course"] + [str(word) for word in words]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def has_begun(traceback):
    """Whether Python was done with its own start, and the package with its first three imports."""
    files = re.findall(r'File "(.+?)"', traceback)
    ours = [file for file in files if file.startswith(str(PACKAGE))]
    first = [str(PACKAGE / "__init__.py"), str(PACKAGE / "support" / "signals.py")]
    return any(file not in first for file in ours) or "numpy" in traceback


def wait_until(there, job, seconds=60):
    """Until there() is true; the job goes on meanwhile."""
    limit = time.monotonic() + seconds
    while not there():
        assert job.poll() is None, job.communicate()
        assert time.monotonic() < limit
        time.sleep(0.02)


def ended(job, number):
    """Send it a signal; its exit status and what it said."""
    job.send_signal(number)
    said = "".join(job.communicate(timeout=60))
    assert "Traceback" not in said
    return job.returncode, said


@BOTH
def test_a_folder_keeps_what_is_done(number, status, cells, picture_folder, cell_picture, tmp_path):
    for i in range(1200):
        cv2.imwrite(str(picture_folder / f"g{i:04d}.bmp"), cell_picture)
    out = tmp_path / "o"
    job = started("detect", picture_folder, "--model", cells, "--out", out)
    texts = out / "detection-results"
    wait_until(lambda: len(list(texts.glob("*.txt"))) > 20, job)
    got, said = ended(job, number)
    assert got == status
    assert "What was finished is kept" in said

    done = list(texts.glob("*.txt"))
    assert 20 < len(done) < 1206
    assert json.loads((out / "detections.json").read_text())
    assert not list(out.rglob(".*~*"))


@BOTH
def test_a_video_is_kept_as_far_as_it_came(number, status, cells, cell_picture, tmp_path):
    clip = tmp_path / "long.mp4"
    with VideoWriter(clip, 100) as writer:
        for _ in range(1500):
            writer.write(cell_picture)
    out = tmp_path / "o"
    job = started("detect", clip, "--model", cells, "--out", out, "--save-json")
    wait_until(lambda: any(path.stat().st_size for path in out.glob(".long*~*")), job)
    got, _ = ended(job, number)
    assert got == status
    with open_source(out / "long.mp4") as video:
        assert 0 < len(list(video)) < 1500
    assert json.loads((out / "long.json").read_text())
    assert not list(out.glob(".*~*"))


def test_a_build_from_etlt_ends_its_converter(tmp_path, monkeypatch):
    desk = desk_in(tmp_path, monkeypatch)
    monkeypatch.setenv("STAND_IN", "wait")
    monkeypatch.setenv("STAND_IN_GATE", str(tmp_path / "gate"))
    code = (
        "import sys; from trt_course.builder.tlt import engine_from_etlt;"
        "from trt_course.model.spec import read_spec; from trt_course.support import signals\n"
        "record, etlt, out, program = sys.argv[1:]\n"
        "try:\n"
        "    with signals.heeded():\n"
        "        engine_from_etlt(read_spec(record), etlt, out, 'TLT_KEY', program=program)\n"
        "except KeyboardInterrupt as stop:\n"
        "    sys.exit(signals.status_of(stop))\n"
    )
    places = [desk.folder / "model.json", desk.etlt, desk.out, desk.folder / "bin/tao-converter"]
    words = [sys.executable, "-c", code] + [str(place) for place in places]
    job = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    job.stdout.readline()
    converter = int(job.stdout.readline().split()[-1])
    assert psutil.pid_exists(converter)

    job.terminate()
    assert job.wait(60) == 143
    job.stdout.close()
    assert not psutil.pid_exists(converter) or psutil.Process(converter).status() == "zombie"
    assert not list(desk.out.parent.glob("*"))


@pytest.mark.long
@BOTH
def test_no_moment_of_the_start_and_the_end_has_a_traceback(number, status):
    """Two at a time, at moments from the first import until after the last line."""
    for first in range(1, 17, 2):
        jobs = [started("models") for _ in range(2)]
        for late, job in enumerate(jobs, first):
            time.sleep(0.05 * late)
            job.send_signal(number)
        for job in jobs:
            said = "".join(job.communicate(timeout=60))
            if "Traceback" in said and not has_begun(said):
                continue
            assert "Traceback" not in said
            assert job.returncode in (0, status, -number)


def test_what_was_ignored_stays_ignored(cells, picture_folder, tmp_path):
    """As nohup does it, or a shell for a job in the background."""
    code = (
        "import signal, sys; from trt_course.__main__ import main\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "import os; import trt_course.commands.models as models\n"
        "models._models = lambda args: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.exit(main(['models']))"
    )
    assert subprocess.call([sys.executable, "-c", code], timeout=60) == 0


COMPILED = """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(1000):
        pass
except KeyboardInterrupt:
    raise ImportError("initialization failed")
"""


@pytest.mark.parametrize("load", ["need", "load_tensorrt", "open_cuda"])
def test_ctrl_c_while_a_compiled_library_is_loaded_is_not_lost(load, tmp_path, monkeypatch):
    """A stand-in for such a library, which turns it into an ImportError."""
    (tmp_path / "compiled_stand_in.py").write_text(COMPILED)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "compiled_stand_in", raising=False)
    monkeypatch.setattr(plan, "_NAMES", ["compiled_stand_in"])
    monkeypatch.setattr(cuda, "_candidates", lambda library: [(None, "compiled_stand_in")])
    loaders = {
        "need": lambda: errors.need("compiled_stand_in"),
        "load_tensorrt": plan.load_tensorrt,
        "open_cuda": cuda.open_cuda,
    }
    with pytest.raises(KeyboardInterrupt):
        loaders[load]()


def test_main_leaves_the_callers_handlers_as_they_were():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(signals.Terminated), signals.heeded():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@BOTH
def test_a_second_press_does_not_stop_what_is_being_kept(number, status, monkeypatch):
    monkeypatch.setattr(signals, "_SAME_WISH", 60.0)
    kept = []
    with pytest.raises(KeyboardInterrupt) as stop, signals.heeded():
        try:
            os.kill(os.getpid(), number)
            time.sleep(30)
        finally:
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
            kept.append("all")
    assert kept == ["all"]
    assert signals.status_of(stop.value) == status


def test_a_press_much_later_ends_what_hangs(monkeypatch):
    monkeypatch.setattr(signals, "_SAME_WISH", 0.0)
    with pytest.raises(signals.Terminated), signals.heeded():
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(30)
        except KeyboardInterrupt:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(30)


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_output_that_is_closed_gets_nothing(closed, tmp_path):
    """As cron and some services start programs: no file of the run takes the place of stdout."""
    truth = Path("data/signs/ground-truth").resolve()
    detections = tmp_path / "det"
    detections.mkdir()
    for path in truth.glob("*.txt"):
        (detections / path.name).touch()
    figures = tmp_path / "figures.json"
    words = f"--gt '{truth}' --det '{detections}' --json '{figures}'"
    line = f"'{sys.executable}' -m trt_course evaluate {words} {closed}"
    job = subprocess.run(line, shell=True, stderr=subprocess.PIPE, text=True, timeout=60)
    assert "Traceback" not in job.stderr
    assert job.returncode == 0
    assert json.loads(figures.read_text())["mAP"] == 0


def test_nobody_reads_what_is_printed():
    job = started("models")
    job.stdout.close()
    said = job.stderr.read()
    assert job.wait(60) == 141
    assert said == ""


def test_a_full_disk_behind_the_output_is_one_sentence():
    with open("/dev/full", "w") as full:
        job = subprocess.run(
            [sys.executable, "-m", "trt_course", "models"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert job.returncode == 2
    assert "No space left on device" in job.stderr
    assert "Traceback" not in job.stderr


@pytest.mark.parametrize(
    "said, shown",
    [
        ("rtsp://ann:s3cret@10.0.0.7/live", "rtsp://ann:***@10.0.0.7/live"),
        ("rtsp://ann:p@ss/w:rd@10.0.0.7:554/a", "rtsp://ann:***@10.0.0.7:554/a"),
        ("http://h/x?user=ann&password=s3cret&n=1", "http://h/x?user=ann&password=***&n=1"),
        ("http://h/x?access_token=abc", "http://h/x?access_token=***"),
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("caf\udce9.jpg", r"caf\xe9.jpg"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
    ],
)
def test_a_sentence_has_no_secret_and_nothing_that_a_terminal_obeys(said, shown):
    assert str(CourseError(said)) == shown
