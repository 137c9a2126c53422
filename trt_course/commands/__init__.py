"""The commands of `python -m trt_course`, a module for each group; here what several of them share.

A command takes its arguments apart and calls the functions that the lessons call; it does no work of its own.
"""
import argparse
import sys

from ..opening import BACKENDS
from ..ssd import TrtSSD

DEFAULT_MODEL = "ssd_resnet18_traffic"


def open_ssd(args):
    return TrtSSD(args.model, backend=args.backend, threads=args.threads, plan=args.engine)


def failures(complaints):
    """Print what was not done; the exit status."""
    for complaint in complaints:
        print("trt_course: not done: " + complaint, file=sys.stderr)
    return 1 if complaints else 0


def confidence(text):
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("wanted: a number from 0 to 1")
    return value


def add_trace_option(parser):
    parser.add_argument("--trace", metavar="FILE", help="write what was done when, a Chrome trace for ui.perfetto.dev")


def add_engine_options(parser):
    parser.add_argument("--backend", choices=BACKENDS, default="auto", help="where the network runs")
    parser.add_argument("--engine", metavar="FILE", help="a TensorRT engine (default: the newest that fits)")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: one a core")
