"""SSDs of TensorFlow 1's object detection API, from the frozen graph to ONNX and a record.

wire.py and graph.py read the file, without TensorFlow; heads.py says where the network is cut out,
network.py and operations.py write it as ONNX; anchors.py and facts.py find what the record says.
"""

from .convert import convert, convert_once

__all__ = ["convert", "convert_once"]
