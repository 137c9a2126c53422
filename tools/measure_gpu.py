"""The table of docs/measured.md for one GPU: parity, mAP and speed of a model in every precision and batch.

    python tools/measure_gpu.py MODEL --out DIR [--precisions fp32,fp16,int8] [--batches 1,4,16] [--level N]

Engines, timing cache and figures go to DIR, where engines that fit are used again; what is done when Ctrl-C comes, or
when one engine fails, is kept.
Scopes: `network` is the enqueued network alone, back to back; `engine` input tensor to output tensors with the copies;
`detect` picture in memory (1280 x 720) to boxes. Frames a second count pictures, not batches.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

KIT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(KIT), str(KIT / "tools")]
from bench_original_loop import OriginalLoop, frames_of_clip, ready_engine
from trt_course import CourseError, TrtSSD, find_model
from trt_course.builder.onnx import Options
from trt_course.engine import manifest
from trt_course.measure import parity
from trt_course.support import machine
from trt_course.support.files import write_json

KINDS = (("host", "host"), ("engine", "host"), ("engine", "engine"))  # suppression, preprocessing


def seconds_each(call, seconds=2.0, warm_up=20, most=5000):
    for _ in range(warm_up):
        call()
    spent = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end and len(spent) < most:
        started = time.perf_counter()
        call()
        spent.append(time.perf_counter() - started)
    return np.array(spent)


def figures(spent, batch):
    return {
        "fps": batch / spent.mean(),
        "p50_ms": float(np.median(spent) * 1e3),
        "p95_ms": float(np.percentile(spent, 95) * 1e3),
    }


def network_alone(ssd, request, batch, runs=200):
    ssd.engine.infer(request)
    best = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(runs):
            ssd.engine.compute(request)
        ssd.engine.infer(request)
        best.append((time.perf_counter() - started) / (runs + 1))
    return {"fps": batch / min(best)}


def speed(spec, plan, batch, frames):
    with TrtSSD(spec, plan=plan, verbose=False) as ssd:
        groups = [
            [frames[(i + k) % len(frames)] for k in range(batch)]
            for i in range(0, len(frames), batch)
        ]
        turn = iter(range(10**9))
        request = ssd.prepare(groups[0]).request
        return {
            "network": network_alone(ssd, request, batch),
            "engine": figures(seconds_each(lambda: ssd.engine.infer(request)), batch),
            "detect": figures(
                seconds_each(lambda: ssd.detect_batch(groups[next(turn) % len(groups)], 0.3)), batch
            ),
        }


def original(spec, plan, frames):
    loop = OriginalLoop(plan, spec)
    turn = iter(range(10**9))
    return {
        "detect": figures(seconds_each(lambda: loop.detect(frames[next(turn) % len(frames)])), 1)
    }


def measure(spec, args, frames, rows, save):
    data = "data/" + spec.name.rsplit("_", 1)[1]
    height, width = frames[0].shape[:2]
    for precision in args.precisions:
        for batch in args.batches:
            for nms, preprocess in KINDS:
                options = Options(
                    precision,
                    (batch,) * 3,
                    nms,
                    preprocess,
                    (width, height) if preprocess == "engine" else None,
                    calibration="data/calibration/" + spec.name.rsplit("_", 1)[1]
                    if precision == "int8"
                    else None,
                    level=args.level,
                )
                row = {"precision": precision, "batch": batch, "nms": nms, "preprocess": preprocess}
                plan = ready_engine(spec, options, args.out / (options.name() + ".engine"))
                row.update(
                    build_s=float(manifest.read(plan).built["seconds"]),
                    **speed(spec, plan, batch, frames),
                )
                if batch == 1 and preprocess == "host":
                    row["parity"] = parity.compare(spec, plan, data)._asdict()
                if batch == 1 and (nms, preprocess) == ("engine", "host"):
                    row["original loop"] = original(spec, plan, frames)
                rows.append(row)
                save()
                print(describe(row), flush=True)


def describe(row):
    part = "{precision} batch {batch:>2} nms {nms:<6} preprocess {preprocess:<6} build {build_s:.0f} s".format(
        **row
    )
    part += "  network {:.0f}  engine {:.0f}  detect {:.0f} FPS".format(
        *(row[k]["fps"] for k in ("network", "engine", "detect"))
    )
    if "parity" in row:
        part += "  {worst_pixels:.3f} px  {worst_confidence:.4f}  mAP {map_engine:.4f} ({map_cpu:.4f})".format(
            **row["parity"]
        )
    return part + (
        "  original loop {:.0f}".format(row["original loop"]["detect"]["fps"])
        if "original loop" in row
        else ""
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--precisions", type=lambda t: t.split(","), default=["fp32", "fp16", "int8"]
    )
    parser.add_argument(
        "--batches", type=lambda t: list(map(int, t.split(","))), default=[1, 4, 16]
    )
    parser.add_argument("--level", type=int)
    args = parser.parse_args()
    rows = []
    spec = find_model(args.model)
    result = {"model": spec.name, "machine": machine.facts(), "level": args.level, "rows": rows}
    try:
        measure(
            spec,
            args,
            frames_of_clip(64),
            rows,
            lambda: write_json(args.out / (spec.name + ".json"), result),
        )
    except CourseError as err:
        sys.exit(f"measure_gpu: {err}")


if __name__ == "__main__":
    main()
