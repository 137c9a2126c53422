"""Where the kit's files are, and how files are written: whole or not at all.

A file is written under a temporary name and renamed when it is whole. What the files mean is not
known here.
"""

import contextlib
import hashlib
import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator, Union

from .errors import CourseError

if TYPE_CHECKING:
    import numpy as np

KIT = Path(__file__).resolve().parent.parent.parent
AnyPath = Union[str, Path]

_BLOCK = 1 << 20  # bytes read at a time


def kit_path(path: AnyPath) -> Path:
    """A path as the reader typed it.

    One that does not exist below the working directory may be relative to the kit.
    """
    path = Path(path)
    with contextlib.suppress(RuntimeError):  # ~name, and nobody is called so: a file's name
        path = path.expanduser()
    if path.is_absolute() or path.exists():
        return path
    in_kit = KIT / path
    if in_kit.exists():
        return in_kit
    return path


def require_apart(source: AnyPath, target: AnyPath) -> None:
    """Refuse to write a result over what it is made from."""
    source = Path(str(source))
    target = Path(str(target))
    both_exist = source.exists() and target.exists()
    if both_exist and target.samefile(str(source)):
        raise CourseError(
            f"{source} would be written over itself; choose another folder with --out."
        )


@contextlib.contextmanager
def whole_file(path: AnyPath) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which takes the final name when the block ends.

    After an error it is removed instead, and a file that was there before stays as it is.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)

    # The name is known before the file is there, so that Ctrl-C at any moment finds it.
    writer = f"{os.getpid()}-{threading.get_ident()}"
    temporary = path.with_name(f".{path.stem}-{writer}{path.suffix}")
    try:
        temporary.touch()
        yield temporary
        os.replace(str(temporary), str(path))
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def write_bytes(path: AnyPath, data: bytes) -> None:
    """Write a file, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_bytes(bytes(data))


def write_text(path: AnyPath, text: str) -> None:
    """Write a text as UTF-8, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: AnyPath, value: Any) -> None:
    """Write a value as JSON that a person can read and a diff can compare."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True) + "\n")


def write_image(path: AnyPath, image: "np.ndarray") -> None:
    """Write a uint8 BGR picture in the format that the path's ending names."""
    import cv2  # here, so that the rest of the module runs without it

    with whole_file(path) as temporary:
        if not cv2.imwrite(str(temporary), image):
            raise CourseError(f"The picture {path} cannot be written.")


def sha256(path: AnyPath) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal digits."""
    digest = hashlib.sha256()
    with open(str(path), "rb") as stream:
        block = stream.read(_BLOCK)
        while block:
            digest.update(block)
            block = stream.read(_BLOCK)
    return digest.hexdigest()
