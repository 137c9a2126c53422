"""Outputs: the files that a run leaves for its reader, and nobody else's file among them.

The kit notes in each folder what it wrote there: `.trt_course` holds a line for each file, its
SHA-256 and its name. A file that stands in the way and is not in that list, or has changed since,
is somebody else's. It is replaced only by force.
"""

import contextlib
import os
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Set

from .errors import CourseError
from .files import AnyPath, as_json, encode_image, is_special, open_regular, sha256, whole_file

if TYPE_CHECKING:
    import numpy as np

LIST = ".trt_course"
_MOST_NAMED = 3  # of the files that are in the way


class Outputs:
    """The files of one run: asked for before the work, written whole, and noted.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "a.txt"
    >>> Outputs().write_text(path, "vehicle 0.9\\n")
    >>> Outputs().write_text(path, "vehicle 0.8\\n")  # the kit's own: it may be replaced
    >>> _ = path.write_text("my notes")
    >>> Outputs().claim(path)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    trt_course.support.errors.CourseError: .../a.txt is in the way: this kit did not write it...
    >>> folder.cleanup()
    """

    def __init__(self, force: bool = False) -> None:
        self.force = force  # replace files of others, too
        self._noted: Dict[str, Dict[str, Set[str]]] = {}  # folder -> name -> digests
        self._claimed: Set[str] = set()

    def claim(self, *paths: AnyPath) -> None:
        """Refuse, before the work, files that cannot be written or are somebody else's."""
        foreign = []
        for path in map(_real, paths):
            if str(path) in self._claimed:
                continue
            require_writable(path)
            if not self.force and self._is_foreign(path):
                foreign.append(path)
            self._claimed.add(str(path))
        if foreign:
            self._claimed.difference_update(str(path) for path in foreign)
            raise CourseError(_in_the_way(foreign))

    @contextlib.contextmanager
    def whole_file(self, path: AnyPath) -> Iterator[Path]:
        """As support.files.whole_file, for a file that may be written and is noted."""
        self.claim(path)
        with whole_file(path) as temporary:
            yield temporary
            # Before it takes its name: after a crash in between it still counts as the kit's.
            self._note(_real(path), temporary)

    def write_bytes(self, path: AnyPath, data: bytes) -> None:
        """Write a file of bytes."""
        with self.whole_file(path) as temporary:
            temporary.write_bytes(bytes(data))

    def write_text(self, path: AnyPath, text: str) -> None:
        """Write a text as UTF-8."""
        self.write_bytes(path, text.encode("utf-8"))

    def write_json(self, path: AnyPath, value: Any) -> None:
        """Write a value as JSON."""
        self.write_text(path, as_json(value))

    def write_image(self, path: AnyPath, image: "np.ndarray") -> None:
        """Write a picture in the format that the path's ending names."""
        self.write_bytes(path, encode_image(path, image))

    def _is_foreign(self, path: Path) -> bool:
        """Whether a file stands there that the kit did not write; an empty one is nobody's."""
        if is_special(path) or not path.exists() or not path.stat().st_size:
            return False
        digests = self._list_of(path.parent).get(path.name, set())
        return not digests or sha256(path) not in digests

    def _note(self, path: Path, temporary: Path) -> None:
        """Add a file that is about to take its name to its folder's list."""
        if is_special(path):
            return
        digest = sha256(temporary)
        digests = self._list_of(path.parent).setdefault(path.name, set())
        if digest in digests:
            return
        digests.add(digest)
        line = f"{digest}  {_quoted(path.name)}\n"
        # On a full disk the file itself counts for more than its line in the list.
        with contextlib.suppress(OSError):
            stream = (path.parent / LIST).open("a", encoding="ascii")
            with stream:
                stream.write(line)

    def _list_of(self, folder: Path) -> Dict[str, Set[str]]:
        """What the kit has written in a folder."""
        key = str(folder)
        if key not in self._noted:
            self._noted[key] = _read_list(folder / LIST)
        return self._noted[key]


def require_writable(path: AnyPath) -> None:
    """Refuse a path that no file can be written to, as far as that shows before the work."""
    path = Path(path)
    if is_special(path):
        return
    if path.is_dir():
        raise CourseError(f"{path} is a folder; name a file to write.")

    # The folder, or the nearest one above it that is there.
    folder = path.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        raise CourseError(f"{path} cannot be written: {folder} is a file, not a folder.")
    if not os.access(str(folder), os.W_OK | os.X_OK):
        raise CourseError(f"{path} cannot be written: nobody lets you write into {folder}.")


def _real(path: AnyPath) -> Path:
    """The file behind a link: it is the one that is written."""
    if is_special(path):
        return Path(path)
    return Path(os.path.realpath(str(path)))


def _in_the_way(foreign: List[Path]) -> str:
    """What is in the way, and what to do."""
    names = ", ".join(str(path) for path in foreign[:_MOST_NAMED])
    if len(foreign) > _MOST_NAMED:
        names += f" and {len(foreign) - _MOST_NAMED} more"
    if len(foreign) == 1:
        said = "is in the way: this kit did not write it, or it was changed since. Move it"
    else:
        said = "are in the way: this kit did not write them, or they were changed since. Move them"
    return f"{names} {said}, choose another place to write to, or replace with --force."


def _read_list(path: Path) -> Dict[str, Set[str]]:
    """The digests of a folder's files, by their names; a list that is damaged counts as far as it
    can be read."""
    noted: Dict[str, Set[str]] = {}
    if not path.exists():
        return noted
    with open_regular(path, "the list of what the kit wrote here") as stream:
        text = stream.read().decode("ascii", "replace")
    for line in text.splitlines():
        digest, _, quoted = line.partition("  ")
        name = os.fsdecode(urllib.parse.unquote_to_bytes(quoted))
        noted.setdefault(name, set()).add(digest)
    return noted


def _quoted(name: str) -> str:
    """A file's name as plain text on one line."""
    return urllib.parse.quote_from_bytes(os.fsencode(name), safe=" !#$&'()+,;=@[]{}~^")
