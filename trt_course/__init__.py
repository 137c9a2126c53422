"""A course in fast SSD object detection: from a picture to its boxes, on TensorRT or on the CPU.

Only the public names; each lives in the module that its import names. The package needs NumPy and
OpenCV; every other library is asked for where it is used.
"""

import sys

from .support import signals

# While `python -m trt_course` imports this package, the program's name is "-m". The imports below
# take a while, and Ctrl-C should be quiet from the beginning.
_for_command_line = sys.argv[:1] == ["-m"]
if _for_command_line:
    signals.end_quietly()

from .support.errors import CourseError, MissingLibraryError, why_unusable  # noqa: E402

__version__ = "0.2.0"

# Why NumPy or OpenCV cannot be imported; empty if they can.
unusable = why_unusable()

if not unusable:
    from .builder.onnx import Options, engine_from_onnx
    from .camera import AsyncCamera
    from .detections import Detections
    from .draw import BBoxVisualization
    from .jobs import detect_dir, detect_one, detect_video
    from .media.pictures import images_in, read_image
    from .media.sources import open_source
    from .media.writer import VideoWriter
    from .model.find import find_model, get_cls_dict, list_models
    from .model.spec import ModelSpec
    from .ssd import TrtSSD
elif not _for_command_line:
    # Only `python -m trt_course` goes on: its __main__ prints the reason or runs the doctor.
    raise MissingLibraryError(unusable)

__all__ = [
    "AsyncCamera",
    "BBoxVisualization",
    "CourseError",
    "Detections",
    "ModelSpec",
    "Options",
    "TrtSSD",
    "VideoWriter",
    "detect_dir",
    "detect_one",
    "detect_video",
    "engine_from_onnx",
    "find_model",
    "get_cls_dict",
    "images_in",
    "list_models",
    "open_source",
    "read_image",
]
