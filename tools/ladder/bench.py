"""One model measured in many ways: each method of Bench gives the figures of one rung."""

import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from bench_original_loop import OriginalLoop, frames_of_clip, ready_engine
from ladder.sources import Camera, Opener, decoded, frames_on_gpu, in_memory
from trt_course import CourseError, ModelSpec, TrtSSD
from trt_course.builder.onnx import Options
from trt_course.media.base import Frame
from trt_course.throughput.live import detect_live
from trt_course.throughput.many import detect_many

CONF_TH = 0.3
PICTURES = 64
READERS = 4
RUNS = 20  # of the engine, between two looks at the clock

Figures = Dict[str, float]


class Setup(NamedTuple):
    """How an engine is built and run. What has a default is the plainest way."""

    precision: str
    batch: int
    lanes: int = 1
    graph: bool = False

    # What the engine does itself: suppression, preprocessing from bytes of this size and kind.
    nms: str = "host"
    preprocess: str = "host"
    source: Optional[Tuple[int, int]] = None
    pixels: str = "bgr"

    def options(self, spec: ModelSpec, level: Optional[int]) -> Options:
        """What the builder is told."""
        calibration = None
        if self.precision == "int8":
            kind = "signs" if "signs" in spec.name else "traffic"
            calibration = "data/calibration/" + kind
        return Options(
            precision=self.precision,
            batch=(self.batch, self.batch, self.batch),
            nms=self.nms,
            preprocess=self.preprocess,
            source=self.source,
            calibration=calibration,
            level=level,
            pixels=self.pixels,
        )


