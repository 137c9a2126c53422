"""detect --fast: many sources at once, as fast as the machine allows, a table of boxes for each.

The work is fast.py's; here the sources are opened in the way that suits the engine, the CPU's threads are shared out by
measuring, and a process is started for each GPU.
"""

import collections
import contextlib
import functools
import importlib.util
import itertools
import multiprocessing
import os
import time
from pathlib import Path
from queue import Empty
from typing import NamedTuple

import numpy as np

from ..media import gstreamer
from ..media.base import Source
from ..media.nvdec import GpuVideoFile
from ..media.sources import kind_of, open_source
from ..media.video_file import VideoFile
from ..ssd import TrtSSD
from ..support.errors import CourseError
from ..support.files import kit_path, whole_file
from .many import detect_live, detect_many

FILES_AT_ONCE = (
    8  # one more than an H200 has decoders; more threads wait for each other, and pictures grow old
)
HEADER = ["frame", "time", "class", "confidence", "x1", "y1", "x2", "y2"]


class Run(NamedTuple):
    """What one process did. Milliseconds are from a frame read to its boxes."""

    frames: int
    seconds: float
    p50_ms: float
    p95_ms: float
    complaints: list

    def report(self):
        return (
            f"{self.frames} frames in {self.seconds:.1f} s: {self.frames / max(self.seconds, 1e-9):.1f} FPS; from frame to boxes median {self.p50_ms:.1f} ms, "
            f"p95 {self.p95_ms:.1f} ms"
        )


def _kind(uri):
    """None where there is nothing: its reader will say so, and the other sources go on."""
    with contextlib.suppress(CourseError):
        return kind_of(uri)


def source_opener(ssd, uri):
    """A function that opens this source: by a decoder of the GPU or the Jetson where there is one, else on the CPU."""
    path, ways = kit_path(uri), []
    if _kind(uri) == "video":
        if ssd.decoded_by_gpu and importlib.util.find_spec("PyNvVideoCodec"):
            ways.append(lambda: GpuVideoFile(path, size=ssd.decoded_by_gpu))
        if gstreamer.in_opencv() and gstreamer.has_element("nvv4l2decoder"):
            ways.append(lambda: VideoFile(path, pipeline=gstreamer.video_file(path)))

    def open_it():
        for way in ways:
            with contextlib.suppress(
                CourseError
            ):  # the CPU decodes more kinds of file, and resizes
                return way()
        return open_source(uri)

    return open_it


def named(sources):
    """(source, name of its table) of each, live ones first."""
    stems = [
        (
            i,
            uri,
            "live"
            if _kind(uri) == "live"
            else Path(str(uri)).stem or Path(str(uri)).resolve().name,
        )
        for i, uri in enumerate(sources, 1)
    ]
    count = collections.Counter(stem for _, _, stem in stems)
    told = [(uri, stem if count[stem] == 1 else f"{stem}-{i}") for i, uri, stem in stems]
    if len({name for _, name in told}) < len(
        told
    ):  # a clip-1 of its own beside two clips: then each has a number
        told = [(uri, f"{stem}-{i}") for i, uri, stem in stems]
    return sorted(told, key=lambda source: _kind(source[0]) != "live")


class _Tables:
    """A table of boxes for each source, under its final name at the end; to disk in large pieces."""

    frames = 0

    def __init__(self, names, out, labels, stack):
        self._labels = [
            '"{}"'.format(v.replace('"', '""')) if set(',"') & set(v) else v for v in labels
        ]
        self._delays, self._files = collections.deque(maxlen=100000), []
        for name in names:
            path = stack.enter_context(whole_file(Path(out) / (name + ".csv")))
            self._files.append(stack.enter_context(path.open("w", 2**17, encoding="utf-8")))
            self._files[-1].write(",".join(HEADER) + "\n")

    def keep(self, seen, found):
        self.frames += 1
        self._delays.append(time.perf_counter() - seen.read)
        # as text: csv.writer takes longer than the network where pictures come by the thousand
        row = f"{seen.number},{seen.time:.6f},%s,%.6f,%.3f,%.3f,%.3f,%.3f\n"
        self._files[seen.source].write(
            "".join(
                [
                    row % (self._labels[c], p, *box)
                    for box, p, c in zip(
                        found.boxes.tolist(), found.confs.tolist(), found.clss.tolist()
                    )
                ]
            )
        )

    def run(self, seconds, complaints):
        delays = np.percentile(self._delays or [0.0], [50, 95]) * 1e3
        return Run(self.frames, seconds, float(delays[0]), float(delays[1]), complaints)


def _is_one_camera(sources):
    return len(sources) == 1 and _kind(sources[0][0]) == "live"


def detect_here(open_ssd, sources, out, conf_th=None, batch=None, deadline=0.02):
    """The Run of this process over `named` sources; Ctrl-C keeps the boxes so far."""
    with open_ssd() as ssd, contextlib.ExitStack() as stack:
        tables = _Tables([name for _, name in sources], out, ssd.spec.labels, stack)
        ssd.warm_up()
        started, complaints, openers = (
            time.perf_counter(),
            [],
            [source_opener(ssd, uri) for uri, _ in sources],
        )
        try:
            # a GPU is done before a camera's next picture; on a CPU two pictures beside each other make more
            if (
                ssd.engine.on_gpu
                and (batch or ssd.engine.max_batch) == 1
                and _is_one_camera(sources)
            ):
                complaints = detect_live(ssd, openers[0], tables.keep, conf_th)
            else:
                live = sum(
                    _kind(uri) == "live" for uri, _ in sources
                )  # they stand first, and wait for nobody
                complaints = detect_many(
                    ssd,
                    openers,
                    tables.keep,
                    conf_th,
                    batch,
                    deadline=deadline,
                    at_once=live + FILES_AT_ONCE,
                )
        except CourseError as err:
            complaints = [str(err)]
        except KeyboardInterrupt:
            complaints = ["stopped by Ctrl-C; what was done is in " + str(out)]
        except OSError:
            raise  # a table that cannot be written
        except Exception as err:  # the network's own, such as memory that is not there
            complaints = [
                f"the network failed ({type(err).__name__}: {err}); what was done is in {out}"
            ]
        return tables.run(time.perf_counter() - started, complaints)


