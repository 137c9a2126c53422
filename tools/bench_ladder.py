"""The climb from one picture at a time to all that the GPU gives, as one table.

    python tools/bench_ladder.py [MODEL ...] --out DIR [--only RUNG,...] [--level N]
                                 [--sources 8] [--seconds 3]

Each rung says what changed against the one before. The limits come first: the engine alone, back to
back, and the GPU's video decoder alone. Pictures are of 1280 x 720; figures are pictures a second,
the first third of each rung left out. `ssd300` is a network of SSD300's size with random weights
(tools/ssd300.py). Engines and timing caches stay in DIR and are used again. What is measured is
written in tools/ladder/.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

KIT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(KIT), str(KIT / "tools")]
from ladder.bench import Bench
from ladder.power import Power
from ladder.rungs import Rung, limit, rungs
from trt_course import CourseError, ModelSpec, find_model
from trt_course.support import machine
from trt_course.support.files import write_json
from trt_course.support.trace import tracing

Row = Dict[str, Any]


def climb(spec: ModelSpec, out: Path, args: argparse.Namespace, chosen: List[Rung]) -> bool:
    """Measure these rungs, and write and print each as it is done; whether all could be measured.

    A rung that fails says why, and the others go on.
    """
    bench = Bench(spec, out, args.seconds, args.level)
    rows: List[Row] = []
    result = {"model": spec.name, "machine": machine.facts(), "level": args.level, "rungs": rows}
    for rung in chosen:
        trace = None
        if args.traces:
            trace = str(out / (rung.name + ".trace.json"))
        try:
            row = measured(bench, rung, rows, trace)
        except CourseError as err:
            row = {"fps": None, "failed": str(err)}

        rows.append({**row, "name": rung.name, "changed": rung.changed})
        write_json(out / (spec.name + ".json"), result)
        print(line(rows[-1]), flush=True)
    return not any("failed" in row for row in rows)


def measured(bench: Bench, rung: Rung, done: List[Row], trace: Optional[str]) -> Row:
    """The figures of one rung, those that were done before as its measure."""
    with Power(rung.power) as power, tracing(trace):
        row = dict(rung.measure(bench))
    row["watts"] = power.watts
    row["mib"] = power.mib

    fps = {other["name"]: other["fps"] for other in done if other["fps"]}
    bound = limit(rung.name, fps)
    if bound:
        row["of_limit"] = row["fps"] / bound
    if "original" in fps:
        row["of_original"] = row["fps"] / fps["original"]
    return row


# A part of the line, and the figure without which it is left out.
PARTS = (
    ("of_original", "{of_original:6.1f} x"),
    ("of_limit", "{of_limit:5.2f} of its limit"),
    ("p50_ms", "p50 {p50_ms:6.2f} p95 {p95_ms:6.2f} ms"),
    ("ratio", "{ratio:.2f} of the engine's {engine_p50_ms:.2f}"),
    ("watts", "{watts:4.0f} W {mib:6.0f} MiB"),
)


def line(row: Row) -> str:
    """A row of the table as people read it."""
    if row["fps"] is None:
        return f"{row['name']:<24}failed: {row['failed']}"
    told = "  ".join(text.format(**row) for key, text in PARTS if row.get(key))
    return f"{row['name']:<24}{row['fps']:8.0f} FPS  {told}  {row['changed']}"


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "models", nargs="*", default=["ssd_resnet18_traffic"], help="names, folders, or ssd300"
    )
    parser.add_argument("--out", type=Path, default=KIT / "out" / "ladder")
    parser.add_argument("--only", type=lambda text: text.split(","), help="names of rungs")
    parser.add_argument("--level", type=int, help="how long the builder searches")
    parser.add_argument("--sources", type=int, default=8, help="files decoded at once")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument(
        "--traces", action="store_true", help="a trace of each rung (it costs some speed)"
    )
    return parser.parse_args()


def model_named(name: str, out: Path) -> ModelSpec:
    """A model of the kit, or the network of SSD300's size, which is made first."""
    if name == "ssd300":
        from ssd300 import write  # it needs onnx, and the other models do not

        name = str(write(out / "model"))
    return find_model(name)


def main() -> int:
    """Climb with each model; the exit status."""
    args = arguments()
    good = True
    for name in args.models:
        out = args.out / Path(name).name
        spec = model_named(name, out)
        chosen = [rung for rung in rungs(args.sources) if not args.only or rung.name in args.only]
        print(f"{spec.name}: pictures a second", flush=True)
        if not climb(spec, out, args, chosen):
            good = False
    return int(not good)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CourseError as err:
        sys.exit(f"bench_ladder: {err}")
