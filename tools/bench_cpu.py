"""Three ways around one network on this CPU: TrtSSD, the original course's loop, OpenCV's DNN.

    python tools/bench_cpu.py [--model NAME] [--image FILE] [--rounds N]

All three see the same picture and have the same number of threads. The original loop runs on the
very ONNX Runtime session that TrtSSD uses, and is given the kit's suppression, since the course's
engine had it inside. The runs take turns, so that a busy machine disturbs all alike: read the
ratios. The scope is from a picture in memory to its boxes.
"""

import argparse
import os
import statistics
import sys
import time
from typing import Any, Callable, Dict, List, Tuple

import cv2
import numpy as np

from trt_course import CourseError, ModelSpec, TrtSSD
from trt_course.media.pictures import read_image
from trt_course.model.decode import decode
from trt_course.model.placement import placement
from trt_course.model.preprocess import Preprocessor
from trt_course.support.files import KIT, kit_path

DRAW_CONF = 0.3
ROW_CONF = 0.01


Call = Callable[[], Any]


def original_loop(ssd: TrtSSD, image: np.ndarray) -> Call:
    """The course's detect().

    It resizes, transposes, makes floats, ravels, copies and runs; then a Python loop goes over
    rows of seven floats.
    """
    spec = ssd.spec
    request = ssd.engine.new_request()
    name = spec.input.name
    size = (image.shape[1], image.shape[0])
    where = placement(spec, *size)
    mean = np.array(spec.input.mean, np.float32).reshape(3, 1, 1)
    scale = np.array(spec.input.scale, np.float32).reshape(3, 1, 1)

    def detect():
        # Picture to tensor.
        pixels = cv2.resize(image, (spec.input.width, spec.input.height))
        if spec.input.color == "RGB":
            pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
        planes = pixels.transpose((2, 0, 1)).astype(np.float32)
        tensor = (planes - mean) / scale
        np.copyto(request.inputs[name].ravel(), tensor.ravel())

        # The network, with the kit's suppression for the one that the course's engine had.
        outputs = ssd.engine.infer(request)
        boxes, confs, clss = decode(spec, outputs, [where], ROW_CONF)[0]

        # Rows of seven floats, one after the other.
        images = np.zeros(len(confs))
        rows = np.column_stack([images, clss, confs, boxes / (size * 2)])
        return loop_over_rows(rows.ravel(), size)

    return detect


def loop_over_rows(output: np.ndarray, size: Tuple[int, int]) -> Tuple[list, list, list]:
    """Boxes in whole pixels, confidences and classes, as the course's loop collects them."""
    width, height = size
    boxes = []
    confs = []
    clss = []
    for prefix in range(0, len(output), 7):
        conf = float(output[prefix + 2])
        if conf < DRAW_CONF:
            continue
        x1 = int(output[prefix + 3] * width)
        y1 = int(output[prefix + 4] * height)
        x2 = int(output[prefix + 5] * width)
        y2 = int(output[prefix + 6] * height)
        boxes.append((x1, y1, x2, y2))
        confs.append(conf)
        clss.append(int(output[prefix + 1]))
    return boxes, confs, clss


def opencv_dnn(spec: ModelSpec, image: np.ndarray) -> Call:
    """OpenCV's own network runner with its blobFromImage; the kit's decoder behind it."""
    net = cv2.dnn.readNetFromONNX(str(spec.onnx))
    names = spec.output.tensors()
    size = (image.shape[1], image.shape[0])
    if len(set(spec.input.scale)) != 1 or spec.input.layout != "nchw":
        raise CourseError("OpenCV's blobFromImage knows one scale for all colours, and nchw")

    def detect():
        blob = cv2.dnn.blobFromImage(
            image,
            1 / spec.input.scale[0],
            (spec.input.width, spec.input.height),
            spec.input.mean,
            swapRB=spec.input.color == "RGB",
        )
        net.setInput(blob)
        outputs = dict(zip(names, net.forward(names)))
        return decode(spec, outputs, [placement(spec, *size)], DRAW_CONF)[0]

    return detect


