"""Row: a public model that can be fetched, as models/catalogue/NAME.json describes it."""

import difflib
import re
from pathlib import Path
from typing import Any, Dict, List, NamedTuple

from ...model.fields import (
    Rules,
    each,
    file_inside,
    json_object,
    one_of,
    read_json,
    record_of,
    rule,
    text,
    whole_from,
)
from ...model.spec import MODELS, ModelSpec, spec_of
from ...support.errors import CourseError
from ...support.files import MIB
from ...support.words import abridged

CATALOGUE = MODELS / "catalogue"

_MOST_BYTES = 1024 * MIB  # of a file: the largest here has 180 MiB


class Source(NamedTuple):
    """Where a model's file is, how it is told from others, and whose it is.

    Without `bytes` and `sha256` nobody has published them. `member` is the file in an archive that
    is the model; `beside` are further members to keep: name here -> name in the archive.
    """

    url: str
    conversion: str  # of the table in conversions.py
    code_license: str
    weights_license: str
    source: str  # who made it, for people
    tried: str  # what of it has been run
    untried: str  # and what could not be
    bytes: int = 0
    sha256: str = ""
    member: str = ""
    member_bytes: int = 0
    member_sha256: str = ""
    beside: Dict[str, str] = {}
    network: str = ""  # what the library that converts it calls the network

    @property
    def file_name(self) -> str:
        """What a browser would call the file."""
        return self.url.rpartition("/")[2]


class Row(NamedTuple):
    """A model of the catalogue: its record, as JSON and as a ModelSpec, and where its file is."""

    name: str
    record: Dict[str, Any]
    spec: ModelSpec
    source: Source


_address = rule(
    "wanted: an address that begins with https:// or http://",
    lambda value: isinstance(value, str) and value.startswith(("https://", "http://")),
)
_digest = rule(
    "wanted: a SHA-256, 64 hexadecimal digits",
    lambda value: isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value),
)

SOURCE_RULES: Rules = {
    "url": _address,
    "conversion": one_of("none", "tf_graph", "torchvision"),
    "code_license": text,
    "weights_license": text,
    "source": text,
    "tried": text,
    "untried": text,
    "bytes": whole_from(1, _MOST_BYTES),
    "sha256": _digest,
    "member": file_inside,
    "member_bytes": whole_from(1, _MOST_BYTES),
    "member_sha256": _digest,
    "beside": each(file_inside),
    "network": text,
}


def read_row(path: Path) -> Row:
    """The row in a file of the catalogue."""
    record = dict(json_object(read_json(path), str(path)))
    if "fetch" not in record:
        raise CourseError(f"{path}: fetch is missing; wanted: where the model's file is")
    source = record_of(Source, SOURCE_RULES)(record.pop("fetch"), f"{path}: fetch")
    spec = spec_of(record, path)
    if spec.name != path.stem:
        raise CourseError(f"{path}: name is {abridged(spec.name)}; wanted: the file's own name")
    return Row(spec.name, record, spec, source)


def names() -> List[str]:
    """The names of the models in the catalogue."""
    return sorted(path.stem for path in CATALOGUE.glob("*.json"))


def catalogue() -> List[Row]:
    """All rows of the catalogue, by their names."""
    return [read_row(CATALOGUE / f"{name}.json") for name in names()]


def find_row(name: str) -> Row:
    """The row of a model."""
    known = names()
    if name in known:
        return read_row(CATALOGUE / f"{name}.json")
    near = difflib.get_close_matches(name, known, 1)
    guess = f" Did you mean {near[0]}?" if near else ""
    raise CourseError(
        f"There is no model {abridged(name)} in the catalogue.{guess} "
        f"It has: {', '.join(known) or 'none'}."
    )
