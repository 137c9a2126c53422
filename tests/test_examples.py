"""The examples in the docstrings are right: each module's are run, quickly and without a GPU."""

import doctest
import importlib

import pytest

MODULES = [
    "trt_course.detections",
    "trt_course.draw",
    "trt_course.lesson.show",
    "trt_course.model.fields",
    "trt_course.model.find",
    "trt_course.model.oddities",
    "trt_course.model.placement",
    "trt_course.model.preprocess",
    "trt_course.model.priors",
    "trt_course.model.suppression",
    "trt_course.ssd",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(name)
    results = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert results.attempted > 0
    assert results.failed == 0
