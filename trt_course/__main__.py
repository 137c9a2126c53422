"""The command line: `python -m trt_course COMMAND`. Each command calls what the lessons call.

Exit status: 0 everything was done; 1 something was left out, and named; 2 the work could not be
done, such as for bad input or a missing library; 130 stopped by Ctrl-C, 143 by SIGTERM; 141 nobody
reads the output any more. See docs/reliability.md.
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
    """Run a command. Before it begins, the files that it will write are claimed."""
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
    """Characters that the terminal's encoding lacks are printed as codes, not as an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # from Python 3.7 on
            stream.reconfigure(errors="backslashreplace")


def _print_into_nothing() -> None:
    """Nobody reads the output any more: let what is still buffered vanish without an error."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


class _Parser(argparse.ArgumentParser):
    """Blots out passwords: argparse's messages repeat what was typed."""

    def error(self, message: str) -> NoReturn:
        super().error(str(CourseError(message)))


def _parser() -> argparse.ArgumentParser:
    """The arguments of all commands."""
    # Here, because these modules need NumPy and OpenCV.
    from .commands import build, detect, evaluate, measure, models

    description, _, statuses = (__doc__ or "").partition("\n\n")
    parser = cast(
        argparse.ArgumentParser,
        _Parser(prog="python -m trt_course", description=description, epilog=statuses),
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.required = True
    models.add_commands(commands)
    detect.add_commands(commands)
    evaluate.add_commands(commands)
    measure.add_commands(commands)
    build.add_commands(commands)
    return parser


def _without_libraries(words: List[str]) -> int:
    """Without NumPy or OpenCV only the doctor works; every other command says what is missing."""
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
