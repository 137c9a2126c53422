"""The command line: `python -m trt_course COMMAND`. Each command calls what the lessons call.

Exit status: 0 all done, 1 some items failed, 2 bad input or a library that everything needs is
missing, 130 stopped with Ctrl-C.
"""

import argparse
import sys
from typing import List, Optional

from . import unusable
from .support import doctor
from .support.errors import CourseError
from .support.trace import tracing

ALL_DONE = 0
BAD_INPUT = 2
STOPPED = 130


def main(argv: Optional[List[str]] = None) -> int:
    """Do what the arguments ask for (None: those of the command line); the exit status."""
    if unusable:
        return _without_libraries(sys.argv[1:] if argv is None else argv)

    args = _parser().parse_args(argv)
    try:
        with tracing(getattr(args, "trace", None)):
            return args.call(args) or ALL_DONE
    except CourseError as err:
        _complain(str(err))
        return BAD_INPUT
    except OSError as err:
        reason = err.strerror or err
        where = err.filename or "a file"
        _complain(f"{reason}: {where}")
        return BAD_INPUT
    except KeyboardInterrupt:
        print("\nStopped. What was finished is kept.", file=sys.stderr)
        return STOPPED


def _parser() -> argparse.ArgumentParser:
    """The arguments of all commands."""
    # Here, because these modules need NumPy and OpenCV.
    from .commands import build, detect, measure, overview

    parser = argparse.ArgumentParser(
        prog="python -m trt_course", description=(__doc__ or "").splitlines()[0]
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.required = True
    overview.add_commands(commands)
    detect.add_commands(commands)
    measure.add_commands(commands)
    build.add_commands(commands)
    return parser


def _without_libraries(words: List[str]) -> int:
    """Where NumPy or OpenCV are missing only the doctor works; everything else says so."""
    if words == ["doctor"]:
        print(doctor.report())
        return ALL_DONE
    _complain(unusable)
    return BAD_INPUT


def _complain(sentence: str) -> None:
    print(f"trt_course: {sentence}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
