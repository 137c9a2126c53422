"""The checks of the checkout and of its style find what they are there for."""

import subprocess

import pytest

import check_style
import check_tree
from python_file import PythonFile


@pytest.fixture
def faulty(tmp_path):
    """A checkout with a fault of each kind."""
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    (tmp_path / "trt_course").mkdir()
    (tmp_path / "trt_course/long.py").write_text("x = 1\n" * 301)
    (tmp_path / "full.ipynb").write_text('{"cells": [{"outputs": [1], "execution_count": 3}]}')
    (tmp_path / "big.bin").write_bytes(b"0" * (29 << 20))
    subprocess.run([*git, "add", "-A"], check=True)
    return tmp_path


def test_tree_check_finds_faults(faulty, monkeypatch):
    monkeypatch.setattr(check_tree, "KIT", faulty)
    (size,) = check_tree.tree_size()
    (notebook,) = check_tree.notebooks()
    (silent,) = check_tree.docstrings()
    assert "29.0 MiB" in size
    assert "full.ipynb" in notebook
    assert "long.py" in silent


def test_style_check_finds_a_long_file(faulty):
    measures = check_style.measure(check_style.sources_in(faulty / "trt_course"))
    assert measures["files over 300 lines"] == 1
    said = list(check_style.complaints({"trt_course": measures}))
    assert "trt_course: files over 300 lines is 1.0; wanted: at most 0" in said


def test_style_check_finds_faults_of_a_function(tmp_path):
    (tmp_path / "packed.py").write_text("""def packed(x):
    a, b = x, 2
    return (a if b else max(abs(a), abs(b))) + a * b + a
""")
    source = PythonFile(tmp_path / "packed.py")
    said = "\n".join(str(place) for place in check_style.places(source))
    assert "packed.py:2: a parallel assignment" in said
    assert "packed.py:3: a conditional expression" in said
    assert "operations on a line of packed" in said
    assert "packed has no docstring" in said
