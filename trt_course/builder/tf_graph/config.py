"""pipeline.config: what a model of TensorFlow's object detection API was trained with.

It is protobuf's text format. Read here without the message's definition: names, values, braces.
"""

import re
from pathlib import Path
from typing import Dict, List, Tuple, Union

from ...support.errors import CourseError
from ...support.files import read_text

NAME = "pipeline.config"  # beside the graph

_WHAT = "a pipeline.config of TensorFlow's object detection API"
_DEEPEST = 50
_TOKEN = re.compile(
    r"""\s+|\#[^\n]*                              # nothing to read
    |(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    |(?P<word>[-+.\w]+)
    |(?P<mark>[{}<>:\[\],;])""",
    re.VERBOSE,
)

Value = Union[str, "Settings"]


class Settings:
    """The fields of a message; each may come more than once.

    >>> settings = parse('ssd { num_classes: 2 scales: 0.1 scales: 0.5 }', "an example")
    >>> settings.inside("ssd").number("num_classes", 90)
    2.0
    >>> settings.inside("ssd").numbers("scales"), settings.inside("box").number("side", 4)
    ([0.1, 0.5], 4)
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._fields: Dict[str, List[Value]] = {}

    def put(self, name: str, value: Value) -> None:
        """Add a value to a field."""
        self._fields.setdefault(name, []).append(value)

    def has(self, name: str) -> bool:
        """Whether the field is there."""
        return name in self._fields

    def inside(self, *names: str) -> "Settings":
        """The message at the end of this way of fields; an empty one where there is none."""
        settings = self
        for name in names:
            values = settings._fields.get(name, [])
            found = values[-1] if values else Settings(self._where)
            if isinstance(found, str):
                raise CourseError(f"{self._where}: {name} is {found}; wanted: fields in braces")
            settings = found
        return settings

    def word(self, name: str, otherwise: str) -> str:
        """A field that is a word or a text."""
        values = self._fields.get(name)
        return str(values[-1]) if values else otherwise

    def number(self, name: str, otherwise: float) -> float:
        """A field that is a number."""
        numbers = self.numbers(name)
        return numbers[-1] if numbers else otherwise

    def flag(self, name: str, otherwise: bool) -> bool:
        """A field that is true or false."""
        return self.word(name, str(otherwise).lower()) in ("true", "True", "t", "1")

    def numbers(self, name: str) -> List[float]:
        """A field that is a list of numbers."""
        numbers = []
        for value in self._fields.get(name, []):
            try:
                numbers.append(float(value))  # type: ignore[arg-type]
            except (TypeError, ValueError):
                raise CourseError(f"{self._where}: {name} is {value}; wanted: a number") from None
        return numbers

    def __str__(self) -> str:
        return "{...}"


def read_config(graph: Path) -> Settings:
    """The settings in the pipeline.config beside a graph; none if there is no such file."""
    path = graph.parent / NAME
    if not path.is_file():
        return Settings(str(path))
    return parse(read_text(path, _WHAT), str(path))


def parse(text: str, where: str) -> Settings:
    """The settings in a text; `where` is for messages."""
    tokens = _tokens(text, where)
    settings = Settings(where)
    at = _fields(tokens, 0, settings, where, 0)
    if at < len(tokens):
        raise _error(where, tokens[at], "a field")
    return settings


Token = Tuple[str, str, int]  # its kind, its text, its line


def _tokens(text: str, where: str) -> List[Token]:
    tokens = []
    at = 0
    line = 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _error(where, ("", text[at], line), "a name, a value or a brace")
        if match.lastgroup is not None:
            tokens.append((match.lastgroup, match.group(), line))
        line += match.group().count("\n")
        at = match.end()
    return tokens


def _fields(tokens: List[Token], at: int, settings: Settings, where: str, depth: int) -> int:
    """Read fields up to a closing brace or the end; the place behind them."""
    if depth > _DEEPEST:
        raise _error(where, tokens[at - 1], f"at most {_DEEPEST} braces inside each other")
    while at < len(tokens) and tokens[at][1] not in ("}", ">"):
        kind, name, _ = tokens[at]
        if kind != "word":
            raise _error(where, tokens[at], "the name of a field")
        at = _skip(tokens, at + 1, ":")
        if _mark(tokens, at) == "[":
            at = _listed(tokens, at + 1, settings, name, where, depth)
        else:
            at = _value(tokens, at, settings, name, where, depth)
        at = _skip(tokens, _skip(tokens, at, ","), ";")
    return at


def _listed(
    tokens: List[Token], at: int, settings: Settings, name: str, where: str, depth: int
) -> int:
    """Read the values of a list in brackets."""
    while _mark(tokens, at) != "]":
        at = _skip(tokens, _value(tokens, at, settings, name, where, depth), ",")
    return at + 1


def _value(
    tokens: List[Token], at: int, settings: Settings, name: str, where: str, depth: int
) -> int:
    """Read one value of a field."""
    if at >= len(tokens):
        raise _error(where, tokens[-1], f"a value for {name} behind it")
    kind, text, _ = tokens[at]
    if kind == "word":
        settings.put(name, text)
        return at + 1
    if kind == "text":
        while at < len(tokens) and tokens[at][0] == "text":  # neighbours are one text
            at += 1
        settings.put(name, text[1:-1])
        return at
    if text not in ("{", "<"):
        raise _error(where, tokens[at], f"a value for {name}")
    message = Settings(where)
    opened = tokens[at]
    at = _fields(tokens, at + 1, message, where, depth + 1)
    if at >= len(tokens):
        raise _error(where, opened, "the brace that closes it")
    settings.put(name, message)
    return at + 1


def _mark(tokens: List[Token], at: int) -> str:
    return tokens[at][1] if at < len(tokens) and tokens[at][0] == "mark" else ""


def _skip(tokens: List[Token], at: int, mark: str) -> int:
    """The place behind a mark, if it is there."""
    return at + 1 if _mark(tokens, at) == mark else at


def _error(where: str, token: Token, wanted: str) -> CourseError:
    _, text, line = token
    return CourseError(f"{where}, line {line}: found {text[:40]!r}; wanted: {wanted}.")
