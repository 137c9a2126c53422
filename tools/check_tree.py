"""Checks that hold for the whole repository: its size, notebooks without outputs, the measures of the package."""

import ast
import json
import statistics
import subprocess
import sys
from pathlib import Path

KIT = Path(__file__).resolve().parent.parent
TREE_MIB, PACKAGE_LINES, FILE_LINES = 28, 6650, 300
MEDIAN_BODY, NINTH_BODY = 12, 40


def tracked(*patterns):
    names = subprocess.run(
        ["git", "ls-files", "-z", *patterns], cwd=KIT, check=True, stdout=subprocess.PIPE
    ).stdout
    return [KIT / name for name in names.decode().split("\0") if name and (KIT / name).exists()]


def tree_size():
    size = sum(path.stat().st_size for path in tracked()) / 2**20
    if size >= TREE_MIB:
        yield f"the tracked tree is {size:.1f} MiB; the limit is {TREE_MIB}"


def notebooks():
    for path in tracked("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        if any(cell.get("outputs") or cell.get("execution_count") for cell in cells):
            yield f"{path.relative_to(KIT)} has outputs; clear them"


def body_lengths(tree):
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.end_lineno - node.body[0].lineno + 1


def package():
    lengths, total = [], 0
    for path in tracked("trt_course/*.py"):
        text = path.read_text(encoding="utf-8")
        lines = len(text.splitlines())
        total += lines
        tree = ast.parse(text)
        lengths += body_lengths(tree)
        if lines > FILE_LINES:
            yield f"{path.relative_to(KIT)} has {lines} lines; the limit is {FILE_LINES}"
        if text.strip() and not ast.get_docstring(tree):
            yield f"{path.relative_to(KIT)} has no docstring that says what it is"
    if total > PACKAGE_LINES:
        yield f"trt_course has {total} lines; the limit is {PACKAGE_LINES}"
    if lengths and statistics.median(lengths) > MEDIAN_BODY:
        yield f"the median function body has {statistics.median(lengths)} lines; the limit is {MEDIAN_BODY}"
    if lengths and sorted(lengths)[int(len(lengths) * 0.9)] > NINTH_BODY:
        yield f"more than one function body in ten is over {NINTH_BODY} lines"


def main():
    complaints = [*tree_size(), *notebooks(), *package()]
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
