"""What a figure was measured on: processor, GPU, power mode, clocks, heat, versions.

It reads what the machine offers without asking for rights; what cannot be read is left out.
"""

import platform
import re
from pathlib import Path
from typing import Dict

from . import doctor

# A fact's name -> nvidia-smi's name for it.
_GPU_READINGS = {"gpu": "name", "gpu_clock": "clocks.sm", "driver": "driver_version"}
_CORE_SPEED = "/sys/devices/system/cpu/cpu0/cpufreq/"


def throttled() -> bool:
    """Whether heat or power holds the machine back.

    True where the GPU says so, or a core runs under two thirds of its speed.
    """
    held_back = doctor.gpu_readings(
        "clocks_throttle_reasons.hw_slowdown", "clocks_throttle_reasons.sw_thermal_slowdown"
    )
    if "Active" in held_back.split(", "):
        return True

    now = doctor.file_text(_CORE_SPEED + "scaling_cur_freq")
    most = doctor.file_text(_CORE_SPEED + "cpuinfo_max_freq")
    known = now.isdigit() and most.isdigit()
    if not known:
        return False
    return int(now) < int(most) * 2 / 3


def facts() -> Dict[str, str]:
    """Everything known of this machine, as names and texts.

    >>> "python" in facts()
    True
    """
    known = {
        "system": platform.platform(),
        "cpu": f"{_processor()}, {doctor.core_count()} cores",
        "jetson": doctor.file_text("/proc/device-tree/model"),
        "power_mode": _power_mode(),
        "hottest": _hottest(),
        "python": platform.python_version(),
        "numpy": doctor.module_version("numpy"),
        "opencv": doctor.module_version("cv2"),
    }

    readings = doctor.gpu_readings(*_GPU_READINGS.values()).split(", ")
    known.update(zip(_GPU_READINGS, readings))
    return {name: text for name, text in known.items() if text}


def _processor() -> str:
    match = re.search(r"^model name\s*:\s*(.+)$", doctor.file_text("/proc/cpuinfo"), re.M)
    if match is not None:
        return match.group(1)
    return platform.processor() or platform.machine()


def _power_mode() -> str:
    """A Jetson's power mode; empty elsewhere."""
    match = re.search(r"NV Power Mode:\s*(\S+)", doctor.program_output("nvpmodel", "-q"))
    if match is None:
        return ""
    return match.group(1)


def _hottest() -> str:
    """The highest temperature that a sensor of the processor gives."""
    zones = Path("/sys/class/thermal").glob("thermal_zone*/temp")
    readings = [doctor.file_text(str(zone)) for zone in zones]
    millidegrees = [int(reading) for reading in readings if reading.isdigit()]
    if not millidegrees:
        return ""
    return f"{max(millidegrees) / 1000:.0f} C"
