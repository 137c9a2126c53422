"""The one kind of error a reader is meant to see, and imports that explain themselves.

A CourseError is a full sentence: what is wrong, what was found, what to do. The command line prints
it without a traceback; everything else that escapes is a bug of the kit.
"""

import importlib
from types import ModuleType

from . import memory
from .signals import postponed
from .words import printable, without_secrets


class CourseError(Exception):
    """Something the reader can mend, said in the reader's words.

    The sentence often contains names and addresses from outside: characters that would control a
    terminal are written as their codes, and passwords are blotted out.

    >>> str(CourseError("rtsp://ann:secret@10.0.0.7 does not answer."))
    'rtsp://ann:***@10.0.0.7 does not answer.'
    """

    def __init__(self, sentence: object = "") -> None:
        super().__init__(printable(without_secrets(str(sentence)), keep="\n"))


class MissingLibraryError(CourseError, ImportError):
    """NumPy or OpenCV cannot be imported, and nothing here runs without them.

    It is an ImportError too, for callers that test whether the package is there.
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

# What the whole kit is built on, NumPy first: OpenCV needs it.
_BASIS = ("numpy", "cv2")


def install_command(module: str) -> str:
    """The command that installs a module's package, with a hint for the Jetson if it needs one."""
    package = module.partition(".")[0]
    return _INSTALL.get(package, "pip install " + package)


def need(module: str) -> ModuleType:
    """Import an optional module, or say which command installs it.

    >>> need("json").dumps([1])
    '[1]'
    """
    try:
        return import_whole(module)
    except ImportError as err:
        raise CourseError(
            f"This needs the Python module '{module}', which cannot be imported ({err}). "
            f"Install it with: {install_command(module)}"
        ) from err


def import_whole(module: str) -> ModuleType:
    """Import a module, and let Ctrl-C wait until it is loaded.

    A compiled module turns a Ctrl-C that comes meanwhile into an ImportError. The run would take
    the module for a missing one, and go on.
    """
    with postponed(_load_on):
        return importlib.import_module(module)


def _load_on() -> None:
    """What Ctrl-C does while a module is loaded: nothing, until that is done."""


def why_unusable() -> str:
    """Why NumPy or OpenCV cannot be imported, and what to do; empty if both can."""
    # When memory is short they do not fail, they crash.
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
    """Why NumPy or OpenCV cannot be imported; empty if it can."""
    try:
        imported = import_whole(module)
    except Exception as err:  # a broken library raises what it likes, such as an OSError
        reason = " ".join(str(err).split())
        return reason or type(err).__name__

    # Python takes any folder of that name for the module, such as one left by an old installation.
    if not hasattr(imported, "__version__"):
        return "there is only an empty folder of that name"
    return ""
