"""A course in fast SSD object detection: one way from a picture to its boxes, on TensorRT or on the CPU.

Only the public names; each lives in the module that its import names.
"""

from .detections import Detections
from .draw import BBoxVisualization
from .jobs import detect_dir, detect_one, detect_video
from .model.find import find_model, get_cls_dict, list_models
from .model.spec import ModelSpec
from .ssd import TrtSSD
from .support.errors import CourseError

__version__ = "0.1.0"
__all__ = [
    "BBoxVisualization",
    "CourseError",
    "Detections",
    "ModelSpec",
    "TrtSSD",
    "detect_dir",
    "detect_one",
    "detect_video",
    "find_model",
    "get_cls_dict",
    "list_models",
]
