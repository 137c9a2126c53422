"""Three ways around one network on this CPU, side by side: TrtSSD.detect, the original course's loop, OpenCV's DNN.

    python tools/bench_cpu.py [--model NAME] [--image FILE] [--rounds N]

All three see the same picture and the same number of threads; the original loop runs on the very ONNX Runtime session
that TrtSSD uses, and gets the kit's own suppression for nothing, since the course's engine had it inside. The runs
take turns, so that a busy machine disturbs all alike: read the ratios. Scope: picture in memory to boxes.
"""

import argparse
import os
import statistics
import sys
import time

import cv2
import numpy as np

from trt_course import CourseError, TrtSSD
from trt_course.media.pictures import read_image
from trt_course.model.decode import decode
from trt_course.model.placement import placement
from trt_course.model.preprocess import Preprocessor
from trt_course.support.files import KIT, kit_path

DRAW_CONF = 0.3
ROW_CONF = 0.01


def original_loop(ssd, image):
    """The course's detect(): resize, transpose, float, ravel, copy, run,
    then a Python loop over 7-float rows.
    """
    spec = ssd.spec
    request = ssd.engine.new_request()
    name = spec.input.name
    size = (image.shape[1], image.shape[0])
    where = placement(spec, *size)
    mean, scale = (
        np.array(v, np.float32).reshape(3, 1, 1) for v in (spec.input.mean, spec.input.scale)
    )

    def detect():
        pixels = cv2.resize(image, (spec.input.width, spec.input.height))
        if spec.input.color == "RGB":
            pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
        tensor = (pixels.transpose((2, 0, 1)).astype(np.float32) - mean) / scale
        np.copyto(request.inputs[name].ravel(), tensor.ravel())
        outputs = ssd.engine.infer(request)
        boxes, confs, clss = decode(spec, outputs, [where], ROW_CONF)[0]
        rows = np.column_stack([np.zeros(len(confs)), clss, confs, boxes / (size * 2)]).ravel()
        return loop_over_rows(rows, size)

    return detect


def loop_over_rows(output, size):
    w, h = size
    boxes = []
    confs = []
    clss = []
    for prefix in range(0, len(output), 7):
        conf = float(output[prefix + 2])
        if conf < DRAW_CONF:
            continue
        x1 = int(output[prefix + 3] * w)
        y1 = int(output[prefix + 4] * h)
        x2 = int(output[prefix + 5] * w)
        y2 = int(output[prefix + 6] * h)
        boxes.append((x1, y1, x2, y2))
        confs.append(conf)
        clss.append(int(output[prefix + 1]))
    return boxes, confs, clss


def opencv_dnn(spec, image):
    """OpenCV's own network runner with its blobFromImage; the kit's decoder behind it."""
    net = cv2.dnn.readNetFromONNX(str(spec.onnx))
    names = list(spec.output.tensors.values())
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


def stages(ssd, image):
    """The three parts of TrtSSD.detect, each by itself."""
    spec = ssd.spec
    request = ssd.engine.new_request()
    prepare = Preprocessor(spec)
    size = (image.shape[1], image.shape[0])
    where = prepare(image, request.inputs[spec.input.name][0])
    outputs = ssd.engine.infer(request)
    return {
        "preprocess": lambda: prepare(image, request.inputs[spec.input.name][0]),
        "network": lambda: ssd.engine.infer(request),
        "decode": lambda: decode(spec, outputs, [where], DRAW_CONF),
    }


def take_turns(rivals, rounds, warm_up=3):
    times = {name: [] for name in rivals}
    for turn in range(rounds + warm_up):
        for name, call in rivals.items():
            started = time.perf_counter()
            call()
            if turn >= warm_up:
                times[name].append((time.perf_counter() - started) * 1e3)
    return times


def table(times):
    first = statistics.median(next(iter(times.values())))
    print("{:<32} {:>10} {:>10} {:>10}".format("", "median ms", "p95 ms", "ratio"))
    for name, values in times.items():
        middle = statistics.median(values)
        print(
            f"{name:<32} {middle:>10.2f} {np.percentile(values, 95):>10.2f} {middle / first:>10.3f}"
        )


def bench(args):
    image = read_image(kit_path(args.image))
    threads = args.threads or len(os.sched_getaffinity(0))
    cv2.setNumThreads(threads)
    with TrtSSD(args.model, backend="cpu", threads=threads, verbose=False) as ssd:
        rivals = {
            "TrtSSD.detect": lambda: ssd.detect(image, DRAW_CONF),
            "original loop": original_loop(ssd, image),
        }
        try:
            rivals["OpenCV DNN"] = opencv_dnn(ssd.spec, image)
            rivals["OpenCV DNN"]()
        except (cv2.error, CourseError) as err:
            rivals.pop("OpenCV DNN", None)
            print(
                f"OpenCV {cv2.__version__} cannot run this model: "
                f"{str(err).strip().splitlines()[-1]}"
            )
        print(
            f"{ssd.spec.name}, {image.shape[1]} x {image.shape[0]} picture, {threads} threads, "
            f"{args.rounds} rounds, {ssd.engine.name}, OpenCV {cv2.__version__}"
        )
        table(take_turns(rivals, args.rounds))
        parts = take_turns(stages(ssd, image), args.rounds)
        table(parts)
    middle = {name: statistics.median(values) for name, values in parts.items()}
    print(
        "outside the network: {:.1f} % of its run".format(
            100 * (middle["preprocess"] + middle["decode"]) / middle["network"]
        )
    )


def main():
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
        args.image = os.path.join(args.image, sorted(os.listdir(args.image))[0])
    try:
        bench(args)
    except CourseError as err:
        sys.exit(f"bench_cpu: {err}")


if __name__ == "__main__":
    main()
