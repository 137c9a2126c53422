"""The climb from one picture at a time to all that the GPU gives: one run, one table; each rung says what changed.

    python tools/bench_ladder.py [MODEL ...] --out DIR [--only RUNG,...] [--level N] [--sources 8] [--seconds 3]

Pictures of 1280 x 720. Figures are pictures a second, the first third of each rung left out. `ssd300` is a network of
SSD300's size with random weights (tools/ssd300.py). The limits come first: the engine alone, back to back, and the
GPU's video decoder alone. Engines and timing caches stay in DIR and are used again.
"""

import argparse
import functools
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

KIT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(KIT), str(KIT / "tools")]
from bench_original_loop import OriginalLoop, frames_of_clip, ready_engine
from trt_course import CourseError, TrtSSD, find_model
from trt_course.builder.onnx import Options
from trt_course.engine.cuda import open_cuda
from trt_course.media.base import Frame, Source
from trt_course.media.nvdec import GpuFrame, GpuVideoFile
from trt_course.support import machine
from trt_course.support.files import write_json
from trt_course.support.trace import tracing
from trt_course.throughput.live import detect_live
from trt_course.throughput.many import detect_many

SIZE = (1280, 720)
CLIP = KIT / "data" / "street.mp4"
NMS = {
    "nms": "engine"
}  # options of the engines; then the recipe in the engine, from OpenCV's bytes or the decoder's
INSIDE = dict(NMS, preprocess="engine", source=SIZE)
NV12 = dict(INSIDE, pixels="nv12")


class Rung(NamedTuple):
    name: str
    changed: str
    measure: Any  # a function of the Bench
    power: bool = True  # ask the GPU meanwhile what it takes


class Cycle(Source):
    """The same frames again and again, for some seconds from the first."""

    def __init__(self, frames, seconds):
        super().__init__("memory")
        self._frames = frames
        self._seconds = seconds
        self._number = 0
        self._end = None

    def read(self, timeout=None):
        now = time.perf_counter()
        self._end = self._end or now + self._seconds
        if now > self._end:
            return None
        self._number += 1
        return self._frames[self._number % len(self._frames)]._replace(number=self._number)

    def close(self):
        self._frames = []


class Ready(Cycle):
    """Frames that lie in memory, eight at once as a decoder gives them:
    each hand-over waits for Python's lock.
    """

    def read_some(self):
        return [frame for frame in (self.read() for _ in range(8)) if frame is not None]


class Decoded(Cycle):
    """A file again and again, decoded on the GPU; all begin together."""

    def __init__(self, path, seconds, ready):
        super().__init__([], seconds)
        self._path = path
        self._file = None
        self._first = self._begin()  # the decoder is made now; that holds up everybody
        ready.wait(60)

    def _begin(self):
        self.close()
        self._file = GpuVideoFile(self._path)
        return self._file.read_some()

    def read_some(self):
        now = time.perf_counter()
        self._end = self._end or now + self._seconds
        some = self._first
        self._first = None
        return (some or self._file.read_some() or self._begin()) if now <= self._end else []

    def close(self):
        if self._file is not None:
            self._file.close()


