"""Pictures of what tools/bench_ladder.py and --trace wrote: the climb as bars, a trace as a timeline.

python tools/draw_ladder.py LADDER.json OUT.svg
python tools/draw_ladder.py TRACE.json OUT.svg [--ms 100,130]      # the part between two moments
"""

import argparse
import json
import sys
from pathlib import Path

KIT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(KIT))
from trt_course import CourseError
from trt_course.support.errors import need
from trt_course.support.files import whole_file

LIMITS = ("engine alone", "decoder alone")  # what their names begin with
COLOURS = {
    "read": "#c9791a",
    "fill": "#d9b310",
    "prepare": "#d9b310",
    "preprocess": "#d9b310",
    "submit": "#7a5195",
    "wait": "#c8c8c8",
    "decode": "#bc5090",
    "network": "#2f8f4e",
    "graph": "#2f8f4e",
    "copy in": "#4a7fb5",
    "copy out": "#88b4d8",
    "write": "#8c564b",
}


def ladder(plt, told):
    done = [r for r in told["rungs"] if r.get("fps") and "ratio" not in r]  # a delay's
    limits = [r for r in done if r["name"].startswith(LIMITS)]
    rungs = [r for r in done if r not in limits]
    figure, axis = plt.subplots(figsize=(9, 0.36 * len(rungs) + 1.6))
    places = range(len(rungs))[::-1]
    axis.barh(places, [r["fps"] for r in rungs], color="#4a7fb5")
    axis.set_yticks(list(places))
    axis.set_yticklabels(["{}: {}".format(r["name"], r["changed"]) for r in rungs], fontsize=8)
    axis.set_xscale("log")
    for place, rung in zip(places, rungs):
        axis.text(rung["fps"] * 1.03, place, "{:,.0f}".format(rung["fps"]), va="center", fontsize=8)
    for limit, colour in zip(
        limits, ("#88b04b", "#2f8f4e", "#7a5195", "#c9791a", "#bc5090", "#555555")
    ):
        axis.axvline(
            limit["fps"],
            color=colour,
            linestyle="--",
            linewidth=1,
            label="{}: {:,.0f}".format(limit["name"], limit["fps"]),
        )
    if limits:
        axis.legend(fontsize=8, ncol=2, loc="lower left", bbox_to_anchor=(0, 1))
    axis.set_xlabel(
        "pictures a second, {}, {}".format(told["model"], told["machine"].get("gpu", "CPU"))
    )
    axis.set_xlim(min(r["fps"] for r in rungs) / 2, 2 * max(r["fps"] for r in rungs + limits))
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.xaxis.set_minor_formatter("")
    return figure


def timeline(plt, told, between):
    rows = told["traceEvents"]
    names = {row["tid"]: row["args"]["name"] for row in rows if row["ph"] == "M"}
    spans = [row for row in rows if row["ph"] == "X"]
    begin, end = (1e3 * v for v in between or (0, max(s["ts"] + s["dur"] for s in spans) / 1e3))
    spans = [s for s in spans if s["ts"] < end and s["ts"] + s["dur"] > begin]
    tracks = sorted(
        {names[s["tid"]] for s in spans}, key=lambda name: (name.startswith("stream"), name)
    )
    figure, axis = plt.subplots(figsize=(11, 0.4 * len(tracks) + 1.3))
    for name in dict.fromkeys(s["name"] for s in spans):
        for place, track in enumerate(tracks[::-1]):
            parts = [
                (
                    (max(s["ts"], begin) - begin) / 1e3,
                    (min(s["ts"] + s["dur"], end) - max(s["ts"], begin)) / 1e3,
                )
                for s in spans
                if s["name"] == name and names[s["tid"]] == track
            ]
            axis.broken_barh(
                parts, (place - 0.4, 0.8), color=COLOURS.get(name, "#555555"), linewidth=0
            )
        axis.barh([0], [0], color=COLOURS.get(name, "#555555"), label=name)
    axis.set_yticks(range(len(tracks)))
    axis.set_yticklabels(tracks[::-1], fontsize=8)
    axis.set_xlim(0, (end - begin) / 1e3)
    axis.set_xlabel("ms")
    axis.legend(fontsize=8, ncol=8, loc="lower left", bbox_to_anchor=(0, 1), frameon=False)
    return figure


def draw(told, out, between=None):
    need("matplotlib").use("Agg")
    import matplotlib.pyplot as plt

    figure = ladder(plt, told) if "rungs" in told else timeline(plt, told, between)
    with whole_file(out) as path:
        figure.savefig(str(path), bbox_inches="tight", dpi=110)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("told", help="what bench_ladder.py or --trace wrote")
    parser.add_argument("out", help="a picture: .svg or .png")
    parser.add_argument(
        "--ms", type=lambda t: tuple(map(float, t.split(","))), help="FROM,TO of a trace"
    )
    args = parser.parse_args()
    told = json.loads(Path(args.told).read_text(encoding="utf-8"))
    if not {"rungs", "traceEvents"} & set(told):
        raise CourseError(f"{args.told} is neither a ladder nor a trace.")
    draw(told, args.out, args.ms)


if __name__ == "__main__":
    try:
        main()
    except CourseError as err:
        sys.exit(f"draw_ladder: {err}")
