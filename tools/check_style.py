"""Measures how the code is written, from its syntax tree, and holds it to bounds.

    python tools/check_style.py                 # the table; status 1 if a bound is broken
    python tools/check_style.py --worst 20      # also the lines to mend first
    python tools/check_style.py --files A B     # some files only
    python tools/check_style.py --root FOLDER   # another checkout of the kit

It sees only what a syntax tree shows: whether a name is a good one, a reader must say.
CONTRIBUTING.md says what the bounds are for.
"""

import argparse
import ast
import statistics
import sys
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Tuple

from python_file import PythonFile, has_docstring, is_annotated, length, most_operations

KIT = Path(__file__).resolve().parent.parent
GROUPS = {
    "trt_course": "trt_course",
    "tools": "tools",
    "tests": "tests",
    "masters": "notebooks/masters",
}

LINE_WIDTH = 100
FILE_LINES = 300
LONG_FUNCTION = 35
MOST_OPERATIONS = 4


class Bound(NamedTuple):
    """What one row of the table may be at most, or must be at least, and for which groups."""

    most: float = float("inf")
    least: float = 0.0
    groups: Tuple[str, ...] = ("trt_course", "tools")

    def holds(self, value: float) -> bool:
        """Whether a measure is within the bound."""
        return self.least <= value <= self.most

    def limit(self) -> str:
        """The bound in words."""
        if self.least:
            return f"at least {self.least:g}"
        return f"at most {self.most:g}"


HELD = ("trt_course", "tools", "tests")
BOUNDS = {
    "parallel assignments per 1,000 code lines": Bound(most=3, groups=HELD),
    "conditional expressions per 1,000 code lines": Bound(most=12, groups=HELD),
    "functions with over 4 operations on a line, %": Bound(most=15),
    "lines over 100 characters, %": Bound(most=0, groups=HELD),
    "public functions and classes with a docstring, %": Bound(least=90, groups=("trt_course",)),
    "public functions with annotations, %": Bound(least=90, groups=("trt_course",)),
    "files over 300 lines": Bound(most=0),
    "median lines of a function": Bound(most=12),
    "functions of over 35 lines, %": Bound(most=10),
}


def measure(sources: List[PythonFile]) -> Dict[str, float]:
    """The table's column for some files, by the names of its rows."""
    code = sum(source.code_lines() for source in sources)
    lines = [line for source in sources for line in source.lines]
    wide = [line for line in lines if len(line) > LINE_WIDTH]
    parallel = sum(len(source.parallel_assignments()) for source in sources)
    conditional = sum(len(source.conditional_expressions()) for source in sources)

    functions = [function for source in sources for function in source.functions()]
    lengths = [length(function) for function in functions]
    busy = [function for function in functions if most_operations(function) > MOST_OPERATIONS]

    public = [node for source in sources for node in source.public()]
    public_functions = [node for node in public if not isinstance(node, ast.ClassDef)]

    return {
        "code lines": code,
        "comments on a line of their own": sum(len(s.own_comments()) for s in sources),
        "functions with a docstring, %": _percent(_documented(functions), functions),
        "parallel assignments per 1,000 code lines": 1000 * parallel / max(code, 1),
        "conditional expressions per 1,000 code lines": 1000 * conditional / max(code, 1),
        "functions with over 4 operations on a line, %": _percent(busy, functions),
        "lines over 100 characters, %": _percent(wide, lines),
        "public functions and classes with a docstring, %": _percent(_documented(public), public),
        "public functions with annotations, %": _percent(
            [function for function in public_functions if is_annotated(function)], public_functions
        ),
        "files over 300 lines": sum(len(s.lines) > FILE_LINES for s in sources),
        "median lines of a function": statistics.median(lengths or [0]),
        "functions of over 35 lines, %": _percent(
            [lines for lines in lengths if lines > LONG_FUNCTION], lengths
        ),
    }


def _documented(nodes: list) -> list:
    return [node for node in nodes if has_docstring(node)]


def _percent(part: list, whole: list) -> float:
    if not whole:
        return 0.0
    return 100 * len(part) / len(whole)


def table(columns: Dict[str, Dict[str, float]]) -> str:
    """The measures as text, one column a group, with the bound of each row that has one."""
    heads = "".join(f"{name:>12}" for name in columns)
    rows = [f"{'':<50}{heads}   bound"]

    measures = next(iter(columns.values()))
    for row in measures:
        cells = "".join(f"{column[row]:12.1f}" for column in columns.values())
        limit = BOUNDS[row].limit() if row in BOUNDS else ""
        rows.append(f"{row:<50}{cells}   {limit}".rstrip())
    return "\n".join(rows)


def complaints(columns: Dict[str, Dict[str, float]]) -> Iterator[str]:
    """A sentence for each measure that is past its bound."""
    for row, bound in BOUNDS.items():
        for group in bound.groups:
            value = columns[group][row] if group in columns else bound.least
            if not bound.holds(value):
                yield f"{group}: {row} is {value:.1f}; wanted: {bound.limit()}"


class Place(NamedTuple):
    """Something to mend: the larger `weight`, the sooner."""

    weight: int
    path: Path
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


def places(source: PythonFile) -> Iterator[Place]:
    """What to mend in a file."""
    for function in source.functions():
        operations = most_operations(function)
        lines = length(function)
        if operations > MOST_OPERATIONS:
            what = f"{operations} operations on a line of {function.name}"
            yield Place(operations, source.path, function.lineno, what)
        if lines > LONG_FUNCTION:
            what = f"{function.name} has {lines} lines"
            yield Place(lines, source.path, function.lineno, what)

    for node in source.parallel_assignments():
        yield Place(10, source.path, node.lineno, "a parallel assignment")
    for node in source.conditional_expressions():
        yield Place(5, source.path, node.lineno, "a conditional expression")
    for number, line in enumerate(source.lines, 1):
        if len(line) > LINE_WIDTH:
            yield Place(len(line), source.path, number, f"{len(line)} characters")
    yield from undocumented(source)


def undocumented(source: PythonFile) -> Iterator[Place]:
    """Public functions and classes that lack a docstring or annotations."""
    for node in source.public():
        if not has_docstring(node):
            yield Place(6, source.path, node.lineno, f"{node.name} has no docstring")
            continue
        if isinstance(node, ast.ClassDef):
            continue
        if not is_annotated(node):
            yield Place(6, source.path, node.lineno, f"{node.name} lacks annotations")


def sources_in(folder: Path) -> List[PythonFile]:
    """All Python files below a folder."""
    return [PythonFile(path) for path in sorted(folder.rglob("*.py"))]


def main() -> int:
    """Print the table, then what is past a bound; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=KIT, help="the checkout to measure")
    parser.add_argument("--files", nargs="+", type=Path, help="only these files, in one column")
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="list N places to mend")
    args = parser.parse_args()

    if args.files:
        groups = {"files": [PythonFile(path) for path in args.files]}
    else:
        groups = {name: sources_in(args.root / folder) for name, folder in GROUPS.items()}

    columns = {name: measure(sources) for name, sources in groups.items()}
    print(table(columns))
    if args.worst:
        found = [p for sources in groups.values() for source in sources for p in places(source)]
        found.sort(key=lambda place: -place.weight)
        print(*found[: args.worst], sep="\n")

    broken = list(complaints(columns))
    for complaint in broken:
        print(complaint)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
