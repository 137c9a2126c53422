"""What is told of a public model: its line in the catalogue, and the card of the fetched one."""

import textwrap
from typing import List, NamedTuple, Sequence, Tuple

from ...model.spec import ModelSpec
from .conversions import conversion_of
from .rows import Row, Source

NOT_STATED = "not stated"
_WIDTH = 118
_HEADINGS = ("name", "MB", "classes", "input", "licence of code", "of weights", "made")


class Got(NamedTuple):
    """The file that came: how long it is, its SHA-256, and the day."""

    bytes: int
    sha256: str
    day: str


def class_names(spec: ModelSpec) -> List[str]:
    """The classes that a model finds, without COCO's numbers that stand for nothing."""
    names = [spec.labels[cls] for cls in spec.class_ids()]
    return [name for name in names if not name.startswith("unused_")]


def licence(source: Source) -> str:
    """Both licences in a sentence."""
    weights = source.weights_license
    if weights == NOT_STATED:
        weights = "none is stated for them, so ask their makers before you pass them on"
    return f"code {source.code_license}; weights: {weights}"


def table(rows: Sequence[Row]) -> str:
    """The models that can be fetched, a line each."""
    cells: List[Tuple[str, ...]] = [_HEADINGS]
    cells += [_cells(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)) for line in cells]
    return "\n".join(line.rstrip() for line in lines)


def _cells(row: Row) -> Tuple[str, ...]:
    source = row.source
    entry = row.spec.input
    length = "?"
    if source.bytes:
        length = f"{source.bytes / 1e6:.1f}"
    return (
        row.name,
        length,
        str(len(class_names(row.spec))),
        f"{entry.width} x {entry.height}",
        source.code_license,
        source.weights_license,
        conversion_of(source).told,
    )


def card(row: Row, got: Got, digest: str) -> str:
    """The page; `digest` is the SHA-256 of the network in ONNX."""
    source = row.source
    spec = row.spec
    entry = spec.input
    names = class_names(spec)
    command = f"python -m trt_course models fetch {row.name}"
    return "\n".join(
        [
            f"# {row.name}",
            "",
            f"{spec.title}. Fetched on {got.day} by `{command}`.",
            "",
            _item("Source", source.source),
            _item("Licence", licence(source) + "." + _licence_beside(source)),
            _item("Fetched", _fetched(source, got)),
            _item("Network", f"`{spec.file}`, SHA-256 `{digest}`"),
            _item("Input", f"{entry.width} x {entry.height} {entry.color}, {entry.resize}"),
            _item("Classes", f"{len(names)}: {', '.join(names)}"),
            _item("Tried when it was catalogued", source.tried + "."),
            _item("Not tried", source.untried + "."),
            "",
            "[model.json](model.json) says to the program how pictures go in and what comes out.",
            f"`python -m trt_course models check {row.name} --image your.jpg` tries it.",
            "",
        ]
    )


def _fetched(source: Source, got: Got) -> str:
    """Where the file came from, what it was, and what was done to it."""
    known = "as expected" if source.sha256 else "which nobody has published to compare it with"
    parts = [f"{source.url}, {got.bytes:,} bytes, SHA-256 `{got.sha256}`, {known}"]
    if source.member:
        parts.append(f"of it `{source.member}`")
    parts.append(conversion_of(source).told)
    return "; ".join(parts)


def _licence_beside(source: Source) -> str:
    if "LICENSE" in source.beside:
        return " Its text: [LICENSE](LICENSE)."
    return ""


def _item(name: str, said: str) -> str:
    """A line of the list, wrapped as the kit's pages are."""
    return textwrap.fill(
        f"* **{name}**: {said}",
        _WIDTH,
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
