"""The command line: `python -m trt_course COMMAND`. Each command calls what the lessons call.

Exit status: 0 all done, 1 some items failed, 2 bad input or a library that everything needs is
missing, 130 stopped with Ctrl-C, 143 with SIGTERM, 141 nobody reads what is printed.
"""

import argparse
import contextlib
import os
import sys
from typing import List, NoReturn, Optional, cast

from . import unusable
from .support import doctor, memory, signals
from .support.errors import CourseError
from .support.outputs import Outputs
from .support.trace import tracing

ALL_DONE = 0
BAD_INPUT = 2
NOBODY_READS = 141


def main(argv: Optional[List[str]] = None) -> int:
    """Do what the arguments ask for (None: those of the command line); the exit status."""
    if unusable:
        return _without_libraries(sys.argv[1:] if argv is None else argv)

    _print_somewhere()
    _print_any_name()
    try:
        args = _parser().parse_args(argv)
        with signals.heeded():
            return _call(args) or ALL_DONE
    except CourseError as err:
        _complain(str(err))
    except BrokenPipeError:
        _print_into_nothing()
        return NOBODY_READS
    except OSError as err:
        reason = err.strerror or err
        where = err.filename or "a file"
        _complain(str(CourseError(f"{reason}: {where}")))
    except Exception as err:
        if not memory.is_shortage(err):
            raise
        _complain(memory.NOT_ENOUGH)
    except KeyboardInterrupt as stop:
        with contextlib.suppress(OSError):  # whoever stopped it may have gone
            print("\nStopped. What was finished is kept.", file=sys.stderr)
        return signals.status_of(stop)
    return BAD_INPUT


def _call(args: argparse.Namespace) -> Optional[int]:
    """Do a command; what it will write is asked for before the work."""
    args.outputs = Outputs(force=getattr(args, "force", False))
    if getattr(args, "json", None) is not None:
        args.outputs.claim(args.json)
    with tracing(getattr(args, "trace", None), args.outputs):
        status = args.call(args)
        sys.stdout.flush()
        return status


def _print_somewhere() -> None:
    """Where output is closed (>&-) it goes nowhere: else the next file opened would get it."""
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


def _print_any_name() -> None:
    """A name that the terminal's encoding lacks is printed with codes, and stops nothing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # from Python 3.7 on
            stream.reconfigure(errors="backslashreplace")


def _print_into_nothing() -> None:
    """Nobody reads what is printed: what is still in the buffer must not complain at the end."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


class _Parser(argparse.ArgumentParser):
    """Its complaints repeat what was typed, which may hold a password."""

    def error(self, message: str) -> NoReturn:
        super().error(str(CourseError(message)))


def _parser() -> argparse.ArgumentParser:
    """The arguments of all commands."""
    # Here, because these modules need NumPy and OpenCV.
    from .commands import build, detect, measure, overview

    description = (__doc__ or "").splitlines()[0]
    parser = cast(
        argparse.ArgumentParser, _Parser(prog="python -m trt_course", description=description)
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
    if words == ["doctor"] and not memory.why_too_little():
        print(doctor.report())
        return ALL_DONE
    _complain(unusable)
    return BAD_INPUT


def _complain(sentence: str) -> None:
    print(f"trt_course: {sentence}", file=sys.stderr)


if __name__ == "__main__":
    status = main()
    signals.end_quietly()
    sys.exit(status)
