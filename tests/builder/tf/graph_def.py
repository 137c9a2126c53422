"""Frozen graphs for the tests, written as TensorFlow writes them, but by hand."""

import struct

import numpy as np

VARINT = 0
BYTES = 2
FIXED32 = 5
TYPES = {"float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int64": 9, "bool": 10, "float16": 19}
VALUES = {"float32": 5, "float64": 6, "int32": 7, "int64": 10, "bool": 11, "float16": 13}


def varint(number):
    """A whole number, 7 bits a byte; a negative one has all ten bytes."""
    number &= (1 << 64) - 1
    data = b""
    while number > 0x7F:
        data += bytes([number & 0x7F | 0x80])
        number >>= 7
    return data + bytes([number])


def whole(field, number):
    """A field that is a whole number."""
    return varint(field << 3 | VARINT) + varint(number)


def part(field, data):
    """A field that is a text, bytes or a message."""
    if isinstance(data, str):
        data = data.encode()
    return varint(field << 3 | BYTES) + varint(len(data)) + data


def real(field, number):
    """A field that is a float."""
    return varint(field << 3 | FIXED32) + struct.pack("<f", number)


def tensor(array, form="raw"):
    """A TensorProto: `raw` bytes, packed `values`, or `one` value that stands for all."""
    array = np.asarray(array)
    kind = array.dtype.name
    sides = b"".join(part(2, whole(1, side)) for side in array.shape)
    data = whole(1, TYPES[kind]) + part(2, sides)
    if form == "raw":
        return data + part(4, array.tobytes())
    numbers = array.ravel()
    if form == "one":
        numbers = numbers[:1]
    if kind in ("float32", "float64"):
        return data + part(VALUES[kind], numbers.tobytes())
    if kind == "float16":
        numbers = numbers.view(np.uint16)
    return data + part(VALUES[kind], b"".join(varint(int(number)) for number in numbers))


def attribute(value):
    """An AttrValue: what it is shows in Python's type."""
    if isinstance(value, bool):
        return whole(5, value)
    if isinstance(value, int):
        return whole(3, value)
    if isinstance(value, float):
        return real(4, value)
    if isinstance(value, str):
        return part(2, value)
    if isinstance(value, np.dtype):
        return whole(6, TYPES[value.name])
    if isinstance(value, list):
        packed = b"".join(varint(number) for number in value)
        return part(1, part(3, packed))
    return part(8, value)  # a tensor's bytes


def node(name, op, inputs=(), **attributes):
    """A NodeDef, as a node of a GraphDef."""
    data = part(1, name) + part(2, op)
    data += b"".join(part(3, tensor_name) for tensor_name in inputs)
    for key, value in attributes.items():
        data += part(5, part(1, key) + part(2, attribute(value)))
    return part(1, data)


class Builder:
    """A graph that is being written, and what the tests need to compute it."""

    def __init__(self):
        self.data = b""
        self.nodes = []  # (name, op, inputs, attributes)
        self.constants = {}
        self.channels = {"Preprocessor/sub": 3}  # of the tensors that are read on

    def const(self, name, numbers, form="raw"):
        """A constant; its name."""
        array = np.asarray(numbers)
        if array.dtype == np.float64 and form == "raw":
            array = array.astype(np.float32)
        if array.dtype == np.int64 and form == "raw":
            array = array.astype(np.int32)
        self.constants[name] = array
        self.data += node(name, "Const", value=tensor(array, form), dtype=array.dtype)
        return name

    def add(self, name, op, inputs=(), **attributes):
        """A node; its name. Numbers among the inputs become constants."""
        names = []
        for index, operand in enumerate(inputs):
            if not isinstance(operand, str):
                operand = self.const(f"{name}/operand_{index}", operand)
            names.append(operand)
        self.nodes.append((name, op, names, attributes))
        self.data += node(name, op, names, **attributes)
        return name

    def write(self, path):
        """Write the graph to a file; the path."""
        path.write_bytes(self.data)
        return path
