"""The soak: flat is said of what is flat, and of nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import soak
from soak import Look

KIT = Path(__file__).resolve().parent.parent.parent
BEFORE = Look(memory=200, threads=5, files=9, children=0, temporary=0)
BUSY = Look(memory=260, threads=20, files=17, children=1, temporary=2)


def test_what_stays_as_it_was_is_flat():
    assert all(soak.verdicts(BEFORE, [BUSY] * 30, BEFORE).values())


@pytest.mark.parametrize("name", ["threads", "files", "children", "temporary"])
def test_what_is_left_is_not(name):
    after = BEFORE._replace(**{name: getattr(BEFORE, name) + 1})
    flat = soak.verdicts(BEFORE, [BUSY] * 30, after)
    assert [each for each, is_flat in flat.items() if not is_flat] == [name]
    assert "NO" in soak.table(BEFORE, [BUSY] * 30, after, flat)


def test_memory_that_grows_steadily_is_not():
    looks = [BUSY._replace(memory=260 + 1.5 * number) for number in range(60)]
    assert not soak.verdicts(BEFORE, looks, BEFORE)["memory"]


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="needs Linux's /proc")
def test_it_looks_at_this_process(tmp_path):
    before = soak.look(tmp_path)
    (tmp_path / ".begun").touch()
    with open(str(tmp_path / "open"), "w"):
        child = subprocess.Popen(["sleep", "60"])
        try:
            now = soak.look(tmp_path)
        finally:
            child.kill()
            child.wait()
    assert now.files == before.files + 1
    assert now.children == before.children + 1
    assert now.temporary == before.temporary + 1


@pytest.mark.long
@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="needs Linux's /proc")
def test_twenty_seconds_of_it_are_flat():
    done = subprocess.run(
        [sys.executable, "tools/soak.py", "--seconds", "20"],
        cwd=str(KIT),
        env={**os.environ, "TQDM_DISABLE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" yes\n") == len(Look._fields)
