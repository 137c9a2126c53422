"""Noted: what the kit has written to one folder, kept there in a hidden list.

`.trt_course` holds a line for each file: its SHA-256 and its name. Other runs may add lines
meanwhile, and somebody may remove the list with its folder, so we look at it again before each use.
"""

import os
import stat
import urllib.parse
from pathlib import Path
from typing import Dict, Set

from .errors import CourseError
from .files import MIB, open_regular, sha256

LIST = ".trt_course"
_WHAT = "the list of what the kit wrote here"
_LONGEST = 64 * MIB  # lines for some 700,000 files


class Noted:
    """The digests of what the kit has written to a folder, by the files' names.

    A list that is damaged counts as far as it can be read; one of somebody else is refused.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LIST
        self._digests: Dict[str, Set[str]] = {}

        # As far as the list has been read
        self._inode = 0
        self._end = 0  # bytes of whole lines
        self._length = 0  # all bytes; the last line may be cut off

        listed = str(self._path)
        if os.path.exists(listed) and not os.access(listed, os.W_OK):
            raise CourseError(
                f"{listed}, {_WHAT}, belongs to somebody else: you may not write to it. "
                "Choose another folder."
            )
        self._read_on()

    def has(self, path: Path) -> bool:
        """Whether the kit wrote the file, and it has not been changed since."""
        self._read_on()
        if path.name not in self._digests:
            return False
        digest = sha256(path)
        self._read_on()  # another run may have replaced it just now
        return digest in self._digests.get(path.name, set())

    def add(self, name: str, digest: str) -> None:
        """Note a file."""
        self._read_on()
        if digest in self._digests.get(name, set()):
            return

        line = f"{digest}  {_quoted(name)}\n"
        if self._length > self._end:  # a line that a full disk has cut off
            line = "\n" + line
        data = line.encode("ascii")
        with self._path.open("ab") as stream:
            stream.write(data)
            stream.flush()
            end = stream.tell()
        if end == self._length + len(data):  # nobody else has added to it
            self._length = end
            self._end = end
            self._digests.setdefault(name, set()).add(digest)

    def _read_on(self) -> None:
        """Read what was added to the list; all of it again where it is another list."""
        try:
            state = os.stat(str(self._path))
        except FileNotFoundError:
            self._forget()
            return
        if not stat.S_ISREG(state.st_mode):
            raise CourseError(f"{self._path} is not a regular file; wanted: {_WHAT}. Remove it.")
        if state.st_size > _LONGEST:
            raise CourseError(
                f"{self._path} is more than {_LONGEST / MIB:g} MiB long, too much for {_WHAT}. "
                "Choose another folder."
            )
        if state.st_ino != self._inode or state.st_size < self._length:
            self._forget()
            self._inode = state.st_ino
        if state.st_size != self._length:
            self._read()

    def _read(self) -> None:
        """Read the lines behind those that are known."""
        with open_regular(self._path, _WHAT) as stream:
            stream.seek(self._end)
            data = stream.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._length = self._end + len(data)
        self._end += len(whole)
        for line in whole.decode("ascii", "replace").splitlines():
            digest, _, quoted = line.partition("  ")
            name = os.fsdecode(urllib.parse.unquote_to_bytes(quoted))
            self._digests.setdefault(name, set()).add(digest)

    def _forget(self) -> None:
        self._digests = {}
        self._inode = 0
        self._end = 0
        self._length = 0


def _quoted(name: str) -> str:
    """A file's name as plain text on one line."""
    return urllib.parse.quote_from_bytes(os.fsencode(name), safe=" !#$&'()+,;=@[]{}~^")
