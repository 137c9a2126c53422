"""The realism check counts as it says; the detector itself is not needed here."""
import check_realism as cr
import numpy as np
import pytest

BOX = np.array([10, 10, 60, 110.0])


def found(*rows):
    return [(2, score, np.asarray(box, float)) for score, box in rows]


def test_each_object_is_found_once_and_a_second_box_is_wrong():
    rows, total = cr.judge(found((.9, BOX), (.8, BOX + 2)), BOX[None], np.zeros((0, 4)), 2)
    assert rows == [(.9, True), (.8, False)] and total == 1


def test_what_lies_on_an_ignored_object_or_is_small_does_not_count():
    small = [200, 10, 210, 30]
    rows, _ = cr.judge(found((.9, BOX), (.7, small)), np.zeros((0, 4)), BOX[None], 2)
    assert rows == []


@pytest.mark.parametrize("rows, total, want", [
    ([(.9, True), (.8, True)], 2, 1.0), ([(.9, False), (.8, True)], 1, .5), ([(.9, True)], 2, .5), ([], 3, 0.0)])
def test_average_precision(rows, total, want):
    assert cr.average_precision(rows, total) == pytest.approx(want)


def test_crops_cover_the_whole_picture_and_know_what_they_cut():
    parts = cr.windows(np.zeros((384, 1248, 3), np.uint8), np.array([[600, 0, 700, 50.0]]), "crops")
    assert [part[0].shape[1] for part in parts] == [683, 683]
    assert [round(float(part[2][0]), 2) for part in parts] == [.83, 1.0]


def test_a_missing_detector_is_told(capsys, tmp_path):
    assert cr.main(["--model", str(tmp_path / "none.onnx")]) == 2
    assert "No detector at" in capsys.readouterr().err
