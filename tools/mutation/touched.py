"""Which tests touch a line of the package: what a run of the tests under coverage has shown."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterable, List, Set

from coverage import CoverageData

from mutation.checkout import Checkout
from mutation.watching import CONTEXT, RECORD

SETTINGS = """[run]
source = trt_course
relative_files = true
parallel = true
patch = subprocess
data_file = {data}
context = ${{{context}-}}
"""


def watch(checkout: Checkout, folder: Path, tests: Iterable[str]) -> int:
    """Runs the tests under coverage; the folder then holds all that `Touched` asks for."""
    shutil.rmtree(str(folder), ignore_errors=True)
    folder.mkdir(parents=True)
    settings = folder / "settings.ini"
    text = SETTINGS.format(data=folder / "coverage", context=CONTEXT)
    settings.write_text(text, encoding="utf-8")

    coverage = [sys.executable, "-m", "coverage"]
    watched = ["run", f"--rcfile={settings}", "-m", "pytest", "-p", "mutation.watching"]
    environment = dict(checkout.environment(), **{RECORD: str(folder / "tests.json")})
    status = subprocess.run(
        [*coverage, *watched, *checkout.pytest_options(), "-m", "not long", *tests],
        cwd=str(checkout.kit),
        env=environment,
    ).returncode

    together = [*coverage, "combine", f"--rcfile={settings}", "-q"]
    subprocess.run(together, cwd=str(checkout.kit), check=True)
    shutil.copytree(str(checkout.kit / "trt_course"), str(folder / "trt_course"))
    return status


class Touched:
    """Answers which tests touch a line, the quickest first, with their seconds."""

    def __init__(self, folder: Path, kit: Path) -> None:
        self._kit = kit
        self._watched = folder
        self._data = CoverageData(str(folder / "coverage"))
        self._data.read()

        with open(str(folder / "tests.json"), encoding="utf-8") as stream:
            tests = json.load(stream)
        # A test that fails on the unchanged package says nothing about a changed one.
        self._tests = {name: test for name, test in tests.items() if test["passed"]}
        self._users: Dict[str, Set[str]] = {}
        for name, test in self._tests.items():
            for fixture in test["fixtures"]:
                self._users.setdefault(fixture, set()).add(name)
        self._lines: Dict[str, Dict[int, List[str]]] = {}

    def tests(self, path: str, line: int) -> List[str]:
        """The tests that touch a line, those with the module's own name before the others."""
        lines = self._contexts(path)
        found: Set[str] = set()
        if self._is_as_watched(path):
            found = self._named(lines.get(line, []))
        if not found:
            # It runs when the module is imported, or the file has changed since: all of the file.
            found = self._named(name for names in lines.values() for name in names)
        own = f"test_{Path(path).stem}"
        return sorted(found, key=lambda name: (own not in name, self.seconds(name), name))

    def seconds(self, test: str) -> float:
        """What the test took when it was watched."""
        return self._tests[test]["seconds"]

    def _contexts(self, path: str) -> Dict[int, List[str]]:
        if path not in self._lines:
            self._lines[path] = self._data.contexts_by_lineno(path)
        return self._lines[path]

    def _is_as_watched(self, path: str) -> bool:
        watched = self._watched / path
        return watched.is_file() and watched.read_bytes() == (self._kit / path).read_bytes()

    def _named(self, contexts: Iterable[str]) -> Set[str]:
        """The tests behind contexts: a test's own, or those of all users of a fixture."""
        found: Set[str] = set()
        for context in contexts:
            name = context.rpartition("|")[2]
            if name.startswith("fixture "):
                found |= self._users.get(name[len("fixture ") :], set())
            elif name in self._tests:
                found.add(name)
        return found
