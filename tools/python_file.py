"""A Python file as its syntax tree shows it: what tools/check_style.py counts."""

import ast
import tokenize
from collections import Counter
from pathlib import Path
from typing import Iterator, List, Union

_OPERATIONS = 4
_OPERATIONS = (
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.IfExp,
    ast.Call,
    ast.Subscript,
)
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]


class PythonFile:
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
            if has_docstring(node):
                docstring = node.body[0]
                prose.update(range(docstring.lineno, docstring.end_lineno + 1))
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
        """All functions and methods, also those inside others."""
        return [n for n in self.nodes if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]

    def parallel_assignments(self) -> List[ast.Assign]:
        """Statements such as `a, b = 1, 2`."""
        return [node for node in self.nodes if isinstance(node, ast.Assign) and _is_parallel(node)]

    def conditional_expressions(self) -> List[ast.IfExp]:
        """Expressions such as `a if b else c`."""
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


def has_docstring(node: ast.AST) -> bool:
    return isinstance(node, _DOCUMENTED) and ast.get_docstring(node) is not None


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
