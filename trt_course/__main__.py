"""The command line: `python -m trt_course COMMAND`. Each command calls the functions that the lessons call.

Exit status: 0 all done, 1 some items failed, 2 bad input, 130 stopped with Ctrl-C.
"""

import argparse
import sys

from .commands import build, detect, measure
from .support.errors import CourseError
from .support.trace import tracing


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m trt_course", description=__doc__.splitlines()[0]
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.required = True
    for group in (detect, measure, build):
        group.add_commands(commands)
    return parser


def main(argv=None):
    args = _parser().parse_args(argv)
    try:
        with tracing(getattr(args, "trace", None)):
            return args.call(args) or 0
    except CourseError as err:
        print(f"trt_course: {err}", file=sys.stderr)
        return 2
    except OSError as err:
        print(
            "trt_course: {}: {}".format(err.strerror or err, err.filename or "a file"),
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print("\nStopped. What was finished is kept.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
