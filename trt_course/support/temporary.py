"""Files under temporary names: who writes one holds a lock on it, so that leftovers are known.

A run that was killed (kill -9, a power cut) leaves its temporary files behind, but no lock. The
next run that writes into that folder removes them. Their names begin with a dot: nothing of the
kit reads such files as data.
"""

import contextlib
import itertools
import os
import re
import tempfile
import threading
from pathlib import Path
from typing import Iterator, Optional, Set

try:
    import fcntl
except ImportError:  # a system without such locks keeps its leftovers
    fcntl = None  # type: ignore[assignment]

_MARK = "~trt_course"
_TEMPORARY = re.compile(rf"\..*{_MARK}-\d+-\d+(\..*)?$", re.DOTALL)
_LONGEST_STEM = 40  # bytes of a temporary name that tell whose it is
_LONGEST_ENDING = 16
_MOST_SWEEPERS = 10  # at once; some file systems say of every file that it has no name

_numbers = itertools.count()  # a thread may write several files at once
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
def temporary_elsewhere(ending: str) -> Iterator[Path]:
    """The path of an empty file in the system's folder for such files."""
    with tempfile.TemporaryDirectory(prefix="trt_course-") as folder:
        temporary = Path(folder) / ("result" + ending)
        temporary.touch()
        yield temporary


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of runs that are no more."""
    with contextlib.suppress(OSError), os.scandir(str(folder)) as entries:
        for entry in entries:
            if _TEMPORARY.match(entry.name) and entry.is_file(follow_symlinks=False):
                _remove_if_left(entry.path)


def _sweep_once(folder: Path) -> None:
    """Remove the leftovers of a folder, the first time that this process writes there."""
    with _sweeping:
        if str(folder) not in _swept:
            _swept.add(str(folder))
            remove_leftovers(folder)


def _temporary_name(target: Path) -> Path:
    """A name in the target's folder that no other writer has and every file system takes."""
    stem = os.fsencode(target.stem)[:_LONGEST_STEM].decode("utf-8", "ignore")
    ending = target.suffix
    if len(os.fsencode(ending)) > _LONGEST_ENDING:
        ending = ""
    return target.with_name(f".{stem}{_MARK}-{os.getpid()}-{next(_numbers)}{ending}")


def _create_locked(path: Path) -> int:
    """Make an empty file, and hold the lock on it; the descriptor that holds it."""
    descriptor = _open_locked(path)
    for _ in range(_MOST_SWEEPERS):
        # Another run may have taken it for a leftover in the moment before the lock.
        if os.fstat(descriptor).st_nlink:
            break
        os.close(descriptor)
        descriptor = _open_locked(path)
    return descriptor


def _open_locked(path: Path) -> int:
    descriptor = os.open(str(path), os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
    with contextlib.suppress(OSError):  # a file system without locks
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def _remove_if_left(path: str) -> None:
    """Remove a temporary file that nobody holds a lock on."""
    if fcntl is None:
        return
    with contextlib.suppress(OSError), open(path, "rb") as stream:
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)
