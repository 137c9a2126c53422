"""What the GPU takes while something is measured."""

import os
import shutil
import subprocess
from typing import List, Optional

import numpy as np

EVERY_MS = 200


class Power:
    """A context manager: watts and MiB of the GPU meanwhile, as nvidia-smi tells them.

    It asks five times a second, and others wait for the GPU meanwhile: where delays are measured,
    it is not wanted. `watts` and `mib` are None then, and where there is no nvidia-smi.
    """

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self._smi: Optional[subprocess.Popen] = None

        # The medians, known at the end.
        self.watts: Optional[float] = None
        self.mib: Optional[float] = None

    def __enter__(self) -> "Power":
        if self._wanted and shutil.which("nvidia-smi"):
            self._smi = subprocess.Popen(_command(), stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_) -> None:
        if self._smi is None:
            return
        self._smi.terminate()
        said, _ = self._smi.communicate()

        # The first third is left out, as it is of the speed.
        rows = _rows(said)
        if rows:
            steady = rows[len(rows) // 3 :]
            self.watts, self.mib = np.median(steady, axis=0).tolist()


def _command() -> List[str]:
    gpu = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
    return [
        "nvidia-smi",
        "--query-gpu=power.draw,memory.used",
        "--format=csv,noheader,nounits",
        *("-lms", str(EVERY_MS)),
        *("-i", gpu),
    ]


def _rows(said: str) -> List[List[float]]:
    """Watts and MiB of each whole line; the last one may be cut off, and some say "[N/A]"."""
    rows = []
    for line in said.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) == 2 and cells[0][:1].isdigit():
            rows.append([float(cell) for cell in cells])
    return rows
