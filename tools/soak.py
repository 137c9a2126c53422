"""Runs for minutes what people leave running for days, and tells whether anything grows.

    python tools/soak.py [--seconds 165] [--model NAME]

It does three things at once, in one process: a camera with its detector in a thread of its own, one
round of `detect --fast` after another, and a source on loopback that breaks off every second and is
connected again. All the while it watches memory, threads, open files, child processes and temporary
files. It prints them as a table; if one of them is not flat, the exit status is 1.
"""

import argparse
import contextlib
import http.server
import io
import itertools
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Dict, List, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # connections break off on purpose

import cv2

from trt_course import TrtSSD
from trt_course.camera import AsyncCamera
from trt_course.media.live import LiveSource
from trt_course.media.sources import open_source
from trt_course.media.writer import VideoWriter
from trt_course.support.files import KIT
from trt_course.support.noted import LIST
from trt_course.throughput.fast import detect_fast

CLIP = KIT / "data" / "street.mp4"
SIZE = (320, 180)  # small: speed does not matter here, only what comes and goes
FRAMES = 30  # of the clip that is detected in
CONNECTED = 1.0  # seconds until the source on loopback breaks off
RATE = 20  # of its pictures, a second
SECONDS_A_RECONNECT = 5  # even a busy machine connects again within so many

# What memory may grow by from the middle third of the run to the last one.
GROWTH = 0.04
GROWTH_MIB = 12.0


class Look(NamedTuple):
    """What the process holds at a moment."""

    memory: float  # MiB, resident
    threads: int
    files: int  # open
    children: int  # processes
    temporary: int  # files


def look(out: Path) -> Look:
    """What this process holds now; its tables go to `out`."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    temporary = [name for name in os.listdir(str(out)) if name[0] == "." and name != LIST]
    temporary += [name for name in os.listdir(tempfile.gettempdir()) if "trt_course-" in name]
    return Look(
        memory=pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        threads=len(os.listdir("/proc/self/task")),
        files=len(os.listdir("/proc/self/fd")),
        children=len(children()),
        temporary=len(temporary),
    )


def children() -> List[str]:
    """The processes that this one has started and not yet let go."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = stat.read_text().rpartition(")")[2].split()[1]
            if parent == str(os.getpid()):
                found.append(stat.parent.name)
    return found


class Breaking(http.server.BaseHTTPRequestHandler):
    """MJPEG that breaks off every second."""

    picture = b""

    def do_GET(self) -> None:
        """Pictures for a while; then the connection ends."""
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(self.picture)}\r\n\r\n"
        until = time.monotonic() + CONNECTED
        with contextlib.suppress(OSError):
            while time.monotonic() < until:
                self.wfile.write(head.encode() + self.picture + b"\r\n")
                time.sleep(1 / RATE)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def write_small_clip(path: Path) -> None:
    """The first second of the sample clip, made small; one picture is for the breaking source."""
    with open_source(CLIP) as video, VideoWriter(path, video.fps) as writer:
        for frame in itertools.islice(video, FRAMES):
            image = cv2.resize(frame.image, SIZE)
            writer.write(image, frame.time)
    Breaking.picture = cv2.imencode(".jpg", image)[1].tobytes()


