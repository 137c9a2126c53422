"""Engines run a network: on the CPU (cpu.py) or an NVIDIA GPU (trt.py), by one interface (base.py).

choose.py opens the one that fits this machine. The rest is behind trt.py: plan files and their
records (plan.py, manifest.py), TensorRT's two API generations (api.py) and CUDA (cuda.py).
"""

from .base import Engine, Request, TensorInfo
from .cpu import CpuEngine

__all__ = ["CpuEngine", "Engine", "Request", "TensorInfo"]
