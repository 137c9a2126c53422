"""FP16 and INT8 of an ONNX model, which nodes stay float, and calibration on unscored pictures.

floats.py finds the nodes that stay float, and makes FP16; quantise.py makes INT8; calibration.py
shows pictures. They rewrite models for builders that take their types from the file; the flags
for those that do not are in configure.py.
"""

from .calibration import calibration_batches, calibration_pictures, calibrator
from .floats import QUANTISED, float_nodes, fp16, keep_patterns
from .quantise import METHODS, int8, split_pairs

__all__ = [
    "METHODS",
    "QUANTISED",
    "calibration_batches",
    "calibration_pictures",
    "calibrator",
    "float_nodes",
    "fp16",
    "int8",
    "keep_patterns",
    "split_pairs",
]
