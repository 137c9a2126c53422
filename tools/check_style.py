"""How the code is written, measured from the syntax tree, and held to the bounds that CONTRIBUTING.md explains.

    python tools/check_style.py                 # the table, and what is past a bound; status 1 if anything is
    python tools/check_style.py --worst 20      # the functions and lines to mend first
    python tools/check_style.py --root FOLDER   # another checkout of the kit

Counts only what a syntax tree shows. Whether a name is a good one, a reader must say.
"""

import argparse
import ast
import statistics
import sys
import tokenize
from collections import Counter
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Tuple, Union

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
_OPERATIONS = (
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.IfExp,
    ast.Call,
    ast.Subscript,
)

Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]


class Bound(NamedTuple):
    """What one row of the table may be at most, or must be at least, and in which groups it is held."""

    most: float = float("inf")
    least: float = 0.0
    groups: Tuple[str, ...] = ("trt_course", "tools")

    def holds(self, value: float) -> bool:
        """Whether a measure is within the bound."""
        return self.least <= value <= self.most

    def limit(self) -> str:
        """The bound in words."""
        if self.least:
            return "at least {:g}".format(self.least)
        return "at most {:g}".format(self.most)


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


class Source:
    """One Python file: its lines, its tree, and what is asked of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.lines = self.text.splitlines()
        self.tree = ast.parse(self.text)
        self.nodes = list(ast.walk(self.tree))

    def code_lines(self) -> int:
        """Lines that hold code: no blanks, no comments, no docstrings."""
        prose = set(self.own_comments())
        for node in self.nodes:
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                if ast.get_docstring(node, clean=False) is not None:
                    statement = node.body[0]
                    prose.update(range(statement.lineno, statement.end_lineno + 1))
        filled = [number for number, line in enumerate(self.lines, 1) if line.strip()]
        return sum(number not in prose for number in filled)

    def own_comments(self) -> List[int]:
        """The numbers of the lines that hold a comment and nothing else."""
        with open(str(self.path), "rb") as stream:
            tokens = list(tokenize.tokenize(stream.readline))
        return [
            token.start[0]
            for token in tokens
            if token.type == tokenize.COMMENT and token.line.lstrip().startswith("#")
        ]

    def functions(self) -> List[Function]:
        return [n for n in self.nodes if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]

    def parallel_assignments(self) -> List[ast.Assign]:
        return [node for node in self.nodes if isinstance(node, ast.Assign) and _is_parallel(node)]

    def conditional_expressions(self) -> List[ast.IfExp]:
        return [node for node in self.nodes if isinstance(node, ast.IfExp)]

    def public(self) -> Iterator[Union[Function, ast.ClassDef]]:
        """Functions, classes and methods without an underscore, outside of functions."""
        waiting: List[ast.AST] = [self.tree]
        while waiting:
            for node in getattr(waiting.pop(), "body", []):
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                    if node.name.startswith("_"):
                        continue
                    yield node
                    if isinstance(node, ast.ClassDef):
                        waiting.append(node)


def _is_parallel(node: ast.Assign) -> bool:
    """Several targets and as many values in one statement; a swap is none."""
    if not isinstance(node.value, ast.Tuple):
        return False
    return any(isinstance(target, ast.Tuple) for target in node.targets)


def most_operations(function: Function) -> int:
    """How many operations begin on the function's busiest line."""
    operations = Counter(n.lineno for n in ast.walk(function) if isinstance(n, _OPERATIONS))
    return max(operations.values(), default=0)


def length(function: Function) -> int:
    """The lines of a function's body, without its docstring."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    if not body:
        return 0
    return body[-1].end_lineno - body[0].lineno + 1


def is_annotated(function: Function) -> bool:
    """Whether every argument but self and cls says its type."""
    arguments = function.args.args + function.args.kwonlyargs
    named = [a for a in arguments if a.arg not in ("self", "cls")]
    return all(argument.annotation is not None for argument in named)


def measure(sources: List[Source]) -> Dict[str, float]:
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
    return [node for node in nodes if ast.get_docstring(node) is not None]


def _percent(part: list, whole: list) -> float:
    return 100 * len(part) / max(len(whole), 1)


def table(columns: Dict[str, Dict[str, float]]) -> str:
    """The measures as text, one column a group, with the bound of each row that has one."""
    names = list(columns)
    rows = [" " * 50 + "".join("{:>12}".format(name) for name in names) + "   bound"]
    for row in columns[names[0]]:
        cells = ["{:12.1f}".format(columns[name][row]) for name in names]
        bound = BOUNDS.get(row)
        limit = "" if bound is None else "   " + bound.limit()
        rows.append("{:<50}".format(row) + "".join(cells) + limit)
    return "\n".join(rows)


def complaints(columns: Dict[str, Dict[str, float]]) -> Iterator[str]:
    """A sentence for each measure that is past its bound."""
    for group, column in columns.items():
        for row, bound in BOUNDS.items():
            if group in bound.groups and not bound.holds(column[row]):
                yield "{}: {} is {:.1f}; wanted: {}".format(group, row, column[row], bound.limit())


def places(sources: List[Source]) -> List[str]:
    """What to mend, the worst first: PATH:LINE and what is there."""
    found = []
    for source in sources:
        for function in source.functions():
            operations = most_operations(function)
            if operations > MOST_OPERATIONS:
                found.append((operations, source, function.lineno, "operations on a line"))
            if length(function) > LONG_FUNCTION:
                found.append((length(function), source, function.lineno, "lines in a function"))
        for node in source.parallel_assignments():
            found.append((10, source, node.lineno, "a parallel assignment"))
        for node in source.conditional_expressions():
            found.append((5, source, node.lineno, "a conditional expression"))
        for number, line in enumerate(source.lines, 1):
            if len(line) > LINE_WIDTH:
                found.append((len(line), source, number, "characters"))
        for node in source.public():
            if ast.get_docstring(node) is None:
                found.append((6, source, node.lineno, "no docstring: " + node.name))
            elif not isinstance(node, ast.ClassDef) and not is_annotated(node):
                found.append((6, source, node.lineno, "no annotations: " + node.name))
    found.sort(key=lambda place: -place[0])
    return ["{}:{}: {} {}".format(s.path, line, size, what) for size, s, line, what in found]


def main() -> int:
    """Print the table, then what is past a bound; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=KIT, help="the checkout to measure")
    parser.add_argument("--files", nargs="+", type=Path, help="only these files, in one column")
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="list N places to mend")
    args = parser.parse_args()

    if args.files:
        groups = {"files": [Source(path) for path in args.files]}
    else:
        groups = {
            name: [Source(path) for path in sorted((args.root / folder).rglob("*.py"))]
            for name, folder in GROUPS.items()
        }

    columns = {name: measure(sources) for name, sources in groups.items()}
    print(table(columns))
    everything = [source for sources in groups.values() for source in sources]
    for place in places(everything)[: args.worst]:
        print(place)
    broken = list(complaints(columns))
    for complaint in broken:
        print(complaint)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
