"""`detect --fast` on one GPU and on several: pictures a second, and what each GPU more brings.

    python tools/bench_gpus.py [--engine PLAN] [--model NAME] [--gpus 2] [--sources 64] [--json FILE]

Each GPU gets `--sources` times the sample clip: an efficiency near 1.00 means that they do not hold each other up.
Sources are opened within the time that counts; engines are not.
"""

import argparse
import functools
import sys
import tempfile
from pathlib import Path

KIT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(KIT))
from trt_course import CourseError, TrtSSD
from trt_course.support.files import write_json
from trt_course.throughput.gpus import detect_on_gpus
from trt_course.throughput.opening import named
from trt_course.throughput.tuning import with_graph


def rate(count, open_ssd, sources):
    with tempfile.TemporaryDirectory() as out:
        runs = detect_on_gpus(
            count, open_ssd, named([str(KIT / "data" / "street.mp4")] * count * sources), out
        )
    complaints = [complaint for run in runs for complaint in run.complaints]
    if complaints:
        raise CourseError("; ".join(complaints))
    return sum(run.frames for run in runs) / max(run.seconds for run in runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", help="the newest that fits, where it is left out")
    parser.add_argument("--model", default="ssd_resnet18_traffic")
    parser.add_argument("--gpus", type=int, default=2)
    parser.add_argument("--sources", type=int, default=64, help="for each GPU")
    parser.add_argument("--json", help="write the figures there too")
    args = parser.parse_args()
    plain = functools.partial(TrtSSD, args.model, plan=args.engine, lanes=2, verbose=False)
    open_ssd = functools.partial(with_graph, plain)
    rows = []
    for count in range(1, args.gpus + 1):
        fps = rate(count, open_ssd, args.sources)
        rows.append(
            {
                "gpus": count,
                "fps": fps,
                "efficiency": fps / (count * rows[0]["fps"] if rows else fps),
            }
        )
        print(
            "{gpus} GPUs {fps:8.0f} FPS  efficiency {efficiency:.2f}".format(**rows[-1]), flush=True
        )
    if args.json:
        write_json(args.json, rows)


if __name__ == "__main__":
    try:
        main()
    except CourseError as err:
        sys.exit(f"bench_gpus: {err}")
