"""A network's file before a library opens it."""

import pytest

from trt_course import CourseError
from trt_course.model.network_file import require_network

MOST = 2 << 30  # bytes, which a sparse file has without taking them


def sized(path, length):
    with path.open("wb") as stream:
        stream.truncate(length)
    return path


@pytest.mark.parametrize("length", [1, MOST])
def test_any_file_that_an_onnx_can_be_is_let_through(tmp_path, length):
    path = sized(tmp_path / "a.onnx", length)
    require_network(path)
    require_network(str(path))


def test_what_no_onnx_can_be_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(CourseError, match="no file .*a.onnx. A model's ONNX lies beside its mod"):
        require_network(tmp_path / "a.onnx")
    with pytest.raises(CourseError, match="a.onnx is empty"):
        require_network(sized(tmp_path / "a.onnx", 0))
    with pytest.raises(CourseError, match="is 2.0 GiB long, but an ONNX file has at most 2"):
        require_network(sized(tmp_path / "a.onnx", MOST + 1))
    with pytest.raises(CourseError, match="not a regular file"):
        require_network(tmp_path)
