"""Tables of boxes: one column for each value, and no table that is not whole."""

import csv
import os
import signal
import time

import numpy as np
import pytest

from trt_course import CourseError, Detections
from trt_course.support.outputs import Outputs
from trt_course.throughput import tables as tables_module
from trt_course.throughput.batches import Seen
from trt_course.throughput.tables import HEADER, Tables

LABELS = ['lorry, "large"', "van"]


def seen(source):
    return Seen(source, 7, 0.28, time.perf_counter(), None)


@pytest.mark.parametrize("label", ["lorry, large", 'a "lorry"', '"', ",", "van"])
def test_any_label_is_read_back_as_it_is(tmp_path, label):
    with Tables(["clip"], tmp_path, [label]) as tables:
        tables.append(seen(0), Detections([[1, 2, 3, 4]], [0.5], [0]))
    with open(str(tmp_path / "clip.csv"), newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["class"], row["confidence"]) == (label, "0.500000")


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


def test_ctrl_c_keeps_the_tables(tmp_path):
    with pytest.raises(KeyboardInterrupt), Tables(["a"], tmp_path, LABELS) as tables:
        tables.append(seen(0), Detections([[1, 2, 3, 4]], [0.5], [1]))
        raise KeyboardInterrupt
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 2


def test_ctrl_c_at_the_very_end_waits_until_all_tables_have_their_names(tmp_path, monkeypatch):
    end = tables_module._Table.end

    def interrupted(table, keep):
        os.kill(os.getpid(), signal.SIGINT)
        end(table, keep)

    one = Detections([[1, 2, 3, 4]], [0.5], [1])
    with pytest.raises(KeyboardInterrupt), Tables(["a", "b"], tmp_path, LABELS) as tables:
        for source in (0, 1):
            tables.append(seen(source), one)
        once = iter([interrupted, end])
        monkeypatch.setattr(tables_module._Table, "end", lambda *args: next(once)(*args))
    for name in ("a.csv", "b.csv"):
        assert len((tmp_path / name).read_text().splitlines()) == 2


def test_boxes_go_to_disk_in_large_pieces(tmp_path):
    """Not all at the end, for a run has millions; not one by one, for each call takes its time."""
    many = Detections(np.tile([[1, 2, 3, 4]], (50, 1)), [0.5] * 50, [1] * 50)
    sizes = [0]
    with Tables(["a"], tmp_path, LABELS) as tables:
        (growing,) = [path for path in tmp_path.iterdir() if path.suffix == ".csv"]
        sizes.append(growing.stat().st_size)
        for _ in range(200):
            tables.append(seen(0), many)
            sizes.append(growing.stat().st_size)
    head = len(",".join(HEADER)) + 1
    pieces = [after - before for before, after in zip(sizes, sizes[1:]) if after > before]
    assert pieces[0] == head
    assert len(pieces) == 4
    assert all(1 << 17 <= piece < (1 << 17) + 4000 for piece in pieces[1:])


def test_somebody_else_s_table_is_not_replaced(tmp_path):
    (tmp_path / "a.csv").write_text("my own notes")
    with pytest.raises(CourseError, match="in the way"), Tables(["a"], tmp_path, LABELS):
        pass
    assert (tmp_path / "a.csv").read_text() == "my own notes"
    with Tables(["a"], tmp_path, LABELS, Outputs(force=True)):
        pass
    assert (tmp_path / "a.csv").read_text() == ",".join(HEADER) + "\n"
