"""Checks what holds for the whole checkout: its size, the notebooks, module docstrings.

How the code is written is tools/check_style.py's business.
"""

import argparse
import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Iterator, List

KIT = Path(__file__).resolve().parent.parent
TREE_MIB = 28
CODE_WIDTH = 100


def tracked(*patterns: str) -> List[Path]:
    """The files that git knows, of these patterns or all."""
    command = ["git", "ls-files", "-z", *patterns]
    listed = subprocess.run(command, cwd=KIT, check=True, stdout=subprocess.PIPE)
    names = listed.stdout.decode().split("\0")
    return [KIT / name for name in names if name and (KIT / name).exists()]


def tree_size() -> Iterator[str]:
    """A complaint where a clone would be too large."""
    size = sum(path.stat().st_size for path in tracked()) / 2**20
    if size >= TREE_MIB:
        yield f"the tracked tree is {size:.1f} MiB; the limit is {TREE_MIB}"


def notebooks() -> Iterator[str]:
    """A complaint for each notebook that was saved with what its cells printed."""
    for path in tracked("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        if any(cell.get("outputs") or cell.get("execution_count") for cell in cells):
            yield f"{path.relative_to(KIT)} has outputs; clear them"


def masters() -> Iterator[str]:
    """A complaint for each line of a lesson's code that is too wide for a notebook's page."""
    for path in tracked("notebooks/masters/*.py"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if len(line) > CODE_WIDTH and not line.lstrip().startswith("#"):
                yield f"{path.relative_to(KIT)}:{number} has {len(line)} characters of code"


def docstrings() -> Iterator[str]:
    """A complaint for each module that does not say what it is."""
    for path in tracked("trt_course/*.py", "tools/*.py"):
        text = path.read_text(encoding="utf-8")
        if text.strip() and not ast.get_docstring(ast.parse(text)):
            yield f"{path.relative_to(KIT)} has no docstring that says what it is"


def core_files() -> List[Path]:
    """The files of the core, in the reading order of docs/architecture.md."""
    page = (KIT / "docs/architecture.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\d+\. \[`([^`]+)`\]", page, re.M)
    return [KIT / "trt_course" / name for name in listed]


def print_core() -> None:
    """The lines of each file of the core, and of all: told, not bounded."""
    total = 0
    for path in core_files():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        total += lines
        print(f"{lines:6}  {path.relative_to(KIT)}")
    print(f"{total:6}  lines to read")


def main() -> int:
    """Print the complaints; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--core", action="store_true", help="print the core's files instead")
    if parser.parse_args().core:
        print_core()
        return 0

    complaints = [*tree_size(), *notebooks(), *masters(), *docstrings()]
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
