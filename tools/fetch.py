"""Fetches a public clip of real cars. Without a network the kit goes on with its own clip.

    python tools/fetch.py

The clip goes to the user's cache, never into the tree, and only whole: its SHA-256 is known. It is
Intel's, from the IoT DevKit sample-videos, licensed CC BY 4.0. tests/real/car_detection.json holds
boxes for 40 of its frames.
"""

import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import Optional

from trt_course import CourseError
from trt_course.support.errors import need
from trt_course.support.files import sha256

CLIP_URL = "https://github.com/intel-iot-devkit/sample-videos/raw/master/car-detection.mp4"
CLIP_SHA256 = "d31e0ebf194cc16e50eea784e7c3b0b1bb7976a4fb9b3fec26cb92a6704cca34"
CLIP_CREDIT = "Intel IoT DevKit sample-videos, CC BY 4.0"


# What the connection's libraries raise when there is no way to the server.
_NO_CONNECTION = (
    "ConnectionError",
    "ConnectTimeout",
    "ReadTimeout",
    "ProxyError",
    "SSLError",
    "ChunkedEncodingError",
)


def real_clip(
    timeout: float = 5, url: str = CLIP_URL, cache: Optional[Path] = None
) -> Optional[Path]:
    """The path of the real clip, fetched once.

    Where it cannot be had in twice `timeout` seconds, it says why in one sentence and is None.
    """
    try:
        return _fetched(need("pooch"), timeout, url, cache)
    except (CourseError, OSError, ValueError) as err:
        print(
            f"The public clip of real cars cannot be fetched ({_short(err)}); the kit goes on "
            "without it."
        )
        return None


def _fetched(pooch, timeout, url, cache):
    cache = cache or pooch.os_cache("trt_course")
    folder = Path(str(cache))
    target = folder / "car-detection.mp4"
    if target.is_file() and sha256(target) == CLIP_SHA256:
        return target
    folder.mkdir(parents=True, exist_ok=True)

    # A download that breaks off leaves nothing under the final name.
    scratch = tempfile.mkdtemp(prefix="fetch-", dir=str(folder))
    try:
        whole = _within(2 * timeout, lambda: _download(pooch, timeout, url, scratch))
        os.replace(whole, str(target))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def _download(pooch, timeout, url, folder):
    pooch.get_logger().setLevel("ERROR")  # its lines name the scratch folder, which nobody needs
    return pooch.retrieve(
        url,
        known_hash="sha256:" + CLIP_SHA256,
        fname="clip.mp4",
        path=folder,
        downloader=pooch.HTTPDownloader(timeout=timeout),
    )


def _within(seconds, job):
    """The result of job(), or a TimeoutError.

    A socket's own timeout begins anew with each address and each read, and does not cover the
    look-up of the name. Hence a thread, which is left behind when the time is up.
    """
    results = []
    errors = []

    def work():
        try:
            results.append(job())
        except Exception as err:  # handed to the caller's thread, whatever it is
            errors.append(err)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no answer, or only a part of it, in {seconds:g} seconds")
    return results[0]


def _short(err):
    """The reason in a few words: what the network libraries say takes half a page."""
    name = type(err).__name__
    said = str(err)
    if isinstance(err, (CourseError, TimeoutError)):
        return said
    if isinstance(err, ValueError) and "hash" in said.lower():
        return "what came is not the clip that is known here: its sha256 differs"
    if name in _NO_CONNECTION:
        return "the connection failed: " + name
    if not said:
        return f"{name}: no more is known"

    first_line = said.splitlines()[0]
    return f"{name}: {first_line[:120]}"


def main() -> int:
    """Fetch it, and say where it is; the exit status."""
    path = real_clip()
    if path is None:
        return 1
    print(f"{path}\n{CLIP_CREDIT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
