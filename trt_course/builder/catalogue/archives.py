"""Takes named members out of an archive, and nothing else.

No member is written under a name that stands in the archive, only a regular file is taken, and of
what unpacks to more than was expected no more is read.
"""

import gzip
import shutil
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Any, Dict, Iterator, cast

from ...support.errors import CourseError
from ...support.files import MIB

_MOST_BYTES = 2048 * MIB  # that a whole archive may unpack to
_MOST_MEMBERS = 10000

# What Python's own modules raise for damaged archives.
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


def take(archive: Path, targets: Dict[str, Path]) -> None:
    """Write members of a .tar.gz or of a .zip or .whl: name in the archive -> file to write."""
    with archive.open("rb") as stream:
        head = stream.read(4)
    if head[:2] == b"\x1f\x8b":
        kind = _take_from_tar
    elif head == b"PK\x03\x04":
        kind = _take_from_zip
    else:
        raise CourseError(f"{archive.name} is neither a .tar.gz nor a .zip")

    left = dict(targets)
    try:
        kind(archive, left)
    except _DAMAGED as err:
        raise CourseError(f"{archive.name} cannot be unpacked: {err}") from err
    if left:
        raise CourseError(f"{archive.name} has no member {', '.join(left)}")


def _take_from_tar(archive: Path, left: Dict[str, Path]) -> None:
    """Members are read one after the other: an archive of half a gigabyte is unpacked once."""
    with gzip.open(str(archive)) as unpacked:
        bounded = cast(IO[bytes], _Bounded(unpacked))
        with tarfile.open(fileobj=bounded, mode="r|") as members:
            for member in _counted(members):
                _require_inside(member.name)
                if member.name not in left:
                    continue
                content = members.extractfile(member) if member.isreg() else None
                if content is None:
                    raise CourseError(f"{member.name} in {archive.name} is no regular file")
                _write(content, left.pop(member.name))


def _take_from_zip(archive: Path, left: Dict[str, Path]) -> None:
    with zipfile.ZipFile(str(archive)) as members:
        for member in _counted(members.infolist()):
            _require_inside(member.filename)
            if member.filename not in left:
                continue
            kind = stat.S_IFMT(member.external_attr >> 16)  # 0 where it was made without Unix
            if kind not in (0, stat.S_IFREG) or member.filename.endswith("/"):
                raise CourseError(f"{member.filename} in {archive.name} is no regular file")
            with members.open(member) as content:
                _write(_Bounded(content), left.pop(member.filename))


def _counted(members: Any) -> Iterator[Any]:
    """The members of an archive, of which there may be only so many."""
    for number, member in enumerate(members):
        if number >= _MOST_MEMBERS:
            raise CourseError(f"the archive has more than {_MOST_MEMBERS} members")
        yield member


def _require_inside(name: str) -> None:
    """Refuse an archive with a name that leads out of the folder where it would be unpacked."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        raise CourseError(f"the archive has a member that leads out of its folder: {name}")


def _write(content: Any, target: Path) -> None:
    with target.open("xb") as stream:
        shutil.copyfileobj(content, stream, MIB)


class _Bounded:
    """A stream of which only so much can be read."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._left = _MOST_BYTES

    def read(self, length: int = -1) -> bytes:
        """The next bytes."""
        data: bytes = self._stream.read(min(length, MIB) if length >= 0 else MIB)
        self._left -= len(data)
        if self._left < 0:
            raise CourseError(f"the archive unpacks to more than {_MOST_BYTES / MIB:g} MiB")
        return data
