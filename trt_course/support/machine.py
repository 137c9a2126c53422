"""What a figure was measured on: processor, GPU, Jetson model and power mode, clocks, heat, versions.

Reads what the machine offers without asking for rights; what cannot be read is left out.
"""

import platform
import re
from pathlib import Path

from . import doctor

_GPU = {"gpu": "name", "gpu_clock": "clocks.sm", "driver": "driver_version"}
_SPEED = "/sys/devices/system/cpu/cpu0/cpufreq/"


def throttled():
    """True where the GPU says that heat or power holds it back, or a core runs under two thirds of its speed."""
    held = doctor.gpu(
        "clocks_throttle_reasons.hw_slowdown", "clocks_throttle_reasons.sw_thermal_slowdown"
    )
    now, most = doctor.text(_SPEED + "scaling_cur_freq"), doctor.text(_SPEED + "cpuinfo_max_freq")
    slow = now.isdigit() and most.isdigit() and int(now) < int(most) * 2 / 3
    return slow or "Active" in held.split(", ")


def facts():
    """Everything known of this machine, as names and texts."""
    cpu = re.search(r"^model name\s*:\s*(.+)$", doctor.text("/proc/cpuinfo"), re.M)
    cpu = cpu.group(1) if cpu else platform.processor() or platform.machine()
    power = re.search(r"NV Power Mode:\s*(\S+)", doctor.output("nvpmodel", "-q"))
    heat = [
        int(t)
        for t in map(doctor.text, Path("/sys/class/thermal").glob("thermal_zone*/temp"))
        if t.isdigit()
    ]
    known = {
        "system": platform.platform(),
        "cpu": f"{cpu}, {doctor.cores()} cores",
        "jetson": doctor.text("/proc/device-tree/model"),
        "power_mode": power and power.group(1),
        "hottest": heat and f"{max(heat) / 1000:.0f} C",
        "python": platform.python_version(),
        "numpy": doctor.version("numpy"),
        "opencv": doctor.version("cv2"),
    }
    known.update(zip(_GPU, doctor.gpu(*_GPU.values()).split(", ")))
    return {name: value for name, value in known.items() if value}