class Bench:
    """One model's engines and pictures. Figures are of the last two thirds of the time."""

    def __init__(self, spec: ModelSpec, out: Path, seconds: float, level: Optional[int]) -> None:
        # What is measured, and how long.
        self.spec = spec
        self.out = out
        self.seconds = seconds
        self.level = level

        # What the engines see.
        self.images = frames_of_clip(PICTURES)
        self.frames = [Frame(image, i, 0.0, "") for i, image in enumerate(self.images)]

    def plan(self, setup: Setup) -> Path:
        """The engine's file, built unless it is there."""
        options = setup.options(self.spec, self.level)
        path = self.out / "engines" / (options.name() + ".engine")
        return ready_engine(self.spec, options, path)

    def open(self, setup: Setup) -> TrtSSD:
        """The model on the engine of this setup."""
        return TrtSSD(
            self.spec,
            plan=self.plan(setup),
            lanes=setup.lanes,
            graph=setup.graph,
            verbose=False,
        )

    # One call after the other.

    def loop(self) -> Figures:
        """The original course's loop."""
        loop = OriginalLoop(self.plan(Setup("fp32", 1, nms="engine")), self.spec)
        turn = Turn(self.images)
        return self._timed(lambda: loop.detect(turn.next(1)[0]), 1)

    def plain(self, setup: Setup) -> Figures:
        """`detect_batch`, again and again."""
        turn = Turn(self.images)
        with self.open(setup) as ssd:
            return self._timed(
                lambda: ssd.detect_batch(turn.next(setup.batch), CONF_TH), setup.batch
            )

    def alone(self, setup: Setup) -> Figures:
        """The engine back to back on pictures that lie on the GPU: none goes in, no box comes out.

        Suppression takes as long as it has boxes, so the pictures are real ones.
        """
        with self.open(setup) as ssd:
            requests = self._filled_requests(ssd, setup)

            def some() -> None:
                for _ in range(RUNS):
                    for request in requests:
                        ssd.engine.compute(request)
                for request in requests:
                    ssd.engine.submit(request)
                for request in requests:
                    ssd.engine.result(request)

            return self._timed(some, (RUNS + 1) * setup.lanes * setup.batch)

    def _filled_requests(self, ssd: TrtSSD, setup: Setup) -> List[Any]:
        """A request for each lane, its pictures on the GPU."""
        entry = ssd.engine.inputs[0].name
        preprocess = ssd.new_preprocessor()
        requests = [ssd.engine.new_request(setup.batch) for _ in range(setup.lanes)]
        for request in requests:
            for image, tensor in zip(self.images, request.inputs[entry]):
                preprocess(image, tensor)
            ssd.engine.infer(request)
        return requests

    def _timed(self, call: Callable[[], object], pictures: int) -> Figures:
        """Figures of calls that each do so many pictures."""
        spent = []
        end = time.perf_counter() + self.seconds
        while time.perf_counter() < end:
            started = time.perf_counter()
            call()
            spent.append(time.perf_counter() - started)

        steady = np.array(last_two_thirds(spent))
        return {"fps": pictures / steady.mean(), **percentiles(steady)}

    # The pipeline, whose readers work beside the engine.

    def from_memory(self, setup: Setup, readers: int = READERS) -> Figures:
        """Pictures that lie in memory."""
        return self._piped(setup, in_memory(self.frames, self.seconds, readers))

    def from_gpu(self, setup: Setup) -> Figures:
        """Pictures that lie on the GPU."""
        return self._piped(setup, in_memory(frames_on_gpu(), self.seconds, READERS))

    def from_files(self, setup: Setup, files: int) -> Figures:
        """Video files, which the GPU decodes."""
        return self._piped(setup, decoded(self.seconds, files))

    def _piped(self, setup: Setup, openers: Sequence[Opener]) -> Figures:
        """Figures of the pipeline; its delays are from a picture read to its boxes."""
        moments = []
        delays = []

        def keep(seen: Any, found: Any) -> None:
            now = time.perf_counter()
            moments.append(now)
            delays.append(now - seen.read)

        with self.open(setup) as ssd:
            ssd.warm_up()
            complaints = detect_many(ssd, openers, keep, CONF_TH, depth=setup.lanes + 1)
        if complaints:
            raise CourseError("; ".join(complaints))
        return {"fps": self._rate(moments), **percentiles(last_two_thirds(delays))}

    def decoders(self, count: int) -> Figures:
        """The decoders back to back: nobody looks at the frames."""
        moments: List[float] = []
        threads = [
            threading.Thread(target=_read_all, args=(opener, moments))
            for opener in decoded(self.seconds, count)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {"fps": self._rate(moments)}

    def _rate(self, moments: Sequence[float]) -> float:
        """Pictures a second while all sources were there.

        Left out are the first third of the time, and what came after its end.
        """
        start = min(moments) + self.seconds / 3
        end = min(moments) + self.seconds
        done = np.array(moments)
        counted = (done > start) & (done <= end)
        return float(np.sum(counted) / (end - start))

    # Delays.

    def latency(self, setup: Setup) -> Figures:
        """A camera, one picture at a time; beside it the engine with its copies, at that pace."""
        engine_alone: List[float] = []
        to_boxes: List[float] = []

        # In turns, so that both see the same GPU.
        with self.open(setup) as ssd:
            for _ in range(3):
                engine_alone += last_two_thirds(self._engine_delays(ssd))
                to_boxes += last_two_thirds(self._live_delays(ssd))

        delays = percentiles(to_boxes)
        engine = float(np.median(engine_alone) * 1e3)
        return {
            "fps": 1e3 / delays["p50_ms"],
            **delays,
            "engine_p50_ms": engine,
            "ratio": delays["p95_ms"] / engine,
        }

    def _camera(self) -> Camera:
        return Camera(self.frames, self.seconds / 3)

    def _engine_delays(self, ssd: TrtSSD) -> List[float]:
        delays = []
        for frame in self._camera():
            started = time.perf_counter()
            ssd.engine.infer(ssd.prepare([frame.image]).request)
            delays.append(time.perf_counter() - started)
        return delays

    def _live_delays(self, ssd: TrtSSD) -> List[float]:
        delays = []

        def keep(seen: Any, found: Any) -> None:
            delays.append(time.perf_counter() - seen.read)

        detect_live(ssd, self._camera, keep, CONF_TH)
        return delays


class Turn:
    """Pictures in turn, from the start again after the last."""

    def __init__(self, images: Sequence[np.ndarray]) -> None:
        self._images = images
        self._at = 0

    def next(self, count: int) -> List[np.ndarray]:
        """The next `count` pictures."""
        self._at += count
        numbers = range(self._at, self._at + count)
        return [self._images[number % len(self._images)] for number in numbers]


def _read_all(opener: Opener, moments: List[float]) -> None:
    """Note the moment of each frame."""
    with opener() as source:
        for some in iter(source.read_some, []):
            now = time.perf_counter()
            moments.extend(now for _ in some)


def last_two_thirds(values: Sequence[float]) -> Sequence[float]:
    """Without the first third, in which clocks rise and caches fill."""
    return values[len(values) // 3 :]


def percentiles(seconds: Sequence[float]) -> Figures:
    """The median and the 95th percentile, in milliseconds."""
    p50, p95 = np.percentile(seconds, [50, 95]) * 1e3
    return {"p50_ms": float(p50), "p95_ms": float(p95)}
