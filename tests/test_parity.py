"""Parity: boxes paired by class and overlap, how far they move, and the mAP of both engines."""
import json

import cv2
import numpy as np
import pytest

from conftest import write_model
from trt_course import CourseError, find_model
from trt_course.engine import CpuEngine