@contextlib.contextmanager
def breaking_source() -> Any:
    """The address of a source that breaks off, as long as the block lasts."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Breaking)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Work:
    """The three things at once, until they are told to stop; and what they have done."""

    def __init__(self, model: str, clip: Path, out: Path) -> None:
        self.model = model
        self.clip = clip
        self.out = out

        # what was done
        self.shown = 0  # views of the camera
        self.rounds = 0  # of --fast
        self.reconnects = 0
        self.looks: List[Look] = []
        self.troubles: List[BaseException] = []

        self._stop = threading.Event()

    def run(self, seconds: float) -> None:
        """All of it for so long."""
        parts = [self._camera, self._reconnecting, self._fast]
        threads = [threading.Thread(target=self._guarded, args=(part,)) for part in parts]
        for thread in threads:
            thread.start()
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.troubles:
            time.sleep(0.5)
            self.looks.append(look(self.out))
        self._stop.set()
        for thread in threads:
            thread.join()

    def _guarded(self, part: Any) -> None:
        try:
            part()
        except BaseException as err:  # the main thread says it
            self.troubles.append(err)

    def _detector(self) -> TrtSSD:
        return TrtSSD(self.model, backend="cpu", threads=1, verbose=False)

    def _camera(self) -> None:
        source = open_source(self.clip, loop=True)
        with AsyncCamera(source, self._detector, every=5, stall=60) as camera:
            for _ in camera:
                self.shown += 1
                if self._stop.is_set():
                    return

    def _reconnecting(self) -> None:
        with breaking_source() as address, LiveSource(address, limit=30) as source:
            while not self._stop.is_set():
                source.read()
            self.reconnects = source.reconnects

    def _fast(self) -> None:
        while not self._stop.is_set():
            with contextlib.redirect_stdout(io.StringIO()):
                complaints = detect_fast(
                    self.model, [self.clip, self.clip], self.out, backend="cpu", threads=1
                )
            if complaints:
                raise RuntimeError("; ".join(complaints))
            self.rounds += 1


def verdicts(before: Look, looks: List[Look], after: Look) -> Dict[str, bool]:
    """For each thing that is looked at, whether it is flat.

    Memory is compared within the run, because an allocator keeps what it once had. Of everything
    else there must be no more than before, once all is closed.
    """
    third = max(1, len(looks) // 3)
    middle = statistics.median(each.memory for each in looks[third : 2 * third] or looks)
    late = statistics.median(each.memory for each in looks[-third:])
    flat = {"memory": late <= middle * (1 + GROWTH) + GROWTH_MIB}
    for name in Look._fields[1:]:
        flat[name] = getattr(after, name) <= getattr(before, name)
    return flat


def table(before: Look, looks: List[Look], after: Look, flat: Dict[str, bool]) -> str:
    """A line for each thing: before, in each third of the run, and after it."""
    third = max(1, len(looks) // 3)
    parts = [looks[:third], looks[third : 2 * third] or looks, looks[-third:]]
    lines = ["              before   first third   second    last   after   flat"]
    for name in Look._fields:
        middles = [statistics.median(getattr(each, name) for each in part) for part in parts]
        first, second, last = middles
        lines.append(
            f"{name:12}{getattr(before, name):8.0f}{first:14.0f}{second:9.0f}{last:8.0f}"
            f"{getattr(after, name):8.0f}   {'yes' if flat[name] else 'NO'}"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=165, help="default: %(default)s")
    parser.add_argument("--model", default="ssd_mobilenet_v2_signs", help="default: %(default)s")
    args = parser.parse_args()
    if not os.path.isdir("/proc/self/task"):
        print("This needs Linux, whose /proc says what a process holds.", file=sys.stderr)
        return 2

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        clip = out / "clip.mp4"
        write_small_clip(clip)

        # The first run does not count: libraries keep threads and files that they have opened.
        warm_up = Work(args.model, clip, out)
        warm_up.run(min(10.0, args.seconds / 2))
        before = look(out)
        work = Work(args.model, clip, out)
        work.run(args.seconds)
        after = look(out)

    flat = verdicts(before, work.looks, after)
    print(table(before, work.looks, after, flat))
    print(
        f"In {args.seconds:g} s: {work.shown} camera views, {work.rounds} rounds of --fast, "
        f"{work.reconnects} connections made again."
    )
    troubles = [f"{type(err).__name__}: {err}" for err in warm_up.troubles + work.troubles]
    if work.reconnects < args.seconds / SECONDS_A_RECONNECT - 2:
        troubles.append(f"only {work.reconnects} connections were made again")
    for trouble in troubles:
        print(f"trouble: {trouble}", file=sys.stderr)
    if troubles or not all(flat.values()):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
