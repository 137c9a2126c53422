"""Files and folders under temporary names. Whoever fills one holds a lock on it: it is in use.

A run that was killed (kill -9, a power cut) leaves its temporary files behind, but no locks. The
next run that writes into that folder removes them. Their names begin with a dot, and the kit never
reads such files as data.
"""

import contextlib
import os
import re
import secrets
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Iterator, Optional, Set

try:
    import fcntl
except ImportError:  # without such locks, as on Windows, leftovers stay
    fcntl = None  # type: ignore[assignment]

_MARK = "~trt_course"
_TEMPORARY = re.compile(rf"\..*{_MARK}-\d+-\d+(\..*)?$", re.DOTALL)
_LONGEST_STEM = 40  # bytes of the target's name in a temporary one, so that a person knows it
_LONGEST_ENDING = 16

_swept: Set[str] = set()  # folders where this process has looked for leftovers
_sweeping = threading.Lock()


@contextlib.contextmanager
def temporary_beside(target: Path) -> Iterator[Path]:
    """The path of an empty file in the target's folder, removed at the end if it is still there."""
    _sweep_once(target.parent)
    temporary = _temporary_name(target)
    descriptor: Optional[int] = None
    try:
        descriptor = _create_locked(temporary)
        yield temporary
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        if descriptor is not None:
            os.close(descriptor)


@contextlib.contextmanager
def temporary_folder_beside(target: Path) -> Iterator[Path]:
    """An empty folder beside the target, removed at the end if it is still there.

    Folders of that kind that a killed run has left behind are removed first.
    """
    _remove_left_folders(target.parent)
    folder = _temporary_name(target)
    descriptor: Optional[int] = None
    try:
        descriptor = _make_locked(folder)
        yield folder
    finally:
        shutil.rmtree(str(folder), ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)


@contextlib.contextmanager
def temporary_elsewhere(ending: str) -> Iterator[Path]:
    """The path of an empty file in the system's temporary folder, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="trt_course-") as folder:
        temporary = Path(folder) / ("result" + ending)
        temporary.touch()
        yield temporary


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of runs that no longer exist."""
    with contextlib.suppress(OSError), os.scandir(str(folder)) as entries:
        for entry in entries:
            if _TEMPORARY.match(entry.name) and entry.is_file(follow_symlinks=False):
                _remove_if_left(entry.path)


def _remove_left_folders(parent: Path) -> None:
    """Remove the temporary folders of runs that no longer exist."""
    with contextlib.suppress(OSError), os.scandir(str(parent)) as entries:
        for entry in entries:
            if _TEMPORARY.match(entry.name) and entry.is_dir(follow_symlinks=False):
                _remove_if_left(entry.path)


def _make_locked(folder: Path) -> Optional[int]:
    """Make a folder and lock it; the descriptor that holds the lock, or None without locks."""
    folder.mkdir()
    if fcntl is None:
        return None
    descriptor = os.open(str(folder), os.O_RDONLY)
    with contextlib.suppress(OSError):  # a file system without locks
        fcntl.flock(descriptor, fcntl.LOCK_EX)

    # Before the lock was ours, another run may have taken the folder for a leftover.
    folder.mkdir(exist_ok=True)
    return descriptor


def _sweep_once(folder: Path) -> None:
    """Remove the leftovers in a folder, the first time that this process writes there."""
    with _sweeping:
        if str(folder) not in _swept:
            _swept.add(str(folder))
            remove_leftovers(folder)


def _temporary_name(target: Path) -> Path:
    """A name in the target's folder that nobody can guess and every file system takes."""
    stem = os.fsencode(target.stem)[:_LONGEST_STEM].decode("utf-8", "ignore")
    ending = target.suffix
    if len(os.fsencode(ending)) > _LONGEST_ENDING:
        ending = ""
    number = secrets.randbits(32)
    return target.with_name(f".{stem}{_MARK}-{os.getpid()}-{number}{ending}")


def _create_locked(path: Path) -> int:
    """Make an empty file and lock it; the descriptor that holds the lock."""
    while True:
        # With O_EXCL a file or a link that somebody has put there is never written into.
        descriptor = os.open(str(path), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)

        # Before the lock is ours, another run may take the file for a leftover. It holds the lock
        # only while it removes the file, so we wait for it and make the file again.
        with contextlib.suppress(OSError):  # a file system without locks
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        if path.exists():
            return descriptor
        os.close(descriptor)


def _remove_if_left(path: str) -> None:
    """Remove a temporary file or folder, unless somebody holds the lock on it."""
    if fcntl is None:
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(path)
        finally:
            os.close(descriptor)


def _remove(path: str) -> None:
    if os.path.isdir(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)
