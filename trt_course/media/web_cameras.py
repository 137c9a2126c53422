"""Cameras that send their pictures by HTTP: one at a time when asked, or a stream of MJPEG.

Both are read like a cv2.VideoCapture. OpenCV's own reader of MJPEG has no limits; these have.
"""

import time
from email.message import Message
from http.client import HTTPResponse
from typing import Optional, Tuple

import numpy as np

from ..support.errors import CourseError
from .bounds import Meter
from .pictures import decode_picture
from .web import ask, read_body

_LONGEST_LINE = 1 << 16  # bytes read at a time when their number is not announced
_MOST_DAMAGED = 5  # pictures in a row that may be damaged before a stream counts as lost


class Still:
    """A picture at an address, requested `rate` times a second."""

    def __init__(self, uri: str, rate: float) -> None:
        self.uri = uri
        self.rate = rate
        self._meter = Meter(uri)
        self._due = 0.0  # the time.monotonic() of the next request

    def read(self) -> Tuple[bool, Optional[np.ndarray]]:
        """True and the picture. It sends the request at once: waiting is up to the caller."""
        self._due = time.monotonic() + 1 / self.rate
        with ask(self.uri, self._meter) as reply:
            encoded = read_body(reply, self._meter)
        return True, decode_picture(encoded, self.uri)

    def seconds_left(self) -> float:
        """How long to wait before the next `read`."""
        return max(0.0, self._due - time.monotonic())

    def get(self, _: int) -> float:
        """The rate: no other property is ever asked for."""
        return self.rate

    def release(self) -> None:
        """Do nothing: no connection is kept between two pictures."""


class Mjpeg:
    """Pictures that arrive as parts of one endless answer, multipart/x-mixed-replace.

    `reply` is that answer, its head already read; `meter` counts what arrives.
    """

    def __init__(self, uri: str, reply: HTTPResponse, meter: Meter) -> None:
        self.uri = uri
        self._reply = reply
        self._meter = meter
        self._cut = _line_between_parts(reply.headers)
        self._at_part = False  # the line before the next part has been read
        self._begun = False  # a first part has come

    def read(self) -> Tuple[bool, Optional[np.ndarray]]:
        """Whether another picture came, and the picture; damaged ones are skipped."""
        trouble: Optional[CourseError] = None
        self._meter.begin()
        for _ in range(_MOST_DAMAGED):
            encoded = self._next_part()
            if encoded is None:
                return False, None
            try:
                return True, decode_picture(encoded, self.uri)
            except CourseError as err:
                trouble = err
        raise trouble or CourseError(f"{self.uri} sends no pictures.")

    def get(self, _: int) -> float:
        """The rate, which nobody knows."""
        return 0.0

    def release(self) -> None:
        """Let go of the connection."""
        self._reply.close()

    def _next_part(self) -> Optional[bytes]:
        """The content of the next part; None at the end."""
        while not self._at_part:
            line = self._reply.readline(_LONGEST_LINE)
            if not line:
                return None
            if not self._begun and line.startswith(b"--"):
                self._cut = line.rstrip()  # some cameras send another line than they announce
            self._at_part = line.startswith(self._cut)
        self._at_part = False
        self._begun = True

        length = self._length_of_part()
        if length is None:
            return self._until_cut()
        self._meter.require_room(length)
        part = bytearray()
        while len(part) < length:
            piece = self._reply.read(length - len(part))
            if not piece:
                return None
            part += piece
        return bytes(part)

    def _length_of_part(self) -> Optional[int]:
        """Read the head of a part; how many bytes it announces, None if it does not say."""
        length = None
        line = self._reply.readline(_LONGEST_LINE)
        while line.strip():
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length" and value.strip().isdigit():
                length = int(value)
            line = self._reply.readline(_LONGEST_LINE)
        return length

    def _until_cut(self) -> Optional[bytes]:
        """A part of unknown length: everything up to the line between two parts."""
        part = bytearray()
        while True:
            line = self._reply.readline(_LONGEST_LINE)
            if not line:
                return None
            at_start_of_line = not part or part.endswith(b"\n")
            if at_start_of_line and line.startswith(self._cut):
                self._at_part = True
                return bytes(part)
            part += line


def _line_between_parts(headers: Message) -> bytes:
    """How that line begins. Some cameras announce a boundary that includes its two dashes."""
    boundary = headers.get_param("boundary") or ""
    if not isinstance(boundary, str) or not boundary.strip("-"):
        return b"--"
    text = boundary.strip()
    if not text.startswith("--"):
        text = "--" + text
    return text.encode("latin-1", "replace")
