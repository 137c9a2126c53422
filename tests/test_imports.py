"""The package imports with NumPy and OpenCV alone; every other library is asked for where it is used."""

import subprocess
import sys

CODE = """
import builtins, sys
real = builtins.__import__
allowed = {"numpy", "cv2", "trt_course"} | set(sys.stdlib_module_names)
loading = []

def guarded(name, globals=None, locals=None, fromlist=(), level=0):
    importer = (globals or {}).get("__name__", "")
    if importer.split(".")[0] == "trt_course" and level == 0 and name.split(".")[0] not in allowed:
        raise ImportError("not here: " + name)
    return real(name, globals, locals, fromlist, level)

builtins.__import__ = guarded
import trt_course, trt_course.__main__
from trt_course.support.progress import progress
print(sorted(progress([3, 1])))
"""


def test_numpy_and_opencv_are_enough():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout == "[1, 3]\n", done.stderr
