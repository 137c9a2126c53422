"""The table of docs/measured.md for one GPU: parity, mAP and speed in every precision and batch.

    python tools/measure_gpu.py MODEL --out DIR [--precisions fp32,fp16,int8] [--batches 1,4,16]
                                [--level N]

Engines, timing cache and figures go to DIR, where engines that fit are used again. When Ctrl-C
comes, or an engine fails, what is done is kept.

Scopes: `network` is the enqueued network alone, back to back; `engine` is from input tensor to
output tensors, with the copies; `detect` is from a picture in memory (1280 x 720) to boxes. Frames
a second count pictures, not batches.
"""

import argparse
import itertools
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

import numpy as np

KIT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(KIT), str(KIT / "tools")]
from bench_original_loop import OriginalLoop, frames_of_clip, ready_engine
from trt_course import CourseError, ModelSpec, TrtSSD, find_model
from trt_course.builder.onnx import Options
from trt_course.engine import manifest
from trt_course.engine.base import Request
from trt_course.measure import parity
from trt_course.support import machine
from trt_course.support.files import write_json

SCOPES = ("network", "engine", "detect")
CONF_TH = 0.3
FRAMES = 64

Row = Dict[str, Any]


class Kind(NamedTuple):
    """Where suppression and preprocessing are done: on the host or in the engine."""

    nms: str
    preprocess: str


KINDS = (Kind("host", "host"), Kind("engine", "host"), Kind("engine", "engine"))
LIKE_THE_COURSE = Kind("engine", "host")


def seconds_each(
    call: Callable[[], object], seconds: float = 2.0, warm_up: int = 20, most: int = 5000
) -> np.ndarray:
    """What each call takes, for some seconds or so many calls."""
    for _ in range(warm_up):
        call()
    spent: List[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end and len(spent) < most:
        started = time.perf_counter()
        call()
        spent.append(time.perf_counter() - started)
    return np.array(spent)


def figures(spent: np.ndarray, batch: int) -> Dict[str, float]:
    """Pictures a second, and two percentiles of a call."""
    p50, p95 = np.percentile(spent, [50, 95]) * 1e3
    return {"fps": batch / spent.mean(), "p50_ms": float(p50), "p95_ms": float(p95)}


def network_alone(ssd: TrtSSD, request: Request, batch: int, runs: int = 200) -> Dict[str, float]:
    """The best of five rounds, each waited for once."""
    ssd.engine.infer(request)
    rounds = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(runs):
            ssd.engine.compute(request)
        ssd.engine.infer(request)
        rounds.append((time.perf_counter() - started) / (runs + 1))
    return {"fps": batch / min(rounds)}


def speed(spec: ModelSpec, plan: Path, batch: int, frames: Sequence[np.ndarray]) -> Row:
    """The figures of an engine in each scope."""
    groups = groups_of(frames, batch)
    turn = itertools.cycle(groups)
    with TrtSSD(spec, plan=plan, verbose=False) as ssd:
        request = ssd.prepare(groups[0]).request
        network = network_alone(ssd, request, batch)
        engine = seconds_each(lambda: ssd.engine.infer(request))
        detect = seconds_each(lambda: ssd.detect_batch(next(turn), CONF_TH))
    return {
        "network": network,
        "engine": figures(engine, batch),
        "detect": figures(detect, batch),
    }


def groups_of(frames: Sequence[np.ndarray], batch: int) -> List[List[np.ndarray]]:
    """The frames in batches; the last one is filled up from the start."""
    around = [*frames, *itertools.islice(itertools.cycle(frames), batch)]
    return [around[first : first + batch] for first in range(0, len(frames), batch)]


def original(spec: ModelSpec, plan: Path, frames: Sequence[np.ndarray]) -> Row:
    """The original course's loop on the same engine."""
    loop = OriginalLoop(plan, spec)
    turn = itertools.cycle(frames)
    spent = seconds_each(lambda: loop.detect(next(turn)))
    return {"detect": figures(spent, 1)}


def measure(
    spec: ModelSpec,
    args: argparse.Namespace,
    frames: Sequence[np.ndarray],
    rows: List[Row],
    save: Callable[[], None],
) -> None:
    """Add a row for each precision, batch and kind of engine, and save after each."""
    for precision in args.precisions:
        for batch in args.batches:
            for kind in KINDS:
                options = options_of(spec, precision, batch, kind, frames[0], args.level)
                row = {"precision": precision, "batch": batch, **kind._asdict()}
                plan = ready_engine(spec, options, args.out / (options.name() + ".engine"))
                row.update(figures_of_engine(spec, plan, batch, kind, frames))
                rows.append(row)
                save()
                print(describe(row), flush=True)


def options_of(
    spec: ModelSpec,
    precision: str,
    batch: int,
    kind: Kind,
    frame: np.ndarray,
    level: Optional[int],
) -> Options:
    """What the builder is told."""
    height, width = frame.shape[:2]
    options = Options(precision, (batch, batch, batch), *kind, level=level)
    if kind.preprocess == "engine":
        options = options._replace(source=(width, height))
    if precision == "int8":
        options = options._replace(calibration="data/calibration/" + task_of(spec))
    return options


def task_of(spec: ModelSpec) -> str:
    """The last word of the model's name, after which its data folder is called too."""
    return spec.name.rsplit("_", 1)[1]


def figures_of_engine(
    spec: ModelSpec, plan: Path, batch: int, kind: Kind, frames: Sequence[np.ndarray]
) -> Row:
    """Building time and speed; of some engines also parity, and the original loop."""
    row: Row = {"build_s": float(manifest.read(plan).built["seconds"])}
    row.update(speed(spec, plan, batch, frames))
    if batch == 1 and kind.preprocess == "host":
        row["parity"] = parity.compare(spec, plan, "data/" + task_of(spec))._asdict()
    if batch == 1 and kind == LIKE_THE_COURSE:
        row["original loop"] = original(spec, plan, frames)
    return row


def describe(row: Row) -> str:
    """A row as a line."""
    parts = [
        "{precision} batch {batch:>2} nms {nms:<6} preprocess {preprocess:<6} "
        "build {build_s:.0f} s".format(**row)
    ]
    fps = [row[scope]["fps"] for scope in SCOPES]
    parts.append("network {:.0f}  engine {:.0f}  detect {:.0f} FPS".format(*fps))
    if "parity" in row:
        parts.append(
            "{worst_pixels:.3f} px  {worst_confidence:.4f}  "
            "mAP {map_engine:.4f} ({map_cpu:.4f})".format(**row["parity"])
        )
    if "original loop" in row:
        fps = row["original loop"]["detect"]["fps"]
        parts.append(f"original loop {fps:.0f}")
    return "  ".join(parts)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--precisions", type=_words, default=["fp32", "fp16", "int8"])
    parser.add_argument("--batches", type=_numbers, default=[1, 4, 16])
    parser.add_argument("--level", type=int)
    return parser.parse_args()


def _words(text: str) -> List[str]:
    return text.split(",")


def _numbers(text: str) -> List[int]:
    return [int(word) for word in text.split(",")]


def main() -> None:
    """Measure one model on this GPU."""
    args = arguments()
    spec = find_model(args.model)
    rows: List[Row] = []
    result = {"model": spec.name, "machine": machine.facts(), "level": args.level, "rows": rows}
    path = args.out / (spec.name + ".json")
    try:
        measure(spec, args, frames_of_clip(FRAMES), rows, lambda: write_json(path, result))
    except CourseError as err:
        sys.exit(f"measure_gpu: {err}")


if __name__ == "__main__":
    main()
