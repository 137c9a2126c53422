"""The original course's loop and this kit's `detect`, side by side on one GPU: frames a second.

    python tools/bench_original_loop.py [--model NAME] [--frames 200] [--level N] [--json FILE]

The loop is the course's, step for step: resize, transpose, float, ravel, copy to page-locked
memory, copy to the GPU, execute, copy back, synchronize, and a Python loop over the rows. Both see
the same pictures, in turns, on one FP16 engine of batch 1 with suppression inside; `detect` also
runs on the same engine with the preprocessing inside.

Engines are built in another process. The loop takes new memory for each picture, and a process that
has just built an engine holds plenty of it ready: the loop is a third faster there.
"""

import argparse
import contextlib
import functools
import multiprocessing
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np

KIT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(KIT))
from trt_course import CourseError, ModelSpec, TrtSSD, find_model
from trt_course.builder.onnx import Options, engine_from_onnx
from trt_course.engine import manifest
from trt_course.engine.cuda import open_cuda
from trt_course.engine.plan import deserialize, load_tensorrt, numpy_type, product_of
from trt_course.support.files import write_json

CONF_TH = 0.3
LOOP = "the original loop"
WARM_UP = 20  # frames that do not count

Call = Callable[[np.ndarray], Any]
Found = Tuple[List[Tuple[int, int, int, int]], List[float], List[int]]


class OriginalLoop:
    """What the course's TrtSSD does with a picture, on bindings where TensorRT has them."""

    def __init__(self, plan: Path, spec: ModelSpec) -> None:
        trt = load_tensorrt()
        self.size = (spec.input.width, spec.input.height)
        self.cuda = open_cuda()
        with self.cuda.active():
            # The engine, and what its work is put on.
            self.engine, self.runtime = deserialize(trt, plan)
            self.context = self.engine.create_execution_context()
            self.takes_bindings = hasattr(self.context, "execute_async_v2")
            self.stream = self.cuda.stream()
            self.done = self.cuda.event()

            # Memory on the host and on the GPU for each tensor, in the engine's order.
            names = [self.engine.get_tensor_name(i) for i in range(self.engine.num_io_tensors)]
            self.host = [self._pinned(trt, name) for name in names]
            self.memory = [self.cuda.alloc(array.nbytes) for array in self.host]
            if not self.takes_bindings:
                for name, memory in zip(names, self.memory):
                    self.context.set_tensor_address(name, int(memory))

        self.place = {name: i for i, name in enumerate(names)}
        self.entry = self.place[spec.input.name]

    def _pinned(self, trt: Any, name: str) -> np.ndarray:
        shape = tuple(self.engine.get_tensor_shape(name))
        kind = self.engine.get_tensor_dtype(name)
        return self.cuda.pinned(int(np.prod(shape)), numpy_type(trt, kind))

    def execute(self) -> None:
        """Put the network's work on the stream."""
        handle = self.cuda.handle(self.stream)
        if self.takes_bindings:
            bindings = [int(memory) for memory in self.memory]
            self.context.execute_async_v2(bindings=bindings, stream_handle=handle)
        else:
            self.context.execute_async_v3(handle)

    def detect(self, img: np.ndarray) -> Found:
        """Boxes, confidences and classes of one picture."""
        resized = cv2.resize(img, self.size)
        resized = resized.transpose((2, 0, 1)).astype(np.float32)  # (3, height, width)
        np.copyto(self.host[self.entry], resized.ravel())
        with self.cuda.active():
            self.cuda.copy_in(self.memory[self.entry], self.host[self.entry], self.stream)
            self.execute()
            for i, array in enumerate(self.host):
                if i != self.entry:
                    self.cuda.copy_out(array, self.memory[i], self.stream)
            self.cuda.record(self.done, self.stream)
            self.cuda.wait(self.done)
        return self.rows(img.shape[0], img.shape[1])

    def rows(self, img_h: int, img_w: int) -> Found:
        """The course's loop over what the engine found."""
        boxes = []
        confs = []
        clss = []
        scores = self._output("scores")
        corners = self._output("boxes")
        classes = self._output("classes")
        for k in range(len(scores)):
            conf = float(scores[k])
            if conf < CONF_TH:
                continue
            x1 = int(corners[4 * k] * img_w)
            y1 = int(corners[4 * k + 1] * img_h)
            x2 = int(corners[4 * k + 2] * img_w)
            y2 = int(corners[4 * k + 3] * img_h)
            boxes.append((x1, y1, x2, y2))
            confs.append(conf)
            clss.append(int(classes[k]))
        return boxes, confs, clss

    def _output(self, name: str) -> np.ndarray:
        return self.host[self.place["detection_" + name]]


