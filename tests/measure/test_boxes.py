"""Text files of boxes: names with blanks, mistakes with file and line, missing or strange files."""

import numpy as np
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


def test_files_are_read_by_the_name_of_their_picture(tmp_path):
    gt = write(tmp_path / "gt", b="car 1 2 3 4 difficult\nvan 5 6 7 8\n", a="")
    det = write(tmp_path / "det", a="van 0.25 1 2 3 4\n", b="car 1 5 6 7 8\ncar 0 1 1 1 1\n")
    (gt / "notes.md").write_text("no ground truth")
    truths, founds, missing = boxes.read_folders(str(gt), str(det))
    assert list(truths) == ["a", "b"]
    assert missing == []

    assert truths["a"].labels == []
    assert truths["a"].boxes.shape == (0, 4)
    assert truths["b"].labels == ["car", "van"]
    assert truths["b"].boxes.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert truths["b"].difficult.tolist() == [True, False]

    assert founds["a"].labels == ["van"]
    assert founds["a"].confs.tolist() == [0.25]
    assert founds["b"].confs.tolist() == [1, 0]
    assert founds["b"].boxes.tolist() == [[5, 6, 7, 8], [1, 1, 1, 1]]
    assert boxes.NOTHING.boxes.shape == (0, 4)


def test_all_missing_files_are_named_in_order(tmp_path):
    gt = write(tmp_path / "gt", c="", a="car 0 0 9 9\n", b="")
    det = write(tmp_path / "det", b="")
    assert boxes.read_folders(gt, det)[2] == ["a", "c"]


def test_a_folder_without_text_files(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"")
    (tmp_path / ".b.txt").write_text("car 0 0 9 9\n")
    with pytest.raises(CourseError, match="holds no .txt files"):
        boxes.text_files(tmp_path)


def test_kept_are_those_of_the_mask():
    numbers = np.arange(3.0)
    found = boxes.Found(["a", "b", "c"], numbers, np.stack([numbers] * 4, axis=1))
    kept = found.keep(np.array([True, False, True]))
    assert kept.labels == ["a", "c"]
    assert kept.confs.tolist() == [0, 2]
    assert kept.boxes.tolist() == [[0] * 4, [2] * 4]


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
        ("car 1 4 3 2", "line 3: the box ends before it begins, in left top right bottom: car 1"),
        ("car 1 2 3 4 difficult 5", "line 3: 7 fields"),
        ('"car 1 2 3 4', "line 3: No closing quotation"),
        ("car 1 2 1000000.5 4", "line 3: the box lies more than 1000000 pixels from the corner"),
        ("car -1000001 2 3 4", "line 3: the box lies more than 1000000 pixels from the corner"),
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


def test_a_detection_has_no_mark(tmp_path):
    """A sixth field of ground truth would be taken for its confidence."""
    (tmp_path / "x.txt").write_text("car 0.5 1 2 3 4 difficult\n")
    wanted = "line 1: 7 fields; wanted: class confidence left top right bottom"
    with pytest.raises(CourseError, match=wanted):
        boxes.read_found(tmp_path / "x.txt")


def test_boxes_at_the_limits_are_boxes(tmp_path):
    """Without an area, far away, and half outside: real files have them."""
    (tmp_path / "x.txt").write_text("car 5 5 5 5\ncar -1000000 -3 1000000 1e6\n")
    truth = boxes.read_truth(tmp_path / "x.txt")
    assert truth.boxes.tolist() == [[5, 5, 5, 5], [-1e6, -3, 1e6, 1e6]]


def test_the_longest_of_the_names_wins(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("stop sign 1 2 3 4\nstop 1 2 3 4\n'stop' 1 2 3 4\nsign 1 2 3 4\n")
    truth = boxes.read_truth(path, ["stop", "stop sign"])
    assert truth.labels == ["stop sign", "stop", "stop", "sign"]

    path.write_text("stop sign ahead 1 2 3 4\n")
    truth = boxes.read_truth(path, ["stop sign", "stop sign ahead"])
    assert truth.labels == ["stop sign ahead"]

    path.write_text("stop sign 0.5 1 2 3 4\n")
    found = boxes.read_found(path, ["stop sign"])
    assert (found.labels, found.confs.tolist()) == (["stop sign"], [0.5])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_on_any_system(tmp_path, end):
    lines = ["car 1 2 3 4", "", "   ", r"it\'s 1 2 3 4", "'a\x0bb\u2028c' 1 2 3 4", "van 9 9"]
    (tmp_path / "x.txt").write_bytes(end.join(lines[:5]).encode())
    assert boxes.read_truth(tmp_path / "x.txt").labels == ["car", "it's", "a\x0bb\u2028c"]
    (tmp_path / "x.txt").write_bytes(end.join(lines).encode())
    with pytest.raises(CourseError, match="line 6: 3 fields"):
        boxes.read_truth(tmp_path / "x.txt")


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
