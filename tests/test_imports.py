"""The package imports with NumPy and OpenCV alone; any other library is loaded where it is used."""

import subprocess
import sys

import trt_course

# The guard lets nothing but these into a module of the package.
CODE = """
import builtins, sys
real = builtins.__import__
allowed = {"numpy", "cv2", "trt_course"} | set(sys.stdlib_module_names)

def guarded(name, globals=None, locals=None, fromlist=(), level=0):
    importer = (globals or {}).get("__name__", "")
    inside = importer.split(".")[0] == "trt_course" and level == 0
    if inside and name.split(".")[0] not in allowed:
        raise ImportError("not here: " + name)
    return real(name, globals, locals, fromlist, level)

builtins.__import__ = guarded
import trt_course, trt_course.__main__
from trt_course.commands import build, detect, measure, models
from trt_course.support.progress import progress
print(sorted(progress([3, 1])))
"""

HEAVY = """
import sys
import trt_course
print(sorted({"onnx", "onnxruntime", "tensorrt", "matplotlib", "torch"} & set(sys.modules)))
"""


def printed_by(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_numpy_and_opencv_are_enough():
    assert printed_by(CODE) == "[1, 3]\n"


def test_the_package_loads_no_other_library():
    assert printed_by(HEAVY) == "[]\n"


def test_every_public_name_is_there():
    assert trt_course.__all__ == sorted(trt_course.__all__)
    assert all(hasattr(trt_course, name) for name in trt_course.__all__)
