"""Making engines: from ONNX (onnx.py) with TensorRT, from .etlt (tlt.py) with NVIDIA's converter.

This room only builds. engine/ runs what was built here, and nothing in it needs this room.
"""

from .onnx import Options, engine_from_onnx

__all__ = ["Options", "engine_from_onnx"]
