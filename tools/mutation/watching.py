"""A plugin of pytest that writes down how each test went.

Under coverage it also tells coverage which test runs, and which fixture is being set up, so that
its data can say who touched a line. Programs that a test starts learn it from the environment.

    MUTATION_RECORD=record.json python -m pytest -p mutation.watching
"""

import json
import os
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest

RECORD = "MUTATION_RECORD"
CONTEXT = "MUTATION_CONTEXT"  # the coverage settings of programs that a test starts name it

_tests: Dict[str, Dict[str, Any]] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[Any]:
    """Everything from here on is this test's."""
    fixtures = getattr(item, "fixturenames", [])
    _tests[item.nodeid] = {"seconds": 0.0, "passed": False, "fixtures": list(fixtures)}
    _watch(item.nodeid)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: Any, request: Any) -> Iterator[Any]:
    """What a shared fixture does belongs to all tests that use it, not to the first alone."""
    if fixturedef.scope == "function":
        return (yield)
    around = os.environ.get(CONTEXT, "")
    _watch(f"fixture {fixturedef.argname}")
    try:
        return (yield)
    finally:
        _watch(around)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Adds up a test's parts: its set-up, itself, its end."""
    test = _tests[report.nodeid]
    test["seconds"] += report.duration
    if report.when == "call":
        test["passed"] = report.passed
    elif report.failed:
        test["passed"] = False


def pytest_sessionfinish() -> None:
    """Writes the record."""
    Path(os.environ[RECORD]).write_text(json.dumps(_tests), encoding="utf-8")


def _watch(context: str) -> None:
    os.environ[CONTEXT] = context
    try:
        from coverage import Coverage
    except ImportError:
        return
    running = Coverage.current()
    if running is not None:
        running.switch_context(context)
