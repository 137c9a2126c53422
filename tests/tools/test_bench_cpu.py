"""The CPU benchmark runs, names its rivals and its scope, and what surrounds the network stays under a tenth of it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

KIT = Path(__file__).resolve().parents[2]


@pytest.mark.long
def test_side_by_side():
    done = subprocess.run(
        [sys.executable, "tools/bench_cpu.py", "--rounds", "15"],
        cwd=str(KIT),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for rival in (
        "TrtSSD.detect",
        "original loop",
        "OpenCV DNN",
        "1248 x 384 picture",
        "15 rounds",
    ):
        assert rival in done.stdout
    assert float(re.search(r"outside the network: ([\d.]+) %", done.stdout).group(1)) < 10


def test_missing_model_is_told():
    done = subprocess.run(
        [sys.executable, "tools/bench_cpu.py", "--model", "nix"],
        cwd=str(KIT),
        capture_output=True,
        text=True,
    )
    assert (
        done.returncode != 0
        and "There is no model 'nix'" in done.stderr
        and "Traceback" not in done.stderr
    )
