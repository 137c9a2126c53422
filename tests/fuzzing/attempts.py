"""Attempts: tries that may end well or in a sentence, and in nothing else."""

import contextlib
import faulthandler
import io
import signal
import sys
import warnings

from trt_course import CourseError
from trt_course.__main__ import main

LONGEST_SECONDS = 60  # for one try; most take milliseconds, and a busy machine is patient


class Hang(BaseException):
    """A try took too long."""


class Attempts:
    """Counts tries, and keeps what a try was made of where it ended badly."""

    def __init__(self, folder):
        self.folder = folder  # where the input of a bad try is kept
        self.good = 0
        self.refused = 0

    def try_one(self, function, *arguments, kept=None):
        """The function's result, or None where it was refused with a sentence.

        `kept` are the bytes or the words that a bad try was made of.
        """
        try:
            with _bounded():
                result = function(*arguments)
        except CourseError as err:
            assert str(err).strip(), "a refusal without a word"
            self.refused += 1
            return None
        except OSError as err:
            assert err.strerror, f"an OSError without a reason: {err!r}; {self._keep(kept)}"
            self.refused += 1
            return None
        except BaseException as err:
            raise AssertionError(f"{type(err).__name__}: {err}; {self._keep(kept)}") from err
        self.good += 1
        return result

    def run(self, *words):
        """What a command printed and its exit status; it may complain, and nothing else."""
        words = [str(word) for word in words]
        printed = io.StringIO()
        complained = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complained):
            status = self.try_one(_status_of, words, kept=repr(words))

        said = f"{words}: status {status}, {complained.getvalue()!r}"
        assert status in (0, 1, 2), said
        assert "Traceback" not in complained.getvalue(), said
        if status:
            assert complained.getvalue().strip(), said
        return status, printed.getvalue()

    @property
    def count(self):
        return self.good + self.refused

    def _keep(self, kept):
        """Put the input of a bad try aside; where it is."""
        if kept is None:
            return "nothing kept"
        if isinstance(kept, str):
            return f"made of {kept[:2000]}"
        path = self.folder / f"bad-try-{self.count}"
        path.write_bytes(kept)
        return f"made of {path}"


def _status_of(words):
    """The exit status of a command, in this process."""
    try:
        return main(words)
    except SystemExit as end:  # argparse, for help and for what it does not understand
        return end.code


@contextlib.contextmanager
def _bounded():
    """Within the time; a warning of arithmetic is an error, for what it warns of is no number."""

    def hang(*_):
        raise Hang(f"more than {LONGEST_SECONDS} s")

    before = signal.signal(signal.SIGALRM, hang)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_SECONDS)
    # where C does not come back
    faulthandler.dump_traceback_later(3 * LONGEST_SECONDS, exit=True, file=sys.__stderr__)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