def stages(ssd: TrtSSD, image: np.ndarray) -> Dict[str, Call]:
    """The three parts of TrtSSD.detect, each by itself."""
    spec = ssd.spec
    request = ssd.engine.new_request()
    tensor = request.inputs[spec.input.name][0]
    prepare = Preprocessor(spec)
    where = prepare(image, tensor)
    outputs = ssd.engine.infer(request)
    return {
        "preprocess": lambda: prepare(image, tensor),
        "network": lambda: ssd.engine.infer(request),
        "decode": lambda: decode(spec, outputs, [where], DRAW_CONF),
    }


def take_turns(rivals: Dict[str, Call], rounds: int, warm_up: int = 3) -> Dict[str, List[float]]:
    """Milliseconds of each rival's calls; the first rounds are left out."""
    times = {name: [] for name in rivals}
    for turn in range(rounds + warm_up):
        for name, call in rivals.items():
            started = time.perf_counter()
            call()
            if turn >= warm_up:
                times[name].append((time.perf_counter() - started) * 1e3)
    return times


def print_table(times: Dict[str, List[float]]) -> None:
    """Median and p95 of each rival, and the ratio to the first one's median."""
    medians = {name: statistics.median(values) for name, values in times.items()}
    first = next(iter(medians.values()))
    print("{:<32} {:>10} {:>10} {:>10}".format("", "median ms", "p95 ms", "ratio"))
    for name, values in times.items():
        middle = medians[name]
        p95 = np.percentile(values, 95)
        print(f"{name:<32} {middle:>10.2f} {p95:>10.2f} {middle / first:>10.3f}")


def rivals_of(ssd: TrtSSD, image: np.ndarray) -> Dict[str, Call]:
    """The rivals that can run this model here; OpenCV cannot run every one, and says why."""
    rivals = {
        "TrtSSD.detect": lambda: ssd.detect(image, DRAW_CONF),
        "original loop": original_loop(ssd, image),
    }
    try:
        opencv = opencv_dnn(ssd.spec, image)
        opencv()
    except (cv2.error, CourseError) as err:
        reason = str(err).strip().splitlines()[-1]
        print(f"OpenCV {cv2.__version__} cannot run this model: {reason}")
    else:
        rivals["OpenCV DNN"] = opencv
    return rivals


def bench(args: argparse.Namespace) -> None:
    """Let the rivals take turns, then the parts of TrtSSD.detect."""
    image = read_image(kit_path(args.image))
    threads = args.threads or len(os.sched_getaffinity(0))
    cv2.setNumThreads(threads)

    with TrtSSD(args.model, backend="cpu", threads=threads, verbose=False) as ssd:
        rivals = rivals_of(ssd, image)
        print(
            f"{ssd.spec.name}, {image.shape[1]} x {image.shape[0]} picture, {threads} threads, "
            f"{args.rounds} rounds, {ssd.engine.name}, OpenCV {cv2.__version__}"
        )
        print_table(take_turns(rivals, args.rounds))
        parts = take_turns(stages(ssd, image), args.rounds)
        print_table(parts)

    medians = {name: statistics.median(values) for name, values in parts.items()}
    outside = medians["preprocess"] + medians["decode"]
    share = 100 * outside / medians["network"]
    print(f"outside the network: {share:.1f} % of its run")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="ssd_resnet18_traffic")
    parser.add_argument(
        "--image",
        default=str(KIT / "data/traffic/images"),
        help="a picture, or a folder: its first",
    )
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--threads", type=int, default=0)
    args = parser.parse_args()

    if os.path.isdir(args.image):
        first = min(os.listdir(args.image))
        args.image = os.path.join(args.image, first)
    try:
        bench(args)
    except CourseError as err:
        sys.exit(f"bench_cpu: {err}")


if __name__ == "__main__":
    main()
