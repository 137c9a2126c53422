"""Where the kit's files are, how files are read with care, and how they are written: whole or not.

A file is written under a temporary name and renamed when it is whole (temporary.py). This module
does not know what is in the files, nor whether one may be replaced: outputs.py decides that.
"""

import collections
import contextlib
import hashlib
import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Tuple, Union

from .errors import CourseError
from .temporary import temporary_beside, temporary_elsewhere
from .words import abridged

if TYPE_CHECKING:
    import numpy as np

KIT = Path(__file__).resolve().parent.parent.parent
AnyPath = Union[str, Path]

MIB = 1 << 20
_BLOCK = MIB  # bytes read at a time


def kit_path(path: AnyPath) -> Path:
    """A path as the reader typed it; if there is no such file, the one of that name in the kit."""
    path = Path(path)
    with contextlib.suppress(RuntimeError):  # ~name without such a user is a file's name
        path = path.expanduser()
    if path.is_absolute() or path.exists():
        return path
    in_kit = KIT / path
    if in_kit.exists():
        return in_kit
    return path


def is_hidden(path: AnyPath) -> bool:
    """Whether a name begins with a dot: a system's file, or the kit's own, and never data."""
    return os.path.basename(str(path)).startswith(".")


def read_small(path: AnyPath, what: str, most: int = 16 * MIB) -> bytes:
    """The bytes of a file of at most `most` bytes; messages say that it should be `what`.

    A device or a pipe is refused: it may never end.
    """
    with open_regular(path, what) as stream:
        size = os.fstat(stream.fileno()).st_size  # 0 for files that the system makes up
        data = b""
        if size <= most:
            data = _read_grown(stream, size, most)
    if max(size, len(data)) > most:
        raise CourseError(
            f"{path} is more than {most / MIB:g} MiB long, too much for {what}. "
            "Is it the right file?"
        )
    return data


def _read_grown(stream: Any, size: int, most: int) -> bytes:
    """A file that says that it has `size` bytes and may have more; past `most` it is left.

    Python takes the memory for all that it is asked to read before it reads: never `most` at once.
    """
    data: bytes = stream.read(size + 1)
    has_more = len(data) > size
    while has_more and len(data) <= most:
        piece = stream.read(_BLOCK)
        data += piece
        has_more = bool(piece)
    return data


