"""What this machine has, and what to do about what it lacks. Looks only; changes nothing, needs nothing.

Each finding is (what, found or None, advice); a missing part is no error, for the kit runs without most of them.
"""
import importlib
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple, Optional


class Finding(NamedTuple):
    what: str
    found: Optional[str]
    advice: str


def _version(module):
    try:
        return getattr(importlib.import_module(module), "__version__", "present")
    except Exception:  # a broken module must not keep the reader from the other findings
        return None


def _first_line(*command):
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    text = done.stdout.decode(errors="replace").strip()
    return text.splitlines()[0] if done.returncode == 0 and text else None


def _python():
    return "{} ({} on {})".format(platform.python_version(), sys.executable, platform.machine())


def _cores():
    try:
        return str(len(os.sched_getaffinity(0)))
    except AttributeError:
        return str(os.cpu_count())


def _gstreamer():
    try:
        import cv2
        match = re.search(r"GStreamer:\s+YES(.*)", cv2.getBuildInformation())
    except Exception:
        return None
    return "yes" + match.group(1).rstrip() if match else None


def _tensorrt():
    return _version("tensorrt") or (_version("tensorrt_rtx") and "RTX " + _version("tensorrt_rtx"))


def _cuda():
    return _version("pycuda.driver") and "pycuda" or _version("cuda.bindings") and "cuda-python"


def _gpu():
    return _first_line("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader")


def _jetpack():
    try:
        release = Path("/etc/nv_tegra_release").read_text()
    except OSError:
        return None
    model = Path("/proc/device-tree/model")
    name = model.read_text().strip("\0\n ") if model.exists() else "Jetson"
    return "{}, L4T {}".format(name, " ".join(release.split(",")[:2]).lstrip("# "))


def _ffmpeg():
    system = _first_line("ffmpeg", "-version")
    bundled = _version("imageio_ffmpeg")
    return system or (bundled and "imageio-ffmpeg " + bundled)


# what, how to look, what to do where it is missing
_CHECKS = (
    ("Python", _python, ""),
    ("CPU cores", _cores, ""),
    ("NumPy", lambda: _version("numpy"), "make demo installs it, or: pip install numpy"),
    ("OpenCV", lambda: _version("cv2"), "make demo installs it; on a Jetson: sudo apt install python3-opencv"),
    ("OpenCV with GStreamer", _gstreamer,
     "needed for CSI cameras and the Jetson's decoder; pip's OpenCV never has it, JetPack's and Debian's "
     "python3-opencv do"),
    ("ONNX Runtime", lambda: _version("onnxruntime"), "runs models on the CPU: pip install onnxruntime"),
    ("TensorRT", _tensorrt, "runs models on an NVIDIA card: pip install -r requirements-nvidia.txt; on a Jetson it "
                            "comes with JetPack, for the system's own Python only"),
    ("CUDA from Python", _cuda, "TensorRT needs it: pip install pycuda, or pip install cuda-python"),
    ("NVIDIA GPU", _gpu, "none found (no nvidia-smi): all lessons run on the CPU"),
    ("ffmpeg", _ffmpeg, "writes videos: pip install imageio-ffmpeg, or sudo apt install ffmpeg"),
    ("JetPack", _jetpack, "this is no Jetson, which is fine"),
)


def findings():
    return [Finding(what, look(), advice) for what, look, advice in _CHECKS]


def report(found=None):
    rows = findings() if found is None else found
    width = max(len(row.what) for row in rows)
    lines = ["{}  {}".format(row.what.ljust(width), row.found or "- " + row.advice) for row in rows]
    on_gpu = any(row.what == "TensorRT" and row.found for row in rows)
    return "\n".join(lines + ["", "TensorRT is here." if on_gpu else "Models will run on the CPU with ONNX Runtime."])
