"""Checks a network's file before a library opens it."""

import os
from pathlib import Path
from typing import Union

from ..support.errors import CourseError
from ..support.files import open_regular

_GIB = 1 << 30
_MOST_BYTES = 2 * _GIB  # of an ONNX file, by its format


def require_network(path: Union[str, Path]) -> None:
    """Refuse what cannot be a network's file: libraries may crash on it or wait for ever."""
    if not os.path.lexists(str(path)):
        raise CourseError(f"There is no file {path}. A model's ONNX lies beside its model.json.")
    with open_regular(path, "a network in ONNX") as stream:
        length = os.fstat(stream.fileno()).st_size
    if not length:
        raise CourseError(f"{path} is empty. Fetch or export it again.")
    if length > _MOST_BYTES:
        raise CourseError(
            f"{path} is {length / _GIB:.1f} GiB long, but an ONNX file has at most 2: a larger "
            "network keeps its weights in files beside it. Fetch or export it again."
        )
