"""Tables of boxes: one column for each value, and no table that is not whole."""

import csv
import time

import pytest

from trt_course import CourseError, Detections
from trt_course.throughput.batches import Seen
from trt_course.throughput.tables import HEADER, Tables

LABELS = ['lorry, "large"', "van"]


def seen(source):
    return Seen(source, 7, 0.28, time.perf_counter(), None)


def test_a_label_with_a_comma_stays_one_column(tmp_path):
    found = Detections([[1, 2, 3, 4], [5, 6, 7, 8.25]], [0.5, 0.25], [0, 1])
    with Tables(["clip"], tmp_path, LABELS) as tables:
        tables.append(seen(0), found)
    with open(str(tmp_path / "clip.csv"), newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["class"] for row in rows] == LABELS
    assert [row["frame"] for row in rows] == ["7", "7"]
    values = [float(row[column]) for row in rows for column in ("time", "confidence", "y2")]
    assert values == [0.28, 0.5, 4, 0.28, 0.25, 8.25]


def test_each_source_has_its_table(tmp_path):
    one = Detections([[1, 2, 3, 4]], [0.5], [1])
    with Tables(["a", "b"], tmp_path, LABELS) as tables:
        tables.append(seen(1), one)
        tables.append(seen(0), Detections())
    head = ",".join(HEADER) + "\n"
    assert (tmp_path / "a.csv").read_text() == head
    row = "7,0.280000,van,0.500000,1.000,2.000,3.000,4.000\n"
    assert (tmp_path / "b.csv").read_text() == head + row


def test_after_an_error_there_is_none(tmp_path):
    with pytest.raises(ZeroDivisionError), Tables(["a"], tmp_path, LABELS):
        raise ZeroDivisionError
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(CourseError), Tables(["a", "b"], tmp_path, LABELS):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["b.csv"]
