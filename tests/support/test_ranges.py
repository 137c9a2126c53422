"""Ranges and what is said of a number outside; which package a missing module is in; threads."""

import argparse
import signal
import threading

import numpy as np
import pytest

from trt_course import CourseError
from trt_course.support import errors
from trt_course.support.children import signals_held_back, start_thread
from trt_course.support.errors import install_command, need
from trt_course.support.memory import is_shortage
from trt_course.support.ranges import number, whole


@pytest.mark.parametrize(
    "allowed, words",
    [
        (whole(1, 3600000), "a whole number from 1 to 3600000"),
        (number(0.001, 1e7), "a number from 0.001 to 10000000"),
        (number(-1.5, float("inf")), "a number from -1.5 to inf"),
    ],
)
def test_a_range_is_said_as_a_person_would(allowed, words):
    assert str(allowed) == words


@pytest.mark.parametrize("value", [2, 3, np.int64(2), np.uint8(3)])
def test_whole_numbers_in_the_range(value):
    assert whole(2, 3).require(value, "x") is value
    assert whole(2, 3)(str(value)) == value


@pytest.mark.parametrize(
    "value, shown",
    [
        (1, "1"),
        (4, "4"),
        (np.int64(4), "4"),
        (2.0, "2.0"),
        (True, "True"),
        ("2", "'2'"),
        (None, "None"),
    ],
)
def test_what_is_no_whole_number_of_the_range(value, shown):
    with pytest.raises(CourseError) as refused:
        whole(2, 3).require(value, "x")
    assert str(refused.value) == f"x is {shown}; wanted: a whole number from 2 to 3"


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.25)])
def test_numbers_in_the_range(value):
    assert number(0, 1).require(value, "x") is value


@pytest.mark.parametrize(
    "value, shown",
    [
        (-0.5, "-0.5"),
        (1.5, "1.5"),
        (np.float32(1.5), "1.5"),
        (float("nan"), "nan"),
        (False, "False"),
        (2, "2"),
    ],
)
def test_what_is_no_number_of_the_range(value, shown):
    with pytest.raises(CourseError) as refused:
        number(0, 1).require(value, "x")
    assert str(refused.value) == f"x is {shown}; wanted: a number from 0 to 1"


def test_a_word_of_the_command_line():
    assert number(0, 1)("0.5") == 0.5
    assert whole(0, 10)(" 7 ") == 7
    for text in ("1.5", "x", "nan", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="^wanted: a number from 0 to 1; giv"):
            number(0, 1)(text)


# Modules that are missing


@pytest.mark.parametrize(
    "module, command",
    [
        ("matplotlib", "pip install matplotlib"),
        ("onnxruntime.quantization", "pip install onnxruntime"),
        ("imageio_ffmpeg", "pip install imageio-ffmpeg"),
        ("tensorrt", "pip install -r requirements-nvidia.txt (on a Jetson it comes with JetPack)"),
    ],
)
def test_the_package_of_a_module_has_its_own_name(module, command):
    assert install_command(module) == command


def test_a_missing_module_is_a_sentence():
    with pytest.raises(CourseError) as refused:
        need("no_such_module.part")
    assert str(refused.value) == (
        "This needs the Python module 'no_such_module.part', which cannot be imported (No module "
        "named 'no_such_module'). Install it with: pip install no_such_module"
    )
    assert isinstance(refused.value.__cause__, ImportError)


def test_a_sentence_keeps_its_lines_and_no_control_of_a_terminal():
    assert str(CourseError("one\ntwo\x1b[2J")) == "one\ntwo\\x1b[2J"
    assert str(CourseError()) == ""
    assert issubclass(errors.MissingLibraryError, ImportError)


@pytest.mark.parametrize(
    "error, short",
    [
        (MemoryError(), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("OpenCV: Insufficient memory (Failed to allocate 9 bytes)"), True),
        (OSError(12, "Cannot allocate memory"), True),
        (ValueError("too many values"), False),
    ],
)
def test_errors_of_memory_are_told_from_others(error, short):
    assert is_shortage(error) == short


# Threads and children


def test_a_thread_that_cannot_start_says_what_to_do(monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    thread = threading.Thread(target=lambda: None)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(CourseError, match="allows no more threads.*This program runs [1-9]"):
        start_thread(thread)


def test_a_thread_that_can_is_started():
    ran = threading.Event()
    thread = threading.Thread(target=ran.set)
    start_thread(thread)
    thread.join(20)
    assert ran.is_set()


def test_signals_are_held_back_until_the_end_of_the_block_and_no_longer():
    """A child that is started in it inherits that."""
    came = []
    before = signal.signal(signal.SIGTERM, lambda *_: came.append("SIGTERM"))
    try:
        with signals_held_back():
            assert signal.pthread_sigmask(signal.SIG_BLOCK, []) >= {signal.SIGINT, signal.SIGTERM}
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
            assert came == []
        assert came == ["SIGTERM"]
        assert not signal.pthread_sigmask(signal.SIG_BLOCK, []) & {signal.SIGINT, signal.SIGTERM}
    finally:
        signal.signal(signal.SIGTERM, before)
