"""What is done to a fetched file to make a network in ONNX of it: a table of functions."""

import os
from pathlib import Path
from typing import Any, Callable, Dict, NamedTuple

from ...support.errors import CourseError, need
from ...support.outputs import Outputs
from .rows import Row, Source

Words = Dict[str, Any]

NETWORK = "model.onnx"


class Conversion(NamedTuple):
    """`require` refuses, before anything is fetched, where a library is missing.

    `convert` writes NETWORK into a folder, and returns the record for it: the row's own, perhaps
    with words that only the file could tell.
    """

    told: str
    require: Callable[[], Any]
    convert: Callable[[Row, Path, Path], Words]


def _nothing_needed() -> None:
    """Every machine can do it."""


def _as_it_is(row: Row, file: Path, folder: Path) -> Words:
    os.replace(str(file), str(folder / NETWORK))
    return row.record


def _need_onnx() -> None:
    need("onnx")


def _need_torch() -> None:
    need("torch")
    need("torchvision")


def _by_torchvision(row: Row, file: Path, folder: Path) -> Words:
    from .from_torchvision import export

    export(row.source.network, file, folder / NETWORK, row.spec.input.width)
    return row.record


def _by_tf_graph(row: Row, file: Path, folder: Path) -> Words:
    """The graph's own recipe, priors and heads; the names of the classes are the row's."""
    from ..tf_graph import convert

    drafted = convert(file, folder, Outputs())
    if drafted.guess.classes != len(row.spec.labels):
        raise CourseError(
            f"{file.name} has {drafted.guess.classes} scores a box, the background's among them, "
            f"but {row.name} has {len(row.spec.labels)} classes: it is another model."
        )
    record = dict(drafted.record)
    for word in ("name", "title", "labels", "background"):
        record[word] = row.record[word]
    record["nms"] = dict(row.record["nms"], **record.get("nms", {}))

    questions = [text for text in record.pop("questions", []) if not text.startswith("labels:")]
    if questions:
        record["questions"] = questions
    return record


CONVERSIONS: Dict[str, Conversion] = {
    "none": Conversion("as it is", _nothing_needed, _as_it_is),
    "tf_graph": Conversion("converted here", _need_onnx, _by_tf_graph),
    "torchvision": Conversion("converted with PyTorch", _need_torch, _by_torchvision),
}


def conversion_of(source: Source) -> Conversion:
    """What is done to a row's file."""
    if source.conversion not in CONVERSIONS:
        raise CourseError(
            f"The file at {source.url} needs the conversion {source.conversion}; this kit has: "
            f"{', '.join(CONVERSIONS)}."
        )
    return CONVERSIONS[source.conversion]
