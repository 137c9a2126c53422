"""What a network itself does to its pixels first: a recipe that was exported with it."""

from typing import TYPE_CHECKING, Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from ..support.errors import need

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

_ARITHMETIC = ("Sub", "Add", "Mul", "Div", "BatchNormalization")
_PASSING = ("Cast", "Transpose", "Identity")  # what changes no pixel's value
_MOST_NUMBERS = 3  # one for each colour

# From where on a constant is one for pixels from 0 to 255, not for shares from 0 to 1.
_FOR_BYTES = 1.5

Constants = Dict[str, np.ndarray]


class Head(NamedTuple):
    """The operators, in their order, and the brightest value that they are made for: 255 or 1."""

    operators: Sequence[str]
    brightest: int


def head_of(model: "ModelProto", pictures: str) -> Optional[Head]:
    """The arithmetic with constants that comes before everything else; None if there is none."""
    constants = _constants(model)
    pixels = {pictures}
    operators: List[str] = []
    brightest = 1
    for node in model.graph.node:
        if not pixels.intersection(node.input):
            continue
        if node.op_type not in _PASSING:
            given = [name for name in node.input if name not in pixels]
            if node.op_type not in _ARITHMETIC or not constants.keys() >= set(given):
                break
            if not operators and _is_for_bytes(node, [constants[name] for name in given]):
                brightest = 255
            operators.append(node.op_type)
        pixels.add(node.output[0])
    if not operators:
        return None
    return Head(operators, brightest)


def _is_for_bytes(node: "NodeProto", operands: Sequence[np.ndarray]) -> bool:
    """Whether the first arithmetic is made for pixels from 0 to 255."""
    if node.op_type == "BatchNormalization":
        return bool(np.abs(operands[2]).max() > _FOR_BYTES)  # the mean
    largest = np.abs(operands[0]).max()
    if node.op_type == "Mul":
        return bool(largest < 1 / _FOR_BYTES)
    return bool(largest > _FOR_BYTES)


def _constants(model: "ModelProto") -> Constants:
    """The small constants: weights, nodes that hold one, and casts of either."""
    to_array = need("onnx").numpy_helper.to_array
    found = {}
    for tensor in model.graph.initializer:
        if not tensor.external_data and int(np.prod(tensor.dims)) <= _MOST_NUMBERS:
            found[tensor.name] = to_array(tensor)
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            found[node.output[0]] = to_array(node.attribute[0].t)
        elif node.op_type == "Cast" and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]]
    return found
