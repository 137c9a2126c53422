"""The original course's loop and this kit's `detect`, on the same GPU, the same pictures, in turns: frames a second.

    python tools/bench_original_loop.py [--model NAME] [--frames 200] [--level N] [--json FILE]

The loop is the course's, step for step: resize, transpose, float, ravel, copy to page-locked memory, copy to the GPU,
execute, copy back, synchronize, and a Python loop over the rows. All run one FP16 engine of batch 1 with suppression
inside, or the same engine with the preprocessing inside as well. Engines are built in another process: the loop takes
new memory for each picture, and one that has just built an engine holds plenty ready (it is a third faster there).
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

import cv2
import numpy as np

KIT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(KIT))
from trt_course import CourseError, TrtSSD, find_model
from trt_course.builder.onnx import Options, engine_from_onnx
from trt_course.engine import manifest
from trt_course.engine.cuda import open_cuda
from trt_course.engine.plan import deserialize, load_tensorrt, numpy_type, product_of
from trt_course.support.files import write_json

CONF_TH = 0.3


class OriginalLoop:
    """What the course's TrtSSD does with a picture, on bindings where TensorRT has them."""

    def __init__(self, plan, spec):
        trt = load_tensorrt()
        self.size = (spec.input.width, spec.input.height)
        self.cuda = open_cuda()
        with self.cuda.active():
            self.engine, self.runtime = deserialize(trt, plan)
            self.context = self.engine.create_execution_context()
            self.stream = self.cuda.stream()
            self.done = self.cuda.event()
            names = [self.engine.get_tensor_name(i) for i in range(self.engine.num_io_tensors)]
            shapes = [tuple(self.engine.get_tensor_shape(n)) for n in names]
            self.host = [
                self.cuda.pinned(int(np.prod(s)), numpy_type(trt, self.engine.get_tensor_dtype(n)))
                for n, s in zip(names, shapes)
            ]
            self.memory = [self.cuda.alloc(a.nbytes) for a in self.host]
            self.place = {n: i for i, n in enumerate(names)}
            if not hasattr(self.context, "execute_async_v2"):
                for name, memory in zip(names, self.memory):
                    self.context.set_tensor_address(name, int(memory))
        self.entry = self.place[spec.input.name]

    def execute(self):
        handle = self.cuda.handle(self.stream)
        if hasattr(self.context, "execute_async_v2"):
            self.context.execute_async_v2(
                bindings=[int(m) for m in self.memory], stream_handle=handle
            )
        else:
            self.context.execute_async_v3(handle)

    def detect(self, img):
        resized = cv2.resize(img, self.size)
        resized = resized.transpose((2, 0, 1)).astype(np.float32)
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

    def rows(self, img_h, img_w):
        boxes = []
        confs = []
        clss = []
        scores, corners, classes = (
            self.host[self.place["detection_" + n]] for n in ("scores", "boxes", "classes")
        )
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


def ready_engine(spec, options, path):
    """The engine at `path`, built unless it is there and fits."""
    try:
        manifest.require_fit(path, spec, product_of(load_tensorrt()), open_cuda().device)
        return path
    except CourseError:
        return engine_from_onnx(spec, options, path)


def frames_of_clip(count):
    """Frames of the sample clip in memory, all different,
    again from the start where it is shorter.
    """
    clip = cv2.VideoCapture(str(KIT / "data" / "street.mp4"))
    frames = []
    while len(frames) < count:
        good, frame = clip.read()
        if good:
            frames.append(frame)
        elif frames:
            frames += [frame.copy() for frame in frames]
        else:
            raise CourseError("data/street.mp4 gives no frame.")
    return frames[:count]


def side_by_side(rivals, frames, rounds=10):
    """Seconds a frame of each rival, the rivals taking turns with the same frames."""
    spent = {name: [] for name in rivals}
    for part in [range(20)] + np.array_split(np.arange(len(frames)), rounds):
        for name, detect in rivals.items():
            for i in part:
                started = time.perf_counter()
                detect(frames[i])
                spent[name].append(time.perf_counter() - started)
    return {name: np.array(values[20:]) for name, values in spent.items()}


def measure(model, frames, level, folder):
    spec = find_model(model)
    height, width = frames[0].shape[:2]
    options = Options("fp16", nms="engine", level=level)
    inner = options._replace(preprocess="engine", source=(width, height))
    both = [options, inner]
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as builder:
        host, inside = builder.map(
            functools.partial(ready_engine, spec),
            both,
            [folder / (wanted.name() + ".engine") for wanted in both],
        )
    loop = OriginalLoop(host, spec)
    rivals = {"the original loop": loop.detect}
    with contextlib.ExitStack() as stack:
        for name, plan in (("detect", host), ("detect, preprocessing inside", inside)):
            for graph in (False, True):
                ssd = stack.enter_context(TrtSSD(spec, plan=plan, verbose=False, graph=graph))
                try:
                    ssd.detect(frames[0])
                    rivals[name + ", graph" * graph] = ssd.detect
                except CourseError as err:
                    print("{}{}: left out. {}".format(name, ", graph" * graph, err))
        return side_by_side(rivals, frames)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="ssd_resnet18_traffic")
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--level", type=int, help="how long the builder searches")
    parser.add_argument(
        "--engines", help="keep engines and timing cache in this folder; what fits is used again"
    )
    parser.add_argument("--json", help="write the figures there too")
    args = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            spent = measure(
                args.model, frames_of_clip(args.frames), args.level, Path(args.engines or scratch)
            )
    except CourseError as err:
        sys.exit(f"bench_original_loop: {err}")
    base = spent["the original loop"].mean()
    rows = {
        name: {
            "fps": 1 / s.mean(),
            "ratio": base / s.mean(),
            "p50_ms": float(np.median(s) * 1e3),
            "p95_ms": float(np.percentile(s, 95) * 1e3),
        }
        for name, s in spent.items()
    }
    for name, row in rows.items():
        print(
            "{:<36}{fps:8.1f} FPS  {ratio:5.2f} x  p50 {p50_ms:6.2f} ms  p95 {p95_ms:6.2f} ms".format(
                name, **row
            )
        )
    if args.json:
        write_json(args.json, rows)


if __name__ == "__main__":
    main()
