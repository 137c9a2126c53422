"""What this machine has, and what to do about what it lacks. Looks only; changes nothing, needs nothing.

A part that is missing is no error, for the kit runs without most of them. It imports nothing of the kit, so that it
still speaks where NumPy or OpenCV are broken; measure/machine.py looks through its eyes.
"""

import collections
import importlib
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

Finding = collections.namedtuple(
    "Finding", "what found advice"
)  # `found` is empty where it is missing


def version(module):
    try:
        return getattr(importlib.import_module(module), "__version__", "present")
    except Exception:  # a broken module must not keep the reader from the other findings
        return ""


def output(*command):
    """What a program prints; nothing where it is missing or fails."""
    try:
        said = subprocess.check_output(command, stderr=subprocess.DEVNULL, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.decode(errors="replace").strip()


def text(path):
    """What a file of the system says; nothing where it cannot be read."""
    try:
        return Path(path).read_text(errors="replace").replace("\0", "").strip()
    except OSError:
        return ""


def cores():
    return str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())


def gpu(*readings):
    """What nvidia-smi says of the first GPU, separated by commas."""
    return output(
        "nvidia-smi", "--query-gpu=" + ",".join(readings), "--format=csv,noheader"
    ).partition("\n")[0]


def _gstreamer():
    try:
        import cv2

        match = re.search(r"GStreamer:\s+YES(.*)", cv2.getBuildInformation())
    except Exception:
        return ""
    return "yes" + match.group(1).rstrip() if match else ""


def findings():
    rtx, bundled = version("tensorrt_rtx"), version("imageio_ffmpeg")
    l4t = " ".join(text("/etc/nv_tegra_release").split(",")[:2]).lstrip("# ")
    return [
        Finding(*row)
        for row in (
            (
                "Python",
                f"{platform.python_version()} ({sys.executable} on {platform.machine()})",
                "",
            ),
            ("CPU cores", cores(), ""),
            ("NumPy", version("numpy"), "make demo installs it, or: pip install numpy"),
            (
                "OpenCV",
                version("cv2"),
                "make demo installs it; on a Jetson: sudo apt install python3-opencv",
            ),
            (
                "OpenCV with GStreamer",
                _gstreamer(),
                "needed for CSI cameras and the Jetson's decoder; pip's OpenCV never has it, JetPack's and Debian's "
                "python3-opencv do",
            ),
            (
                "ONNX Runtime",
                version("onnxruntime"),
                "runs models on the CPU: pip install onnxruntime",
            ),
            (
                "TensorRT",
                version("tensorrt") or rtx and "RTX " + rtx,
                "runs models on an NVIDIA card: pip install -r requirements-nvidia.txt; on a Jetson it comes with JetPack, "
                "for the system's own Python only",
            ),
            (
                "CUDA from Python",
                version("pycuda.driver") and "pycuda" or version("cuda.bindings") and "cuda-python",
                "TensorRT needs it: pip install pycuda, or pip install cuda-python",
            ),
            (
                "NVIDIA GPU",
                gpu("name", "driver_version", "memory.total"),
                "none found (no nvidia-smi): all lessons run on the CPU",
            ),
            (
                "ffmpeg",
                output("ffmpeg", "-version").partition("\n")[0]
                or bundled
                and "imageio-ffmpeg " + bundled,
                "writes videos: pip install imageio-ffmpeg, or sudo apt install ffmpeg",
            ),
            (
                "JetPack",
                l4t and "{}, L4T {}".format(text("/proc/device-tree/model") or "Jetson", l4t),
                "this is no Jetson, which is fine",
            ),
        )
    ]


def report(found=None):
    rows = findings() if found is None else found
    width = max(len(row.what) for row in rows)
    lines = ["{}  {}".format(row.what.ljust(width), row.found or "- " + row.advice) for row in rows]
    on_gpu = any(row.what == "TensorRT" and row.found for row in rows)
    return "\n".join(
        lines
        + ["", "TensorRT is here." if on_gpu else "Models will run on the CPU with ONNX Runtime."]
    )
