"""The one kind of error a reader is meant to see, and imports that explain themselves.

A CourseError is a full sentence: what is wrong, what was found, what to do. The command line prints
it without a traceback; everything else that escapes is a bug of the kit.
"""

import importlib
from types import ModuleType
from typing import Any

from . import memory
from .signals import postponed
from .words import printable, without_secrets


class CourseError(Exception):
    """Something the reader can mend, said in the reader's words.

    The sentence often holds names and addresses from outside: what a terminal would obey is written
    as its code, and passwords are blotted out.

    >>> str(CourseError("rtsp://ann:secret@10.0.0.7 does not answer."))
    'rtsp://ann:***@10.0.0.7 does not answer.'
    """

    def __init__(self, sentence: object = "", **details: Any) -> None:
        shown = printable(without_secrets(str(sentence)), keep="\n")
        super().__init__(shown, **details)


class MissingLibraryError(CourseError, ImportError):
    """NumPy or OpenCV cannot be imported, and nothing here runs without them.

    It is an ImportError too, for callers that try whether the package is there.
    """


# Only the packages that need more advice than `pip install` and their own name.
_INSTALL = {
    "cv2": (
        "pip install opencv-python, or opencv-python-headless where libGL is missing "
        "(on a Jetson use JetPack's own: sudo apt install python3-opencv)"
    ),
    "imageio_ffmpeg": "pip install imageio-ffmpeg",
    "tensorrt": "pip install -r requirements-nvidia.txt (on a Jetson it comes with JetPack)",
}

# What the whole kit is built on, in this order: OpenCV needs NumPy.
_BASIS = ("numpy", "cv2")


def install_command(module: str) -> str:
    """The command that installs the package of a module, with what to mind on a Jetson."""
    package = module.partition(".")[0]
    return _INSTALL.get(package, "pip install " + package)


def need(module: str) -> ModuleType:
    """Import an optional module, or say which command installs it.

    >>> need("json").dumps([1])
    '[1]'
    """
    try:
        # Compiled modules turn a Ctrl-C that comes while they are loaded into an ImportError.
        with postponed(_load_on):
            return importlib.import_module(module)
    except ImportError as err:
        raise CourseError(
            f"This needs the Python module '{module}', which cannot be imported ({err}). "
            f"Install it with: {install_command(module)}"
        ) from err


def _load_on() -> None:
    """What there is to do at Ctrl-C while a module is loaded: nothing."""


def why_unusable() -> str:
    """Why NumPy or OpenCV cannot be imported, and what to do; empty where both can."""
    # Where memory is short they do not fail, they crash.
    short = memory.why_too_little()
    if short:
        return short

    for module in _BASIS:
        reason = _why_broken(module)
        if reason:
            return (
                f"The Python module '{module}', which all of trt_course needs, cannot be imported "
                f"({reason}). Install it with: {install_command(module)}. "
                "python -m trt_course doctor says what else is missing."
            )
    return ""


def _why_broken(module: str) -> str:
    """Why a module of the basis cannot be imported; empty where it can."""
    try:
        imported = importlib.import_module(module)
    except Exception as err:  # a broken library raises what it likes, such as an OSError
        said = " ".join(str(err).split())
        return said or type(err).__name__

    # Python takes any folder of that name for the module, such as one that was left behind.
    if not hasattr(imported, "__version__"):
        return "there is only an empty folder of that name"
    return ""
