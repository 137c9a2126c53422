"""Mutants: a source file with one small change on one line."""

import ast
from pathlib import Path
from typing import Iterator, List, NamedTuple

from mutation.replacements import Edit, edits_of


class Mutant(NamedTuple):
    """One change: in which file, on which line, and what becomes of the line."""

    path: str  # from the kit's folder
    line: int  # from 1
    before: str
    after: str

    def change(self) -> str:
        """What is changed into what; this stays as it is when lines are added above."""
        return f"{self.path}: {self.before.strip()}  ->  {self.after.strip()}"

    def name(self) -> str:
        """The change and its place, on one line."""
        return self.change().replace(":", f":{self.line}:", 1)

    def text(self, original: str) -> str:
        """The whole file with the change in it."""
        lines = original.split("\n")
        assert lines[self.line - 1] == self.before
        lines[self.line - 1] = self.after
        return "\n".join(lines)


def mutants_of(path: Path, kit: Path) -> List[Mutant]:
    """All mutants of a file, from top to bottom."""
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    name = path.relative_to(kit).as_posix()
    found = []
    for edit in sorted(set(_edits(ast.parse(text), lines))):
        before = lines[edit.line - 1]
        mutant = Mutant(name, edit.line, before, after=edit.applied_to(before))
        if _compiles(mutant.text(text)):
            found.append(mutant)
    return found


def _compiles(text: str) -> bool:
    try:
        compile(text, "mutant", "exec")
    except SyntaxError:  # `return` in place of a statement that began with it, for instance
        return False
    return True


def _edits(node: ast.AST, lines: List[str]) -> Iterator[Edit]:
    """The edits of a node and of all nodes below that can change what the program does."""
    yield from edits_of(node, lines)
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list"):
            continue
        children = value if isinstance(value, list) else [value]
        for child in children:
            # The places of nodes inside an f-string are not reliable before Python 3.12.
            if isinstance(child, ast.AST) and not isinstance(child, ast.JoinedStr):
                yield from _edits(child, lines)
