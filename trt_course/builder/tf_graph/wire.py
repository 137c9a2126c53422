"""Protobuf's wire format: a message in bytes as a list of numbered fields.

TensorFlow's graphs are such messages. What a field means, the bytes do not say: graph.py knows.
"""

import struct
from typing import Dict, Iterator, List, NamedTuple, Tuple, Union

# Of a field: a number for the kinds VARINT, FIXED64 and FIXED32; bytes for BYTES.
Value = Union[int, bytes]

VARINT = 0
FIXED64 = 1
BYTES = 2
FIXED32 = 5

_LONGEST_VARINT = 10  # bytes: 7 bits each, for 64 bits
_FIXED = {FIXED64: "<Q", FIXED32: "<I"}


class DamagedError(Exception):
    """The bytes are no message, or are cut off."""


class Field(NamedTuple):
    """One field of a message; a repeated field comes as often as it has values."""

    number: int
    kind: int
    value: Value


class Message:
    """The fields of a message, asked for by their numbers.

    >>> message = Message(b"\\x0a\\x02hi\\x10\\x05\\x10\\x07")
    >>> message.text(1), message.numbers(2), message.text(3)
    ('hi', [5, 7], '')
    """

    def __init__(self, data: bytes) -> None:
        self._fields: Dict[int, List[Field]] = {}
        for field in _fields(data):
            self._fields.setdefault(field.number, []).append(field)

    def parts(self, number: int) -> List[bytes]:
        """The texts, bytes or messages of a repeated field."""
        parts = []
        for field in self._fields.get(number, ()):
            if not isinstance(field.value, bytes):
                raise DamagedError(f"field {number} is a number where bytes belong")
            parts.append(field.value)
        return parts

    def has(self, number: int) -> bool:
        """Whether the message has this field."""
        return number in self._fields

    def part(self, number: int) -> bytes:
        """The last value of a field, as protobuf has it; nothing where there is none."""
        parts = self.parts(number)
        return parts[-1] if parts else b""

    def text(self, number: int) -> str:
        """A text, which is UTF-8."""
        try:
            return self.part(number).decode("utf-8")
        except UnicodeDecodeError:
            raise DamagedError(f"field {number} is no text") from None

    def message(self, number: int) -> "Message":
        """A message inside this one; an empty one where there is none."""
        return Message(self.part(number))

    def numbers(self, number: int) -> List[int]:
        """The whole numbers of a repeated field, packed together or one by one."""
        numbers: List[int] = []
        for field in self._fields.get(number, ()):
            if isinstance(field.value, bytes):
                numbers += _packed(field.value)
            else:
                numbers.append(field.value)
        return [signed(value) for value in numbers]

    def number(self, number: int) -> int:
        """The last whole number of a field, 0 where there is none."""
        numbers = self.numbers(number)
        return numbers[-1] if numbers else 0

    def fixed(self, number: int, kind: int) -> bytes:
        """The values of a repeated field of fixed width, as the bytes of an array."""
        pieces = []
        for field in self._fields.get(number, ()):
            if isinstance(field.value, bytes):
                pieces.append(field.value)
            elif field.kind == kind:
                pieces.append(struct.pack(_FIXED[kind], field.value))
            else:
                raise DamagedError(f"field {number} is of another width")
        return b"".join(pieces)


def signed(value: int) -> int:
    """A number of 64 bits with its sign."""
    return value - (1 << 64) if value >= 1 << 63 else value


def _packed(data: bytes) -> List[int]:
    """The varints in these bytes."""
    numbers = []
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        numbers.append(value)
    return numbers


def _fields(data: bytes) -> Iterator[Field]:
    """The fields of a message, in their order."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number = key >> 3
        kind = key & 7
        if not number:
            raise DamagedError("a field has the number 0")
        value, at = _value(data, at, kind)
        yield Field(number, kind, value)


def _value(data: bytes, at: int, kind: int) -> Tuple[Value, int]:
    """The value at a place, and the place behind it."""
    if kind == VARINT:
        return _varint(data, at)
    if kind in _FIXED:
        end = at + struct.calcsize(_FIXED[kind])
        _require_inside(data, end)
        (fixed,) = struct.unpack(_FIXED[kind], data[at:end])
        return fixed, end
    if kind == BYTES:
        length, at = _varint(data, at)
        end = at + length
        _require_inside(data, end)
        return data[at:end], end
    raise DamagedError(f"a field is of kind {kind}, which does not exist")


def _varint(data: bytes, at: int) -> Tuple[int, int]:
    """The number at a place, and the place behind it: 7 bits a byte, the lowest first."""
    value = 0
    for index in range(_LONGEST_VARINT):
        _require_inside(data, at + index + 1)
        byte = data[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & (1 << 64) - 1, at + index + 1
    raise DamagedError("a number has more than 64 bits")


def _require_inside(data: bytes, end: int) -> None:
    if end > len(data):
        raise DamagedError(f"it ends {end - len(data)} bytes too early")
