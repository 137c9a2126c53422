"""Draws what tools/bench_ladder.py and --trace wrote: the climb as bars, a trace as a timeline.

python tools/draw_ladder.py LADDER.json OUT.svg
python tools/draw_ladder.py TRACE.json OUT.svg [--ms 100,130]   # the part between two moments
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

KIT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(KIT))
from trt_course import CourseError
from trt_course.support.errors import need
from trt_course.support.files import whole_file

LIMITS = ("engine alone", "decoder alone")  # what their names begin with
LIMIT_COLOURS = ("#88b04b", "#2f8f4e", "#7a5195", "#c9791a", "#bc5090", "#555555")
BAR = "#4a7fb5"
OTHER = "#555555"
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

Json = Dict[str, Any]


def ladder(plt: Any, told: Json) -> Any:
    """The figure of a climb: a bar for each rung, a broken line for each limit."""
    # Where a delay was measured, pictures a second mean something else.
    done = [rung for rung in told["rungs"] if rung.get("fps") and "ratio" not in rung]
    limits = [rung for rung in done if rung["name"].startswith(LIMITS)]
    rungs = [rung for rung in done if rung not in limits]

    # The first rung is on top.
    figure, axis = plt.subplots(figsize=(9, 0.36 * len(rungs) + 1.6))
    places = range(len(rungs))[::-1]
    axis.barh(places, [rung["fps"] for rung in rungs], color=BAR)
    axis.set_yticks(list(places))
    axis.set_yticklabels([f"{rung['name']}: {rung['changed']}" for rung in rungs], fontsize=8)
    for place, rung in zip(places, rungs):
        axis.text(rung["fps"] * 1.03, place, f"{rung['fps']:,.0f}", va="center", fontsize=8)

    for limit, colour in zip(limits, LIMIT_COLOURS):
        label = f"{limit['name']}: {limit['fps']:,.0f}"
        axis.axvline(limit["fps"], color=colour, linestyle="--", linewidth=1, label=label)
    if limits:
        axis.legend(fontsize=8, ncol=2, loc="lower left", bbox_to_anchor=(0, 1))

    # A logarithmic scale, with figures as people write them.
    gpu = told["machine"].get("gpu", "CPU")
    slowest = min(rung["fps"] for rung in rungs)
    fastest = max(rung["fps"] for rung in done)
    axis.set_xscale("log")
    axis.set_xlabel(f"pictures a second, {told['model']}, {gpu}")
    axis.set_xlim(slowest / 2, 2 * fastest)
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.xaxis.set_minor_formatter("")
    return figure


class Span(NamedTuple):
    """Something that was done, from a moment to another, in milliseconds."""

    name: str
    track: str
    begin: float
    end: float


def timeline(plt: Any, told: Json, between: Optional[Tuple[float, float]]) -> Any:
    """The figure of a trace: a track for each thread and stream, streams below."""
    spans = spans_of(told)
    if between is None:
        between = (0, max(span.end for span in spans))
    begin, end = between
    spans = [span for span in spans if span.begin < end and span.end > begin]

    names = {span.track for span in spans}
    tracks = sorted(names, key=lambda name: (name.startswith("stream"), name))
    tracks.reverse()  # places count from below
    figure, axis = plt.subplots(figsize=(11, 0.4 * len(tracks) + 1.3))
    for name in dict.fromkeys(span.name for span in spans):
        colour = COLOURS.get(name, OTHER)
        for place, track in enumerate(tracks):
            mine = [span for span in spans if span.name == name and span.track == track]
            parts = [part_of(span, begin, end) for span in mine]
            axis.broken_barh(parts, (place - 0.4, 0.8), color=colour, linewidth=0)
        axis.barh([0], [0], color=colour, label=name)  # for the legend

    axis.set_yticks(range(len(tracks)))
    axis.set_yticklabels(tracks, fontsize=8)
    axis.set_xlim(0, end - begin)
    axis.set_xlabel("ms")
    axis.legend(fontsize=8, ncol=8, loc="lower left", bbox_to_anchor=(0, 1), frameon=False)
    return figure


def spans_of(told: Json) -> List[Span]:
    """The spans of a trace, whose own times are in microseconds."""
    rows = told["traceEvents"]
    tracks = {row["tid"]: row["args"]["name"] for row in rows if row["ph"] == "M"}
    spans = []
    for row in rows:
        if row["ph"] == "X":
            begin = row["ts"] / 1e3
            end = begin + row["dur"] / 1e3
            spans.append(Span(row["name"], tracks[row["tid"]], begin, end))
    return spans


def part_of(span: Span, begin: float, end: float) -> Tuple[float, float]:
    """Where the span begins in the picture, and how long it is there."""
    first = max(span.begin, begin)
    last = min(span.end, end)
    return first - begin, last - first


def draw(told: Json, out: str, between: Optional[Tuple[float, float]] = None) -> None:
    """Write the picture of a ladder or a trace."""
    need("matplotlib").use("Agg")
    import matplotlib.pyplot as plt

    figure = ladder(plt, told) if "rungs" in told else timeline(plt, told, between)
    with whole_file(out) as path:
        figure.savefig(str(path), bbox_inches="tight", dpi=110)
    plt.close(figure)


def _moments(text: str) -> Tuple[float, float]:
    begin, end = text.split(",")
    return float(begin), float(end)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("told", help="what bench_ladder.py or --trace wrote")
    parser.add_argument("out", help="a picture: .svg or .png")
    parser.add_argument("--ms", type=_moments, help="FROM,TO of a trace")
    args = parser.parse_args()

    told = json.loads(Path(args.told).read_text(encoding="utf-8"))
    if "rungs" not in told and "traceEvents" not in told:
        raise CourseError(f"{args.told} is neither a ladder nor a trace.")
    draw(told, args.out, args.ms)


if __name__ == "__main__":
    try:
        main()
    except CourseError as err:
        sys.exit(f"draw_ladder: {err}")
