"""What can be changed about a node of a syntax tree, so that the line still reads like code."""

import ast
import re
from typing import Iterator, List, NamedTuple

COMPARISONS = {
    ast.Lt: ("<", ("<=", ">=")),
    ast.LtE: ("<=", ("<", ">")),
    ast.Gt: (">", (">=", "<=")),
    ast.GtE: (">=", (">", "<")),
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
    ast.Is: ("is", ("is not",)),
    ast.IsNot: ("is not", ("is",)),
    ast.In: ("in", ("not in",)),
    ast.NotIn: ("not in", ("in",)),
}
ARITHMETIC = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "/"),
    ast.Mod: ("%", "*"),
    ast.Pow: ("**", "*"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
}
SMALL = 10  # whole numbers below become one more; bounds and sizes become twice as large
OPPOSITE_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}


class Edit(NamedTuple):
    """A piece of a line, by the bytes where it begins and ends, and what comes in its place."""

    line: int  # from 1
    begin: int
    end: int
    new: str

    def applied_to(self, line: str) -> str:
        """The line with the new piece in it."""
        encoded = line.encode()
        return (encoded[: self.begin] + self.new.encode() + encoded[self.end :]).decode()


def edits_of(node: ast.AST, lines: List[str]) -> Iterator[Edit]:
    """The edits of this node itself, not of those below."""
    if isinstance(node, ast.Compare):
        yield from _of_comparison(node, lines)
    elif isinstance(node, ast.BoolOp):
        yield from _of_boolean(node, lines)
    elif isinstance(node, ast.BinOp):
        yield from _of_arithmetic(node, lines)
    elif isinstance(node, ast.UnaryOp):
        yield from _of_sign(node)
    elif isinstance(node, ast.Constant):
        yield from _of_constant(node)
    elif isinstance(node, (ast.If, ast.While, ast.IfExp)):
        yield from _of_condition(node.test, lines)
    elif isinstance(node, ast.Subscript):
        yield from _of_index(node)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, ast.stmt):
        yield from _of_statement(node, lines)


def _of_comparison(node: ast.Compare, lines: List[str]) -> Iterator[Edit]:
    operands = [node.left, *node.comparators]
    for left, right, operation in zip(operands, operands[1:], node.ops):
        old, others = COMPARISONS[type(operation)]
        for new in others:
            yield from _between(left, right, lines, old, new)


def _of_boolean(node: ast.BoolOp, lines: List[str]) -> Iterator[Edit]:
    old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    for left, right in zip(node.values, node.values[1:]):
        yield from _between(left, right, lines, old, new)


def _of_arithmetic(node: ast.BinOp, lines: List[str]) -> Iterator[Edit]:
    if any(_is_text(operand) for operand in (node.left, node.right)):
        return
    if type(node.op) in ARITHMETIC:
        old, new = ARITHMETIC[type(node.op)]
        yield from _between(node.left, node.right, lines, old, new)


def _of_sign(node: ast.UnaryOp) -> Iterator[Edit]:
    """`not x` becomes `x`, and `-x` too."""
    if isinstance(node.op, (ast.Not, ast.USub)) and node.lineno == node.operand.lineno:
        yield Edit(node.lineno, node.col_offset, node.operand.col_offset, "")


def _of_constant(node: ast.Constant) -> Iterator[Edit]:
    value = node.value
    if isinstance(value, bool):
        yield _instead(node, str(not value))
    elif isinstance(value, int):
        yield _instead(node, str(value + 1 if value < SMALL else 2 * value))
    elif isinstance(value, float):
        yield _instead(node, repr(2 * value or 1.0))


def _of_condition(test: ast.expr, lines: List[str]) -> Iterator[Edit]:
    """`if x` becomes `if not x`; what is a comparison or a `not` has edits of its own."""
    is_plain = isinstance(test, (ast.Name, ast.Attribute, ast.Call, ast.Subscript))
    if is_plain and test.lineno == test.end_lineno:
        yield Edit(test.lineno, test.col_offset, test.end_col_offset, f"not {_text(test, lines)}")


def _of_index(node: ast.Subscript) -> Iterator[Edit]:
    """`values[i]` becomes `values[0]`."""
    if isinstance(node.slice, ast.Name) and isinstance(node.ctx, ast.Load):
        yield _instead(node.slice, "0")


def _of_call(node: ast.Call) -> Iterator[Edit]:
    if isinstance(node.func, ast.Name) and node.func.id in OPPOSITE_NAMES:
        yield _instead(node.func, OPPOSITE_NAMES[node.func.id])


def _of_statement(node: ast.stmt, lines: List[str]) -> Iterator[Edit]:
    if node.lineno != node.end_lineno:
        return
    if isinstance(node, ast.Continue):
        yield _instead(node, "break")
    elif isinstance(node, ast.Break):
        yield _instead(node, "continue")
    elif isinstance(node, ast.Return):
        if node.value is not None and not _is_none(node.value):
            yield _instead(node, "return None")
    elif isinstance(node, ast.AugAssign) and type(node.op) in ARITHMETIC:
        old, new = ARITHMETIC[type(node.op)]
        yield from _between(node.target, node.value, lines, f"{old}=", f"{new}=")
    elif _can_be_left_out(node):
        yield _instead(node, "pass")


def _can_be_left_out(node: ast.stmt) -> bool:
    """Whether the program can go on without a statement: no name is missing afterwards."""
    if isinstance(node, ast.Raise):
        return True
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    if isinstance(node, ast.Assign):
        return all(isinstance(each, (ast.Attribute, ast.Subscript)) for each in node.targets)
    return False


def _between(
    left: ast.expr, right: ast.expr, lines: List[str], old: str, new: str
) -> Iterator[Edit]:
    """Another operator between two operands of one line."""
    if left.end_lineno != right.lineno:
        return
    encoded = lines[right.lineno - 1].encode()
    gap = encoded[left.end_col_offset : right.col_offset].decode()
    place = re.search(rf"(?<![\w]){re.escape(old)}(?![\w])", gap)
    if place:
        begin = left.end_col_offset + place.start()
        yield Edit(right.lineno, begin, begin + len(old), new)


def _instead(node: ast.AST, new: str) -> Edit:
    assert isinstance(node, (ast.expr, ast.stmt))
    return Edit(node.lineno, node.col_offset, node.end_col_offset or 0, new)


def _text(node: ast.expr, lines: List[str]) -> str:
    encoded = lines[node.lineno - 1].encode()
    return encoded[node.col_offset : node.end_col_offset].decode()


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))
    )


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
