"""Outputs: the files that a run writes, without ever replacing somebody else's.

In each folder the kit notes what it wrote there (noted.py). A file that is not noted, or has
changed since, is somebody else's. It is replaced only by force.
"""

import contextlib
import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Set

from .errors import CourseError
from .files import (
    AnyPath,
    as_json,
    behind_links,
    encode_image,
    fill,
    is_special,
    sha256,
    whole_file,
    whole_plain_file,
)
from .noted import Noted

if TYPE_CHECKING:
    import numpy as np

_MOST_NAMED = 3  # of the files in the way: the others are only counted


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
        self._noted: Dict[Path, Noted] = {}  # of the folders that are written to
        self._claimed: Dict[str, Path] = {}  # as it was named -> the file behind links
        self._written: Set[Path] = set()

    def claim(self, *paths: AnyPath) -> None:
        """Refuse, before the work, files that cannot be written or are somebody else's."""
        claimed = {}
        foreign = []
        for path in map(str, paths):
            if path in self._claimed:
                continue
            target = behind_links(path)
            if not is_special(target) and self._is_foreign(target):
                foreign.append(target)
            claimed[path] = target
        if foreign:
            raise CourseError(_in_the_way(foreign))
        self._claimed.update(claimed)

    @contextlib.contextmanager
    def whole_file(self, path: AnyPath, digest: str = "") -> Iterator[Path]:
        """As support.files.whole_file, but claimed first and noted at the end.

        `digest` is the SHA-256 of what is written, if the caller knows it.
        """
        self.claim(path)
        target = self._claimed[str(path)]
        if is_special(target):
            with whole_file(target) as temporary:
                yield temporary
            return

        if target in self._written:
            raise CourseError(
                f"{target} holds another result of this run: give each a name of its own."
            )
        with whole_plain_file(target) as temporary:
            yield temporary
            # Before it takes its name: after a crash in between it still counts as the kit's.
            digest = digest or sha256(temporary)
            with contextlib.suppress(OSError):  # on a full disk the file counts for more
                self._noted_in(target.parent).add(target.name, digest)
        self._written.add(target)

    def write_bytes(self, path: AnyPath, data: bytes) -> None:
        """Write a file of bytes."""
        with self.whole_file(path, hashlib.sha256(data).hexdigest()) as temporary:
            fill(temporary, path, data)

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
        """Whether there is a file that the kit did not write; an empty one is nobody's."""
        noted = self._noted_in(path.parent)
        try:
            state = os.stat(str(path))
        except FileNotFoundError:
            return False
        if stat.S_ISDIR(state.st_mode):
            raise CourseError(f"{path} is a folder; name a file to write.")
        return state.st_size > 0 and not self.force and not noted.has(path)

    def _noted_in(self, folder: Path) -> Noted:
        """What the kit has written to a folder, which must be one that it may write to."""
        if folder not in self._noted:
            _require_writable(folder)
            self._noted[folder] = Noted(folder)
        return self._noted[folder]


def _require_writable(folder: Path) -> None:
    """Refuse a folder that cannot be written to, as far as one can tell before the work."""
    # The folder, or the nearest one above it that is there.
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise CourseError(f"Nothing can be written to {folder}: {there} is a file, not a folder.")
    if not os.access(str(there), os.W_OK | os.X_OK):
        raise CourseError(
            f"Nothing can be written to {folder}: you have no permission to write to {there}."
        )


def _in_the_way(foreign: List[Path]) -> str:
    """What is in the way, and what to do."""
    names = ", ".join(str(path) for path in foreign[:_MOST_NAMED])
    if len(foreign) > _MOST_NAMED:
        names += f" and {len(foreign) - _MOST_NAMED} more"
    if len(foreign) == 1:
        reason = "is in the way: this kit did not write it, or it was changed since. Move it"
    else:
        reason = (
            "are in the way: this kit did not write them, or they were changed since. Move them"
        )
    return f"{names} {reason}, write somewhere else, or replace with --force."
