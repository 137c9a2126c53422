"""What this machine has, and what to do about what it lacks.

It only looks: it changes nothing and needs nothing. A part that is missing is no error, for the kit
runs without most of them. It uses the standard library alone, so that it still speaks where NumPy
or OpenCV are broken. machine.py asks the machine through the functions here.
"""

import contextlib
import importlib
import io
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import List, NamedTuple, Optional

_PATIENCE = 20  # seconds that a program may take to answer


class Finding(NamedTuple):
    """A part of the machine, what was found of it, and what to do where that is empty."""

    what: str
    found: str
    advice: str


# How the machine is asked -------------------------------------------------------------------------


def _imported(module: str) -> Optional[ModuleType]:
    """A Python module; None where it is missing or broken."""
    # A broken module may say so in the middle of the table; its place there says enough.
    silence = io.StringIO()
    with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
        try:
            return importlib.import_module(module)
        except Exception:  # the reader shall see the other findings
            return None


def module_version(module: str) -> str:
    """A Python module's version; empty where it is missing, broken, or only an empty folder."""
    return str(getattr(_imported(module), "__version__", ""))


def program_output(*command: str) -> str:
    """What a program prints; empty where it is missing or fails."""
    try:
        said = subprocess.check_output(command, stderr=subprocess.DEVNULL, timeout=_PATIENCE)
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.decode(errors="replace").strip()


def file_text(path: str) -> str:
    """What a file of the system says; empty where it cannot be read."""
    try:
        return Path(path).read_text(errors="replace").replace("\0", "").strip()
    except OSError:
        return ""


def core_count() -> str:
    """How many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return str(len(os.sched_getaffinity(0)))
    return str(os.cpu_count())


def gpu_readings(*names: str) -> str:
    """What nvidia-smi says of the first GPU, by its own names, separated by commas."""
    query = "--query-gpu=" + ",".join(names)
    return _first_line(program_output("nvidia-smi", query, "--format=csv,noheader"))


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


# The parts that take more than one question -------------------------------------------------------


def _opencv_gstreamer() -> str:
    """`yes` and the version, where OpenCV was built with GStreamer."""
    opencv = _imported("cv2")
    if opencv is None or not hasattr(opencv, "getBuildInformation"):
        return ""
    build = opencv.getBuildInformation()
    match = re.search(r"GStreamer:\s+YES(.*)", build)
    if match is None:
        return ""
    return "yes" + match.group(1).rstrip()


def _tensorrt() -> str:
    """The version of TensorRT, or of TensorRT-RTX."""
    version = module_version("tensorrt")
    if version:
        return version
    rtx_version = module_version("tensorrt_rtx")
    if rtx_version:
        return "RTX " + rtx_version
    return ""


def _cuda_library() -> str:
    """The library through which Python reaches CUDA."""
    # These two do not all tell a version.
    if _imported("pycuda.driver") is not None:
        return "pycuda"
    if _imported("cuda.bindings") is not None:
        return "cuda-python"
    return ""


def _ffmpeg() -> str:
    """The ffmpeg on PATH, or the one that a package brings."""
    installed = _first_line(program_output("ffmpeg", "-version"))
    if installed:
        return installed
    bundled = module_version("imageio_ffmpeg")
    if bundled:
        return "imageio-ffmpeg " + bundled
    return ""


def _jetpack() -> str:
    """The Jetson's model and the release of its Linux."""
    parts = file_text("/etc/nv_tegra_release").split(",")
    release = " ".join(part.strip("# ") for part in parts[:2])
    if not release:
        return ""
    model = file_text("/proc/device-tree/model") or "Jetson"
    return f"{model}, L4T {release}"


# The table ----------------------------------------------------------------------------------------


def findings() -> List[Finding]:
    """All parts that the kit can use, in the order of the table."""
    python = f"{platform.python_version()} ({sys.executable} on {platform.machine()})"
    return [
        Finding("Python", python, ""),
        Finding("CPU cores", core_count(), ""),
        Finding("NumPy", module_version("numpy"), "make demo installs it, or: pip install numpy"),
        Finding(
            "OpenCV",
            module_version("cv2"),
            "make demo installs it; on a Jetson: sudo apt install python3-opencv",
        ),
        Finding(
            "OpenCV with GStreamer",
            _opencv_gstreamer(),
            "needed for CSI cameras and the Jetson's decoder; pip's OpenCV never has it, "
            "JetPack's and Debian's python3-opencv do",
        ),
        Finding(
            "PyAV",
            module_version("av"),
            "reads interlaced video, AV1 and exact times, which OpenCV does not: pip install av "
            "(Python 3.11 or later); without it OpenCV reads the rest",
        ),
        Finding(
            "ONNX Runtime",
            module_version("onnxruntime"),
            "runs models on the CPU: pip install onnxruntime",
        ),
        Finding(
            "TensorRT",
            _tensorrt(),
            "runs models on an NVIDIA card: pip install -r requirements-nvidia.txt; "
            "on a Jetson it comes with JetPack, for the system's own Python only",
        ),
        Finding(
            "CUDA from Python",
            _cuda_library(),
            "TensorRT needs it: pip install pycuda, or pip install cuda-python",
        ),
        Finding(
            "NVIDIA GPU",
            gpu_readings("name", "driver_version", "memory.total"),
            "none found (no nvidia-smi): all lessons run on the CPU",
        ),
        Finding(
            "ffmpeg",
            _ffmpeg(),
            "writes videos: pip install imageio-ffmpeg, or sudo apt install ffmpeg",
        ),
        Finding("JetPack", _jetpack(), "this is no Jetson, which is fine"),
    ]


def report(found: Optional[List[Finding]] = None) -> str:
    """The findings as a table, and in its last line where models will run.

    >>> print(report([Finding("TensorRT", "", "ask NVIDIA"), Finding("GPU", "a fast one", "")]))
    TensorRT  - ask NVIDIA
    GPU       a fast one
    <BLANKLINE>
    Models will run on the CPU with ONNX Runtime.
    """
    if found is None:
        found = findings()
    width = max(len(finding.what) for finding in found)

    lines = []
    with_tensorrt = False
    for finding in found:
        said = finding.found or "- " + finding.advice
        lines.append(f"{finding.what.ljust(width)}  {said}")
        if finding.what == "TensorRT" and finding.found:
            with_tensorrt = True

    lines.append("")
    if with_tensorrt:
        lines.append("TensorRT is here.")
    else:
        lines.append("Models will run on the CPU with ONNX Runtime.")
    return "\n".join(lines)