class Power:
    """Watts and MiB of the GPU meanwhile, as nvidia-smi tells: five times a second,
    and then others wait for it.
    """

    def __init__(self, wanted):
        self._wanted = wanted and shutil.which("nvidia-smi")

    def __enter__(self):
        self._smi = self._wanted and subprocess.Popen(
            [
                "nvidia-smi",
                "--query-gpu=power.draw,memory.used",
                "--format=csv,noheader,nounits",
                "-lms",
                "200",
                "-i",
                os.environ.get("CUDA_VISIBLE_DEVICES", "0"),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_):
        self.watts = self.mib = None
        if not self._smi:
            return
        self._smi.terminate()
        rows = [line.split(",") for line in self._smi.communicate()[0].splitlines()]
        rows = [
            [float(v) for v in row] for row in rows if len(row) == 2 and row[0].strip()[0].isdigit()
        ]
        self.watts, self.mib = (
            np.median(rows[len(rows) // 3 :], axis=0).tolist() if rows else (None, None)
        )


class Bench:
    """One model's engines, pictures and figures."""

    def __init__(self, spec, out, args):
        self.spec = spec
        self.out = out
        self.args = args
        self.images = frames_of_clip(64)
        self.frames = [Frame(image, i, 0.0, "") for i, image in enumerate(self.images)]

    def plan(self, precision, batch, **options):
        wanted = Options(precision, (batch,) * 3, level=self.args.level, **options)
        if precision == "int8":
            kind = "signs" if "signs" in self.spec.name else "traffic"
            wanted = wanted._replace(calibration="data/calibration/" + kind)
        return ready_engine(self.spec, wanted, self.out / "engines" / (wanted.name() + ".engine"))

    def open(self, precision, batch, lanes=1, graph=False, **options):
        plan = self.plan(precision, batch, **options)
        return TrtSSD(self.spec, plan=plan, lanes=lanes, graph=graph, verbose=False)

    def timed(self, call, pictures):
        """Figures of one call after the other."""
        spent = []
        end = time.perf_counter() + self.args.seconds
        while time.perf_counter() < end:
            started = time.perf_counter()
            call()
            spent.append(time.perf_counter() - started)
        spent = np.array(spent[len(spent) // 3 :])
        return {
            "fps": pictures / spent.mean(),
            "p50_ms": float(np.median(spent) * 1e3),
            "p95_ms": float(np.percentile(spent, 95) * 1e3),
        }

    def loop(self):
        loop = OriginalLoop(self.plan("fp32", 1, **NMS), self.spec)
        turn = Turn(self.images)
        return self.timed(lambda: loop.detect(turn.next(1)[0]), 1)

    def plain(self, precision, batch, **options):
        turn = Turn(self.images)
        with self.open(precision, batch, **options) as ssd:
            return self.timed(lambda: ssd.detect_batch(turn.next(batch), 0.3), batch)

    def piped(self, openers, precision, batch, lanes, graph=False, depth=2, **options):
        """Figures of the pipeline; p50 and p95 are from a picture read to its boxes."""
        moments = []
        delays = []

        def keep(seen, found):
            moments.append(time.perf_counter())
            delays.append(moments[-1] - seen.read)

        with self.open(precision, batch, lanes, graph, **options) as ssd:
            ssd.warm_up()
            complaints = detect_many(ssd, openers, keep, 0.3, depth=depth)
        if complaints:
            raise CourseError("; ".join(complaints))
        p50, p95 = np.percentile(delays[len(delays) // 3 :], [50, 95]) * 1e3
        return {"fps": self.rate(moments), "p50_ms": float(p50), "p95_ms": float(p95)}

    def rate(self, moments):
        """Pictures a second while all sources were there: without the first third of the time,
        and what came late.
        """
        start, end = (min(moments) + part * self.args.seconds for part in (1 / 3, 1))
        return float(
            np.sum((np.array(moments) > start) & (np.array(moments) <= end)) / (end - start)
        )

    def memory(self, count=4):
        return [
            functools.partial(Ready, self.frames[i::count], self.args.seconds) for i in range(count)
        ]

    def on_gpu(self, count=4):
        """Readers of frames that lie on the GPU as a decoder leaves them."""
        cuda = open_cuda("cuda-python")
        width, height = SIZE
        kept = []
        nbytes = width * height * 3 // 2
        video = GpuVideoFile(CLIP)
        for number in range(32):
            address = cuda.alloc(nbytes)
            frame = video.read()
            stream = cuda.stream()
            done = cuda.event()
            cuda.copy_on(address, [frame.address], nbytes, stream)
            cuda.record(done, stream)
            cuda.wait(done)
            kept.append(GpuFrame(address, nbytes, SIZE, number, 0.0, cuda))
        return [functools.partial(Ready, kept[i::count], self.args.seconds) for i in range(count)]

    def files(self, count):
        ready = threading.Barrier(count)
        return [functools.partial(Decoded, CLIP, self.args.seconds, ready)] * count

    def alone(self, precision, batch, lanes, **options):
        """The engine back to back on pictures that lie on the GPU (suppression takes as long as it has boxes): no
        pictures in, no boxes out."""
        with self.open(precision, batch, lanes, **options) as ssd:
            requests = [ssd.engine.new_request(batch) for _ in range(lanes)]
            preprocess = ssd.new_preprocessor()
            for request in requests:
                for image, tensor in zip(self.images, request.inputs[ssd.engine.inputs[0].name]):
                    preprocess(image, tensor)
                ssd.engine.infer(request)

            def some(runs=20):
                for _ in range(runs):
                    for request in requests:
                        ssd.engine.compute(request)
                for request in requests:
                    ssd.engine.submit(request)
                for request in requests:
                    ssd.engine.result(request)

            return self.timed(some, (20 + 1) * lanes * batch)

    def decoders(self, count):
        """The decoders back to back: nobody looks at the frames."""
        moments = []

        def run(opener):
            with opener() as source:
                for some in iter(source.read_some, []):
                    moments.extend([time.perf_counter()] * len(some))

        threads = [threading.Thread(target=run, args=(opener,)) for opener in self.files(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {"fps": self.rate(moments)}

    def latency(self, precision, graph=False, **options):
        """A camera of 60 pictures a second, one at a time.

        Beside it the engine with its copies at the same pace.
        """

        class Camera(Cycle):
            def read(self, timeout=None):
                time.sleep(1 / 60)
                return super().read()

        camera = functools.partial(Camera, self.frames, self.args.seconds / 3)
        own = []
        all_of_it = []

        def keep(seen, found):
            all_of_it[-1].append(time.perf_counter() - seen.read)

        with self.open(precision, 1, graph=graph, **options) as ssd:
            for _ in range(3):  # in turns
                own.append([])
                all_of_it.append([])
                for frame in camera():
                    started = time.perf_counter()
                    ssd.engine.infer(ssd.prepare([frame.image]).request)
                    own[-1].append(time.perf_counter() - started)
                detect_live(ssd, camera, keep, 0.3)
        own, all_of_it = (
            np.concatenate([turn[len(turn) // 3 :] for turn in turns]) for turns in (own, all_of_it)
        )
        p50, p95 = np.percentile(all_of_it, [50, 95]) * 1e3
        engine = float(np.median(own) * 1e3)
        return {
            "fps": 1e3 / p50,
            "p50_ms": float(p50),
            "p95_ms": float(p95),
            "engine_p50_ms": engine,
            "ratio": float(p95 / engine),
        }


class Turn:
    def __init__(self, images):
        self.images = images
        self.at = 0

    def next(self, count):
        self.at += count
        return [self.images[(self.at + i) % len(self.images)] for i in range(count)]


def rungs(sources):
    """The limits, the ladder from below, the latency."""

    def alone(*args, **options):
        return lambda bench: bench.alone("fp16", 16, *args, **options)

    def plain(*args, **options):
        return lambda bench: bench.plain(*args, **options)

    def piped(readers, *args, **options):
        return lambda bench: bench.piped(getattr(bench, readers[0])(*readers[1:]), *args, **options)

    yield Rung("engine alone (pictures)", "limit: FP16, batch 16, back to back", alone(1, **INSIDE))
    yield Rung(
        "engine alone (2 streams of pictures)", "limit: the same on two streams", alone(2, **INSIDE)
    )
    yield Rung("engine alone", "limit: FP16, batch 16, from NV12", alone(1, **NV12))
    for streams in (2, 3):
        yield Rung(
            f"engine alone ({streams} streams)",
            "limit: the same on more streams",
            alone(streams, **NV12),
        )
    yield Rung(
        "decoder alone", f"limit: {sources} files decoded", lambda bench: bench.decoders(sources)
    )
    yield Rung(
        "original", "the original course's loop, FP32, one picture", lambda bench: bench.loop()
    )
    yield Rung("one copy", "one copy in, one wait; suppression on the host", plain("fp32", 1))
    yield Rung("nms", "suppression in the engine", plain("fp32", 1, **NMS))
    yield Rung("inside", "the recipe in the engine: bytes go in", plain("fp32", 1, **INSIDE))
    for batch in (4, 16, 32):
        yield Rung(f"batch {batch}", f"{batch} pictures a run", plain("fp32", batch, **INSIDE))
    yield Rung("fp16", "FP16, batch 16", plain("fp16", 16, **INSIDE))
    yield Rung("int8", "INT8, batch 16", plain("int8", 16, **INSIDE))
    yield Rung(
        "one reader",
        "FP16; a thread copies while the engine runs",
        piped(["memory", 1], "fp16", 16, 1, **INSIDE),
    )
    yield Rung("overlap", "FP16; four readers copy", piped(["memory"], "fp16", 16, 1, **INSIDE))
    yield Rung(
        "two lanes",
        "two contexts, each with its stream and thread",
        piped(["memory"], "fp16", 16, 2, depth=3, **INSIDE),
    )
    yield Rung(
        "on the gpu", "frames are on the GPU, as NV12", piped(["on_gpu"], "fp16", 16, 1, **NV12)
    )
    yield Rung("streams", "two lanes again", piped(["on_gpu"], "fp16", 16, 2, depth=3, **NV12))
    yield Rung(
        "graphs", "each batch is one CUDA graph", piped(["on_gpu"], "fp16", 16, 2, True, 3, **NV12)
    )
    yield Rung("all int8", "the same with INT8", piped(["on_gpu"], "int8", 16, 2, True, 3, **NV12))
    for count in (1, 4, sources):
        yield Rung(
            f"files {count}",
            f"{count} H.264 files, GPU decoders; FP16 as graphs",
            piped(["files", count], "fp16", 16, 2, True, 3, **NV12),
        )
    yield Rung(
        "no graphs",
        f"{sources} files, and the host puts each layer on the stream",
        piped(["files", sources], "fp16", 16, 2, depth=3, **NV12),
    )
    yield Rung(
        "three lanes",
        f"{sources} files as graphs, a third lane",
        piped(["files", sources], "fp16", 16, 3, True, 4, **NV12),
    )
    yield Rung(
        "latency",
        "a camera, one picture at a time, FP16",
        lambda bench: bench.latency("fp16", **INSIDE),
        power=False,
    )
    yield Rung(
        "latency graph",
        "the same as one CUDA graph",
        lambda bench: bench.latency("fp16", True, **INSIDE),
        power=False,
    )


def limit(name, fps):
    """What bounds this rung, of the figures so far; None where a limit was not measured."""

    def alone(*limits):
        return max(fps.get("engine alone" + which, 0) for which in limits)

    two = alone("", " (2 streams)")
    bounds = {
        "one reader": alone(" (pictures)"),
        "overlap": alone(" (pictures)"),
        "two lanes": alone(" (pictures)", " (2 streams of pictures)"),
        "on the gpu": alone(""),
        "streams": two,
        "graphs": two,
        "no graphs": two,
        "three lanes": alone("", " (2 streams)", " (3 streams)"),
    }
    if name.startswith("files") or name in ("no graphs", "three lanes"):
        return min(bounds.get(name, two), fps.get("decoder alone", 0)) or None
    return bounds.get(name) or None


def climb(spec, out, args, chosen):
    bench = Bench(spec, out, args)
    rows = []
    result = {"model": spec.name, "machine": machine.facts(), "level": args.level, "rungs": rows}
    for rung in chosen:
        try:
            trace = str(out / (rung.name + ".trace.json")) if args.traces else None
            with Power(rung.power) as power, tracing(trace):
                row = rung.measure(bench)
            row.update(watts=power.watts, mib=power.mib)
            fps = {done["name"]: done["fps"] for done in rows if done["fps"]}
            for share, bound in (
                ("of_limit", limit(rung.name, fps)),
                ("of_original", fps.get("original")),
            ):
                if bound:
                    row[share] = row["fps"] / bound
        except CourseError as err:
            row = {"fps": None, "failed": str(err)}
        rows.append(dict(row, name=rung.name, changed=rung.changed))
        write_json(out / (spec.name + ".json"), result)
        print(line(rows[-1]), flush=True)
    return not any("failed" in row for row in rows)


def line(row):
    if row["fps"] is None:
        return "{name:<24}failed: {failed}".format(**row)
    parts = [
        ("of_original", "{of_original:6.1f} x"),
        ("of_limit", "{of_limit:5.2f} of its limit"),
        ("p50_ms", "p50 {p50_ms:6.2f} p95 {p95_ms:6.2f} ms"),
        ("ratio", "{ratio:.2f} of the engine's {engine_p50_ms:.2f}"),
        ("watts", "{watts:4.0f} W {mib:6.0f} MiB"),
    ]
    told = [text.format(**row) for key, text in parts if row.get(key)]
    return "{name:<24}{fps:8.0f} FPS  {0}  {changed}".format("  ".join(told), **row)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "models", nargs="*", default=["ssd_resnet18_traffic"], help="names, folders, or ssd300"
    )
    parser.add_argument("--out", type=Path, default=KIT / "out" / "ladder")
    parser.add_argument("--only", type=lambda t: t.split(","), help="names of rungs")
    parser.add_argument("--level", type=int, help="how long the builder searches")
    parser.add_argument("--sources", type=int, default=8, help="files decoded at once")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument(
        "--traces", action="store_true", help="a trace of each rung (it costs some speed)"
    )
    args = parser.parse_args()
    good = True
    for name in args.models:
        out = args.out / Path(name).name
        if name == "ssd300":
            from ssd300 import write

            name = str(write(out / "model"))
        spec = find_model(name)
        chosen = [rung for rung in rungs(args.sources) if not args.only or rung.name in args.only]
        print(f"{spec.name}: pictures a second", flush=True)
        good &= climb(spec, out, args, chosen)
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CourseError as err:
        sys.exit(f"bench_ladder: {err}")
