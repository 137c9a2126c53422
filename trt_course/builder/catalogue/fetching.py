"""Makes models/NAME of a row of the catalogue: whole, or not at all.

Everything is put together in a folder beside, which takes its name at the end. A folder that is
there already stays, whoever made it, unless it is replaced by force.
"""

import datetime
import os
import shutil
from pathlib import Path, PurePosixPath
from typing import Any, Callable, Dict, NamedTuple, Optional

from ...model.network_file import require_network
from ...model.spec import MODELS, read_spec
from ...support.errors import CourseError
from ...support.files import MIB, open_regular, sha256, write_text
from ...support.noted import LIST, Noted
from ...support.signals import postponed
from ...support.temporary import temporary_folder_beside
from ..draft import as_text
from .archives import take
from .card import Got, card
from .conversions import NETWORK, conversion_of
from .download import download, instead
from .rows import Row, Source

_MOST_UNKNOWN = 512 * MIB  # of a file whose length nobody has published
_RECORD = "model.json"

Agree = Callable[[str], bool]  # whether the reader takes what a text describes


class Fetched(NamedTuple):
    """The model's folder; `new` is false where it was there already."""

    folder: Path
    new: bool


def fetch(row: Row, agree: Agree, given: Optional[Path] = None, force: bool = False) -> Fetched:
    """Make the folder of a model, from the file at its address or from `given`.

    `agree` is asked about a file whose SHA-256 nobody has published.
    """
    target = MODELS / row.name
    if os.path.lexists(str(target)) and not force:
        _require_own(target)
        if (target / _RECORD).is_file() and (target / NETWORK).is_file():
            return Fetched(target, new=False)

    conversion = conversion_of(row.source)
    conversion.require()
    with temporary_folder_beside(target) as folder:
        work = folder / "work"
        work.mkdir()
        file = work / (row.source.file_name or "file")
        if given is None:
            _download(row, file)
        else:
            _copy(given, file, row.source)
        got = _checked(row, file, agree)
        record = conversion.convert(row, _model_in(row.source, file), folder)
        for name in row.source.beside:
            os.replace(str(work / name), str(folder / name))
        shutil.rmtree(str(work))
        _write_papers(row, dict(record), got, folder)
        _rename(folder, target)
    return Fetched(target, new=True)


# The folder that may be there -----------------------------------------------------------------


def is_own(folder: Path) -> bool:
    """Whether a folder was fetched, and nobody has changed the files since."""
    if folder.is_symlink() or not (folder / LIST).is_file():
        return False
    noted = Noted(folder)
    files = [path for path in folder.iterdir() if path.name not in (LIST, "engines")]
    return all(path.is_file() and noted.has(path) for path in files)


def _require_own(folder: Path) -> None:
    if not is_own(folder):
        raise CourseError(
            f"{folder} is in the way: it was not fetched, or it was changed since. Move it, or "
            "put it aside with --force."
        )


def _rename(folder: Path, target: Path) -> None:
    """Give the finished folder its name. What is in the way is the kit's own, or is put aside."""
    old = None
    if os.path.lexists(str(target)):
        old = _aside(target)
    with postponed(_go_on):
        if old is not None:
            os.rename(str(target), str(old))
        try:
            os.rename(str(folder), str(target))
        except OSError as err:
            if old is not None:
                os.rename(str(old), str(target))
            raise CourseError(f"{target} cannot be made: {err.strerror}.") from err
    if old is not None and is_own(old):
        shutil.rmtree(str(old), ignore_errors=True)


def _go_on() -> None:
    """What Ctrl-C does between two renames: nothing, until both are done."""


def _aside(target: Path) -> Path:
    """A free name beside the folder."""
    number = 1
    while os.path.lexists(str(target) + f".old{number}"):
        number += 1
    return target.with_name(f"{target.name}.old{number}")


# The file -------------------------------------------------------------------------------------


def _download(row: Row, file: Path) -> None:
    try:
        download(row.source.url, file, row.source.bytes or _MOST_UNKNOWN)
    except CourseError as err:
        raise CourseError(
            f"{row.source.url} cannot be fetched ({err}); {by_hand(row.source, row.name)}"
        ) from err


