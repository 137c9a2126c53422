"""Every promise of docs/reliability.md names tests, and those are there."""

import re
from pathlib import Path

KIT = Path(__file__).resolve().parent.parent.parent
PAGE = (KIT / "docs" / "reliability.md").read_text(encoding="utf-8")
HOSTILE = KIT / "tests" / "hostile"


def promises():
    """The promise and the tests of each line of a table that has them."""
    is_promise = False
    for line in PAGE.splitlines():
        if line == "| promise | kept by |":
            is_promise = True
        elif not line.startswith("|"):
            is_promise = False
        elif is_promise and line.startswith("| "):
            promise, _, tests = line.strip("| ").rpartition(" | ")
            yield promise, re.findall(r"`([\w/.-]+\.py)::(\w+)`", tests)


def test_each_promise_names_tests_that_are_there():
    found = list(promises())
    assert len(found) > 40
    for promise, tests in found:
        assert tests, promise
        for file, name in tests:
            places = [HOSTILE / file, KIT / file]
            texts = [path.read_text(encoding="utf-8") for path in places if path.is_file()]
            assert texts, f"{promise}: there is no {file}"
            assert f"def {name}(" in texts[0], f"{promise}: {file} has no {name}"
