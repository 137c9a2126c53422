"""Gets pictures from the web, with care: the server may be hostile, broken or merely slow.

A Meter (bounds.py) counts each answer while it arrives, its head as well as its body. The password
goes to the host that the reader named, and to no other.
"""

import base64
import http.client
import io
import socket
import urllib.error
import urllib.request
from http.client import HTTPResponse
from typing import Any, Dict, NamedTuple, Optional, cast
from urllib.parse import SplitResult, unquote, urlsplit

from ..support.errors import CourseError
from .bounds import SILENCE, Meter

_PIECE = 1 << 16  # bytes read at a time
_SHORTEST = 0.01  # seconds to wait: with 0 a socket would not wait at all
_LONGEST_REASON = 200  # characters of a server's own words in a message


class Address(NamedTuple):
    """An address without its user and password, its host, and the header with the two."""

    plain: str
    host: str  # with its port, if it has one
    headers: Dict[str, str]


def require_address(uri: str) -> SplitResult:
    """The parts of an address; a CourseError if it has no host, or its port is not a number."""
    try:
        parts = urlsplit(uri)
        parts.port  # noqa: B018  parsed only now, which may fail
    except ValueError:
        raise _not_understood(uri) from None
    if not parts.hostname:
        raise _not_understood(uri)
    return parts


def _not_understood(uri: str) -> CourseError:
    return CourseError(
        f"{uri} is not a valid address; wanted: scheme://host:port/path, with user:password@ "
        "before the host where the camera asks for them. In a user or a password write %2F for /, "
        "%3F for ?, %23 for #, %40 for @ and %3A for a colon."
    )


def address_of(uri: str) -> Address:
    """An address taken apart; it may contain a user and a password."""
    parts = require_address(uri)
    credentials, _, host = parts.netloc.rpartition("@")
    headers = {}
    if credentials:
        encoded = base64.b64encode(unquote(credentials).encode("utf-8", "surrogateescape"))
        headers["Authorization"] = "Basic " + encoded.decode()
    return Address(parts._replace(netloc=host, fragment="").geturl(), host, headers)


def ask(uri: str, meter: Meter) -> HTTPResponse:
    """Send a request; its answer, of which the body is still to come and `meter` counts it all."""
    address = address_of(uri)
    meter.begin()
    opener = urllib.request.build_opener(_Http(meter), _Https(meter), _Redirects())
    try:
        request = urllib.request.Request(address.plain, headers=address.headers)
        return cast(HTTPResponse, opener.open(request, timeout=SILENCE))
    except urllib.error.HTTPError as err:
        err.close()
        raise _no_answer(address.host, err) from None
    except (OSError, http.client.HTTPException, ValueError) as err:
        raise _no_answer(address.host, err) from None


def read_body(reply: HTTPResponse, meter: Meter) -> bytes:
    """The whole body of an answer; a CourseError if it is too long or breaks off."""
    claim = reply.length  # None if the server does not say
    if claim is not None:
        meter.require_room(claim)

    body = bytearray()
    piece = reply.read(_PIECE)
    while piece:
        body += piece
        piece = reply.read(_PIECE)

    if claim is not None and len(body) < claim:
        raise CourseError(f"{meter.what} broke off after {len(body)} of {claim} bytes.")
    return bytes(body)


def _no_answer(host: str, err: Exception) -> CourseError:
    reason = str(err)[:_LONGEST_REASON]
    return CourseError(
        f"{host} does not answer: {reason}. Are the address, user and password right?"
    )


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but only to HTTP, and never to another host if there is a password."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: Any,
        code: int,
        msg: str,
        headers: Any,
        newurl: str,
    ) -> Optional[urllib.request.Request]:
        """The request to follow with; a CourseError if the redirect must not be followed."""
        fp.close()  # otherwise the body would be read, however long it is
        before = urlsplit(req.full_url)
        after = require_address(newurl)
        if after.scheme not in ("http", "https"):
            raise CourseError(
                f"{before.netloc} redirects to {newurl[:_LONGEST_REASON]}, which is neither http "
                "nor https and is not followed."
            )
        if req.has_header("Authorization") and not _is_same_host(before, after):
            raise CourseError(
                f"{before.netloc} redirects to {after.hostname}, which must not get the password. "
                "If that is your camera, give its own address."
            )
        plain = address_of(newurl).plain
        return super().redirect_request(req, fp, code, msg, headers, plain)


def _is_same_host(before: SplitResult, after: SplitResult) -> bool:
    """Whether a password for the first address may also be sent to the second."""
    if before.hostname != after.hostname:
        return False
    if before.scheme == "http" and after.scheme == "https":  # where nobody can listen in
        return True
    return (before.scheme, before.port) == (after.scheme, after.port)


class _Metered:
    """A socket whose answers are counted, with the methods that http.client uses."""

    def __init__(self, connected: socket.socket, meter: Meter) -> None:
        self._socket = connected
        self._meter = meter

    def sendall(self, data: Any) -> None:
        self._socket.sendall(data)

    def makefile(self, *_: Any) -> io.BufferedReader:
        """For reading."""
        return io.BufferedReader(_MeteredFile(self._socket, self._meter))

    def close(self) -> None:
        self._socket.close()


class _MeteredFile(io.RawIOBase):
    """Counts what arrives at a socket; no read waits longer than the picture may still take."""

    def __init__(self, connected: socket.socket, meter: Meter) -> None:
        super().__init__()
        self._socket = connected
        self._meter = meter
        self._file = connected.makefile("rb", buffering=0)  # keeps the connection open

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Optional[int]:
        self._meter.require_time()
        patience = min(SILENCE, self._meter.seconds_left())
        self._socket.settimeout(max(patience, _SHORTEST))
        try:
            count = cast(io.RawIOBase, self._file).readinto(buffer)
        except socket.timeout:
            self._meter.require_time()  # explains more than "timed out" does
            raise
        self._meter.count(count or 0)
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class _MeteredConnection(http.client.HTTPConnection):
    """A connection whose answers are counted."""

    def __init__(self, *args: Any, meter: Meter, **options: Any) -> None:
        super().__init__(*args, **options)
        self._meter = meter

    def connect(self) -> None:
        super().connect()
        self.sock: Any = _Metered(self.sock, self._meter)


class _MeteredTlsConnection(_MeteredConnection, http.client.HTTPSConnection):
    """The same over TLS: `connect` and what it opens are HTTPSConnection's."""


class _Http(urllib.request.HTTPHandler):
    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def http_open(self, req: urllib.request.Request) -> HTTPResponse:
        opened = self.do_open(cast(Any, _MeteredConnection), req, meter=self._meter)
        return cast(HTTPResponse, opened)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def https_open(self, req: urllib.request.Request) -> HTTPResponse:
        opened = self.do_open(cast(Any, _MeteredTlsConnection), req, meter=self._meter)
        return cast(HTTPResponse, opened)
