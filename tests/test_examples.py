"""The examples in the docstrings are right: each module's are run, quickly and without a GPU."""

import doctest
import importlib
from pathlib import Path

import pytest

import trt_course

PACKAGE = Path(trt_course.__file__).parent


def modules_with_examples():
    """Their names, of all modules in the package."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if ">>> " in path.read_text(encoding="utf-8"):
            parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
            found.append(".".join(parts))
    return found


MODULES = modules_with_examples()


def test_the_examples_are_found():
    assert len(MODULES) > 30
    assert {"trt_course.ssd", "trt_course.support.ranges"} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(name)
    results = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert results.attempted > 0
    assert results.failed == 0
