"""Where the kit's files are, and how files are written: to a temporary name first, renamed when whole.

It knows nothing of what the files mean.
"""

import contextlib
import hashlib
import json
import os
import threading
from pathlib import Path

import cv2

from .errors import CourseError

KIT = Path(__file__).resolve().parent.parent.parent


def kit_path(path):
    """A path as the reader typed it; one that is not below the working directory may be relative to the kit."""
    path = Path(path)
    with contextlib.suppress(RuntimeError):  # ~name, and nobody is called so: a file's name
        path = path.expanduser()
    if path.is_absolute() or path.exists() or not (KIT / path).exists():
        return path
    return KIT / path


def check_apart(source, target):
    """Refuse to write a result over what it is made from."""
    source, target = Path(str(source)), Path(str(target))
    if source.exists() and target.exists() and target.samefile(str(source)):
        raise CourseError(
            f"{source} would be written over itself; choose another folder with --out."
        )


@contextlib.contextmanager
def whole_file(path):
    """Yield a temporary path beside `path`; it takes the final name only when the block ends without an error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}-{os.getpid()}-{threading.get_ident()}{path.suffix}")
    try:  # the name is known before the file is there, so that Ctrl-C at any moment finds it
        temporary.touch()
        yield temporary
        os.replace(str(temporary), str(path))
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def write_bytes(path, data):
    with whole_file(path) as temporary:
        temporary.write_bytes(bytes(data))


def write_text(path, text):
    write_bytes(path, text.encode("utf-8"))


def write_json(path, value):
    write_text(path, json.dumps(value, indent=1, sort_keys=True) + "\n")


def write_image(path, image):
    with whole_file(path) as temporary:
        if not cv2.imwrite(str(temporary), image):
            raise CourseError(f"The picture {path} cannot be written.")


def sha256(path):
    digest = hashlib.sha256()
    with open(str(path), "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
