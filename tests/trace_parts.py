"""What tests read out of a trace that was written to a file."""

import json
from typing import Any, Dict, NamedTuple

LATENCY = 200  # microseconds that a GPU may need for the mark that sets its clock


class Span(NamedTuple):
    """Work between two moments, in microseconds."""

    name: str
    track: str
    start: float
    end: float
    facts: Dict[str, Any]


def spans_in(path):
    """All spans of a trace."""
    rows = json.loads(path.read_text())["traceEvents"]
    tracks = {row["tid"]: row["args"]["name"] for row in rows if row["ph"] == "M"}
    return [
        Span(row["name"], tracks[row["tid"]], row["ts"], row["ts"] + row["dur"], row["args"])
        for row in rows
        if row["ph"] == "X"
    ]


def of_stage(spans, name):
    """Those of one stage, by their starts."""
    return sorted((span for span in spans if span.name == name), key=lambda span: span.start)


def require_one_clock(spans):
    """The GPU's spans stand among the host's where they belong, however slow the machine is.

    The n-th run of the network begins after the n-th was submitted, and ends before the host has
    waited for the n-th.
    """
    submits = of_stage(spans, "submit")
    networks = of_stage(spans, "network")
    waits = of_stage(spans, "wait")
    assert len(submits) == len(networks) == len(waits) > 0

    # The first submit sets the GPU's clock; if that is held up, the GPU's spans seem so much older.
    error = submits[0].end - submits[0].start + LATENCY
    for submit, network in zip(submits, networks):
        assert network.start > submit.start - error

    ends = sorted(network.end for network in networks)
    waited = sorted(wait.end for wait in waits)
    for end, until in zip(ends, waited):
        assert end < until
