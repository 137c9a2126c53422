"""The CPU's benchmark runs, and names its rivals and its scope.

What surrounds the network stays under a tenth of it.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

KIT = Path(__file__).resolve().parents[2]


def bench(*args):
    command = [sys.executable, "tools/bench_cpu.py", *args]
    return subprocess.run(command, cwd=str(KIT), capture_output=True, text=True)


@pytest.mark.long
def test_side_by_side():
    done = bench("--rounds", "15")
    assert done.returncode == 0, done.stderr
    for rival in (
        "TrtSSD.detect",
        "original loop",
        "OpenCV DNN",
        "1248 x 384 picture",
        "15 rounds",
    ):
        assert rival in done.stdout
    outside = re.search(r"outside the network: ([\d.]+) %", done.stdout)
    assert float(outside.group(1)) < 10


def test_missing_model_is_told():
    done = bench("--model", "nix")
    assert done.returncode != 0
    assert "There is no model 'nix'" in done.stderr
    assert "Traceback" not in done.stderr
