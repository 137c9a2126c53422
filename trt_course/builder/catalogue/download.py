"""Downloads a file with pooch, or says in one sentence why it cannot be had."""

import contextlib
import importlib.util
import threading
from pathlib import Path
from typing import Any, Callable, Iterator, List

from ...support.errors import CourseError, need

CONNECT = 5.0  # seconds for each of a server's addresses
FIRST_BYTES = 15.0  # seconds until something comes: for names, addresses and redirects together
SILENCE = 30.0  # seconds in which a server that has begun may send nothing
_BLOCK = 8 << 10  # bytes: less is not seen to come, on a slow line not in FIRST_BYTES either

# What servers, and networks that want a login first, send instead of a file: how it begins.
_INSTEAD = {
    b"<!doctype html": "an HTML page",
    b"<html": "an HTML page",
    b"<head": "an HTML page",
    b"<?xml": "an XML text, as servers write their errors",
    b"version https://git-lfs": "a pointer to a file in Git LFS",
    b'{"': "a JSON text, as servers write their errors",
}


def instead(head: bytes) -> str:
    """What it is that begins so, if servers send that instead of a file; empty if not.

    >>> instead(b"\\n<!DOCTYPE html><title>Log in</title>")
    'an HTML page'
    """
    begins = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for mark, what in _INSTEAD.items():
        if begins.startswith(mark):
            return what
    return ""


def download(url: str, target: Path, most: int) -> None:
    """Write the file at an address to `target`: at most `most` bytes.

    A CourseError says in a few words what went wrong; the caller says what to do.
    """
    pooch = need("pooch")
    fetch = pooch.HTTPDownloader(
        progressbar=importlib.util.find_spec("tqdm") is not None,
        chunk_size=_BLOCK,
        timeout=(CONNECT, SILENCE),
        # Else a server may pack the archive once more, and its digest would be another.
        headers={"Accept-Encoding": "identity"},
    )
    with _told(target), target.open("wb") as stream:
        sink = _Sink(stream, target, most)
        _in_time(lambda: fetch(url, sink, None), sink)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """A disk that is full, in words. The file says so when it is written, flushed or closed."""
    try:
        yield
    except OSError as err:
        raise CourseError(f"{path.parent} takes no more: {err.strerror}") from err


class _Sink:
    """A file that takes only so much, nothing that is a page, and nothing once it is closed."""

    def __init__(self, stream: Any, path: Path, most: int) -> None:
        self.begun = threading.Event()
        self.closed = False
        self.length = 0  # bytes taken
        self._stream = stream
        self._path = path
        self._most = most

    def write(self, data: bytes) -> None:
        """Take the next bytes."""
        if self.closed:
            raise CourseError("it was given up")
        if not self.length:
            self.begun.set()
            _require_file(data)
        self.length += len(data)
        if self.length > self._most:
            raise CourseError(f"more than the {self._most:,} bytes come that were expected")
        with _told(self._path):
            self._stream.write(data)

    def flush(self) -> None:
        """What pooch calls after each block."""
        with _told(self._path):
            self._stream.flush()


def _require_file(head: bytes) -> None:
    what = instead(head)
    if what:
        raise CourseError(f"the server sent {what} instead of the file")


def _in_time(job: Callable[[], Any], sink: _Sink) -> None:
    """Run the job in a thread; give it up if nothing comes in time, or at Ctrl-C.

    A socket's own timeout begins anew with each address and each redirect, and does not cover the
    look-up of the name. A thread that hangs in one of them is left behind.
    """
    errors: List[BaseException] = []
    done = threading.Event()

    def work() -> None:
        try:
            job()
        except Exception as err:  # handed to the caller, whatever it is
            errors.append(err)
        finally:
            done.set()
            sink.begun.set()

    try:
        threading.Thread(target=work, daemon=True).start()
        if not sink.begun.wait(FIRST_BYTES):
            raise CourseError(f"no answer in {FIRST_BYTES:g} seconds")
        done.wait()
    finally:
        sink.closed = True
    if errors:
        raise CourseError(_short(errors[0], sink.length > 0)) from errors[0]


def _short(err: BaseException, begun: bool) -> str:
    """The reason in a few words: what network libraries say takes half a page."""
    if isinstance(err, CourseError):
        return str(err)
    name = type(err).__name__
    if begun and name == "ConnectionError":
        return f"the connection broke off, or was silent for {SILENCE:g} seconds"
    if name in _REASONS:
        return _REASONS[name].format(connect=CONNECT, silence=SILENCE)
    response = getattr(err, "response", None)
    if response is not None:
        return f"the server answers {response.status_code} {response.reason}"
    return f"{name}: {str(err)[:120]}"


# By the names of requests' exceptions: it need not be imported for them.
_REASONS = {
    "ConnectTimeout": "no connection in {connect:g} seconds",
    "ConnectionError": "no connection to the server",
    "ProxyError": "the proxy gives no connection",
    "SSLError": "no safe connection: the server's certificate does not hold",
    "ReadTimeout": "nothing came for {silence:g} seconds",
    "ChunkedEncodingError": "the connection broke off",
    "TooManyRedirects": "the server sends in circles",
}