def open_regular(path: AnyPath, what: str) -> Any:
    """Open a file for reading bytes; a folder, a device, a pipe or a socket is refused."""
    # Without O_NONBLOCK, opening a pipe would wait for somebody to write into it.
    try:
        descriptor = os.open(os.fspath(path), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise CourseError(f"There is no file {path}; wanted: {what}.") from None
    except (OSError, ValueError) as err:  # ValueError: a zero byte in the name
        reason = getattr(err, "strerror", None) or err
        raise CourseError(f"{path} cannot be opened as {what}: {reason}.") from None

    # We ask about the open file, since another one may get its name at any moment.
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise CourseError(f"{path} is not a regular file; wanted: {what}.")
    return os.fdopen(descriptor, "rb")


def read_text(path: AnyPath, what: str, most: int = 16 * MIB) -> str:
    """The text in a small file, which must be UTF-8."""
    data = read_small(path, what, most)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = data.count(b"\n", 0, err.start) + 1
        raise CourseError(
            f"{path}, line {line}: not UTF-8; wanted: {what}. Save it as UTF-8 text."
        ) from None


def read_json(path: AnyPath, what: str, most: int = 16 * MIB) -> Any:
    """The value in a small JSON file."""
    try:
        return json.loads(read_text(path, what, most), object_pairs_hook=_fields_once)
    except RecursionError:
        raise CourseError(f"{path} is nested too deeply for {what}.") from None
    except ValueError as err:
        raise CourseError(f"{path} is not JSON: {err}; wanted: {what}.") from None


def _fields_once(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    """A JSON object. A field that is there twice is refused: nobody knows which one is meant."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        counts = collections.Counter(name for name, _ in pairs)
        twice = counts.most_common(1)[0][0]
        raise ValueError(f"it has the field {abridged(twice)} twice")
    return fields


def require_apart(source: AnyPath, *targets: AnyPath) -> None:
    """Refuse to write results over what they are made from."""
    source = Path(str(source))
    for target in map(Path, map(str, targets)):
        both_exist = source.exists() and target.exists()
        if both_exist and target.samefile(str(source)):
            raise CourseError(
                f"{source} would be written over itself; choose another folder with --out."
            )


@contextlib.contextmanager
def whole_file(path: AnyPath) -> Iterator[Path]:
    """Yield a temporary path beside `path`; at the end of the block that file gets the final name.

    After an error it is removed instead, and a file that was there before stays as it is. A link
    stays a link. A device or a pipe is written into and never replaced.
    """
    path = behind_links(path)
    if not is_special(path):
        with whole_plain_file(path) as temporary:
            yield temporary
        return

    with temporary_elsewhere(path.suffix) as temporary:
        yield temporary
        _pour(temporary, path)


@contextlib.contextmanager
def whole_plain_file(path: Path) -> Iterator[Path]:
    """As whole_file, for a path that is known to be no link and no device."""
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_beside(path) as temporary:
        yield temporary
        os.replace(str(temporary), str(path))


def behind_links(path: AnyPath) -> Path:
    """The file behind a link: it is the one that is written. Of a device its name here."""
    if is_special(path):
        return Path(path)
    return Path(os.path.realpath(str(path)))


def is_special(path: AnyPath) -> bool:
    """Whether a path names a device, a pipe or a socket, which must never be replaced."""
    text = str(path)
    if text.startswith(("/dev/fd/", "/dev/std", "/proc/")):  # what they stand for may be a file
        return True
    try:
        mode = os.stat(text).st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _pour(source: Path, special: Path) -> None:
    """Write a file's bytes into a device or a pipe."""
    try:
        # Without O_NONBLOCK, opening a pipe that nobody reads would wait for a reader.
        descriptor = os.open(str(special), os.O_WRONLY | os.O_NONBLOCK)
    except OSError as err:
        raise CourseError(
            f"{special} is a device, a pipe or a socket that cannot be written into: "
            f"{err.strerror}. Name a file instead."
        ) from None
    os.set_blocking(descriptor, True)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(source.read_bytes())


def write_bytes(path: AnyPath, data: bytes) -> None:
    """Write a file, whole or not at all."""
    with whole_file(path) as temporary:
        fill(temporary, path, data)


def fill(temporary: Path, path: AnyPath, data: bytes) -> None:
    """Write the bytes of a file under its temporary name; a failure is told with its own name."""
    try:
        temporary.write_bytes(bytes(data))
    except OSError as err:
        raise OSError(err.errno, err.strerror, str(path)) from None


def write_text(path: AnyPath, text: str) -> None:
    """Write a text as UTF-8, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def as_json(value: Any) -> str:
    """A value as JSON that a person can read and a diff can compare; of a list a line for each."""
    if not (isinstance(value, list) and value):
        return json.dumps(value, indent=1, sort_keys=True) + "\n"
    # With indents Python takes twice as long, which shows where a video has many boxes.
    as_line = json.JSONEncoder(sort_keys=True).encode
    return "[\n" + ",\n".join(map(as_line, value)) + "\n]\n"


def write_json(path: AnyPath, value: Any) -> None:
    """Write a value as JSON, whole or not at all."""
    write_text(path, as_json(value))


def write_image(path: AnyPath, image: "np.ndarray") -> None:
    """Write a uint8 BGR picture in the format that the path's ending names."""
    write_bytes(path, encode_image(path, image))


def encode_image(path: AnyPath, image: "np.ndarray") -> bytes:
    """A uint8 BGR picture as a file's bytes, in the format that the path's ending names.

    OpenCV never gets the name itself: OpenCV 5 crashes on one that is not UTF-8.
    """
    import cv2  # here, so that the rest of the module runs without it

    ending = os.path.splitext(str(path))[1]
    encoded = None
    with contextlib.suppress(cv2.error):
        done, encoded = cv2.imencode(ending, image)
        if not done:
            encoded = None
    if encoded is None:
        height, width = image.shape[:2]
        raise CourseError(
            f"The picture {path} cannot be written: OpenCV {cv2.__version__} cannot write "
            f"'{ending}' files of {width} x {height} pixels."
        )
    return encoded.tobytes()


def sha256(path: AnyPath) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal digits."""
    digest = hashlib.sha256()
    with open(str(path), "rb") as stream:
        block = stream.read(_BLOCK)
        while block:
            digest.update(block)
            block = stream.read(_BLOCK)
    return digest.hexdigest()
