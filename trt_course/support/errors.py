"""The one kind of error a reader is meant to see, and optional imports that explain themselves.

A CourseError is a full sentence: what is wrong, what was found, what to do. The command line prints it
without a traceback; everything else that escapes is a bug of the kit.
"""

import importlib


class CourseError(Exception):
    """Something the reader can mend, said in the reader's words."""


_INSTALL = {  # where it is more than pip install and the module's name
    "cv2": "pip install opencv-python (on a Jetson use JetPack's own: sudo apt install python3-opencv)",
    "imageio_ffmpeg": "pip install imageio-ffmpeg",
    "tensorrt": "pip install -r requirements-nvidia.txt (on a Jetson it comes with JetPack)",
}


def need(module):
    """Import an optional module, or say which command installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as err:
        package = module.partition(".")[0]
        advice = _INSTALL.get(package, "pip install " + package)
        raise CourseError(
            f"This needs the Python module '{module}', which cannot be imported ({err}). Install it with: {advice}"
        ) from err