def by_hand(source: Source, name: str) -> str:
    """What to do without a network, as the end of a sentence."""
    return (
        "to fetch it by hand, save that address with a browser or on another machine, as "
        f"{source.file_name}, and run: python -m trt_course models fetch {name} "
        f"--from {source.file_name}"
    )


def _copy(given: Path, file: Path, source: Source) -> None:
    """A copy of a file that was fetched by hand, which nobody can change meanwhile."""
    most = source.bytes or _MOST_UNKNOWN
    with open_regular(given, "the fetched file of a model") as stream:
        length = os.fstat(stream.fileno()).st_size
        if length > most:
            raise CourseError(
                f"{given} has {length:,} bytes; the file at {source.url} has "
                f"{_length(source)}. Is it the right file?"
            )
        with file.open("wb") as copy:
            shutil.copyfileobj(stream, copy, MIB)


def _checked(row: Row, file: Path, agree: Agree) -> Got:
    """What came, once it is known to be the right file or the reader has taken it."""
    source = row.source
    today = datetime.date.today().isoformat()
    got = Got(file.stat().st_size, sha256(file), today)
    with file.open("rb") as stream:
        what = instead(stream.read(512))
    if what:
        raise CourseError(
            f"The file for {row.name} is {what}, not the model at {source.url}; "
            f"{by_hand(source, row.name)}"
        )
    if not source.sha256:
        _require_agreement(row, got, agree)
    elif got.bytes != source.bytes:
        raise CourseError(
            f"The file for {row.name} is cut off or another one: it has {got.bytes:,} bytes, "
            f"wanted: {_length(source)}. Nothing of it was kept; fetch it again."
        )
    elif got.sha256 != source.sha256:
        raise CourseError(
            f"The file for {row.name} is not the one that is known here: its SHA-256 is "
            f"{got.sha256}, wanted: {source.sha256}. Nothing of it was kept; if it is always so, "
            "the file at its address has been replaced."
        )
    return got


def _require_agreement(row: Row, got: Got, agree: Agree) -> None:
    question = (
        f"Nobody has published the SHA-256 of {row.name}, so it cannot be checked. What came from "
        f"{row.source.url}:\n    {got.bytes:,} bytes, SHA-256 {got.sha256}"
    )
    if not agree(question):
        raise CourseError(f"{row.name} was not taken, and nothing was kept.")


def _length(source: Source) -> str:
    if source.bytes:
        return f"{source.bytes:,}"
    return f"at most {_MOST_UNKNOWN:,}"


def _model_in(source: Source, file: Path) -> Path:
    """The model's own file: that which came, or a member of it, beside which others may lie."""
    if not source.member:
        return file
    member = file.parent / PurePosixPath(source.member).name
    targets = {source.member: member}
    targets.update({inside: file.parent / name for name, inside in source.beside.items()})
    take(file, targets)
    digest = sha256(member)
    if source.member_sha256 not in ("", digest):
        raise CourseError(
            f"{source.member} in {file.name} is another one than is known here: its SHA-256 is "
            f"{digest}, wanted: {source.member_sha256}."
        )
    return member


# What lies beside the network --------------------------------------------------------------------


def _write_papers(row: Row, record: Dict[str, Any], got: Got, folder: Path) -> None:
    """The record, the card, and the note that all of it is the kit's own; git leaves it out."""
    network = folder / NETWORK
    require_network(network)
    digest = sha256(network)
    record["provenance"] = {
        "source": row.source.url,
        "license": f"code {row.source.code_license}, weights {row.source.weights_license}",
        "fetched": f"{got.day}, {got.bytes} bytes, SHA-256 {got.sha256}",
        "sha256": digest,
    }
    write_text(folder / _RECORD, as_text(record))
    write_text(
        folder / "README.md", card(row._replace(spec=read_spec(folder / _RECORD)), got, digest)
    )
    write_text(folder / ".gitignore", "*\n")
    noted = Noted(folder)
    for path in sorted(folder.iterdir()):
        if path.name != LIST:
            noted.add(path.name, sha256(path))
