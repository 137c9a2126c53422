"""Text files of boxes: names with blanks, mistakes with file and line, missing or strange files."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trt_course import CourseError
from trt_course.measure import boxes


def write(folder, **texts):
    """A text file for each image."""
    folder.mkdir()
    for name, text in texts.items():
        (folder / (name + ".txt")).write_text(text)
    return folder


def test_missing_file_counts_as_empty_and_is_listed(tmp_path):
    gt = write(tmp_path / "gt", a="car 0 0 9 9\n", b="")
    det = write(tmp_path / "det", b="")
    _, founds, missing = boxes.read_folders(gt, det)
    assert missing == ["a"]
    assert founds["a"].labels == []


def test_detections_of_an_unknown_picture(tmp_path):
    gt = write(tmp_path / "gt", a="car 0 0 9 9\n")
    det = write(tmp_path / "det", z="")
    with pytest.raises(CourseError, match="z.txt has no ground truth: .*gt holds no z.txt"):
        boxes.read_folders(gt, det)


@pytest.mark.parametrize(
    "line, message",
    [
        (
            "car 1 2 3",
            "line 3: 4 fields; wanted: class left top right bottom .difficult.*: car 1 2 3",
        ),
        ("stop sign 1 2 3 4 5", "line 3: 7 fields"),
        ("car 1 2 3 four", "line 3: could not convert string to float: 'four'"),
        ("car 1 2 3 nan", "line 3: a number is not finite"),
        ("car 1 2 3 4 hard", "line 3: the last field is 'hard'; allowed: difficult"),
        ("car 5 2 3 4", "line 3: the box ends before it begins, in left top right bottom: car 5"),
        ('"car 1 2 3 4', "line 3: No closing quotation"),
    ],
)
def test_mistakes_name_file_and_line(tmp_path, line, message):
    (tmp_path / "x.txt").write_text("car 1 2 3 4\n\n" + line + "\n")
    with pytest.raises(CourseError, match="x.txt, " + message):
        boxes.read_truth(tmp_path / "x.txt")


def test_names_with_blanks(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("stop sign 1 2 3 4 difficult\n'stop sign' 1 2 3 4\ncar 1 2 3 4\n")
    truth = boxes.read_truth(path, ["stop sign"])
    assert truth.labels == ["stop sign", "stop sign", "car"]
    with pytest.raises(CourseError, match="line 1: 7 fields.* quoted, or listed"):
        boxes.read_truth(path)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_rubbish_never_escapes_as_a_traceback(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("fuzz") / "x.txt"
    path.write_bytes(content)
    for read in (boxes.read_truth, boxes.read_found):
        try:
            read(path)
        except CourseError as err:
            assert "x.txt" in str(err)
