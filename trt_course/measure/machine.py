"""What a figure was measured on: processor, GPU, Jetson model and power mode, clocks, heat, versions.

Reads what the machine offers without asking for rights; what cannot be read is left out.
"""
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np

_GPU = ("name", "driver_version", "clocks.sm", "clocks.max.sm", "power.limit", "temperature.gpu",
        "clocks_throttle_reasons.hw_slowdown", "clocks_throttle_reasons.sw_thermal_slowdown")


def _text(path):
    try:
        return Path(path).read_text(errors="replace").replace("\0", "").strip()
    except OSError:
        return ""


def _output(*command):
    if shutil.which(command[0]) is None:
        return ""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""


def cpu():
    match = re.search(r"^model name\s*:\s*(.+)$", _text("/proc/cpuinfo"), re.M)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return "{}, {} cores".format(match.group(1) if match else platform.processor() or platform.machine(), cores)


def gpu():
    """The first NVIDIA GPU's readings by name, or nothing."""
    line = _output("nvidia-smi", "--query-gpu=" + ",".join(_GPU), "--format=csv,noheader").splitlines()
    return dict(zip(_GPU, (part.strip() for part in line[0].split(",")))) if line else {}


def throttled():
    """True where the GPU says that heat or power holds it back, or a core runs under two thirds of its speed."""
    readings = gpu()
    if any("Active" in readings.get(key, "").replace("Not Active", "") for key in _GPU[-2:]):
        return True
    now, most = (_text("/sys/devices/system/cpu/cpu0/cpufreq/" + name) for name in ("scaling_cur_freq",
                                                                                   "cpuinfo_max_freq"))
    return now.isdigit() and most.isdigit() and int(now) < int(most) * 2 / 3


def describe():
    """Everything known of this machine, as names and texts."""
    power = re.search(r"NV Power Mode:\s*(\S+)", _output("nvpmodel", "-q"))
    heat = [int(t) for t in (_text(p) for p in Path("/sys/class/thermal").glob("thermal_zone*/temp")) if t.isdigit()]
    facts = {
        "system": platform.platform(), "cpu": cpu(), "jetson": _text("/proc/device-tree/model"),
        "power_mode": power.group(1) if power else "", "gpu": gpu().get("name", ""),
        "gpu_clock": gpu().get("clocks.sm", ""), "driver": gpu().get("driver_version", ""),
        "hottest": "{:.0f} C".format(max(heat) / 1000) if heat else "",
        "python": platform.python_version(), "numpy": np.__version__, "opencv": cv2.__version__,
    }
    return {name: value for name, value in facts.items() if value}