def ready_engine(spec: ModelSpec, options: Options, path: Path) -> Path:
    """The engine at `path`, built unless it is there and fits."""
    try:
        manifest.require_fit(path, spec, product_of(load_tensorrt()), open_cuda().device)
        return path
    except CourseError:
        return engine_from_onnx(spec, options, path)


def frames_of_clip(count: int) -> List[np.ndarray]:
    """Frames of the sample clip, each in memory of its own; from the start again after the last."""
    clip = cv2.VideoCapture(str(KIT / "data" / "street.mp4"))
    frames: List[np.ndarray] = []
    while len(frames) < count:
        good, frame = clip.read()
        if good:
            frames.append(frame)
        elif frames:
            frames += [frame.copy() for frame in frames]
        else:
            raise CourseError("data/street.mp4 gives no frame.")
    return frames[:count]


def side_by_side(
    rivals: Dict[str, Call], frames: Sequence[np.ndarray], rounds: int = 10
) -> Dict[str, np.ndarray]:
    """Seconds a frame of each rival, the rivals taking turns with the same frames."""
    spent: Dict[str, List[float]] = {name: [] for name in rivals}
    parts = [range(WARM_UP), *np.array_split(np.arange(len(frames)), rounds)]
    for part in parts:
        for name, detect in rivals.items():
            for i in part:
                started = time.perf_counter()
                detect(frames[i])
                spent[name].append(time.perf_counter() - started)
    return {name: np.array(values[WARM_UP:]) for name, values in spent.items()}


class Plans(NamedTuple):
    """The engines that are compared: with preprocessing on the host, and inside."""

    host: Path
    inside: Path


def ready_plans(spec: ModelSpec, frame: np.ndarray, level: Optional[int], folder: Path) -> Plans:
    """Both engines, built in another process where they are not there."""
    height, width = frame.shape[:2]
    host = Options("fp16", nms="engine", level=level)
    inside = host._replace(preprocess="engine", source=(width, height))
    wanted = [host, inside]
    paths = [folder / (options.name() + ".engine") for options in wanted]
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as builder:
        return Plans(*builder.map(functools.partial(ready_engine, spec), wanted, paths))


class Variant(NamedTuple):
    """One way to run `detect`."""

    name: str
    plan: Path
    graph: bool


def variants_of(plans: Plans) -> Iterator[Variant]:
    """Each engine, without and with a CUDA graph."""
    named = {"detect": plans.host, "detect, preprocessing inside": plans.inside}
    for name, plan in named.items():
        yield Variant(name, plan, graph=False)
        yield Variant(name + ", graph", plan, graph=True)


def measure(
    model: str, frames: Sequence[np.ndarray], level: Optional[int], folder: Path
) -> Dict[str, np.ndarray]:
    """Seconds a frame of the loop and of each variant of `detect` that runs here."""
    spec = find_model(model)
    plans = ready_plans(spec, frames[0], level, folder)
    loop = OriginalLoop(plans.host, spec)
    rivals: Dict[str, Call] = {LOOP: loop.detect}
    with contextlib.ExitStack() as opened:
        for variant in variants_of(plans):
            ssd = TrtSSD(spec, plan=variant.plan, verbose=False, graph=variant.graph)
            opened.enter_context(ssd)

            # pycuda, for one, knows no graphs.
            try:
                ssd.detect(frames[0])
                rivals[variant.name] = ssd.detect
            except CourseError as err:
                print(f"{variant.name}: left out. {err}")
        return side_by_side(rivals, frames)


def row_of(spent: np.ndarray, base: float) -> Dict[str, float]:
    """The figures of one rival; `base` is what the original loop takes for a frame."""
    p50, p95 = np.percentile(spent, [50, 95]) * 1e3
    return {
        "fps": 1 / spent.mean(),
        "ratio": base / spent.mean(),
        "p50_ms": float(p50),
        "p95_ms": float(p95),
    }


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="ssd_resnet18_traffic")
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--level", type=int, help="how long the builder searches")
    parser.add_argument(
        "--engines", help="keep engines and timing cache in this folder; what fits is used again"
    )
    parser.add_argument("--json", help="write the figures there too")
    return parser.parse_args()


def main() -> None:
    """Measure, print a line for each rival, and write the figures where that is wanted."""
    args = arguments()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            frames = frames_of_clip(args.frames)
            spent = measure(args.model, frames, args.level, Path(args.engines or scratch))
    except CourseError as err:
        sys.exit(f"bench_original_loop: {err}")

    base = spent[LOOP].mean()
    rows = {name: row_of(seconds, base) for name, seconds in spent.items()}
    for name, row in rows.items():
        speed = "{fps:8.1f} FPS  {ratio:5.2f} x".format(**row)
        delays = "p50 {p50_ms:6.2f} ms  p95 {p95_ms:6.2f} ms".format(**row)
        print(f"{name:<36}{speed}  {delays}")
    if args.json:
        write_json(args.json, rows)


if __name__ == "__main__":
    main()