class InMemory(Source):
    """Frames that were read before."""

    def __init__(self, frames):
        super().__init__("memory")
        self._frames = iter(frames)

    def read(self, timeout=None):
        return next(self._frames, None)

    def close(self):
        self._frames = iter(())


def best_split(open_ssd, source, frames=24):
    """How the CPU's threads are shared out, by trying: few networks of many threads, or many of few. -> options"""
    if _kind(source) in ("live", None):
        return {}
    pictures, room = [], 2**28  # bytes: so many large photographs would fill a small machine
    with contextlib.suppress(CourseError), open_source(
        source
    ) as video:  # the run itself says what cannot be read
        for frame in itertools.islice(video, frames):
            room -= frame.image.nbytes
            if room > 0 or not pictures:
                pictures.append(frame)
    if not pictures:
        return {}
    rates, lanes = {}, 1
    while lanes <= os.cpu_count():
        split = lanes, os.cpu_count() // lanes
        with open_ssd(lanes=split[0], threads=split[1]) as ssd:
            ssd.warm_up()
            started = time.perf_counter()
            detect_many(ssd, [functools.partial(InMemory, pictures)] * 2, lambda *_: None)
            rates[split] = 2 * len(pictures) / (time.perf_counter() - started)
        lanes *= 2
    best = max(rates, key=rates.get)
    print(
        "{} x {} threads for the network, by trying: {}.".format(
            *best,
            ", ".join(
                "{} x {} make {:.1f} FPS".format(*split, rate) for split, rate in rates.items()
            ),
        )
    )
    return dict(zip(("lanes", "threads"), best))


def _on_gpu(number, queue, call):
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    os.environ["CUDA_VISIBLE_DEVICES"] = (
        visible[number] if number < len(visible) and visible[0] else str(number)
    )
    try:
        queue.put(call())
    except (CourseError, OSError) as err:
        queue.put(Run(0, 0.0, 0.0, 0.0, [str(err)]))
    except KeyboardInterrupt:  # while the engine opens
        queue.put(Run(0, 0.0, 0.0, 0.0, ["stopped by Ctrl-C before the first frame"]))


def _result(process, queue):
    while True:
        try:
            return queue.get(timeout=1)
        except Empty:
            if not process.is_alive():
                return Run(
                    0, 0.0, 0.0, 0.0, [f"a GPU's process ended with status {process.exitcode}"]
                )
        except KeyboardInterrupt:
            pass  # the processes were told, too, and say what they have done


def detect_on_gpus(count, open_ssd, sources, *args):
    """One process a GPU, each with its share of the sources; the Runs."""
    context, jobs = multiprocessing.get_context("spawn"), []
    for number in range(min(count, len(sources))):
        queue, share = (
            context.Queue(),
            functools.partial(detect_here, open_ssd, sources[number::count], *args),
        )
        jobs.append((context.Process(target=_on_gpu, args=(number, queue, share)), queue))
        jobs[-1][0].start()
    return [_result(*job) for job in jobs]


def with_graph(open_ssd, **options):
    """A batch's work as one CUDA graph, one call for all layers, where CUDA's library and the engine can."""
    with contextlib.suppress(CourseError), contextlib.ExitStack() as stack:
        ssd = stack.enter_context(open_ssd(backend="tensorrt", graph=True, **options)).warm_up()
        stack.pop_all()
        return ssd
    return open_ssd()


def detect(args):
    """The command; complaints about what was not done."""
    if args.show or args.save_json or args.start or args.end or args.stride != 1:
        raise CourseError(
            "--fast writes tables of the boxes of all frames: leave out --show, --save-json, --start, "
            "--end and --stride."
        )
    sources = named(args.source)
    one_camera = _is_one_camera(sources)
    open_ssd = functools.partial(
        TrtSSD,
        args.model,
        backend=args.backend,
        plan=args.engine,
        threads=args.threads,
        lanes=1 if args.threads else 2,
        verbose=False,
    )
    open_best = (
        open_ssd
        if args.backend == "cpu"
        else functools.partial(with_graph, open_ssd, **({"lanes": 1} if one_camera else {}))
    )
    how = (args.out, args.conf, args.batch, args.deadline / 1e3)
    if args.gpus > 1:
        runs = detect_on_gpus(args.gpus, open_best, sources, *how)
        print("\n".join(f"GPU {number}: {run.report()}" for number, run in enumerate(runs)))
    else:
        ssd = open_best()
        print(ssd.why)
        if not (one_camera or args.threads or ssd.engine.on_gpu):
            ssd.close()
            ssd = open_ssd(**best_split(open_ssd, args.source[0]))
        runs = [detect_here(lambda: ssd, sources, *how)]
    columns = dict(zip(Run._fields, zip(*runs)))  # of several GPUs the slowest's times
    all_of_it = Run(sum(columns["frames"]), *(max(columns[name]) for name in Run._fields[1:4]), [])
    print(f"{all_of_it.report()}. Tables: {args.out}")
    return [complaint for run in runs for complaint in run.complaints]
