"""A copy of the kit in which a file can be changed while its tests run."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence

from mutation.mutants import Mutant

TOOLS = Path(__file__).resolve().parent.parent  # pytest finds the plugin of a watched run here


class Verdict(NamedTuple):
    """How the tests ended: whether one failed, and which; none if pytest itself could not begin."""

    failed: bool
    test: str = ""


class Checkout:
    """A copy of all files that git tracks, or would: what is ignored stays out."""

    def __init__(self, original: Path, folder: Path) -> None:
        self.kit = folder / "kit"
        self._temporary = folder / "temporary"
        self._stamp = 1_000_000_000  # the time of a file's last change, later with each change
        listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listing, cwd=str(original), check=True, stdout=subprocess.PIPE)
        for name in names.stdout.decode().split("\0"):
            if name and (original / name).is_file():
                (self.kit / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(str(original / name), str(self.kit / name))

        # The tests look for real pictures beside the kit.
        pictures = original.parent / "shared"
        if pictures.exists():
            (folder / "shared").symlink_to(pictures.resolve())

    def environment(self) -> Dict[str, str]:
        """The variables with which programs import this copy of the kit."""
        paths = [self.kit, self.kit / "tools", TOOLS]
        joined = os.pathsep.join(map(str, paths))
        return dict(os.environ, PYTHONPATH=joined, TQDM_DISABLE="1", MPLBACKEND="agg")

    def pytest_options(self) -> List[str]:
        """What each call of pytest is given: files go to a folder of this copy's own."""
        return ["-q", "-p", "no:cacheprovider", f"--basetemp={self._temporary}"]

    def collected(self, tests: Sequence[str]) -> List[str]:
        """The names of all tests in files and folders."""
        ended = self._run(["--collect-only", "-m", "not long", *tests], seconds=600)
        return [line for line in ended.stdout.splitlines() if "::" in line]

    def with_mutant(self, mutant: Mutant, tests: Sequence[str], seconds: float) -> Verdict:
        """How the tests end on the changed file."""
        path = self.kit / mutant.path
        original = path.read_text(encoding="utf-8")
        try:
            self._write(path, mutant.text(original))
            return self.verdict(tests, seconds)
        finally:
            self._write(path, original)

    def verdict(self, tests: Sequence[str], seconds: float) -> Verdict:
        """How the tests end; what takes longer than so many seconds has failed too."""
        try:
            ended = self._run(["-x", *self._chosen(tests)], seconds)
        except subprocess.TimeoutExpired:
            return Verdict(True, "no end")
        failed = _failed(ended.stdout)
        if failed:
            return Verdict(True, failed[0])
        return Verdict(ended.returncode != 0)

    def failures(self, tests: Sequence[str], seconds: float) -> List[str]:
        """All of the tests that fail on the files as they are."""
        return _failed(self._run(self._chosen(tests), seconds).stdout)

    def _chosen(self, tests: Sequence[str]) -> List[str]:
        """Arguments that name the tests: there may be more than a command line can hold."""
        chosen = self.kit.parent / "chosen.txt"
        chosen.write_text("\n".join(tests), encoding="utf-8")
        return ["-rfE", f"@{chosen}"]

    def _run(self, arguments: Sequence[str], seconds: float) -> "subprocess.CompletedProcess[str]":
        """Calls pytest; neither it nor a program that it started outlives the seconds."""
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *self.pytest_options(), *arguments],
            cwd=str(self.kit),
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=seconds)
        finally:
            _end(process)
        return subprocess.CompletedProcess(process.args, process.returncode, output)

    def _write(self, path: Path, text: str) -> None:
        """Writes a file with a time of its own: Python must not take an older compilation."""
        path.write_text(text, encoding="utf-8")
        self._stamp += 10
        os.utime(str(path), (self._stamp, self._stamp))


def _failed(output: str) -> List[str]:
    """The names of tests in pytest's summary of failures."""
    lines = [line for line in output.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return [line.partition(" ")[2].partition(" - ")[0] for line in lines]


def _end(process: "subprocess.Popen[str]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
