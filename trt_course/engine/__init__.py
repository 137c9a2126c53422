"""Engines: the network on the CPU (cpu.py) or an NVIDIA GPU (trt.py), behind one interface (base.py)."""

from .base import Engine, Request, TensorInfo
from .cpu import CpuEngine

__all__ = ["CpuEngine", "Engine", "Request", "TensorInfo"]
