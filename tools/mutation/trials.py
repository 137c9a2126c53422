"""Trials: each mutant of a sample against the tests that touch its line."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Dict, Iterator, List, NamedTuple, Sequence

from mutation.checkout import Checkout
from mutation.mutants import Mutant
from mutation.touched import Touched

EQUIVALENT = Path(__file__).with_name("equivalent.json")

# Starting pytest, and a machine that is busier than it was when the tests were watched.
START = 60.0
SLOWER = 5.0


class Result(NamedTuple):
    """What became of a mutant."""

    mutant: Mutant
    state: str  # killed, survived, equivalent
    by: str = ""  # the test that killed it, or why it is equivalent


class Trials:
    """Runs mutants in copies of the kit, one copy for each of the jobs."""

    def __init__(self, checkouts: Sequence[Checkout], touched: Touched, budget: float) -> None:
        self._touched = touched
        self._budget = budget  # seconds of tests for a mutant, as they were watched
        self._checkouts: "Queue[Checkout]" = Queue()
        for checkout in checkouts:
            self._checkouts.put(checkout)
        self._jobs = len(checkouts)
        self._known = set(checkouts[0].collected(["tests"]))
        self._equivalent = equivalent()

    def run(self, mutants: Sequence[Mutant]) -> Iterator[Result]:
        """The results, in the mutants' order."""
        with ThreadPoolExecutor(self._jobs) as pool:
            futures = [pool.submit(self._result, mutant) for mutant in mutants]
            try:
                for future in futures:
                    yield future.result()
            finally:
                for future in futures:
                    future.cancel()

    def fail_unchanged(self, tests: Sequence[str]) -> List[str]:
        """Those tests that fail although nothing was changed: what they kill was not killed."""
        checkout = self._checkouts.get()
        try:
            return checkout.failures(tests, self._longest(tests))
        finally:
            self._checkouts.put(checkout)

    def _result(self, mutant: Mutant) -> Result:
        reason = self._equivalent.get(mutant.change())
        if reason is not None:
            return Result(mutant, "equivalent", reason)
        tests = self._tests(mutant)
        if not tests:
            return Result(mutant, "survived")

        checkout = self._checkouts.get()
        try:
            verdict = checkout.with_mutant(mutant, tests, self._longest(tests))
        finally:
            self._checkouts.put(checkout)
        if verdict.failed:
            return Result(mutant, "killed", verdict.test)
        return Result(mutant, "survived")

    def _tests(self, mutant: Mutant) -> List[str]:
        """As many of the tests that touch the line as the budget has seconds for."""
        chosen = []
        seconds = 0.0
        for test in self._touched.tests(mutant.path, mutant.line):
            if test not in self._known:
                continue
            seconds += self._touched.seconds(test)
            if chosen and seconds > self._budget:
                break
            chosen.append(test)
        return chosen

    def _longest(self, tests: Sequence[str]) -> float:
        """The seconds after which a mutant has shown that it does not end."""
        return START + SLOWER * sum(map(self._touched.seconds, tests))


def equivalent() -> Dict[str, str]:
    """The mutants that change nothing anybody could see, by their change, and the reasons."""
    return json.loads(EQUIVALENT.read_text(encoding="utf-8"))
